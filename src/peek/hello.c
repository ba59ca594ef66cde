/* The server name in a TLS ClientHello. Pure. Floor 1; acceptor and worker. */
#include "hostel/peek/hello.h"
#include "hostel/peek/head.h"

#include <arpa/inet.h>

#define RECORD_HEAD     5
#define RECORD_MAX      16384 /* RFC 8446 5.1 */
#define TYPE_HANDSHAKE  22
#define CLIENT_HELLO    1
#define MESSAGE_HEAD    4 /* type and a length of 24 bits */
#define EXT_SERVER_NAME 0
#define NAME_HOST       0

/* --- fields of the message: what does not fit sets bad, and everything after it is empty ----
 */

struct fields {
    struct span rest;
    bool bad;
};

static struct span
take(struct fields *f, size_t n)
{
    struct span s = span_of(f->rest.p, n);

    if (f->bad || f->rest.n < n) {
        f->bad = true;
        return span_of(NULL, 0);
    }
    f->rest = span_skip(f->rest, n);
    return s;
}

static unsigned
number(struct fields *f, unsigned bytes)
{
    struct span s = take(f, bytes);
    unsigned v = 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | (unsigned char)s.p[i];
    return v;
}

/* A vector: its length in so many bytes, then itself. */
static struct span
vector(struct fields *f, unsigned length_bytes)
{
    return take(f, number(f, length_bytes));
}

/* --- the name ----------------------------------------------------------------------------- */

/* Literal addresses, as their text. */
static bool
is_address(struct span host)
{
    char text[INET6_ADDRSTRLEN + 1];
    struct in6_addr addr;

    if (host.n > INET6_ADDRSTRLEN)
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return inet_pton(AF_INET, text, &addr) == 1 || inet_pton(AF_INET6, text, &addr) == 1;
}

unsigned
hello_server_name(struct span extension, bool *named, char name[static 256])
{
    struct fields f = {extension, false};
    struct fields list = {vector(&f, 2), false};
    bool seen = false;

    *named = false;
    name[0] = '\0';
    if (f.bad || f.rest.n > 0 || list.rest.n == 0)
        return ALERT_DECODE_ERROR;
    while (list.rest.n > 0) {
        unsigned type = number(&list, 1);
        struct span host = vector(&list, 2);

        if (list.bad || host.n == 0)
            return ALERT_DECODE_ERROR;
        if (type != NAME_HOST)
            continue;
        if (seen) /* RFC 6066 3: one of a type */
            return ALERT_ILLEGAL_PARAMETER;
        seen = true;
        if (is_address(host))
            continue;
        *named = true;
        /* no port, no brackets */
        if (span_find(host, ':') < host.n || span_find(host, '[') < host.n ||
            head_host_name(host, name) < 0)
            name[0] = '\0';
    }
    return HELLO_OK;
}

static unsigned
find_name(struct fields extensions, struct hello *h)
{
    bool seen = false;

    while (extensions.rest.n > 0) {
        unsigned type = number(&extensions, 2);
        struct span body = vector(&extensions, 2);
        unsigned verdict;

        if (extensions.bad)
            return ALERT_DECODE_ERROR;
        if (type != EXT_SERVER_NAME)
            continue;
        if (seen) /* RFC 8446 4.2 */
            return ALERT_ILLEGAL_PARAMETER;
        seen = true;
        verdict = hello_server_name(body, &h->named, h->name);
        if (verdict != HELLO_OK)
            return verdict;
    }
    return HELLO_OK;
}

/* in  body  the message behind its head */
static unsigned
parse(struct span body, struct hello *h)
{
    struct fields f = {body, false};
    struct fields extensions = {{NULL, 0}, false};
    struct span session, ciphers, compressions;
    unsigned version = number(&f, 2);

    h->named = false;
    h->name[0] = '\0';
    (void)take(&f, 32); /* random */
    session = vector(&f, 1);
    ciphers = vector(&f, 2);
    compressions = vector(&f, 1);
    if (f.bad || session.n > 32 || ciphers.n < 2 || ciphers.n % 2 || compressions.n == 0)
        return ALERT_DECODE_ERROR;
    if (version >> 8 != 3)
        return ALERT_PROTOCOL_VERSION;
    if (f.rest.n == 0)
        return HELLO_OK; /* TLS 1.2 without any extension. RFC 5246 7.4.1.2 */
    extensions.rest = vector(&f, 2);
    if (f.bad || f.rest.n > 0)
        return ALERT_DECODE_ERROR;
    return find_name(extensions, h);
}

