/*
 * One HTTP/2 session over nghttp2: what it is set to, and what its callbacks make of it.
 * Floor 4; worker.
 *
 * The callbacks run within h2_take() and h2_give() only. What ends a session is noted (spent,
 * broken) and done when nghttp2 has returned.
 */
#include "h2_session.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define RESETS_KEPT 128

/* One for the worker: a block of fields seldom lasts longer than the read it came in. */
static struct h2_fields *spare_fields;

static struct h2_fields *
fields_take(void)
{
    struct h2_fields *f = spare_fields;

    spare_fields = NULL;
    if (!f)
        f = mem_raw(sizeof(*f));
    h2_fields_start(f);
    return f;
}

static void
fields_give(struct h2_fields **f)
{
    if (*f && !spare_fields)
        spare_fields = *f;
    else
        free(*f);
    *f = NULL;
}

static void
spend(struct h2 *h, enum h2_cost what)
{
    if (!h2_budget_spend(&h->budget, what, h->now_ms))
        h->spent = true;
}

/* --- requests --------------------------------------------------------------------------- */

static int
on_begin_headers(nghttp2_session *s, const nghttp2_frame *frame, void *data)
{
    struct h2 *h = data;

    (void)s;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0; /* trailers: each field is looked at as it comes */
    fields_give(&h->fields);
    h->fields = fields_take();
    return 0;
}

static int
on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
          const uint8_t *value, size_t value_n, uint8_t flags, void *data)
{
    struct span n = span_of(name, name_n), v = span_of(value, value_n);
    struct h2 *h = data;

    (void)s;
    (void)flags;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        h->unpacked += name_n + value_n + 32;
        if (h->unpacked > H2_LIST_MAX || !h2_fields_trailer(n, v))
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        return 0;
    }
    if (h->fields && h2_fields_add(h->fields, n, v) < 0) {
        h->spent = true;
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return 0;
}

/* What nghttp2 would only leave out makes a request malformed. RFC 9113 8.2.1 */
static int
on_invalid_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name,
                  size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
                  void *data)
{
    (void)s;
    (void)frame;
    (void)name;
    (void)name_n;
    (void)value;
    (void)value_n;
    (void)flags;
    (void)data;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/*
 * How urgent is it? nghttp2 has read the same. Where nothing was said it shares with the
 * others, so that a big answer does not hold up what comes after it. RFC 9218 10
 */
static void
prioritize(struct h2 *h, struct h2_stream *s)
{
    const struct h2_fields *f = h->fields;

    *s = (struct h2_stream){s->id, f->urgency, f->shares};
    if (!f->priority && (int32_t)s->id > h->updated)
        h2_share(h, s);
}

static void
request_whole(struct h2 *h, const nghttp2_frame *frame)
{
    bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    struct h2_stream as = {.id = (uint32_t)frame->hd.stream_id};
    struct h2_head head = {0};
    struct request r;

    if (h2_fields_request(h->fields, ended, &r, &head) < 0) {
        h2_reset(h, &as, H2_PROTOCOL_ERROR);
        spend(h, H2_COST_RESET);
        return;
    }
    prioritize(h, &as);
    h->ops->on_request(h->data, &as, &r, &head);
}

void
h2_own(struct h2 *h, struct h2_stream *s)
{
    h->streams++;
    (void)nghttp2_session_set_stream_user_data(h->session, (int32_t)s->id, s);
}

/* A word later on, about one that is there or still to come. RFC 9218 7 */
static void
on_priority_update(struct h2 *h, const nghttp2_frame *frame)
{
    const nghttp2_ext_priority_update *update = frame->ext.payload;
    struct h2_stream *s = nghttp2_session_get_stream_user_data(h->session, update->stream_id);

    if (s)
        h2_priority(span_of(update->field_value, update->field_value_len), &s->urgency,
                    &s->shares);
    else if (update->stream_id > h->updated)
        h->updated = update->stream_id;
}

/* --- frames ----------------------------------------------------------------------------- */

/* Has it been reset by us, not long ago? Its frames may still be on their way. 5.1 */
static bool
was_reset(const struct h2 *h, uint32_t id)
{
    for (unsigned i = 0; h->reset && i < RESETS_KEPT && i < h->nreset; i++)
        if (h->reset[i] == id)
            return true;
    return false;
}

static int
on_frame_send(nghttp2_session *s, const nghttp2_frame *frame, void *data)
{
    struct h2 *h = data;

    (void)s;
    if (frame->hd.type != NGHTTP2_RST_STREAM)
        return 0;
    if (!h->reset)
        h->reset = mem_new_array(RESETS_KEPT, sizeof(*h->reset));
    h->reset[h->nreset++ % RESETS_KEPT] = (uint32_t)frame->hd.stream_id;
    return 0;
}

/*
 * A frame on a stream that is not there. nghttp2 passes it over, and forgets streams when they
 * close.
 *
 * src  RFC 9113 5.1, 5.1.1
 */
static void
judge_stream(struct h2 *h, uint32_t id)
{
    if (nghttp2_session_find_stream(h->session, (int32_t)id) || was_reset(h, id))
        return;
    h->fault = id >= h->run ? H2_STREAM_CLOSED : H2_PROTOCOL_ERROR;
}

static void
open_stream(struct h2 *h, uint32_t id)
{
    if (id != h->last + 2 && id != 1)
        h->run = id;
    h->last = id;
}

static void
charge(struct h2 *h, const struct h2_frame *f)
{
    switch (f->type) {
    case NGHTTP2_HEADERS:
        h->unpacked = 0;
        break;
    case NGHTTP2_CONTINUATION:
        spend(h, H2_COST_EMPTY);
        break;
    case NGHTTP2_DATA:
        if (f->length == 0 && !(f->flags & NGHTTP2_FLAG_END_STREAM))
            spend(h, H2_COST_EMPTY);
        break;
    case NGHTTP2_RST_STREAM:
        spend(h, H2_COST_RESET);
        break;
    case NGHTTP2_SETTINGS:
        spend(h, H2_COST_SETTINGS);
        break;
    case NGHTTP2_PING:
        spend(h, H2_COST_PING);
        break;
    case NGHTTP2_PRIORITY:
        if (f->stream == 0) /* nghttp2 does not look at what RFC 9218 has replaced */
            h->fault = H2_PROTOCOL_ERROR;
        spend(h, H2_COST_PRIORITY);
        break;
    case NGHTTP2_PRIORITY_UPDATE:
        spend(h, H2_COST_PRIORITY);
        break;
    case NGHTTP2_WINDOW_UPDATE:
        spend(h, H2_COST_WINDOW);
        break;
    default:
        spend(h, H2_COST_UNKNOWN);
        break;
    }
}

static void
on_headers(struct h2 *h, const nghttp2_frame *frame)
{
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST && h->fields) {
        request_whole(h, frame);
        fields_give(&h->fields);
    }
}

