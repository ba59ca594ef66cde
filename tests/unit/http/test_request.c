/* Requests out of heads, lent and owned. */
#include "rows.h"
#include "hostel/http/request.h"
#include "hostel/peek/head.h"

#define POST "POST /p?q=%20 HTTP/1.1\r\nHost: A.example:8080\r\nCookie: c\r\ncookie: d\r\n"

static void
made(struct span text, struct head *h, struct request *r)
{
    size_t seen = 0;

    assert_int_equal(head_parse(text, &seen, h), HEAD_OK);
    memset(r, 0xa5, sizeof(*r)); /* nothing may be left as it was */
    request_from_head(r, h, text);
}

static bool
is(struct span s, const char *want)
{
    return span_eq(s, span_str(want));
}

static void
same(const struct request *r)
{
    assert_int_equal(r->method, METHOD_POST);
    assert_true(is(r->method_text, "POST"));
    assert_true(is(r->target, "/p?q=%20"));
    assert_true(is(r->path, "/p"));
    assert_true(r->has_query);
    assert_true(is(r->query, "q=%20"));
    assert_true(is(r->host, "A.example:8080"));
    assert_true(is(r->host_name, "a.example"));
    assert_int_equal(r->version, 11);
    assert_true(r->keep_alive);
    assert_true(r->expect_continue);
    assert_int_equal(r->framing, BODY_LENGTH);
    assert_int_equal(r->body_bytes, 3);
    assert_int_equal(r->nfields, 5);
    assert_true(is(request_field(r, SPAN("COOKIE")), "c"));
    assert_true(is(request_field(r, SPAN("host")), "A.example:8080"));
    assert_null(request_field(r, SPAN("cook")).p);
}

