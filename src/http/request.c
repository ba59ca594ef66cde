/* Requests, whatever version they came in. Floor 4; worker. */
#include "hostel/http/request.h"
#include "hostel/base/mem.h"
#include "hostel/peek/head.h"

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

/* Point s at the copy; what does not lie in the head is static and stays. */
static void
move(struct span *s, struct span from, const char *to)
{
    uintptr_t at = (uintptr_t)s->p, start = (uintptr_t)from.p;

    if (s->p && at >= start && at - start < from.n)
        s->p = to + (at - start);
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

void
request_done(struct request *r)
{
    free(r->owned);
    *r = (struct request){.method = METHOD_OTHER};
}
