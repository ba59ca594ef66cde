/* Answers of an HTTP/2 session, and what else is said about streams. Floor 4; worker. */
#include "h2_session.h"
#include "hostel/base/date.h"
#include "hostel/base/text.h"

#include <errno.h>

/* Static text is not copied. */
#define STILL (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)

static nghttp2_nv
pair(struct span name, struct span value, uint8_t flags)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.p, (uint8_t *)(uintptr_t)value.p, name.n,
                        value.n, flags};
}

static ssize_t
on_read(nghttp2_session *s, int32_t id, uint8_t *room, size_t max, uint32_t *flags,
        nghttp2_data_source *source, void *data)
{
    struct h2 *h = data;
    bool last = false;
    ssize_t n = h->ops->body_ready(source->ptr, max, &last);

    (void)s;
    (void)id;
    (void)room;
    if (n < 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (n == 0 && !last)
        return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY | (last ? NGHTTP2_DATA_FLAG_EOF : 0);
    return n;
}

int
h2_answer(struct h2 *h, struct h2_stream *s, const struct response *r, bool body)
{
    char status[TEXT_DIGITS_MAX], length[TEXT_DIGITS_MAX];
    nghttp2_nv fields[RESPONSE_FIELDS_MAX + 4];
    nghttp2_data_provider from = {.source.ptr = s, .read_callback = on_read};
    size_t n = 0;
    int rc = response_check(r);

    if (rc < 0)
        return rc;
    fields[n++] =
        pair(SPAN(":status"), text_digits(r->status, status), NGHTTP2_NV_FLAG_NO_COPY_NAME);
    fields[n++] = pair(SPAN("date"), date_now(), NGHTTP2_NV_FLAG_NO_COPY_NAME);
    fields[n++] = pair(SPAN("server"), SPAN("hostel"), STILL);
    for (unsigned i = 0; i < r->nfields; i++)
        fields[n++] = pair(r->fields[i].name, r->fields[i].value, NGHTTP2_NV_FLAG_NONE);
    if (r->length != RESPONSE_LENGTH_UNKNOWN && r->status != 204)
        fields[n++] = pair(SPAN("content-length"), text_digits(r->length, length),
                           NGHTTP2_NV_FLAG_NO_COPY_NAME);
    rc = nghttp2_submit_response(h->session, (int32_t)s->id, fields, n, body ? &from : NULL);
    return rc < 0 ? -ENOMEM : 0;
}

void
h2_continue(struct h2 *h, struct h2_stream *s)
{
    const nghttp2_nv status = pair(SPAN(":status"), SPAN("100"), STILL);

    (void)nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE, (int32_t)s->id, NULL, &status,
                                 1, NULL);
}

void
h2_more(struct h2 *h, struct h2_stream *s)
{
    (void)nghttp2_session_resume_data(h->session, (int32_t)s->id); /* or there was no need */
}

void
h2_used(struct h2 *h, struct h2_stream *s, size_t n)
{
    (void)nghttp2_session_consume(h->session, (int32_t)s->id, n);
}

void
h2_dropped(struct h2 *h, size_t n)
{
    (void)nghttp2_session_consume_connection(h->session, n);
}

void
h2_reset(struct h2 *h, struct h2_stream *s, enum h2_error code)
{
    (void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, (int32_t)s->id, code);
}

void
h2_share(struct h2 *h, struct h2_stream *s)
{
    const nghttp2_extpri how = {.urgency = s->urgency, .inc = 1};

    s->shares = true;
    (void)nghttp2_session_change_extpri_stream_priority(h->session, (int32_t)s->id, &how, 0);
}

bool
h2_stalled(const struct h2 *h, const struct h2_stream *s)
{
    return nghttp2_session_get_remote_window_size(h->session) <= 0 ||
           nghttp2_session_get_stream_remote_window_size(h->session, (int32_t)s->id) <= 0;
}

void
h2_drain(struct h2 *h)
{
    if (h->draining)
        return;
    h->draining = true;
    (void)nghttp2_submit_shutdown_notice(h->session);
    (void)nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
}

void
h2_goodbye(struct h2 *h, enum h2_error code)
{
    if (code != H2_NO_ERROR) {
        (void)nghttp2_session_terminate_session(h->session, code);
        return;
    }
    (void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(h->session), code, NULL,
                                0);
}
