/* Files to GET and HEAD. Floor 5; worker. */
#include "static.h"
#include "compress_file.h"
#include "hostel/http/cond.h"
#include "hostel/serve/response.h"
#include "multirange.h"
#include "variant.h"

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
    if (f->vary)
        response_add(r, SPAN("Vary"), SPAN("Accept-Encoding"));
}

/* What every answer with bytes of f says of them. */
static void
add_description(struct response *r, const struct cached_file *f)
{
    add_validators(r, f);
    if (f->coding != CODING_IDENTITY)
        response_add(r, SPAN("Content-Encoding"), encoding_name(f->coding));
    if (!f->made)
        response_add(r, SPAN("Accept-Ranges"), SPAN("bytes"));
}

/* The fields of r are f's alone: they are written once, and once more when f gets variants. */
static void
keep_ready(struct response *r, struct cached_file *f)
{
    if (!f->lines || f->lines_vary != f->vary)
        filecache_lines(f, r);
    r->ready = span_of(f->lines, f->lines_n);
    r->nready = f->lines ? r->nfields : 0;
}

enum sink_flow
static_head(struct exchange *x, struct cached_file *f, uint64_t length)
{
    struct response r;

    response_start(&r, 200);
    r.length = length;
    r.bodiless = x->req.method == METHOD_HEAD;
    response_add(&r, SPAN("Content-Type"), f->type);
    add_description(&r, f);
    keep_ready(&r, f);
    return x->sink->ops->head(x->sink, &r);
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

    if (request_lacks(r, SPAN("range")))
        return value;
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

    if (!value.p || x->req.method != METHOD_GET || f->made ||
        !cond_range_allowed(&x->req, state))
        return 0;
    n = range_parse(value, f->size, parts);
    return n > 1 ? (int)range_coalesce(parts, (unsigned)n) : n;
}

static void
answer_whole(struct exchange *x, struct cached_file *f)
{
    if (static_head(x, f, f->size) == SINK_GONE)
        return;
    if (x->req.method != METHOD_HEAD)
        send_body(x, f, 0, f->size);
    x->sink->ops->end(x->sink);
}

static void
answer_part(struct exchange *x, struct cached_file *f, const struct range *part)
{
    uint64_t length = part->last - part->first + 1;
    struct response r;
    char text[80];
    int n;

    response_start(&r, 206);
    r.length = length;
    response_add(&r, SPAN("Content-Type"), f->type);
    add_description(&r, f);
    n = snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, part->first,
                 part->last, f->size);
    response_add(&r, SPAN("Content-Range"), span_of(text, (size_t)n));
    if (x->sink->ops->head(x->sink, &r) == SINK_GONE)
        return;
    send_body(x, f, part->first, length);
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
    add_description(&r, f);
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

/* ret  true when the request's conditions are the answer */
static bool
judged(struct exchange *x, const struct cached_file *f, const struct cond_state *state)
{
    switch (cond_evaluate(&x->req, state)) {
    case COND_NOT_MODIFIED:
        answer_unmodified(x, f);
        return true;
    case COND_FAILED:
        errorpage_answer(x, 412, NULL, 0);
        return true;
    case COND_SERVE:
        break;
    }
    return false;
}

static void
answer_bytes(struct exchange *x, struct cached_file *f, const struct cond_state *state)
{
    struct range parts[RANGE_MAX];
    int n = wanted_ranges(x, f, state, parts);
    struct multirange m;

    if (n < 0)
        answer_no_range(x, f);
    else if (n == 1)
        answer_part(x, f, parts);
    else if (n > 1 && multirange_init(&m, parts, (unsigned)n, f->size, f->type) == 0)
        answer_parts(x, f, &m);
    else
        answer_whole(x, f);
}

/* in  v  f itself or a variant of it; its bytes may still have to be made */
static void
send_variant(struct exchange *x, struct cached_file *f, struct cached_file *v)
{
    const struct cond_state state = {
        .etag = span_str(v->etag),
        .mtime = v->modified[0] ? v->st.st_mtim.tv_sec : COND_NO_MTIME,
        .now = time(NULL),
    };

    x->media_type = v->type; /* a 304 does not say it, but its freshness hangs on it */
    if (judged(x, v, &state))
        return;
    if (!v->made || v->body) {
        answer_bytes(x, v, &state);
        return;
    }
    switch (compress_file(x, f, v)) {
    case COMPRESS_NOT:
        send_variant(x, f, f);
        return;
    case COMPRESS_READY:
        answer_bytes(x, v, &state);
        return;
    case COMPRESS_TAKEN:
        return;
    }
}

void
static_send(struct exchange *x, struct cached_file *f)
{
    static const struct field vary = {{"Vary", 4}, {"Accept-Encoding", 15}};
    struct cached_file *v;

    cached_file_hold(f); /* what is made of it may push it out of the cache */
    v = variant_pick(x, f);
    if (v) {
        cached_file_hold(v);
        send_variant(x, f, v);
        cached_file_release(v);
    } else {
        errorpage_answer(x, 406, &vary, 1);
    }
    cached_file_release(f);
}
