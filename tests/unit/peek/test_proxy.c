/* PROXY protocol headers: both versions, whole and in every piece, and what is refused. */
#include "rows.h"

#include "hostel/peek/proxy.h"

#include <arpa/inet.h>

#define SIG  "\r\n\r\n\0\r\nQUIT\n"
#define FOUR "\xc0\0\2\1\x0a\0\0\2\x30\x39\0\x50"
#define SIX                                                                                    \
    "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x30\x39\1"   \
    "\xbb"
#define PATHS    ZEROS54 ZEROS54 ZEROS54 ZEROS54
#define ZEROS54  ZEROS18 ZEROS18 ZEROS18
#define ZEROS18  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define TEXT_V4  "PROXY TCP4 192.0.2.1 10.0.0.2 12345 80\r\n"
#define LONGEST6 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

struct row {
    const char *why;
    struct span bytes;
    enum proxy_verdict want;
    const char *from, *to; /* NULL: none is said */
    uint16_t from_port, to_port;
    bool tls;
    size_t behind; /* bytes that are not the header's */
};

static const struct row rows[] = {
    {"v1, IPv4", S(TEXT_V4), PROXY_OK, "::ffff:192.0.2.1", "::ffff:10.0.0.2", 12345, 80, 0, 0},
    {"v1, and a request", S(TEXT_V4 "GET"), PROXY_OK, "::ffff:192.0.2.1", "::ffff:10.0.0.2",
     12345, 80, 0, 3},
    {"v1, IPv6", S("PROXY TCP6 2001:db8::1 2001:db8::2 1 443\r\n"), PROXY_OK, "2001:db8::1",
     "2001:db8::2", 1, 443, 0, 0},
    {"v1, the longest address", S("PROXY TCP6 " LONGEST6 " " LONGEST6 " 65535 65535\r\n"),
     PROXY_OK, LONGEST6, LONGEST6, 65535, 65535, 0, 0},
    {"v1, nobody known", S("PROXY UNKNOWN\r\n"), PROXY_OK, NULL, NULL, 0, 0, 0, 0},
    {"v1, nobody known, with words", S("PROXY UNKNOWN a b c d\r\n"), PROXY_OK, NULL, NULL, 0, 0,
     0, 0},
    {"v1, port 0", S("PROXY TCP4 192.0.2.1 10.0.0.2 0 80\r\n"), PROXY_OK, "::ffff:192.0.2.1",
     "::ffff:10.0.0.2", 0, 80, 0, 0},
    {"a request", S("GET / HTTP/1.1\r\n"), PROXY_BAD, 0, 0, 0, 0, 0, 0},
    {"a ClientHello", S("\x16\3\1\2\0"), PROXY_BAD, 0, 0, 0, 0, 0, 0},
    {"v1, small letters", S("proxy TCP4 192.0.2.1 10.0.0.2 1 80\r\n"), PROXY_BAD, 0, 0, 0, 0, 0,
     0},
    {"v1, no such family", S("PROXY UDP4 192.0.2.1 10.0.0.2 1 80\r\n"), PROXY_BAD, 0, 0, 0, 0,
     0, 0},
    {"v1, family and address disagree", S("PROXY TCP4 ::1 ::1 1 80\r\n"), PROXY_BAD, 0, 0, 0, 0,
     0, 0},
    {"v1, two blanks", S("PROXY TCP4  192.0.2.1 10.0.0.2 1 80\r\n"), PROXY_BAD, 0, 0, 0, 0, 0,
     0},
    {"v1, a word too many", S("PROXY TCP4 192.0.2.1 10.0.0.2 1 80 9\r\n"), PROXY_BAD, 0, 0, 0,
     0, 0, 0},
    {"v1, a blank at the end", S("PROXY TCP4 192.0.2.1 10.0.0.2 1 80 \r\n"), PROXY_BAD, 0, 0, 0,
     0, 0, 0},
    {"v1, a word too few", S("PROXY TCP4 192.0.2.1 10.0.0.2 1\r\n"), PROXY_BAD, 0, 0, 0, 0, 0,
     0},
    {"v1, port too high", S("PROXY TCP4 192.0.2.1 10.0.0.2 65536 80\r\n"), PROXY_BAD, 0, 0, 0,
     0, 0, 0},
    {"v1, port with a zero in front", S("PROXY TCP4 192.0.2.1 10.0.0.2 01 80\r\n"), PROXY_BAD,
     0, 0, 0, 0, 0, 0},
    {"v1, a NUL in an address", S("PROXY TCP4 192.0.2.1\0 10.0.0.2 1 80\r\n"), PROXY_BAD, 0, 0,
     0, 0, 0, 0},
    {"v1, a zone", S("PROXY TCP6 fe80::1%lo fe80::2 1 80\r\n"), PROXY_BAD, 0, 0, 0, 0, 0, 0},
    {"v1, LF alone", S("PROXY TCP4 192.0.2.1 10.0.0.2 1 80\n"), PROXY_BAD, 0, 0, 0, 0, 0, 0},
    {"v1, nothing said", S("PROXY \r\n"), PROXY_BAD, 0, 0, 0, 0, 0, 0},
    {"v1, one byte too long", S("PROXY UNKNOWN " ZEROS54 ZEROS18 "0123456789abcdef0123\r\n"),
     PROXY_BAD, 0, 0, 0, 0, 0, 0},
    {"v1, the longest line", S("PROXY UNKNOWN " ZEROS54 ZEROS18 "0123456789abcdef012\r\n"),
     PROXY_OK, 0, 0, 0, 0, 0, 0},
    {"v1, no end in sight", S("PROXY UNKNOWN " ZEROS54 ZEROS54), PROXY_BAD, 0, 0, 0, 0, 0, 0},
    {"v2, IPv4", S(SIG "\x21\x11\0\x0c" FOUR), PROXY_OK, "::ffff:192.0.2.1", "::ffff:10.0.0.2",
     12345, 80, 0, 0},
    {"v2, IPv6, and a ClientHello", S(SIG "\x21\x21\0\x24" SIX "\x16\3"), PROXY_OK,
     "2001:db8::1", "2001:db8::2", 12345, 443, 0, 2},
    {"v2, a health check", S(SIG "\x20\0\0\0"), PROXY_OK, 0, 0, 0, 0, 0, 0},
    {"v2, a health check with addresses", S(SIG "\x20\x11\0\x0c" FOUR), PROXY_OK, 0, 0, 0, 0, 0,
     0},
    {"v2, a health check of a kind to come", S(SIG "\x20\x99\0\3abc"), PROXY_OK, 0, 0, 0, 0, 0,
     0},
    {"v2, a health check with more", S(SIG "\x20\0\0\3abc"), PROXY_OK, 0, 0, 0, 0, 0, 0},
    {"v2, of no family", S(SIG "\x21\0\0\5hello"), PROXY_OK, 0, 0, 0, 0, 0, 0},
    {"v2, by a unix socket", S(SIG "\x21\x31\0\xd8" PATHS), PROXY_OK, 0, 0, 0, 0, 0, 0},
    {"v2, by UDP", S(SIG "\x21\x12\0\x0c" FOUR), PROXY_OK, 0, 0, 0, 0, 0, 0},
    {"v2, padded", S(SIG "\x21\x11\0\x11" FOUR "\4\0\2\0\0"), PROXY_OK, "::ffff:192.0.2.1",
     "::ffff:10.0.0.2", 12345, 80, 0, 0},
    {"v2, the visitor has TLS", S(SIG "\x21\x11\0\x14" FOUR "\x20\0\5\1\0\0\0\0"), PROXY_OK,
     "::ffff:192.0.2.1", "::ffff:10.0.0.2", 12345, 80, true, 0},
    {"v2, the visitor has none", S(SIG "\x21\x11\0\x14" FOUR "\x20\0\5\0\0\0\0\1"), PROXY_OK,
     "::ffff:192.0.2.1", "::ffff:10.0.0.2", 12345, 80, 0, 0},
    {"v2, checksum", S(SIG "\x21\x11\0\x13" FOUR "\3\0\4\x51\xa6\x56\xcc"), PROXY_OK,
     "::ffff:192.0.2.1", "::ffff:10.0.0.2", 12345, 80, 0, 0},
    {"v2, wrong checksum", S(SIG "\x21\x11\0\x13" FOUR "\3\0\4\x51\xa6\x56\xcd"), PROXY_BAD, 0,
     0, 0, 0, 0, 0},
    {"v2, half a thing said", S(SIG "\x21\x11\0\x0e" FOUR "\4\0"), PROXY_BAD, 0, 0, 0, 0, 0, 0},
    {"v2, a thing too long", S(SIG "\x21\x11\0\x10" FOUR "\4\0\2\0"), PROXY_BAD, 0, 0, 0, 0, 0,
     0},
    {"v2, a short word of TLS", S(SIG "\x21\x11\0\x13" FOUR "\x20\0\4\1\0\0\0"), PROXY_BAD, 0,
     0, 0, 0, 0, 0},
    {"v2, version 3", S(SIG "\x31\x11\0\x0c" FOUR), PROXY_BAD, 0, 0, 0, 0, 0, 0},
    {"v2, no such command", S(SIG "\x22\x11\0\x0c" FOUR), PROXY_BAD, 0, 0, 0, 0, 0, 0},
    {"v2, no such family", S(SIG "\x21\x41\0\x0c" FOUR), PROXY_BAD, 0, 0, 0, 0, 0, 0},
    {"v2, no room for its addresses", S(SIG "\x21\x11\0\x0b" FOUR), PROXY_BAD, 0, 0, 0, 0, 0,
     0},
    {"v2, longer than any is", S(SIG "\x21\x11\x0f\xf1"), PROXY_BAD, 0, 0, 0, 0, 0, 0},
    {"v2, as long as one may be, so far", S(SIG "\x21\x11\x0f\xf0" FOUR), PROXY_MORE, 0, 0, 0,
     0, 0, 0},
    {"v2, another mark",
     S("\r\n\r\n\0\r\nQUIT\r"
       "\x21\x11\0\x0c" FOUR),
     PROXY_BAD, 0, 0, 0, 0, 0, 0},
};

