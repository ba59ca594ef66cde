/* Writing HTTP/1.1. Pure. Floor 4; worker. */
#ifndef HOSTEL_HTTP_H1_H
#define HOSTEL_HTTP_H1_H

#include "hostel/base/buf.h"
#include "hostel/http/sink.h"

enum h1_flags {
    H1_CHUNKED = 1,    /* the body of unknown length will come in chunks */
    H1_CLOSE = 2,      /* "Connection: close" */
    H1_KEEP_ALIVE = 4, /* "Connection: keep-alive", which only an HTTP/1.0 client needs */
};

#define H1_CONTINUE   SPAN("HTTP/1.1 100 Continue\r\n\r\n")
#define H1_LAST_CHUNK SPAN("0\r\n\r\n")

/*
 * Append one response head: status line, Date, Server, the fields, Content-Length when the
 * length is known (never for 204), else Transfer-Encoding with H1_CHUNKED (not when no body
 * follows), Connection, and the empty line.
 *
 * in   flags  H1_CLOSE is also taken from r->close
 * ret  0; -ENOBUFS; -EINVAL: a status outside 200-599, a name that is no token, a value or
 *      reason with CR, LF, NUL or another control byte, or a body that nothing delimits. Out is
 * as it was then src  RFC 9112 4, 6.1, RFC 9110 5.5, 8.6
 */
int h1_write_head(struct buf *out, const struct response *r, unsigned flags);

#define H1_CHUNK_HEADER_MAX 18 /* 16 hex digits, CR LF */

/*
 * The line before n bytes of chunk data (n > 0); CR LF follows the data.
 *
 * ret  its length; text is not NUL-ended
 */
size_t h1_chunk_header(char text[static H1_CHUNK_HEADER_MAX], uint64_t n);

#endif
