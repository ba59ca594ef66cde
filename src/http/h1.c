/* Writing HTTP/1.1. Floor 4; worker. RFC 9112 4, 6 */
#include "hostel/http/h1.h"
#include "hostel/base/date.h"
#include "hostel/base/text.h"
#include "hostel/peek/chars.h"

#include <errno.h>

/* What stands before reason and fields and between them, and behind them, at its longest. */
#define START_MAX (sizeof("HTTP/1.1 200 \r\nDate: \r\nServer: hostel\r\n") + DATE_LEN)
#define END_MAX                                                                                \
    (sizeof("Content-Length: \r\nTransfer-Encoding: chunked\r\n"                               \
            "Connection: keep-alive\r\n\r\n") +                                                \
     TEXT_DIGITS_MAX)

static char *
put(char *at, struct span s)
{
    memcpy(at, s.p, s.n);
    return at + s.n;
}

static char *
put_number(char *at, uint64_t v)
{
    char digits[TEXT_DIGITS_MAX];

    return put(at, text_digits(v, digits));
}

static bool
bodiless(const struct response *r)
{
    return r->bodiless || r->status == 204 || r->status == 304;
}

/*
 * in   reason  the one that will be written
 * out  bytes   room that the head needs at most
 */
static int
check(const struct response *r, struct span reason, unsigned flags, size_t *bytes)
{
    bool delimited = bodiless(r) || r->length != RESPONSE_LENGTH_UNKNOWN ||
                     (flags & (H1_CHUNKED | H1_CLOSE)) || r->close;
    size_t n = START_MAX + END_MAX + reason.n + (r->nready ? r->ready.n : 0);

    if (response_check(r) < 0 || !delimited || !chars_all(reason, CHARS_VALUE))
        return -EINVAL;
    for (unsigned i = r->nready; i < r->nfields; i++)
        n += r->fields[i].name.n + r->fields[i].value.n + 4;
    *bytes = n;
    return 0;
}

static char *
put_framing(char *at, const struct response *r, unsigned flags)
{
    if (r->length != RESPONSE_LENGTH_UNKNOWN && r->status != 204) {
        at = put(at, SPAN("Content-Length: "));
        at = put_number(at, r->length);
        at = put(at, SPAN("\r\n"));
    } else if ((flags & H1_CHUNKED) && !bodiless(r)) {
        at = put(at, SPAN("Transfer-Encoding: chunked\r\n"));
    }
    if ((flags & H1_CLOSE) || r->close)
        at = put(at, SPAN("Connection: close\r\n"));
    else if (flags & H1_KEEP_ALIVE)
        at = put(at, SPAN("Connection: keep-alive\r\n"));
    return put(at, SPAN("\r\n"));
}

int
h1_write_head(struct buf *out, const struct response *r, unsigned flags)
{
    struct span reason = r->reason.n ? r->reason : response_reason(r->status);
    char *start, *at;
    size_t bytes;
    int rc;

    rc = check(r, reason, flags, &bytes);
    if (rc < 0)
        return rc;
    start = at = buf_reserve(out, bytes);
    if (!at)
        return -ENOBUFS;
    at = put(at, SPAN("HTTP/1.1 "));
    at = put_number(at, r->status);
    at = put(at, SPAN(" "));
    at = put(at, reason);
    at = put(at, SPAN("\r\nDate: "));
    at = put(at, date_now());
    at = put(at, SPAN("\r\nServer: hostel\r\n"));
    if (r->nready)
        at = put(at, r->ready);
    buf_claim(out, (size_t)(at - start));
    (void)response_write(r, r->nready, out); /* there is room for all of the head */
    start = at = buf_reserve(out, END_MAX);
    at = put_framing(at, r, flags);
    buf_claim(out, (size_t)(at - start));
    return 0;
}

size_t
h1_chunk_header(char text[static H1_CHUNK_HEADER_MAX], uint64_t n)
{
    static const char hex[] = "0123456789abcdef";
    size_t digits = 1;

    while (digits < 16 && n >> (4 * digits))
        digits++;
    for (size_t i = digits; i-- > 0; n >>= 4)
        text[i] = hex[n & 15];
    text[digits] = '\r';
    text[digits + 1] = '\n';
    return digits + 2;
}
