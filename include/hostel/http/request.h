/*
 * One HTTP request head, whatever version it came in. Spans are lent from the bytes the head
 * was parsed from; request_own() makes them outlive those. Floor 4; worker.
 */
#ifndef HOSTEL_HTTP_REQUEST_H
#define HOSTEL_HTTP_REQUEST_H

#include "hostel/peek/field.h"

#include <stdint.h>

enum method { /* RFC 9110 9.3, RFC 5789; all others are METHOD_OTHER */
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_CONNECT,
    METHOD_OPTIONS,
    METHOD_TRACE,
    METHOD_PATCH,
    METHOD_OTHER,   /* another that is registered: PHP may want it (WebDAV) */
    METHOD_UNKNOWN, /* a token that nobody registered: 501. RFC 9110 9.1 */
};

#define REQUEST_FIELDS_MAX 100 /* over it: 431 */

enum body_framing { BODY_NONE, BODY_LENGTH, BODY_CHUNKED };

struct request {
    enum method method;
    struct span method_text;
    struct span target;     /* as sent: REQUEST_URI, and the log's */
    struct span path;       /* origin-form path of it, still encoded; "*" for OPTIONS * */
    struct span query;      /* after the first '?', without it */
    bool has_query;
    struct span host;       /* as sent in Host or :authority or the absolute target, with port */
    struct span host_name;  /* lower case, no port, no trailing dot; empty = none (HTTP/1.0) */
    unsigned version;       /* 10, 11, 20 */
    bool keep_alive;        /* the client wants, or allows, another request after this one */
    bool expect_continue;
    enum body_framing framing;
    uint64_t body_bytes;    /* BODY_LENGTH: that many, maybe none; else 0 */
    unsigned nfields;
    struct field *fields;   /* nfields of them */
    uint64_t absent;        /* marks of names that none of them has; 0 = nobody has looked */
    struct span head;       /* all bytes of the head, or what is kept of them */
    void *owned;            /* one allocation behind all spans, or NULL while lent */
};

struct head;

/*
 * A request of a parsed HTTP/1 head. Cheap: everything is lent, the field array too.
 *
 * in   bytes  what head_parse() read, lent like h until request_own() or request_done()
 */
void request_from_head(struct request *r, struct head *h, struct span bytes);

/* One of 64 marks of a field name, the same in any case. */
static inline uint64_t
request_mark(struct span name)
{
    unsigned first = name.n ? (unsigned char)name.p[0] | 0x20u : 0;
    unsigned last = name.n ? (unsigned char)name.p[name.n - 1] | 0x20u : 0;

    return (uint64_t)1 << ((3 * name.n + first + 7 * last) & 63);
}

/*
 * Most of what a server looks for in a request is not there, and this says so at once.
 *
 * ret  true: r has no field of this name; false: it may have one
 */
static inline bool
request_lacks(const struct request *r, struct span name)
{
    return r->absent & request_mark(name);
}

/* The value of the first field of this name, or {NULL, 0}; name in any case. */
struct span request_field(const struct request *r, struct span name);

/* Copy what the spans lend, so that r lives on its own; request_done() frees it. */
void request_own(struct request *r);

/*
 * Give back all of a request that lives on its own but what is said of it afterwards: its
 * method, target, host and version, and the fields of these names, in any case.
 */
void request_shed(struct request *r, const struct span *names, unsigned n);

/* Frees what request_own() took and empties r; for a lent one it only empties it. */
void request_done(struct request *r);

#endif
