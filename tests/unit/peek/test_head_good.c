/* Heads that are taken, and how they read. Every one also byte by byte, and with more behind.
 */
#include "rows.h"
#include "hostel/peek/head.h"

#include <llhttp.h>

#define OTHER HEAD_METHOD_OTHER
#define KEEP  1u
#define CONT  2u /* Expect: 100-continue */
#define EXP   4u /* another expectation */
#define CHUNK 8u
#define LEN   16u

struct row {
    const char *why;
    struct span text;
    unsigned method;
    const char *target, *path, *query; /* query NULL: none */
    const char *authority, *host_name;
    unsigned version, flags;
    uint64_t length;
    unsigned nfields;
};

#define GET11(line)    "GET " line " HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define WITH(fields)   "GET / HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define WITH10(fields) "GET / HTTP/1.0\r\n" fields "\r\n"
#define POST(fields)   "POST /p HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define HOST(value)    "GET / HTTP/1.1\r\nHost:" value "\r\n\r\n"
#define A              "a", "a"

/* clang-format off: one row a line */
static const struct row rows[] = {
    /* the request line */
    {"plain", S(GET11("/")), HTTP_GET, "/", "/", NULL, "a.example", "a.example", 11, KEEP, 0,
     1},
    {"path", S(GET11("/a/b.html")), HTTP_GET, "/a/b.html", "/a/b.html", NULL, "a.example",
     "a.example", 11, KEEP, 0, 1},
    {"query", S(GET11("/a?b=c")), HTTP_GET, "/a?b=c", "/a", "b=c", "a.example", "a.example", 11,
     KEEP, 0, 1},
    {"empty query is one", S(GET11("/a?")), HTTP_GET, "/a?", "/a", "", "a.example", "a.example",
     11, KEEP, 0, 1},
    {"second ? belongs to the query", S(GET11("/a?b?c")), HTTP_GET, "/a?b?c", "/a", "b?c",
     "a.example", "a.example", 11, KEEP, 0, 1},
    {"two slashes are a path, no authority", S(GET11("//b/c")), HTTP_GET, "//b/c", "//b/c",
     NULL, "a.example", "a.example", 11, KEEP, 0, 1},
    {"escapes stay", S(GET11("/%41%2f%00")), HTTP_GET, "/%41%2f%00", "/%41%2f%00", NULL,
     "a.example", "a.example", 11, KEEP, 0, 1},
    {"what browsers send raw", S(GET11("/a|b?{x}=[1]^`\\'")), HTTP_GET, "/a|b?{x}=[1]^`\\'",
     "/a|b", "{x}=[1]^`\\'", "a.example", "a.example", 11, KEEP, 0, 1},
    {"URL in the path", S(GET11("/http://b/")), HTTP_GET, "/http://b/", "/http://b/", NULL,
     "a.example", "a.example", 11, KEEP, 0, 1},
    {"one blank line before", S("\r\n" GET11("/")), HTTP_GET, "/", "/", NULL, "a.example",
     "a.example", 11, KEEP, 0, 1},
    {"four blank lines before", S("\r\n\r\n\r\n\r\n" GET11("/")), HTTP_GET, "/", "/", NULL,
     "a.example", "a.example", 11, KEEP, 0, 1},
    {"1.2 reads as 1.1", S("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), HTTP_GET, "/", "/", NULL, A,
     11, KEEP, 0, 1},
    {"1.9 reads as 1.1", S("GET / HTTP/1.9\r\nHost: a\r\n\r\n"), HTTP_GET, "/", "/", NULL, A,
     11, KEEP, 0, 1},
    {"1.0 without fields", S("GET / HTTP/1.0\r\n\r\n"), HTTP_GET, "/", "/", NULL, "", "", 10, 0,
     0, 0},
    {"1.0 with Host", S(WITH10("Host: a\r\n")), HTTP_GET, "/", "/", NULL, A, 10, 0, 0, 1},

    /* methods */
    {"HEAD", S("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_HEAD, "/", "/", NULL, A, 11, KEEP, 0,
     1},
    {"PUT", S("PUT / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_PUT, "/", "/", NULL, A, 11, KEEP, 0,
     1},
    {"DELETE is number 0", S("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_DELETE, "/", "/",
     NULL, A, 11, KEEP, 0, 1},
    {"PATCH", S("PATCH / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_PATCH, "/", "/", NULL, A, 11, KEEP,
     0, 1},
    {"TRACE", S("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_TRACE, "/", "/", NULL, A, 11, KEEP,
     0, 1},
    {"PROPFIND", S("PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_PROPFIND, "/", "/", NULL, A,
     11, KEEP, 0, 1},
    {"M-SEARCH", S("M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_MSEARCH, "/", "/", NULL, A,
     11, KEEP, 0, 1},
    {"SOURCE, which llhttp knows from another protocol",
     S("SOURCE / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_SOURCE, "/", "/", NULL, A, 11, KEEP, 0, 1},
    {"unknown method", S("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n"), OTHER, "/pot", "/pot", NULL,
     A, 11, KEEP, 0, 1},
    {"lower case is another method", S("get / HTTP/1.1\r\nHost: a\r\n\r\n"), OTHER, "/", "/",
     NULL, A, 11, KEEP, 0, 1},
    {"beginning of a known method", S("GE / HTTP/1.1\r\nHost: a\r\n\r\n"), OTHER, "/", "/",
     NULL, A, 11, KEEP, 0, 1},
    {"known method and more", S("GETS / HTTP/1.1\r\nHost: a\r\n\r\n"), OTHER, "/", "/", NULL, A,
     11, KEEP, 0, 1},
    {"PRI is no method of HTTP/1", S("PRI / HTTP/1.1\r\nHost: a\r\n\r\n"), OTHER, "/", "/",
     NULL, A, 11, KEEP, 0, 1},
    {"RTSP's methods are not HTTP's", S("DESCRIBE / HTTP/1.1\r\nHost: a\r\n\r\n"), OTHER, "/",
     "/", NULL, A, 11, KEEP, 0, 1},
    {"every odd token character", S("!#$%&'*+-.^_`|~0aZ / HTTP/1.1\r\nHost: a\r\n\r\n"), OTHER,
     "/", "/", NULL, A, 11, KEEP, 0, 1},
    {"method of 32 bytes", S("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 / HTTP/1.1\r\nHost: a\r\n\r\n"),
     OTHER, "/", "/", NULL, A, 11, KEEP, 0, 1},

    /* the other forms of a target */
    {"absolute form beats Host", S("GET http://B.example/x?y HTTP/1.1\r\nHost: a\r\n\r\n"),
     HTTP_GET, "http://B.example/x?y", "/x", "y", "B.example", "b.example", 11, KEEP, 0, 1},
    {"absolute form with a port", S("GET http://b:8080/ HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET,
     "http://b:8080/", "/", NULL, "b:8080", "b", 11, KEEP, 0, 1},
    {"absolute form without a path", S("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET,
     "http://b", "/", NULL, "b", "b", 11, KEEP, 0, 1},
    {"absolute form, query but no path", S("GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n"),
     HTTP_GET, "http://b?q", "/", "q", "b", "b", 11, KEEP, 0, 1},
    {"https likewise", S("GET https://b/x HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET,
     "https://b/x", "/x", NULL, "b", "b", 11, KEEP, 0, 1},
    {"scheme in capitals", S("GET HTTP://b/x HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET,
     "HTTP://b/x", "/x", NULL, "b", "b", 11, KEEP, 0, 1},
    {"absolute form with an IPv6 literal",
     S("GET http://[::1]:80/x HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET, "http://[::1]:80/x",
     "/x", NULL, "[::1]:80", "[::1]", 11, KEEP, 0, 1},
    {"absolute form and an empty Host", S("GET http://b/x HTTP/1.1\r\nHost:\r\n\r\n"), HTTP_GET,
     "http://b/x", "/x", NULL, "b", "b", 11, KEEP, 0, 1},
    {"absolute form in 1.0", S("GET http://b/x HTTP/1.0\r\n\r\n"), HTTP_GET, "http://b/x", "/x",
     NULL, "b", "b", 10, 0, 0, 0},
    {"absolute form, unknown method", S("BREW http://b/x HTTP/1.1\r\nHost: a\r\n\r\n"), OTHER,
     "http://b/x", "/x", NULL, "b", "b", 11, KEEP, 0, 1},
    {"OPTIONS *", S("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_OPTIONS, "*", "*", NULL, A,
     11, KEEP, 0, 1},
    {"OPTIONS of a path", S("OPTIONS /x HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_OPTIONS, "/x", "/x",
     NULL, A, 11, KEEP, 0, 1},
    {"OPTIONS absolute without a path is *", S("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n"),
     HTTP_OPTIONS, "http://b", "*", NULL, "b", "b", 11, KEEP, 0, 1},
    {"OPTIONS absolute with /", S("OPTIONS http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
     HTTP_OPTIONS, "http://b/", "/", NULL, "b", "b", 11, KEEP, 0, 1},
    {"CONNECT", S("CONNECT b.example:443 HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_CONNECT,
     "b.example:443", "", NULL, "b.example:443", "b.example", 11, KEEP, 0, 1},

    /* Host */
    {"case and port", S(HOST(" A.Example:80")), HTTP_GET, "/", "/", NULL, "A.Example:80",
     "a.example", 11, KEEP, 0, 1},
    {"trailing dot", S(HOST(" a.example.")), HTTP_GET, "/", "/", NULL, "a.example.",
     "a.example", 11, KEEP, 0, 1},
    {"trailing dot and port", S(HOST(" a.example.:8080")), HTTP_GET, "/", "/", NULL,
     "a.example.:8080", "a.example", 11, KEEP, 0, 1},
    {"empty port", S(HOST(" a:")), HTTP_GET, "/", "/", NULL, "a:", "a", 11, KEEP, 0, 1},
    {"IPv4", S(HOST(" 127.0.0.1:8080")), HTTP_GET, "/", "/", NULL, "127.0.0.1:8080",
     "127.0.0.1", 11, KEEP, 0, 1},
    {"IPv6", S(HOST(" [2001:DB8::1]")), HTTP_GET, "/", "/", NULL, "[2001:DB8::1]",
     "[2001:db8::1]", 11, KEEP, 0, 1},
    {"underscore", S(HOST(" a_b.example")), HTTP_GET, "/", "/", NULL, "a_b.example",
     "a_b.example", 11, KEEP, 0, 1},
    {"empty", S(HOST("")), HTTP_GET, "/", "/", NULL, "", "", 11, KEEP, 0, 1},
    {"only spaces", S(HOST("  \t ")), HTTP_GET, "/", "/", NULL, "", "", 11, KEEP, 0, 1},
    {"no space after the colon", S(HOST("a")), HTTP_GET, "/", "/", NULL, A, 11, KEEP, 0, 1},
    {"tabs and spaces around", S(HOST(" \t a \t ")), HTTP_GET, "/", "/", NULL, A, 11, KEEP, 0,
     1},
    {"name in capitals", S("GET / HTTP/1.1\r\nHOST: a\r\n\r\n"), HTTP_GET, "/", "/", NULL, A,
     11, KEEP, 0, 1},
    {"not the first field", S("GET / HTTP/1.1\r\nX: y\r\nhost: a\r\n\r\n"), HTTP_GET, "/", "/",
     NULL, A, 11, KEEP, 0, 2},

    /* field lines */
    {"empty value", S(WITH("X:\r\n")), HTTP_GET, "/", "/", NULL, A, 11, KEEP, 0, 2},
    {"blank value", S(WITH("X:  \t\r\n")), HTTP_GET, "/", "/", NULL, A, 11, KEEP, 0, 2},
    {"tab inside a value", S(WITH("X: a\tb\r\n")), HTTP_GET, "/", "/", NULL, A, 11, KEEP, 0, 2},
    {"bytes above ASCII in a value", S(WITH("X: \xc3\xa4\xff\r\n")), HTTP_GET, "/", "/", NULL,
     A, 11, KEEP, 0, 2},
    {"colons in a value", S(WITH("X: a:b: c\r\n")), HTTP_GET, "/", "/", NULL, A, 11, KEEP, 0,
     2},
    {"odd token characters in a name", S(WITH("!#$%&'*+-.^_`|~: 1\r\n")), HTTP_GET, "/", "/",
     NULL, A, 11, KEEP, 0, 2},
    {"the same name twice", S(WITH("X: 1\r\nX: 2\r\n")), HTTP_GET, "/", "/", NULL, A, 11, KEEP,
     0, 3},
    {"names that begin as known ones do",
     S(WITH("Hos: 1\r\nHosts: 2\r\nContent-Lengt: 3\r\nTransfer-Encodin: "
            "x\r\nTransfer-Encodings: y\r\n")),
     HTTP_GET, "/", "/", NULL, A, 11, KEEP, 0, 6},
    {"names as long as known ones",
     S(WITH("Most: 1\r\nContent-Weight: 3\r\nTransfer-Decoding: x\r\n")), HTTP_GET, "/", "/",
     NULL, A, 11, KEEP, 0, 4},
    {"upgrade is passed over",
     S(WITH("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
            "AAMAAABk\r\n")),
     HTTP_GET, "/", "/", NULL, A, 11, KEEP, 0, 4},

    /* keep-alive. RFC 9112 9.3 */
    {"close", S(WITH("Connection: close\r\n")), HTTP_GET, "/", "/", NULL, A, 11, 0, 0, 2},
    {"close in capitals", S(WITH("Connection: CLOSE\r\n")), HTTP_GET, "/", "/", NULL, A, 11, 0,
     0, 2},
    {"close in a list", S(WITH("Connection: foo, close ,bar\r\n")), HTTP_GET, "/", "/", NULL, A,
     11, 0, 0, 2},
    {"close on a second line", S(WITH("Connection: foo\r\nConnection: close\r\n")), HTTP_GET,
     "/", "/", NULL, A, 11, 0, 0, 3},
    {"close wins over keep-alive", S(WITH("Connection: close, keep-alive\r\n")), HTTP_GET, "/",
     "/", NULL, A, 11, 0, 0, 2},
    {"part of a word is not close", S(WITH("Connection: closed\r\n")), HTTP_GET, "/", "/", NULL,
     A, 11, KEEP, 0, 2},
    {"empty list members", S(WITH("Connection: ,, ,\r\n")), HTTP_GET, "/", "/", NULL, A, 11,
     KEEP, 0, 2},
    {"1.0 asks for keep-alive", S(WITH10("Connection: keep-alive\r\n")), HTTP_GET, "/", "/",
     NULL, "", "", 10, KEEP, 0, 1},
    {"1.0, keep-alive in a list", S(WITH10("Connection: te, Keep-Alive\r\n")), HTTP_GET, "/",
     "/", NULL, "", "", 10, KEEP, 0, 1},
    {"1.0, both: close wins", S(WITH10("Connection: keep-alive\r\nConnection: close\r\n")),
     HTTP_GET, "/", "/", NULL, "", "", 10, 0, 0, 2},
    {"Proxy-Connection is nothing", S(WITH10("Proxy-Connection: keep-alive\r\n")), HTTP_GET,
     "/", "/", NULL, "", "", 10, 0, 0, 1},

    /* framing */
    {"length", S(POST("Content-Length: 5\r\n")), HTTP_POST, "/p", "/p", NULL, A, 11, KEEP | LEN,
     5, 2},
    {"length 0", S(POST("Content-Length: 0\r\n")), HTTP_POST, "/p", "/p", NULL, A, 11,
     KEEP | LEN, 0, 2},
    {"leading zeros", S(POST("Content-Length: 0005\r\n")), HTTP_POST, "/p", "/p", NULL, A, 11,
     KEEP | LEN, 5, 2},
    {"spaces around a length", S(POST("Content-Length: \t 5 \r\n")), HTTP_POST, "/p", "/p",
     NULL, A, 11, KEEP | LEN, 5, 2},
    {"the greatest length", S(POST("Content-Length: 9223372036854775807\r\n")), HTTP_POST, "/p",
     "/p", NULL, A, 11, KEEP | LEN, INT64_MAX, 2},
    {"length with GET", S(WITH("Content-Length: 3\r\n")), HTTP_GET, "/", "/", NULL, A, 11,
     KEEP | LEN, 3, 2},
    {"length in 1.0", S(WITH10("content-length: 7\r\n")), HTTP_GET, "/", "/", NULL, "", "", 10,
     LEN, 7, 1},
    {"length with an unknown method",
     S("BREW / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"), OTHER, "/", "/", NULL, A, 11,
     KEEP | LEN, 3, 2},
    {"length with tabs around it", S(WITH("Content-Length:\t 3 \t\r\n")), HTTP_GET, "/", "/",
     NULL, A, 11, KEEP | LEN, 3, 2},
    {"chunked", S(POST("Transfer-Encoding: chunked\r\n")), HTTP_POST, "/p", "/p", NULL, A, 11,
     KEEP | CHUNK, 0, 2},
    {"empty members around chunked", S(POST("Transfer-Encoding: , chunked ,,\r\n")), HTTP_POST, "/p",
     "/p", NULL, A, 11, KEEP | CHUNK, 0, 2},
    {"chunked in capitals", S(POST("Transfer-Encoding: CHUNKED\r\n")), HTTP_POST, "/p", "/p",
     NULL, A, 11, KEEP | CHUNK, 0, 2},
    {"spaces around chunked", S(POST("Transfer-Encoding:\t chunked \t\r\n")), HTTP_POST, "/p",
     "/p", NULL, A, 11, KEEP | CHUNK, 0, 2},
    {"chunked in 1.3", S("POST / HTTP/1.3\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
     HTTP_POST, "/", "/", NULL, A, 11, KEEP | CHUNK, 0, 2},

    /* Expect */
    {"100-continue", S(POST("Expect: 100-continue\r\nContent-Length: 1\r\n")), HTTP_POST, "/p",
     "/p", NULL, A, 11, KEEP | CONT | LEN, 1, 3},
    {"100-Continue in another case", S(POST("Expect: 100-Continue\r\nContent-Length: 1\r\n")),
     HTTP_POST, "/p", "/p", NULL, A, 11, KEEP | CONT | LEN, 1, 3},
    {"1.0 has no 100", S(WITH10("Expect: 100-continue\r\n")), HTTP_GET, "/", "/", NULL, "", "",
     10, 0, 0, 1},
    {"another expectation", S(POST("Expect: 200-ok\r\n")), HTTP_POST, "/p", "/p", NULL, A, 11,
     KEEP | EXP, 0, 2},
    {"both", S(POST("Expect: 100-continue, x=y\r\n")), HTTP_POST, "/p", "/p", NULL, A, 11,
     KEEP | CONT | EXP, 0, 2},
};
/* clang-format on */

static bool
is(struct span s, const char *want)
{
    return span_eq(s, span_str(want));
}

static void
same(const struct row *row, const struct head *h, size_t bytes)
{
    unsigned flags = (h->keep_alive ? KEEP : 0) | (h->expect_continue ? CONT : 0) |
                     (h->expect_other ? EXP : 0) | (h->chunked ? CHUNK : 0) |
                     (h->has_length ? LEN : 0);

    print_message("%s\n", row->why);
    assert_int_equal(h->method, row->method);
    assert_true(is(h->target, row->target));
    assert_true(is(h->path, row->path));
    assert_int_equal(h->has_query, row->query != NULL);
    if (row->query)
        assert_true(is(h->query, row->query));
    assert_true(is(h->authority, row->authority));
    assert_string_equal(h->host_name, row->host_name);
    assert_int_equal(h->version, row->version);
    assert_int_equal(flags, row->flags);
    assert_int_equal(h->length, row->length);
    assert_int_equal(h->nfields, row->nfields);
    assert_int_equal(h->bytes, bytes);
}

static void
test_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span text = copied(rows[i].text);
        struct head h;
        size_t seen = 0;

        memset(&h, 0xa5, sizeof(h)); /* nothing may be left as it was */
        assert_int_equal(head_parse(text, &seen, &h), HEAD_OK);
        same(&rows[i], &h, text.n);
        copied_done(text);
    }
}

static void
test_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct head h;
        size_t seen = 0;

        for (size_t n = 1; n <= rows[i].text.n; n++) {
            struct span part = copied(span_of(rows[i].text.p, n));

            assert_int_equal(head_parse(part, &seen, &h),
                             n < rows[i].text.n ? HEAD_MORE : HEAD_OK);
            if (n == rows[i].text.n)
                same(&rows[i], &h, n);
            copied_done(part);
        }
    }
}

static void
test_more_behind(void **state)
{
    static const char *const behind[] = {"GET / HTTP/1.1\r\n\r\n", "\n", "\r\n\r\n", " fold",
                                         "\x16"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t k = 0; k < sizeof(behind) / sizeof(behind[0]); k++) {
            size_t n = rows[i].text.n, more = strlen(behind[k]), seen = 0;
            char text[1024];
            struct head h;

            assert_true(n + more < sizeof(text));
            memcpy(text, rows[i].text.p, n);
            memcpy(text + n, behind[k], more);
            assert_int_equal(head_parse(span_of(text, n + more), &seen, &h), HEAD_OK);
            same(&rows[i], &h, n);
        }
}

static void
test_fields(void **state)
{
    static const struct span text =
        S("GET / HTTP/1.1\r\nHost: a\r\nX-One:1\r\nx-two: \t b c \r\n"
          "Empty:\r\nBlank: \t \r\nLast: z\r\n\r\n");
    static const struct {
        const char *name, *value;
    } want[] = {{"Host", "a"}, {"X-One", "1"}, {"x-two", "b c"},
                {"Empty", ""}, {"Blank", ""},  {"Last", "z"}};
    struct head h;
    size_t seen = 0;

    (void)state;
    assert_int_equal(head_parse(text, &seen, &h), HEAD_OK);
    assert_int_equal(h.nfields, sizeof(want) / sizeof(want[0]));
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        assert_true(is(h.fields[i].name, want[i].name));
        assert_true(is(h.fields[i].value, want[i].value));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_more_behind),
        cmocka_unit_test(test_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
