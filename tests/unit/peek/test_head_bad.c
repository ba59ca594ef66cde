/* Heads that are refused, with what; whole and byte by byte. */
#include "rows.h"
#include "hostel/peek/head.h"

#define BAD  HEAD_BAD
#define MORE HEAD_MORE

struct row {
    const char *why;
    struct span text;
    enum head_verdict verdict;
};

#define LINE(line)   S(line "\r\nHost: a\r\n\r\n")
#define WITH(fields) S("GET / HTTP/1.1\r\nHost: a\r\n" fields "\r\n")
#define HOST(value)  S("GET / HTTP/1.1\r\nHost: " value "\r\n\r\n")
#define T32          "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

/* clang-format off: one row a line */
static const struct row rows[] = {
    /* not whole: nothing to say yet */
    {"nothing", S(""), MORE},
    {"half a method", S("GE"), MORE},
    {"method and space", S("GET "), MORE},
    {"half a target", S("GET /abc"), MORE},
    {"half a version", S("GET / HTT"), MORE},
    {"line without its LF", S("GET / HTTP/1.1\r"), MORE},
    {"line and no field", S("GET / HTTP/1.1\r\n"), MORE},
    {"half a field", S("GET / HTTP/1.1\r\nHost: a"), MORE},
    {"fields without the empty line", S("GET / HTTP/1.1\r\nHost: a\r\n"), MORE},
    {"half of the empty line", S("GET / HTTP/1.1\r\nHost: a\r\n\r"), MORE},
    {"half a blank line before", S("\r"), MORE},
    {"a blank line before", S("\r\n"), MORE},
    {"four blank lines before", S("\r\n\r\n\r\n\r\n"), MORE},

    /* judged before the head is whole */
    {"five blank lines before", S("\r\n\r\n\r\n\r\n\r\n"), BAD},
    {"CR alone before", S("\rG"), BAD},
    {"LF before", S("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), BAD},
    {"TLS ClientHello", S("\x16\x03\x01\x02\x00\x01\x00"), BAD},
    {"NUL first", S("\0"), BAD},
    {"space first", S(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"), BAD},
    {"tab first", S("\tGET"), BAD},
    {"( begins no method", S("(GET"), BAD},
    {"byte above ASCII first", S("\xc3"), BAD},
    {"tab behind the method", S("GET\t/ HTTP/1.1\r\n"), BAD},
    {"colon in the method: a field line", S("Host: a\r\n"), BAD},
    {"method of 33 bytes", S(T32 "6"), HEAD_NOT_IMPLEMENTED},
    {"method of 33 bytes and a line", LINE(T32 "6 / HTTP/1.1"), HEAD_NOT_IMPLEMENTED},
    {"a sentence", S("GET / HTTP/1.1 and then some"), BAD},
    {"bad first line, nothing else yet", S("GET /\r\n"), BAD},
    {"version 2 at the first line's end", S("GET / HTTP/2.0\r\n"), HEAD_VERSION},
    {"HTTP/2 with prior knowledge", S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HEAD_VERSION},

    /* line ends. RFC 9112 2.2 */
    {"bare LF behind the first line", S("GET / HTTP/1.1\nHost: a\r\n\r\n"), BAD},
    {"bare LF behind a field", S("GET / HTTP/1.1\r\nHost: a\n\r\n"), BAD},
    {"bare LF as the empty line", S("GET / HTTP/1.1\r\nHost: a\r\n\n"), BAD},
    {"bare LFs throughout", S("GET / HTTP/1.1\nHost: a\n\n"), BAD},
    {"bare LF, head not whole", S("GET / HTTP/1.1\r\nHost: a\n"), BAD},
    {"CR CR LF behind the first line", S("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"), BAD},
    {"CR CR LF behind a field", S("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"), BAD},
    {"CR CR LF as the empty line", S("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n"), BAD},
    {"CR in a value", WITH("X: a\rb\r\n"), BAD},
    {"CR in a name", WITH("X\rY: a\r\n"), BAD},
    {"CR before the colon", WITH("X\r: a\r\n"), BAD},
    {"CR behind the colon", WITH("X:\ra\r\n"), BAD},
    {"CR in the target", LINE("GET /a\rb HTTP/1.1"), BAD},
    {"CR for a line end", S("GET / HTTP/1.1\rHost: a\r\r\n\r\n"), BAD},

    /* the request line. RFC 9112 3 */
    {"two spaces behind the method", LINE("GET  / HTTP/1.1"), BAD},
    {"two spaces before the version", LINE("GET /  HTTP/1.1"), BAD},
    {"space behind the version", LINE("GET / HTTP/1.1 "), BAD},
    {"tab before the version", LINE("GET /\tHTTP/1.1"), BAD},
    {"tab in the target", LINE("GET /a\tb HTTP/1.1"), BAD},
    {"space in the target", LINE("GET /a b HTTP/1.1"), BAD},
    {"NUL in the target", LINE("GET /a\0b HTTP/1.1"), BAD},
    {"DEL in the target", LINE("GET /a\x7f HTTP/1.1"), BAD},
    {"form feed in the target", LINE("GET /a\x0c HTTP/1.1"), BAD},
    {"UTF-8 in the target", LINE("GET /\xc3\xa4 HTTP/1.1"), BAD},
    {"byte above ASCII in the query", LINE("GET /?\xff HTTP/1.1"), BAD},
    {"fragment", LINE("GET /a#b HTTP/1.1"), BAD},
    {"fragment in the query", LINE("GET /?a#b HTTP/1.1"), BAD},
    {"quote in the target", LINE("GET /\"a\" HTTP/1.1"), BAD},
    {"< in the target", LINE("GET /<a HTTP/1.1"), BAD},
    {"> in the query", LINE("GET /?a> HTTP/1.1"), BAD},
    {"no target", LINE("GET HTTP/1.1"), BAD},
    {"no target, two spaces", LINE("GET  HTTP/1.1"), BAD},
    {"method alone", LINE("GET"), BAD},
    {"method and space alone", LINE("GET "), BAD},
    {"no method", LINE("/ HTTP/1.1"), BAD},
    {"method in quotes", LINE("\"GET\" / HTTP/1.1"), BAD},
    {"NUL in the method", LINE("G\0T / HTTP/1.1"), BAD},
    {"byte above ASCII in the method", LINE("G\xc9T / HTTP/1.1"), BAD},

    /* versions. RFC 9112 2.3 */
    {"HTTP/0.9 without a version", S("GET /\r\n\r\n"), BAD},
    {"0.9", LINE("GET / HTTP/0.9"), HEAD_VERSION},
    {"2.0", LINE("GET / HTTP/2.0"), HEAD_VERSION},
    {"3.0", LINE("GET / HTTP/3.0"), HEAD_VERSION},
    {"9.9", LINE("GET / HTTP/9.9"), HEAD_VERSION},
    {"HTTP/2 without a minor", LINE("GET / HTTP/2"), BAD},
    {"HTTP/1", LINE("GET / HTTP/1"), BAD},
    {"HTTP/1.", LINE("GET / HTTP/1."), BAD},
    {"1.10", LINE("GET / HTTP/1.10"), BAD},
    {"1.01", LINE("GET / HTTP/1.01"), BAD},
    {"01.1", LINE("GET / HTTP/01.1"), BAD},
    {"11", LINE("GET / HTTP/11"), BAD},
    {"1,1", LINE("GET / HTTP/1,1"), BAD},
    {"lower case", LINE("GET / http/1.1"), BAD},
    {"mixed case", LINE("GET / Http/1.1"), BAD},
    {"letters for digits", LINE("GET / HTTP/a.b"), BAD},
    {"negative", LINE("GET / HTTP/-1.1"), BAD},
    {"another protocol", LINE("GET / HTTQ/1.1"), BAD},
    {"ICE's", LINE("SOURCE / ICE/1.0"), BAD},
    {"RTSP's", LINE("DESCRIBE / RTSP/1.0"), BAD},

    /* forms of the target. RFC 9112 3.2 */
    {"path without a slash", LINE("GET a/b HTTP/1.1"), BAD},
    {"query alone", LINE("GET ?a HTTP/1.1"), BAD},
    {"* with GET", LINE("GET * HTTP/1.1"), BAD},
    {"* and more", LINE("OPTIONS */a HTTP/1.1"), BAD},
    {"authority with GET", LINE("GET a:80 HTTP/1.1"), BAD},
    {"CONNECT with a path", LINE("CONNECT /a HTTP/1.1"), BAD},
    {"CONNECT without a port", LINE("CONNECT a HTTP/1.1"), BAD},
    {"CONNECT with an empty port", LINE("CONNECT a: HTTP/1.1"), BAD},
    {"CONNECT with a port alone", LINE("CONNECT :80 HTTP/1.1"), BAD},
    {"CONNECT with a URL", LINE("CONNECT http://a:80 HTTP/1.1"), BAD},
    {"CONNECT with userinfo", LINE("CONNECT u@a:80 HTTP/1.1"), BAD},
    {"CONNECT to port 65536", LINE("CONNECT a:65536 HTTP/1.1"), BAD},
    {"another scheme", LINE("GET ftp://a/ HTTP/1.1"), BAD},
    {"scheme without slashes", LINE("GET http:/a HTTP/1.1"), BAD},
    {"scheme alone", LINE("GET http:// HTTP/1.1"), BAD},
    {"no authority", LINE("GET http:///a HTTP/1.1"), BAD},
    {"query for an authority", LINE("GET http://?a HTTP/1.1"), BAD},
    {"userinfo", LINE("GET http://u:p@a/ HTTP/1.1"), BAD},
    {"empty userinfo", LINE("GET http://@a/ HTTP/1.1"), BAD},
    {"port without a name", LINE("GET http://:80/ HTTP/1.1"), BAD},
    {"bad port", LINE("GET http://a:x/ HTTP/1.1"), BAD},
    {"escape in the authority", LINE("GET http://%61/ HTTP/1.1"), BAD},
    {"backslash in the authority", LINE("GET http://a\\b/ HTTP/1.1"), BAD},
    {"absolute form does not excuse a missing Host", S("GET http://a/ HTTP/1.1\r\n\r\n"), BAD},
    {"absolute form does not excuse a bad Host",
     S("GET http://a/ HTTP/1.1\r\nHost: b b\r\n\r\n"), BAD},
    {"absolute form does not excuse two Hosts",
     S("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), BAD},

    /* Host. RFC 9112 3.2 */
    {"no Host", S("GET / HTTP/1.1\r\n\r\n"), BAD},
    {"no Host in 1.2", S("GET / HTTP/1.2\r\n\r\n"), BAD},
    {"no Host but others", S("GET / HTTP/1.1\r\nHosts: a\r\nX-Host: a\r\n\r\n"), BAD},
    {"two Hosts", S("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), BAD},
    {"two equal Hosts", S("GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n"), BAD},
    {"two Hosts, the first empty", S("GET / HTTP/1.1\r\nHost:\r\nHost: a\r\n\r\n"), BAD},
    {"two Hosts in 1.0", S("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), BAD},
    {"list", HOST("a, b"), BAD},
    {"space inside", HOST("a b"), BAD},
    {"userinfo in Host", HOST("u@a"), BAD},
    {"URL in Host", HOST("http://a"), BAD},
    {"path in Host", HOST("a/b"), BAD},
    {"query in Host", HOST("a?b"), BAD},
    {"fragment in Host", HOST("a#b"), BAD},
    {"port without a name in Host", HOST(":80"), BAD},
    {"port in letters", HOST("a:http"), BAD},
    {"port with a sign", HOST("a:+80"), BAD},
    {"port 65536", HOST("a:65536"), BAD},
    {"two ports", HOST("a:80:80"), BAD},
    {"empty label", HOST("a..b"), BAD},
    {"leading dot", HOST(".a"), BAD},
    {"dot alone", HOST("."), BAD},
    {"two trailing dots", HOST("a.."), BAD},
    {"wildcard", HOST("*.example"), BAD},
    {"NUL in Host", HOST("a\0b"), BAD},
    {"byte above ASCII in Host", HOST("\xc3\xa4"), BAD},
    {"escape in Host", HOST("%61"), BAD},
    {"bare IPv6", HOST("::1"), BAD},
    {"IPv6 not closed", HOST("[::1"), BAD},
    {"IPv6 not opened", HOST("::1]"), BAD},
    {"IPv6 and more", HOST("[::1]a"), BAD},
    {"IPv6 with a zone", HOST("[fe80::1%25eth0]"), BAD},
    {"no IPv6 in brackets", HOST("[a.example]"), BAD},
    {"empty brackets", HOST("[]"), BAD},
    {"a future literal", HOST("[v1.a]"), BAD},
    {"NUL inside brackets", HOST("[::1\0]"), BAD},

    /* field lines. RFC 9112 5 */
    {"space before the colon", WITH("X : a\r\n"), BAD},
    {"tab before the colon", WITH("X\t: a\r\n"), BAD},
    {"space before the colon of Host", S("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), BAD},
    {"space before the colon of Content-Length", WITH("Content-Length : 5\r\n"), BAD},
    {"empty name", WITH(": a\r\n"), BAD},
    {"no colon", WITH("Xa\r\n"), BAD},
    {"space in a name", WITH("X Y: a\r\n"), BAD},
    {"NUL in a name", WITH("X\0Y: a\r\n"), BAD},
    {"byte above ASCII in a name", WITH("X\xc3\xa4: a\r\n"), BAD},
    {"parenthesis in a name", WITH("X(): a\r\n"), BAD},
    {"slash in a name", WITH("X/Y: a\r\n"), BAD},
    {"quote in a name", WITH("\"X\": a\r\n"), BAD},
    {"folded with a space", WITH("X: a\r\n b\r\n"), BAD},
    {"folded with a tab", WITH("X: a\r\n\tb\r\n"), BAD},
    {"folded empty value", WITH("X:\r\n b\r\n"), BAD},
    {"folded into nothing", WITH("X: a\r\n \r\n"), BAD},
    {"folded Host", S("GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n"), BAD},
    {"folded length", WITH("Content-Length:\r\n 5\r\n"), BAD},
    {"folded coding", WITH("Transfer-Encoding:\r\n chunked\r\n"), BAD},
    {"fold before the first field", S("GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n"), BAD},
    {"fold for an empty line", S("GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n"), BAD},
    {"NUL in a value", WITH("X: a\0b\r\n"), BAD},
    {"NUL as a value", WITH("X: \0\r\n"), BAD},
    {"BEL in a value", WITH("X: a\x07\r\n"), BAD},
    {"vertical tab in a value",
     WITH("X: a\x0b"
          "b\r\n"),
     BAD},
    {"ESC in a value", WITH("X: \x1b[0m\r\n"), BAD},
    {"DEL in a value", WITH("X: \x7f\r\n"), BAD},

    /* Content-Length. RFC 9110 8.6, RFC 9112 6.3 */
    {"twice, different", WITH("Content-Length: 5\r\nContent-Length: 6\r\n"), BAD},
    {"twice, equal", WITH("Content-Length: 5\r\nContent-Length: 5\r\n"), BAD},
    {"list, equal", WITH("Content-Length: 5, 5\r\n"), BAD},
    {"list, different", WITH("Content-Length: 5,6\r\n"), BAD},
    {"plus sign", WITH("Content-Length: +5\r\n"), BAD},
    {"minus sign", WITH("Content-Length: -5\r\n"), BAD},
    {"hexadecimal", WITH("Content-Length: 0x5\r\n"), BAD},
    {"letters", WITH("Content-Length: five\r\n"), BAD},
    {"letter behind", WITH("Content-Length: 5a\r\n"), BAD},
    {"fraction", WITH("Content-Length: 5.0\r\n"), BAD},
    {"space between digits", WITH("Content-Length: 5 5\r\n"), BAD},
    {"empty length", WITH("Content-Length:\r\n"), BAD},
    {"blank length", WITH("Content-Length: \t\r\n"), BAD},
    {"length one too great", WITH("Content-Length: 9223372036854775808\r\n"), BAD},
    {"length of 2^64", WITH("Content-Length: 18446744073709551616\r\n"), BAD},
    {"length of 40 digits",
     WITH("Content-Length: 1000000000000000000000000000000000000000\r\n"), BAD},

    /* Transfer-Encoding. RFC 9112 6.1 */
    {"length, then chunked", WITH("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), BAD},
    {"chunked, then length", WITH("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), BAD},
    {"tab inside a length", WITH("Content-Length: 3\t3\r\n"), BAD},
    {"tab before a length's colon", WITH("Content-Length\t: 3\r\n"), BAD},
    {"length folded with a tab", WITH("Content-Length:\r\n\t3\r\n"), BAD},
    {"length and an unknown coding", WITH("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n"),
     BAD},
    {"chunked in 1.0", S("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), BAD},
    {"chunked twice in a list", WITH("Transfer-Encoding: chunked, chunked\r\n"), BAD},
    {"chunked twice", WITH("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
     BAD},
    {"chunked not last", WITH("Transfer-Encoding: chunked, gzip\r\n"), BAD},
    {"chunked not last, two lines",
     WITH("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n"), BAD},
    {"chunked, then identity", WITH("Transfer-Encoding: chunked, identity\r\n"), BAD},
    {"chunked with a parameter", WITH("Transfer-Encoding: chunked;a=b\r\n"), BAD},
    {"chunked with an empty parameter", WITH("Transfer-Encoding: chunked;\r\n"), BAD},
    {"empty coding", WITH("Transfer-Encoding:\r\n"), BAD},
    {"a coding of commas", WITH("Transfer-Encoding: , ,\r\n"), BAD},
    {"chunked in quotes", WITH("Transfer-Encoding: \"chunked\"\r\n"), BAD},
    {"vertical tab before chunked",
     WITH("Transfer-Encoding: \x0b"
          "chunked\r\n"),
     BAD},
    {"chunked and a word", WITH("Transfer-Encoding: chunked x\r\n"), BAD},
    {"gzip before chunked", WITH("Transfer-Encoding: gzip, chunked\r\n"), HEAD_NOT_IMPLEMENTED},
    {"gzip before chunked, two lines",
     WITH("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), HEAD_NOT_IMPLEMENTED},
    {"gzip with a parameter", WITH("Transfer-Encoding: gzip;q=1, chunked\r\n"),
     HEAD_NOT_IMPLEMENTED},
    {"gzip alone", WITH("Transfer-Encoding: gzip\r\n"), HEAD_NOT_IMPLEMENTED},
    {"identity", WITH("Transfer-Encoding: identity\r\n"), HEAD_NOT_IMPLEMENTED},
    {"nearly chunked", WITH("Transfer-Encoding: xchunked\r\n"), HEAD_NOT_IMPLEMENTED},
    {"chunke", WITH("Transfer-Encoding: chunke\r\n"), HEAD_NOT_IMPLEMENTED},
};
/* clang-format on */

static void
test_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span text = copied(rows[i].text);
        struct head h;
        size_t seen = 0;

        print_message("%s\n", rows[i].why);
        assert_int_equal(head_parse(text, &seen, &h), rows[i].verdict);
        copied_done(text);
    }
}

/* Coming in pieces, a head is refused at its last byte at the latest, and for the same reason.
 */
static void
test_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum head_verdict v = HEAD_MORE;
        struct head h;
        size_t seen = 0;

        print_message("%s\n", rows[i].why);
        for (size_t n = 1; n <= rows[i].text.n && v == HEAD_MORE; n++) {
            struct span part = copied(span_of(rows[i].text.p, n));

            v = head_parse(part, &seen, &h);
            copied_done(part);
        }
        assert_int_equal(v, rows[i].verdict);
    }
}

/* GET /aaa... of `target` bytes, `fields` lines of `width` bytes with their CR LF, the end. */
static struct span
built(size_t target, unsigned fields, size_t width)
{
    size_t cap = target + fields * width + 64, n = 0;
    char *p = malloc(cap);

    assert_non_null(p);
    memcpy(p, "GET /", 5);
    memset(p + 5, 'a', target - 1);
    n = 4 + target;
    n += (size_t)snprintf(p + n, cap - n, " HTTP/1.1\r\nHost: a\r\n");
    for (unsigned i = 0; i < fields; i++) {
        memcpy(p + n, "X:", 2);
        memset(p + n + 2, 'x', width - 4);
        memcpy(p + n + width - 2, "\r\n", 2);
        n += width;
    }
    memcpy(p + n, "\r\n", 2);
    return span_of(p, n + 2);
}

#define FRAME 27 /* bytes of built(1, 0, 0) */

static void
test_bounds(void **state)
{
    static const struct {
        const char *why;
        size_t target;
        unsigned fields;
        size_t width;
        enum head_verdict verdict;
    } bounds[] = {
        {"longest target", HEAD_TARGET_MAX, 0, 0, HEAD_OK},
        {"target one too long", HEAD_TARGET_MAX + 1, 0, 0, HEAD_TARGET_LONG},
        {"endless target", 60000, 0, 0, HEAD_TARGET_LONG},
        {"most fields, with Host", 1, HEAD_FIELDS_MAX - 1, 6, HEAD_OK},
        {"one field too many", 1, HEAD_FIELDS_MAX, 6, HEAD_FIELDS_LONG},
        {"many fields too many", 1, 5000, 6, HEAD_FIELDS_LONG},
        {"one long field", 1, 1, 20000, HEAD_OK},
        {"largest head", 1, 1, HEAD_BYTES_MAX - FRAME, HEAD_OK},
        {"one byte too large", 1, 1, HEAD_BYTES_MAX - FRAME + 1, HEAD_FIELDS_LONG},
        {"endless field", 1, 1, 100000, HEAD_FIELDS_LONG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        struct span text = built(bounds[i].target, bounds[i].fields, bounds[i].width);
        enum head_verdict v = HEAD_MORE;
        size_t seen = 0;
        struct head h;

        print_message("%s\n", bounds[i].why);
        assert_int_equal(head_parse(text, &seen, &h), bounds[i].verdict);
        seen = 0;
        for (size_t n = 1; n <= text.n && v == HEAD_MORE; n += 1 + n % 7)
            v = head_parse(span_of(text.p, n), &seen, &h);
        if (v == HEAD_MORE)
            v = head_parse(text, &seen, &h);
        assert_int_equal(v, bounds[i].verdict);
        copied_done(text);
    }
}

/* No prefix may keep us waiting for ever: past the bounds there is a verdict. */
static void
test_never_waits(void **state)
{
    static const struct {
        const char *why, *begin, *fill;
        enum head_verdict verdict;
    } endless[] = {
        {"method", "", "A", HEAD_NOT_IMPLEMENTED},
        {"target", "GET /", "a", HEAD_TARGET_LONG},
        {"version", "GET / HTTP/", "1", HEAD_BAD},
        {"name", "GET / HTTP/1.1\r\n", "a", HEAD_FIELDS_LONG},
        {"value", "GET / HTTP/1.1\r\nX: ", "a", HEAD_FIELDS_LONG},
        {"blank lines", "", "\r\n", HEAD_BAD},
        {"CRs in a value", "GET / HTTP/1.1\r\nX: ", "\r", HEAD_FIELDS_LONG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
        size_t n = strlen(endless[i].begin), step = strlen(endless[i].fill), seen = 0;
        char *p = malloc(HEAD_BYTES_MAX + 64);
        struct head h;

        print_message("%s\n", endless[i].why);
        assert_non_null(p);
        memcpy(p, endless[i].begin, n);
        for (; n <= HEAD_BYTES_MAX; n += step)
            memcpy(p + n, endless[i].fill, step);
        assert_int_equal(head_parse(span_of(p, n), &seen, &h), endless[i].verdict);
        free(p);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_never_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
