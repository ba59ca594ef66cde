/* Files to GET and HEAD. Floor 5; worker. */
#include "static.h"
#include "hostel/http/cond.h"
#include "hostel/http/range.h"
#include "hostel/serve/response.h"

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

/* ret  1 = *part is what to send of it; 0 = all of it; -ERANGE */
static int
wanted_range(const struct exchange *x, const struct cached_file *f,
             const struct cond_state *state, struct range *part)
{
    struct span value = request_field(&x->req, SPAN("range"));
    struct range ranges[RANGE_MAX];
    int n;

    if (!value.p || x->req.method != METHOD_GET || !cond_range_allowed(&x->req, state))
        return 0;
    n = range_parse(value, f->size, ranges);
    if (n < 0)
        return n;
    if (n != 1) /* several: the whole file is a correct answer. RFC 9110 14.2 */
        return 0;
    *part = ranges[0];
    return 1;
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

void
static_send(struct exchange *x, struct cached_file *f)
{
    struct cond_state state = {
        .etag = span_str(f->etag),
        .mtime = f->modified[0] ? f->st.st_mtim.tv_sec : COND_NO_MTIME,
        .now = time(NULL),
    };
    struct range part;
    int n;

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
    n = wanted_range(x, f, &state, &part);
    if (n < 0)
        answer_no_range(x, f);
    else
        answer_file(x, f, n ? &part : NULL);
}