static void
check(const struct row *r, const struct proxy *p)
{
    uint8_t from[16], to[16];

    assert_int_equal(p->bytes, r->bytes.n - r->behind);
    assert_int_equal(p->known, r->from != NULL);
    assert_int_equal(p->tls, r->tls);
    if (!r->from)
        return;
    assert_int_equal(inet_pton(AF_INET6, r->from, from), 1);
    assert_int_equal(inet_pton(AF_INET6, r->to, to), 1);
    assert_memory_equal(p->from, from, 16);
    assert_memory_equal(p->to, to, 16);
    assert_int_equal(p->from_port, r->from_port);
    assert_int_equal(p->to_port, r->to_port);
}

/* Whole, and byte by byte: nothing is said before the end, unless that it is wrong. */
static void
test_rows(void **state)
{
    (void)state;
    for (const struct row *r = rows; r < rows + sizeof(rows) / sizeof(*rows); r++) {
        enum proxy_verdict v = PROXY_MORE;
        struct proxy p;

        print_message("%s\n", r->why);
        for (size_t n = 0; n <= r->bytes.n && v == PROXY_MORE; n++) {
            struct span some = copied(span_of(r->bytes.p, n));

            v = proxy_find(some, &p);
            copied_done(some);
            assert_true(v == PROXY_MORE || v == r->want);
            if (v == PROXY_OK)
                assert_int_equal(n, r->bytes.n - r->behind);
        }
        assert_int_equal(v, r->want);
        assert_int_equal(proxy_find(r->bytes, &p), r->want);
        if (r->want == PROXY_OK)
            check(r, &p);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
