/*
 * One HTTP/1 request head, parsed strictly: llhttp, and on top what llhttp 8.1.0 lets through
 * and RFC 9112 forbids. The acceptor (to route) and the worker (to serve) use this very
 * function, so that they can never read a head differently. Pure: bytes in, spans out.
 * Floor 1; acceptor and worker.
 */
#ifndef HOSTEL_PEEK_HEAD_H
#define HOSTEL_PEEK_HEAD_H

#include "hostel/peek/field.h"

#include <stdint.h>

#define HEAD_TARGET_MAX 8192  /* request-target: over it 414 */
#define HEAD_BYTES_MAX  32768 /* whole head: over it 431 */
#define HEAD_FIELDS_MAX 100   /* field lines: over it 431 */
#define HEAD_METHOD_MAX 32    /* no registered method is half as long: over it 501 */
#define HEAD_BLANKS_MAX 4     /* empty lines before the first line. RFC 9112 2.2 */

struct head {
    uint8_t method; /* llhttp_method_t; HEAD_METHOD_OTHER for an unknown token */
    struct span method_text;
    struct span target;
    struct span path, query; /* of origin-form or absolute-form, still encoded. An absolute
                                target without a path has "/" ("*" for OPTIONS) and CONNECT
                                has "": static then, not of the bytes */
    bool has_query;
    struct span authority; /* of the target if it has one, else Host; with port */
    char host_name[256];   /* of authority: lower case, no port, no trailing dot; "" = none */
    unsigned version;      /* 10 or 11; HTTP/1.2 reads as 11; 20 in HTTP/2's framing */
    bool keep_alive;
    bool expect_continue;
    bool expect_other; /* an Expect that is not 100-continue: 417 */
    bool chunked;
    bool has_length;
    uint64_t length; /* Content-Length */
    unsigned nfields;
    struct field fields[HEAD_FIELDS_MAX];
    size_t bytes; /* of the whole head, leading CRLFs included */
};

#define HEAD_METHOD_OTHER 255

/* What is wrong with a head: the status to answer, always followed by close. */
enum head_verdict {
    HEAD_OK = 0,
    HEAD_MORE = 1, /* not whole yet */
    HEAD_BAD = 400,
    HEAD_TARGET_LONG = 414,
    HEAD_FIELDS_LONG = 431,
    HEAD_NOT_IMPLEMENTED = 501, /* unknown transfer coding, endless method */
    HEAD_VERSION = 505,
};

/*
 * Parse one head from the start of bytes.
 *
 * in      bytes  all that has arrived, lent; h's spans point into it
 * in/out  seen   how much of bytes an earlier call has looked through (0 at first): keeps
 *                a head that comes byte by byte from being read over and over
 * out     h      means something on HEAD_OK only, is scratch before
 * ret     see enum; the first line is judged as soon as it is whole
 * src     RFC 9112 2-6, RFC 9110 5.5, 7.2, RFC 3986 3.2
 */
enum head_verdict head_parse(struct span bytes, size_t *seen, struct head *h);

/*
 * Judge a head that came in HTTP/2's framing as strictly: what its method, target and fields
 * mean. That its fields are well-formed is the framing's to see to.
 *
 * in   h  method_text, target (of CONNECT the authority), version 20, fields, nfields;
 * authority as ":authority" says it, or empty out  h  all else, on HEAD_OK src  RFC 9113 8.3,
 * as head_parse()
 */
enum head_verdict head_judge(struct head *h);

/*
 * Normalize a Host value or authority: lower case, port and trailing dot off, syntax checked.
 * What no site can be called is refused, valid as RFC 3986 may find it: userinfo, escapes,
 * sub-delims, empty labels, a port without a name. The name ends in logs and PHP variables.
 *
 * in   authority  may be empty: no name
 * out  name  NUL-ended; IPv6 literals keep their brackets
 * ret  0 or -EINVAL
 * src  RFC 9110 7.2, RFC 3986 3.2.2
 */
int head_host_name(struct span authority, char name[static 256]);

/*
 * Where a certification authority looks for the proof that a name is ours. It is compared as it
 * is sent: nobody has a reason to encode it.
 *
 * src  RFC 8555 8.3
 */
#define HEAD_ACME "/.well-known/acme-challenge/"

static inline bool
head_is_acme(struct span path)
{
    return span_starts(path, SPAN(HEAD_ACME));
}

#endif
