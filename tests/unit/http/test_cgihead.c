/* CGI response heads: whole, byte by byte, and with a body behind. */
#include "rows.h"
#include "hostel/http/cgihead.h"

#include <errno.h>

#define NONE UINT64_MAX /* no Content-Length */
#define H    "Content-Type: text/html\r\n"

/* clang-format off: one row a line */
static const struct {
    const char *why;
    struct span text;
    unsigned status;
    const char *reason;
    uint64_t length;
    const char *fields; /* what is left of them, "name=value;" */
} good[] = {
    {"what php-cgi sends",
     S("X-Powered-By: PHP/8.2\r\nContent-type: text/html; charset=UTF-8\r\n\r\n"), 200, "",
     NONE, "X-Powered-By=PHP/8.2;Content-type=text/html; charset=UTF-8;"},
    {"line feeds alone", S("Status: 404 Not Found\nA: b\n\n"), 404, "Not Found", NONE, "A=b;"},
    {"both line ends", S("Status: 404 Not Found\r\nA: b\n\r\n"), 404, "Not Found", NONE,
     "A=b;"},
    {"both line ends, the other way", S("A: b\n\r\n"), 200, "", NONE, "A=b;"},
    {"bare status", S("Status: 404\r\n" H "\r\n"), 404, "", NONE, "Content-Type=text/html;"},
    {"status in capitals", S("STATUS: 201 Created\r\n\r\n"), 201, "Created", NONE, ""},
    {"status last", S(H "Status: 500 Oops\r\n\r\n"), 500, "Oops", NONE,
     "Content-Type=text/html;"},
    {"lowest and highest", S("Status: 599 x\r\n\r\n"), 599, "x", NONE, ""},
    {"location is 302", S("Location: /x\r\n\r\n"), 302, "", NONE, "Location=/x;"},
    {"location and status", S("Location: http://a/\r\nStatus: 301 Moved\r\n\r\n"), 301, "Moved",
     NONE, "Location=http://a/;"},
    {"location with 201", S("Status: 201 Created\r\nLocation: /x\r\n\r\n"), 201, "Created",
     NONE, "Location=/x;"},
    {"length", S("Content-Length: 12\r\n\r\n"), 200, "", 12, ""},
    {"length 0", S("Content-length: 0\r\n\r\n"), 200, "", 0, ""},
    {"every cookie", S("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nset-cookie: c=3\r\n\r\n"), 200,
     "", NONE, "Set-Cookie=a=1;Set-Cookie=b=2;set-cookie=c=3;"},
    {"hop-by-hop goes",
     S("Connection: close\r\nKeep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\nTE: "
       "trailers\r\nTrailer: X\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nProxy-Authenticate: "
       "x\r\nProxy-Connection: x\r\nA: b\r\n\r\n"),
     200, "", NONE, "A=b;"},
    {"ours to say goes", S("Date: never\r\nServer: other\r\nA: b\r\n\r\n"), 200, "", NONE,
     "A=b;"},
    {"names that begin so stay",
     S("Connections: 1\r\nServers: 2\r\nProxy: 3\r\nStatuses: 4\r\n\r\n"), 200, "", NONE,
     "Connections=1;Servers=2;Proxy=3;Statuses=4;"},
    {"only what goes", S("Server: x\r\n\r\n"), 200, "", NONE, ""},
    {"spaces around a value", S("A: \t b c \t\r\n\r\n"), 200, "", NONE, "A=b c;"},
    {"no space", S("A:b\r\n\r\n"), 200, "", NONE, "A=b;"},
    {"empty value", S("A:\r\nB: \r\n\r\n"), 200, "", NONE, "A=;B=;"},
    {"colons and high bytes in a value", S("A: b:c: \xc3\xa4\r\n\r\n"), 200, "", NONE,
     "A=b:c: \xc3\xa4;"},
};

static const struct {
    const char *why;
    struct span text;
} bad[] = {
    {"no field", S("\r\n")},
    {"no field, line feed", S("\n")},
    {"no field, then a body", S("\r\n\r\nA: b\r\n\r\n")},
    {"no colon", S("hello\r\n\r\n")},
    {"a status line of HTTP", S("HTTP/1.1 200 OK\r\nA: b\r\n\r\n")},
    {"markup", S("<html>\n\n")},
    {"empty name", S(": a\r\n\r\n")},
    {"space in a name", S("A B: c\r\n\r\n")},
    {"space before the colon", S("A : b\r\n\r\n")},
    {"NUL in a name", S("A\0: b\r\n\r\n")},
    {"folded", S("A: b\r\n c\r\n\r\n")},
    {"folded with a tab", S("A: b\r\n\tc: d\r\n\r\n")},
    {"space first", S(" A: b\r\n\r\n")},
    {"NUL in a value", S("A: b\0c\r\n\r\n")},
    {"CR in a value", S("A: b\rc\r\n\r\n")},
    {"CR CR LF", S("A: b\r\r\n\r\n")},
    {"ESC in a value", S("A: \x1b[31m\r\n\r\n")},
    {"status 100", S("Status: 100 Continue\r\n\r\n")},
    {"status 103", S("Status: 103 Early Hints\r\nLink: x\r\n\r\n")},
    {"status 199", S("Status: 199\r\n\r\n")},
    {"status 600", S("Status: 600\r\n\r\n")},
    {"status 099", S("Status: 099\r\n\r\n")},
    {"status of two digits", S("Status: 20\r\n\r\n")},
    {"status of four digits", S("Status: 2000\r\n\r\n")},
    {"status in words", S("Status: OK\r\n\r\n")},
    {"no space behind the status", S("Status: 404Not Found\r\n\r\n")},
    {"sign", S("Status: +20\r\n\r\n")},
    {"empty status", S("Status:\r\n\r\n")},
    {"two", S("Status: 200\r\nStatus: 200\r\n\r\n")},
    {"two lengths", S("Content-Length: 1\r\nContent-Length: 2\r\n\r\n")},
    {"two equal lengths", S("Content-Length: 1\r\nContent-Length: 1\r\n\r\n")},
    {"length list", S("Content-Length: 1, 1\r\n\r\n")},
    {"negative length", S("Content-Length: -1\r\n\r\n")},
    {"length in words", S("Content-Length: many\r\n\r\n")},
    {"empty length", S("Content-Length:\r\n\r\n")},
    {"length that overflows", S("Content-Length: 9223372036854775808\r\n\r\n")},
};
/* clang-format on */