static int
on_frame_recv(nghttp2_session *s, const nghttp2_frame *frame, void *data)
{
    struct h2 *h = data;
    struct h2_stream *stream;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        on_headers(h, frame);
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            return 0; /* without a body it was told so */
        break;
    case NGHTTP2_DATA:
        break;
    case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) && h->draining && !h->drained) {
            h->drained = true;
            h->ops->on_drained(h->data);
        }
        return 0;
    case NGHTTP2_PRIORITY_UPDATE:
        on_priority_update(h, frame);
        return 0;
    default:
        return 0;
    }
    stream = nghttp2_session_get_stream_user_data(s, frame->hd.stream_id);
    if (stream && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        h->ops->on_body_end(stream);
    return 0;
}

/* It was reset, or the session will end: nghttp2 has seen to either. */
static int
on_invalid_frame(nghttp2_session *s, const nghttp2_frame *frame, int error, void *data)
{
    struct h2 *h = data;

    (void)s;
    (void)frame;
    spend(h, error == NGHTTP2_ERR_REFUSED_STREAM ? H2_COST_REFUSED : H2_COST_RESET);
    return 0;
}

static int
on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *bytes, size_t n,
        void *data)
{
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(s, id);
    struct h2 *h = data;

    (void)flags;
    if (stream)
        h->ops->on_body(stream, span_of(bytes, n));
    else
        (void)nghttp2_session_consume(s, id, n);
    return 0;
}

static int
on_close(nghttp2_session *s, int32_t id, uint32_t error, void *data)
{
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(s, id);
    struct h2 *h = data;

    if (!stream)
        return 0;
    if (error == NGHTTP2_NO_ERROR)
        h2_budget_earn(&h->budget, 3);
    h->streams--;
    h->ops->on_closed(stream);
    return 0;
}

/* --- answers ---------------------------------------------------------------------------- */

static int
on_send_data(nghttp2_session *s, nghttp2_frame *frame, const uint8_t *head, size_t n,
             nghttp2_data_source *source, void *data)
{
    struct h2 *h = data;

    (void)s;
    (void)frame;
    h2_budget_earn(&h->budget, 2);
    return h->ops->body_out(source->ptr, span_of(head, H2_FRAME_HEAD), n) ? 0
                                                                          : NGHTTP2_ERR_PAUSE;
}

/* --- life ------------------------------------------------------------------------------- */

