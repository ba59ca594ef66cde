/* Files to GET and HEAD. Floor 5; worker. */
#include "static.h"
#include "hostel/http/cond.h"
#include "hostel/serve/response.h"
#include "multirange.h"

#include <inttypes.h>
#include <stdio.h>

/* Up to here copying costs less than a second element in the write call. */
#define COPY_MAX 4096

static void
add_validators(struct response *r, const struct cached_file *f)
{
    if (f->modified[0])
        response_add(r, SPAN("Last-Modified"), span_of(f->modified, DATE_LEN));
    response_add(r, SPAN("ETag"), span_str(f->etag));
}

static void
send_body(struct exchange *x, struct cached_file *f, uint64_t offset, uint64_t length)
{
    struct piece p = {.fd = f->fd, .release = cached_file_release, .owner = f};

    if (length == 0)
        return;
    if (f->body && length <= COPY_MAX) {
        x->sink->ops->copy(x->sink, span_of(f->body + offset, (size_t)length));
        return;
    }
    if (f->body) {
        p.bytes = span_of(f->body + offset, (size_t)length);
    } else {
        p.offset = offset;
        p.length = length;
    }
    cached_file_hold(f);
    x->sink->ops->lend(x->sink, &p);
}

static void
answer_unmodified(struct exchange *x, const struct cached_file *f)
{
    struct response r;

    response_start(&r, 304);
    r.bodiless = true;
    add_validators(&r, f);
    x->sink->ops->head(x->sink, &r);
    x->sink->ops->end(x->sink);
}

static void
answer_no_range(struct exchange *x, const struct cached_file *f)
{
    char text[32];
    struct field extra = {SPAN("Content-Range"), {text, 0}};

    extra.value.n = (size_t)snprintf(text, sizeof(text), "bytes */%" PRIu64, f->size);
    errorpage_answer(x, 416, &extra, 1);
}

/* The Range field; empty when it stands twice: which one is meant? */
static struct span
range_field(const struct request *r)
{
    struct span value = {NULL, 0};

    for (unsigned i = 0; i < r->nfields; i++) {
        if (!span_ieq(r->fields[i].name, SPAN("range")))
            continue;
        if (value.p)
            return span_of(NULL, 0);
        value = r->fields[i].value;
    }
    return value;
}

/*
 * out  parts  coalesced
 * ret  how many parts of it to send; 0 = all of it; -ERANGE
 */
static int
wanted_ranges(const struct exchange *x, const struct cached_file *f,
              const struct cond_state *state, struct range parts[static RANGE_MAX])
{
    struct span value = range_field(&x->req);
    int n;

    if (!value.p || x->req.method != METHOD_GET || !cond_range_allowed(&x->req, state))
        return 0;
    n = range_parse(value, f->size, parts);
    return n > 1 ? (int)range_coalesce(parts, (unsigned)n) : n;
}

static void
answer_file(struct exchange *x, struct cached_file *f, const struct range *part)
{
    uint64_t offset = part ? part->first : 0;
    uint64_t length = part ? part->last - part->first + 1 : f->size;
    struct response r;
    char text[80];
    int n;

    response_start(&r, part ? 206 : 200);
    r.length = length;
    r.bodiless = x->req.method == METHOD_HEAD;
    response_add(&r, SPAN("Content-Type"), f->type);
    add_validators(&r, f);
    response_add(&r, SPAN("Accept-Ranges"), SPAN("bytes"));
    if (part) {
        n = snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, part->first,
                     part->last, f->size);
        response_add(&r, SPAN("Content-Range"), span_of(text, (size_t)n));
    }
    if (x->sink->ops->head(x->sink, &r) == SINK_GONE)
        return;
    if (!r.bodiless)
        send_body(x, f, offset, length);
    x->sink->ops->end(x->sink);
}

static void
answer_parts(struct exchange *x, struct cached_file *f, const struct multirange *m)
{
    char text[MULTIRANGE_PART_MAX];
    struct response r;

    response_start(&r, 206);
    r.length = multirange_length(m);
    response_add(&r, SPAN("Content-Type"), span_str(m->content_type));
    add_validators(&r, f);
    response_add(&r, SPAN("Accept-Ranges"), SPAN("bytes"));
    if (x->sink->ops->head(x->sink, &r) == SINK_GONE)
        return;
    for (unsigned i = 0; i <= m->n; i++) {
        struct span around = span_of(text, multirange_part(m, i, text));

        if (x->sink->ops->copy(x->sink, around) == SINK_GONE)
            return;
        if (i < m->n)
            send_body(x, f, m->parts[i].first, m->parts[i].last - m->parts[i].first + 1);
    }
    x->sink->ops->end(x->sink);
}

void
static_send(struct exchange *x, struct cached_file *f)
{
    struct cond_state state = {
        .etag = span_str(f->etag),
        .mtime = f->modified[0] ? f->st.st_mtim.tv_sec : COND_NO_MTIME,
        .now = time(NULL),
    };
    struct range parts[RANGE_MAX];
    struct multirange m;
    int n;

    x->media_type = f->type; /* a 304 does not say it, but its freshness hangs on it */
    switch (cond_evaluate(&x->req, &state)) {
    case COND_NOT_MODIFIED:
        answer_unmodified(x, f);
        return;
    case COND_FAILED:
        errorpage_answer(x, 412, NULL, 0);
        return;
    case COND_SERVE:
        break;
    }
    n = wanted_ranges(x, f, &state, parts);
    if (n < 0)
        answer_no_range(x, f);
    else if (n > 1 && multirange_init(&m, parts, (unsigned)n, f->size, f->type) == 0)
        answer_parts(x, f, &m);
    else
        answer_file(x, f, n == 1 ? parts : NULL);
}