/* --- the records that carry it ------------------------------------------------------------ */

/* ret  HELLO_OK: n payload bytes follow the head; HELLO_MORE; or an alert */
static unsigned
record(struct span bytes, size_t *n)
{
    struct fields f = {bytes, false};
    unsigned type, version;

    if (bytes.n == 0)
        return HELLO_MORE;
    type = number(&f, 1);
    if (type != TYPE_HANDSHAKE)
        return type >= 'A' && type <= 'Z' ? HELLO_PLAIN : ALERT_UNEXPECTED_MESSAGE;
    if (bytes.n < RECORD_HEAD)
        return bytes.n > 1 && bytes.p[1] != 3 ? ALERT_PROTOCOL_VERSION : HELLO_MORE;
    version = number(&f, 2);
    *n = number(&f, 2);
    if (version >> 8 != 3)
        return ALERT_PROTOCOL_VERSION;
    if (*n > RECORD_MAX)
        return ALERT_RECORD_OVERFLOW;
    return *n == 0 ? ALERT_UNEXPECTED_MESSAGE : HELLO_OK; /* RFC 8446 5.1: none is empty */
}

/*
 * The message's length, once its head is there.
 *
 * ret  HELLO_OK, HELLO_MORE or an alert
 */
static unsigned
message(struct span m, size_t *n)
{
    struct fields f = {m, false};

    if (m.n > 0 && (unsigned char)m.p[0] != CLIENT_HELLO)
        return ALERT_UNEXPECTED_MESSAGE;
    if (m.n < MESSAGE_HEAD)
        return HELLO_MORE;
    (void)number(&f, 1);
    *n = number(&f, 3);
    return *n > HELLO_BYTES_MAX - MESSAGE_HEAD ? ALERT_DECODE_ERROR : HELLO_OK;
}

unsigned
hello_find(struct span bytes, char *scratch, struct hello *h)
{
    struct span got = {scratch, 0};
    size_t wire = bytes.n;

    for (;;) {
        size_t payload = 0, whole = 0, n;
        unsigned verdict = record(bytes, &payload);

        if (verdict == HELLO_PLAIN && got.n > 0)
            return ALERT_UNEXPECTED_MESSAGE;
        if (verdict > HELLO_MORE)
            return verdict;
        if (verdict == HELLO_MORE)
            return wire >= HELLO_WIRE_MAX ? ALERT_RECORD_OVERFLOW : HELLO_MORE;
        bytes = span_skip(bytes, RECORD_HEAD);
        n = payload < bytes.n ? payload : bytes.n;
        if (got.n == 0 && n >= MESSAGE_HEAD) {
            got = span_of(bytes.p, n); /* mostly all of it, where it lies */
        } else {
            if (n > HELLO_BYTES_MAX - got.n)
                n = HELLO_BYTES_MAX - got.n;
            if (got.p != scratch)
                memcpy(scratch, got.p, got.n);
            memcpy(scratch + got.n, bytes.p, n);
            got = span_of(scratch, got.n + n);
        }
        verdict = message(got, &whole);
        if (verdict > HELLO_MORE)
            return verdict;
        if (verdict == HELLO_OK && got.n - MESSAGE_HEAD >= whole) {
            /* RFC 8446 5.1: what follows cannot be, before we have answered */
            if (got.n - MESSAGE_HEAD > whole)
                return ALERT_UNEXPECTED_MESSAGE;
            return parse(span_skip(got, MESSAGE_HEAD), h);
        }
        if (bytes.n < payload)
            return wire >= HELLO_WIRE_MAX ? ALERT_RECORD_OVERFLOW : HELLO_MORE;
        bytes = span_skip(bytes, payload);
    }
}