static void
test_lent_and_owned(void **state)
{
    struct span text =
        copied(SPAN(POST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"));
    struct request r;
    struct head *h = malloc(sizeof(*h));

    (void)state;
    made(text, h, &r);
    same(&r);
    assert_int_equal(r.head.n, text.n - 3);
    request_own(&r);
    copied_done(text);
    free(h);
    same(&r);
    request_own(&r); /* once is enough */
    same(&r);
    request_done(&r);
    assert_null(r.owned);
    assert_int_equal(r.nfields, 0);
    request_done(&r);
}

/* What is there is never said to be absent; what is filled in by hand is looked for. */
static void
test_absent(void **state)
{
    static const char *const others[] = {"if-range", "range",         "accept-encoding",
                                         "referer",  "if-none-match", ""};
    struct request r, by_hand;
    struct field fields[] = {{S("Range"), S("bytes=1-")}};
    struct head h;

    (void)state;
    made(SPAN(POST "If-Match: *\r\nX: y\r\n\r\n"), &h, &r);
    for (unsigned i = 0; i < r.nfields; i++)
        assert_false(request_lacks(&r, r.fields[i].name));
    assert_false(request_lacks(&r, SPAN("if-match")));
    assert_false(request_lacks(&r, SPAN("IF-MATCH")));
    assert_true(is(request_field(&r, SPAN("if-match")), "*"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_true(request_lacks(&r, span_str(others[i])));
        assert_null(request_field(&r, span_str(others[i])).p);
    }
    by_hand = (struct request){.nfields = 1, .fields = fields};
    assert_true(is(request_field(&by_hand, SPAN("range")), "bytes=1-"));
}

static void
test_static_spans(void **state)
{
    static const struct {
        const char *why;
        struct span text;
        const char *path;
    } rows[] = {
        {"no path", S("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n"), "/"},
        {"OPTIONS of the server", S("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n"), "*"},
        {"CONNECT", S("CONNECT b:1 HTTP/1.1\r\nHost: a\r\n\r\n"), ""},
        {"no Host at all", S("GET / HTTP/1.0\r\n\r\n"), "/"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span text = copied(rows[i].text);
        struct request r;
        struct head h;

        print_message("%s\n", rows[i].why);
        made(text, &h, &r);
        request_own(&r);
        copied_done(text);
        assert_true(is(r.path, rows[i].path));
        assert_true(i == 3 ? r.host.n == 0 : r.host.p[0] == 'b');
        request_done(&r);
    }
}

/* What is said of a request after its answer is all that is left of it. */
static void
test_shed(void **state)
{
    static const struct {
        const char *why;
        struct span text;
        const char *target, *path, *query;
    } rows[] = {
        {"the usual",
         S("GET /a/b?c=d HTTP/1.1\r\nHost: A.test:80\r\nCookie: x\r\nReferer: r\r\n"
           "X-Long: 0123456789\r\nUSER-AGENT: u\r\n\r\n"),
         "/a/b?c=d", "/a/b", "c=d"},
        {"no query",
         S("GET /a HTTP/1.1\r\nHost: a.test\r\nReferer: r\r\nUser-Agent: u\r\n\r\n"), "/a",
         "/a", ""},
        {"a path that is nowhere in it",
         S("GET http://a.test HTTP/1.1\r\nHost: a.test\r\nUser-Agent: u\r\nReferer: r\r\n\r\n"),
         "http://a.test", "/", ""},
    };
    const struct span names[] = {SPAN("referer"), SPAN("user-agent"), SPAN("absent")};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span text = copied(rows[i].text);
        struct request r;
        struct head h;

        print_message("%s\n", rows[i].why);
        made(text, &h, &r);
        request_own(&r);
        copied_done(text);
        memset(&h, 'x', sizeof(h));
        request_shed(&r, names, sizeof(names) / sizeof(names[0]));
        assert_int_equal(r.nfields, 2);
        assert_true(is(request_field(&r, SPAN("Referer")), "r"));
        assert_true(is(request_field(&r, SPAN("User-Agent")), "u"));
        assert_null(request_field(&r, SPAN("cookie")).p);
        assert_true(is(r.method_text, "GET"));
        assert_true(is(r.target, rows[i].target));
        assert_true(is(r.path, rows[i].path));
        assert_true(is(r.query, rows[i].query));
        assert_true(is(r.host_name, "a.test"));
        request_shed(&r, NULL, 0);
        assert_int_equal(r.nfields, 0);
        assert_true(is(r.target, rows[i].target));
        assert_true(is(r.host_name, "a.test"));
        request_done(&r);
    }
}

static void
test_methods(void **state)
{
    static const struct {
        const char *text;
        enum method method;
    } rows[] = {
        {"GET", METHOD_GET},         {"HEAD", METHOD_HEAD},     {"POST", METHOD_POST},
        {"PUT", METHOD_PUT},         {"DELETE", METHOD_DELETE}, {"TRACE", METHOD_TRACE},
        {"OPTIONS", METHOD_OPTIONS}, {"PATCH", METHOD_PATCH},   {"PROPFIND", METHOD_OTHER},
        {"BREW", METHOD_UNKNOWN},    {"get", METHOD_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct request r;
        char text[64];
        struct head h;
        int n = snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: a\r\n\r\n", rows[i].text);

        made(span_of(text, (size_t)n), &h, &r);
        assert_int_equal(r.method, rows[i].method);
        assert_true(is(r.method_text, rows[i].text));
    }
}

static void
test_framing(void **state)
{
    static const struct {
        const char *why;
        struct span text;
        enum body_framing framing;
        uint64_t bytes;
    } rows[] = {
        {"none", S(POST "\r\n"), BODY_NONE, 0},
        {"an empty one is one", S(POST "Content-Length: 0\r\n\r\n"), BODY_LENGTH, 0},
        {"length", S(POST "Content-Length: 1\r\n\r\n"), BODY_LENGTH, 1},
        {"chunked", S(POST "Transfer-Encoding: chunked\r\n\r\n"), BODY_CHUNKED, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct request r;
        struct head h;

        print_message("%s\n", rows[i].why);
        made(rows[i].text, &h, &r);
        assert_int_equal(r.framing, rows[i].framing);
        assert_int_equal(r.body_bytes, rows[i].bytes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lent_and_owned), cmocka_unit_test(test_absent),
        cmocka_unit_test(test_static_spans),   cmocka_unit_test(test_shed),
        cmocka_unit_test(test_methods),        cmocka_unit_test(test_framing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