static void
same(size_t row, const struct cgihead *h)
{
    struct span want = span_str(good[row].fields);

    assert_int_equal(h->status, good[row].status);
    assert_true(span_eq(h->reason, span_str(good[row].reason)));
    assert_int_equal(h->has_length, good[row].length != NONE);
    if (h->has_length)
        assert_int_equal(h->length, good[row].length);
    for (unsigned i = 0; i < h->nfields; i++) {
        char text[256];
        int n = snprintf(text, sizeof(text), "%.*s=%.*s;", (int)h->fields[i].name.n,
                         h->fields[i].name.p, (int)h->fields[i].value.n, h->fields[i].value.p);

        assert_true(span_starts(want, span_of(text, (size_t)n)));
        want = span_skip(want, (size_t)n);
    }
    assert_int_equal(want.n, 0);
}

static void
test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        static const char body[] = "\r\nbody: \0\n\n";
        char text[1024];
        struct cgihead h;
        const char *why;
        size_t seen = 0, n = good[i].text.n;

        print_message("%s\n", good[i].why);
        memcpy(text, good[i].text.p, n);
        memcpy(text + n, body, sizeof(body));
        assert_int_equal(cgihead_parse(span_of(text, n + sizeof(body)), &seen, &h, &why), n);
        same(i, &h);
        seen = 0;
        for (size_t k = 0; k <= n; k++) {
            struct span part = copied(span_of(text, k));

            assert_int_equal(cgihead_parse(part, &seen, &h, &why), k < n ? 0 : (ssize_t)n);
            if (k == n)
                same(i, &h);
            copied_done(part);
        }
    }
}

static void
test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct span text = copied(bad[i].text);
        const char *why = NULL;
        struct cgihead h;
        size_t seen = 0;
        ssize_t rc = 0;

        assert_int_equal(cgihead_parse(text, &seen, &h, &why), -EBADMSG);
        assert_non_null(why);
        print_message("%s: %s\n", bad[i].why, why);
        seen = 0;
        for (size_t k = 0; k <= text.n && rc == 0; k++)
            rc = cgihead_parse(span_of(text.p, k), &seen, &h, &why);
        assert_int_equal(rc, -EBADMSG);
        copied_done(text);
    }
}

/* `lines` lines of `width` bytes with their LF, and the end. */
static ssize_t
built(unsigned lines, size_t width, bool end)
{
    size_t n = lines * width, seen = 0;
    char *p = malloc(n + 1);
    struct cgihead h;
    const char *why = NULL;
    ssize_t rc;

    assert_non_null(p);
    for (unsigned i = 0; i < lines; i++) {
        memcpy(p + i * width, "A:", 2);
        memset(p + i * width + 2, 'x', width - 3);
        p[(i + 1) * width - 1] = '\n';
    }
    p[n] = '\n';
    rc = cgihead_parse(span_of(p, n + (end ? 1 : 0)), &seen, &h, &why);
    if (rc > 0)
        assert_int_equal(h.nfields, lines);
    assert_true(rc >= 0 || why);
    free(p);
    return rc;
}

static void
test_bounds(void **state)
{
    (void)state;
    assert_int_equal(built(CGIHEAD_LINES_MAX, 10, true), CGIHEAD_LINES_MAX * 10 + 1);
    assert_int_equal(built(CGIHEAD_LINES_MAX + 1, 10, true), -EMSGSIZE);
    assert_int_equal(built(1, CGIHEAD_BYTES_MAX - 1, true), CGIHEAD_BYTES_MAX);
    assert_int_equal(built(1, CGIHEAD_BYTES_MAX, true), -EMSGSIZE);
    assert_int_equal(built(1, CGIHEAD_BYTES_MAX, false), 0);
    assert_int_equal(built(1, CGIHEAD_BYTES_MAX + 1, false), -EMSGSIZE);
    assert_int_equal(built(70, 1000, false), -EMSGSIZE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