static nghttp2_session_callbacks *
callbacks_new(void)
{
    nghttp2_session_callbacks *c;

    if (nghttp2_session_callbacks_new(&c) < 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(c, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
    nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
    return c;
}

static nghttp2_option *
option_new(void)
{
    nghttp2_option *o;

    if (nghttp2_option_new(&o) < 0)
        return NULL;
    nghttp2_option_set_no_auto_window_update(o, 1); /* as it is used, not as it comes */
    nghttp2_option_set_no_closed_streams(o, 1);     /* they only served old priorities */
    nghttp2_option_set_max_deflate_dynamic_table_size(o, H2_TABLE_BYTES);
    nghttp2_option_set_builtin_recv_extension_type(o, NGHTTP2_PRIORITY_UPDATE);
    return o;
}

static int
say_hello(nghttp2_session *s)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_LIST_MAX},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    int rc = nghttp2_submit_settings(s, NGHTTP2_FLAG_NONE, settings,
                                     sizeof(settings) / sizeof(settings[0]));

    if (rc == 0)
        rc = nghttp2_session_set_local_window_size(s, NGHTTP2_FLAG_NONE, 0, H2_WINDOW_ALL);
    return rc;
}

struct h2 *
h2_new(const struct h2_ops *ops, void *data, uint64_t now_ms)
{
    static nghttp2_session_callbacks *callbacks; /* the same for all: made once, kept */
    static nghttp2_option *option;
    struct h2 *h;

    if (!callbacks)
        callbacks = callbacks_new();
    if (!option)
        option = option_new();
    if (!callbacks || !option)
        return NULL;
    h = mem_new(sizeof(*h));
    h->ops = ops;
    h->data = data;
    h->now_ms = now_ms;
    h->run = 1;
    h2_budget_init(&h->budget, now_ms);
    h2_walk_init(&h->walk);
    if (nghttp2_session_server_new2(&h->session, callbacks, h, option) < 0 ||
        say_hello(h->session) < 0)
        h2_free(&h);
    return h;
}

void
h2_free(struct h2 **h)
{
    if (!*h)
        return;
    nghttp2_session_del((*h)->session); /* closes no streams by itself: their owner did */
    fields_give(&(*h)->fields);
    free((*h)->reset);
    free(*h);
    *h = NULL;
}

/* ret  false: it is the session's end */
static bool
feed(struct h2 *h, struct span bytes)
{
    ssize_t n = 0;

    if (bytes.n > 0)
        n = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes.p, bytes.n);
    if (n == NGHTTP2_ERR_FLOODED)
        h->spent = true;
    return n == (ssize_t)bytes.n && !h->spent;
}

/*
 * All frames but those that need a look at their stream go to nghttp2 in one piece: fields on a
 * stream that must be there, since its id is no new one.
 */
static bool
walk(struct h2 *h, struct span bytes)
{
    struct span rest = bytes;
    uint32_t known = h->last;
    struct h2_frame f;

    while (!h->fault && !h->spent) {
        struct span from = rest;

        if (!h2_walk_next(&h->walk, &rest, &f))
            return feed(h, bytes);
        charge(h, &f);
        if (f.type == NGHTTP2_DATA && f.stream <= known && f.stream > 0)
            judge_stream(h, f.stream);
        if (f.type != NGHTTP2_HEADERS || f.stream % 2 == 0)
            continue;
        if (f.stream > h->last) {
            open_stream(h, f.stream);
            continue;
        }
        from = span_of(bytes.p, (size_t)(from.p - bytes.p) + f.at);
        if (!feed(h, from))
            return false;
        bytes = span_skip(bytes, from.n);
        judge_stream(h, f.stream);
    }
    return false;
}

int
h2_take(struct h2 *h, struct span bytes, uint64_t now_ms)
{
    h->now_ms = now_ms;
    if (h->broken)
        return -EPROTO;
    if (walk(h, bytes))
        return 0;
    /* a flood, or what nghttp2 finds beyond saving: a preface that is none */
    h->broken = true;
    h2_goodbye(h, h->spent ? H2_ENHANCE_YOUR_CALM : h->fault ? h->fault : H2_PROTOCOL_ERROR);
    return -EPROTO;
}

int
h2_give(struct h2 *h, struct span *bytes)
{
    const uint8_t *p;
    ssize_t n = nghttp2_session_mem_send(h->session, &p);

    if (n < 0)
        return -EPROTO;
    *bytes = span_of(p, (size_t)n);
    return n > 0;
}

bool
h2_over(const struct h2 *h)
{
    return h->broken ||
           (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session));
}

bool
h2_in_head(const struct h2 *h)
{
    return h2_walk_inside(&h->walk);
}

unsigned
h2_streams(const struct h2 *h)
{
    return h->streams;
}
