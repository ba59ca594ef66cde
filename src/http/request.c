/* Requests, whatever version they came in. Floor 4; worker. */
#include "hostel/http/request.h"
#include "hostel/base/mem.h"
#include "hostel/peek/head.h"

#include <assert.h>
#include <llhttp.h>
#include <stdlib.h>

_Static_assert(REQUEST_FIELDS_MAX == HEAD_FIELDS_MAX, "one bound under two names");

static enum method
method_of(const struct head *h)
{
    switch (h->method) {
    case HTTP_GET:
        return METHOD_GET;
    case HTTP_HEAD:
        return METHOD_HEAD;
    case HTTP_POST:
        return METHOD_POST;
    case HTTP_PUT:
        return METHOD_PUT;
    case HTTP_DELETE:
        return METHOD_DELETE;
    case HTTP_CONNECT:
        return METHOD_CONNECT;
    case HTTP_OPTIONS:
        return METHOD_OPTIONS;
    case HTTP_TRACE:
        return METHOD_TRACE;
    case HTTP_PATCH:
        return METHOD_PATCH;
    case HEAD_METHOD_OTHER:
        return METHOD_UNKNOWN;
    default:
        return METHOD_OTHER;
    }
}

void
request_from_head(struct request *r, struct head *h, struct span bytes)
{
    r->method = method_of(h);
    r->method_text = h->method_text;
    r->target = h->target;
    r->path = h->path;
    r->query = h->query;
    r->has_query = h->has_query;
    r->host = h->authority;
    r->host_name = span_str(h->host_name);
    r->version = h->version;
    r->keep_alive = h->keep_alive;
    r->expect_continue = h->expect_continue;
    r->framing = h->chunked ? BODY_CHUNKED : h->has_length ? BODY_LENGTH : BODY_NONE;
    r->body_bytes = r->framing == BODY_LENGTH ? h->length : 0;
    r->nfields = h->nfields;
    r->fields = h->fields;
    r->absent = UINT64_MAX;
    for (unsigned i = 0; i < h->nfields; i++)
        r->absent &= ~request_mark(h->fields[i].name);
    r->head = span_of(bytes.p, h->bytes);
    r->owned = NULL;
}

struct span
request_field(const struct request *r, struct span name)
{
    if (request_lacks(r, name))
        return span_of(NULL, 0);
    for (unsigned i = 0; i < r->nfields; i++)
        if (span_ieq(r->fields[i].name, name))
            return r->fields[i].value;
    return span_of(NULL, 0);
}

static bool
lies_in(struct span s, struct span from)
{
    return s.p && (uintptr_t)s.p - (uintptr_t)from.p < from.n;
}

/* Point s at the copy; what does not lie in the head is static and stays. */
static void
move(struct span *s, struct span from, const char *to)
{
    if (lies_in(*s, from))
        s->p = to + (s->p - from.p);
}

void
request_own(struct request *r)
{
    size_t array = r->nfields * sizeof(*r->fields);
    struct span from = r->head;
    struct field *fields;
    char *bytes;

    if (r->owned)
        return;
    r->owned = mem_raw(array + from.n + r->host_name.n + 1);
    fields = r->owned;
    bytes = (char *)r->owned + array;
    if (array)
        memcpy(fields, r->fields, array);
    if (from.n)
        memcpy(bytes, from.p, from.n);
    if (r->host_name.n)
        memcpy(bytes + from.n, r->host_name.p, r->host_name.n);
    r->host_name.p = bytes + from.n;
    for (unsigned i = 0; i < r->nfields; i++) {
        move(&fields[i].name, from, bytes);
        move(&fields[i].value, from, bytes);
    }
    move(&r->method_text, from, bytes);
    move(&r->target, from, bytes);
    move(&r->path, from, bytes);
    move(&r->query, from, bytes);
    move(&r->host, from, bytes);
    r->fields = fields;
    r->head.p = bytes;
}

/* Point s at a copy at *to, which goes on behind it; what is static stays. */
static void
keep(struct span *s, struct span from, char **to)
{
    const char *copy = *to;

    if (!lies_in(*s, from))
        return;
    memcpy(*to, s->p, s->n);
    *to += s->n;
    s->p = copy;
}

static bool
is_among(struct span name, const struct span *names, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (span_ieq(name, names[i]))
            return true;
    return false;
}

void
request_shed(struct request *r, const struct span *names, unsigned n)
{
    /* the host name lies behind the head, or among what was kept before */
    const struct span from = span_of(r->head.p, r->head.n + r->host_name.n + 1);
    const struct span target = r->target;
    size_t bytes = r->method_text.n + target.n + r->host.n + r->host_name.n +
                   (lies_in(r->path, target) ? 0 : r->path.n) +
                   (lies_in(r->query, target) ? 0 : r->query.n);
    struct field *fields = r->fields;
    void *old = r->owned;
    unsigned kept = 0;
    char *start, *to;

    assert(old);
    for (unsigned i = 0; i < r->nfields; i++)
        if (is_among(fields[i].name, names, n)) {
            fields[kept] = fields[i];
            bytes += fields[kept].name.n + fields[kept].value.n;
            kept++;
        }
    r->owned = mem_raw(kept * sizeof(*fields) + bytes + 1);
    r->fields = r->owned;
    r->nfields = kept;
    start = to = (char *)r->owned + kept * sizeof(*fields);
    for (unsigned i = 0; i < kept; i++) {
        r->fields[i] = fields[i];
        keep(&r->fields[i].name, from, &to);
        keep(&r->fields[i].value, from, &to);
    }
    keep(&r->target, from, &to);
    move(&r->path, target, r->target.p);
    move(&r->query, target, r->target.p);
    keep(&r->path, from, &to);
    keep(&r->query, from, &to);
    keep(&r->method_text, from, &to);
    keep(&r->host, from, &to);
    keep(&r->host_name, from, &to);
    r->head = span_of(start, (size_t)(to - start));
    free(old);
}

void
request_done(struct request *r)
{
    free(r->owned);
    *r = (struct request){.method = METHOD_OTHER};
}
