/* Requests out of fields: RFC 9113 8.1 to 8.3, and the strictness of peek/head.h. */
#include "rows.h"
#include "h2_fields.h"

#define MANY   12
#define GET    ":method", "GET", ":scheme", "https"
#define SIMPLE GET, ":authority", "a.test", ":path", "/"

enum { RIGHT = 0, MALFORMED = -1 };

static const struct {
    const char *why;
    const char *fields[2 * MANY + 1]; /* name, value, ... */
    bool body;
    int want; /* RIGHT, MALFORMED, or the status it is refused with */
} rows[] = {
    {"the least", {SIMPLE}, 0, RIGHT},
    {"a body", {SIMPLE, "content-length", "3"}, 1, RIGHT},
    {"a body of no announced length", {SIMPLE}, 1, RIGHT},
    {"8.3.1 no :method",
     {":scheme", "https", ":authority", "a.test", ":path", "/"},
     0,
     MALFORMED},
    {"8.3.1 no :scheme",
     {":method", "GET", ":authority", "a.test", ":path", "/"},
     0,
     MALFORMED},
    {"8.3.1 no :path", {GET, ":authority", "a.test"}, 0, MALFORMED},
    {"8.3.1 an empty :path", {GET, ":authority", "a.test", ":path", ""}, 0, MALFORMED},
    {"8.3.1 neither :authority nor host", {GET, ":path", "/"}, 0, MALFORMED},
    {"8.3.1 host alone, as from HTTP/1", {GET, ":path", "/", "host", "a.test"}, 0, RIGHT},
    {"8.3.1 host says the same", {SIMPLE, "host", "a.test"}, 0, RIGHT},
    {"8.3.1 in another case", {SIMPLE, "host", "A.TEST"}, 0, RIGHT},
    {"8.3.1 host says something else", {SIMPLE, "host", "b.test"}, 0, MALFORMED},
    {"two hosts", {SIMPLE, "host", "a.test", "host", "a.test"}, 0, MALFORMED},
    {"an empty :authority", {GET, ":authority", "", ":path", "/"}, 0, MALFORMED},
    {"8.3.1 userinfo", {GET, ":authority", "u@a.test", ":path", "/"}, 0, MALFORMED},
    {"a name that no site has", {GET, ":authority", "a%2etest", ":path", "/"}, 0, MALFORMED},
    {"8.3 a pseudo-header field twice", {SIMPLE, ":path", "/b"}, 0, MALFORMED},
    {"8.3 behind others", {GET, ":authority", "a.test", "x", "y", ":path", "/"}, 0, MALFORMED},
    {"8.3 behind a cookie",
     {GET, ":authority", "a.test", "cookie", "y", ":path", "/"},
     0,
     MALFORMED},
    {"8.3 an unknown one", {SIMPLE, ":proto", "x"}, 0, MALFORMED},
    {"8.3 one of responses", {SIMPLE, ":status", "200"}, 0, MALFORMED},
    {"a scheme of others",
     {":method", "GET", ":scheme", "ftp", ":authority", "a", ":path", "/"},
     0,
     MALFORMED},
    {"a scheme in capitals",
     {":method", "GET", ":scheme", "HTTPS", ":authority", "a", ":path", "/"},
     0,
     RIGHT},
    {"8.2.1 capitals in a name", {SIMPLE, "X-a", "b"}, 0, MALFORMED},
    {"8.2.1 a space in a name", {SIMPLE, "x a", "b"}, 0, MALFORMED},
    {"8.2.1 a colon in a name", {SIMPLE, "x:a", "b"}, 0, MALFORMED},
    {"8.2.1 an empty name", {SIMPLE, "", "b"}, 0, MALFORMED},
    {"8.2.1 LF in a value", {SIMPLE, "x", "a\nb"}, 0, MALFORMED},
    {"8.2.1 CR in a value", {SIMPLE, "x", "a\rb"}, 0, MALFORMED},
    {"8.2.1 a space before a value", {SIMPLE, "x", " a"}, 0, MALFORMED},
    {"8.2.1 a tab behind a value", {SIMPLE, "x", "a\t"}, 0, MALFORMED},
    {"RFC 9110 5.5 a control byte", {SIMPLE, "x", "a\x01"}, 0, MALFORMED},
    {"an empty value", {SIMPLE, "x", ""}, 0, RIGHT},
    {"8.2.2 connection", {SIMPLE, "connection", "close"}, 0, MALFORMED},
    {"8.2.2 keep-alive", {SIMPLE, "keep-alive", "1"}, 0, MALFORMED},
    {"8.2.2 proxy-connection", {SIMPLE, "proxy-connection", "close"}, 0, MALFORMED},
    {"8.2.2 upgrade", {SIMPLE, "upgrade", "h2c"}, 0, MALFORMED},
    {"8.2.2 transfer-encoding", {SIMPLE, "transfer-encoding", "chunked"}, 1, MALFORMED},
    {"8.2.2 te: trailers", {SIMPLE, "te", "trailers"}, 0, RIGHT},
    {"8.2.2 another te", {SIMPLE, "te", "gzip"}, 0, MALFORMED},
    {"8.1.1 a length and no body", {SIMPLE, "content-length", "3"}, 0, MALFORMED},
    {"no length and no body", {SIMPLE, "content-length", "0"}, 0, RIGHT},
    {"two lengths", {SIMPLE, "content-length", "3", "content-length", "3"}, 1, MALFORMED},
    {"a length that is none", {SIMPLE, "content-length", "+3"}, 1, MALFORMED},
    {"an absolute :path",
     {GET, ":authority", "a.test", ":path", "http://a.test/"},
     0,
     MALFORMED},
    {"a fragment", {GET, ":authority", "a.test", ":path", "/#a"}, 0, MALFORMED},
    {"a space in the path", {GET, ":authority", "a.test", ":path", "/ b"}, 0, MALFORMED},
    {"* for OPTIONS",
     {":method", "OPTIONS", ":scheme", "https", ":authority", "a", ":path", "*"},
     0,
     RIGHT},
    {"* for others", {GET, ":authority", "a.test", ":path", "*"}, 0, MALFORMED},
    {"8.5 CONNECT", {":method", "CONNECT", ":authority", "a.test:443"}, 1, RIGHT},
    {"8.5 CONNECT with a path",
     {":method", "CONNECT", ":scheme", "https", ":authority", "a:1", ":path", "/"},
     1,
     MALFORMED},
    {"8.5 CONNECT without an authority", {":method", "CONNECT"}, 1, MALFORMED},
    {"a method that is no token",
     {":method", "GE T", ":scheme", "https", ":authority", "a", ":path", "/"},
     0,
     MALFORMED},
    {"an endless method",
     {":method", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ", ":scheme", "https", ":authority", "a",
      ":path", "/"},
     0,
     501},
};

static int
made(const char *const *fields, bool ended, struct h2_fields *f, struct request *r,
     struct h2_head *head)
{
    h2_fields_start(f);
    for (; *fields; fields += 2)
        assert_int_equal(h2_fields_add(f, span_str(fields[0]), span_str(fields[1])), 0);
    return h2_fields_request(f, ended, r, head) < 0 ? MALFORMED : (int)head->verdict;
}

static void
test_rows(void **state)
{
    struct h2_fields *f = malloc(sizeof(*f));

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct h2_head head;
        struct request r;
        int got = made(rows[i].fields, !rows[i].body, f, &r, &head);

        if (got != rows[i].want)
            fail_msg("%s: %d, not %d", rows[i].why, got, rows[i].want);
    }
    free(f);
}

static void
test_a_whole_one(void **state)
{
    static const char *const fields[] = {
        ":method",        "POST",      ":scheme", "https",        ":authority", "A.test:8443",
        ":path",          "/p%20?q=1", "cookie",  "a=1",          "x-b",        "c",
        "cookie",         "d=2",       "expect",  "100-continue", "priority",   "u=1, i",
        "content-length", "3",         NULL};
    struct h2_fields *f = malloc(sizeof(*f));
    struct h2_head head;
    struct request r;

    (void)state;
    assert_int_equal(made(fields, false, f, &r, &head), RIGHT);
    request_own(&r);
    assert_int_equal(f->urgency, 1);
    assert_true(f->priority && f->shares);
    free(f);
    assert_int_equal(r.method, METHOD_POST);
    assert_int_equal(r.version, 20);
    assert_true(r.keep_alive && r.expect_continue && r.has_query && head.has_body);
    assert_true(span_eq(r.path, SPAN("/p%20")));
    assert_true(span_eq(r.query, SPAN("q=1")));
    assert_true(span_eq(r.target, SPAN("/p%20?q=1")));
    assert_true(span_eq(r.host, SPAN("A.test:8443")));
    assert_true(span_eq(r.host_name, SPAN("a.test")));
    assert_int_equal(r.framing, BODY_LENGTH);
    assert_int_equal(r.body_bytes, 3);
    /* RFC 9113 8.2.3: one field for whoever takes it on */
    assert_true(span_eq(request_field(&r, SPAN("cookie")), SPAN("a=1; d=2")));
    assert_int_equal(r.nfields, 5);
    request_done(&r);
}

static void
test_too_much(void **state)
{
    static const char *const simple[] = {SIMPLE, NULL};
    struct h2_fields *f = malloc(sizeof(*f));
    char *big = malloc(H2_LIST_MAX);
    struct h2_head head;
    struct request r;
    unsigned n = 0;

    (void)state;
    memset(big, 'x', H2_LIST_MAX);
    (void)made(simple, true, f, &r, &head);
    while (n < 1000 && h2_fields_add(f, SPAN("x"), SPAN("")) == 0)
        n++;
    assert_int_equal(n, 1000); /* more fields than there may be, but not that many bytes */
    assert_int_equal(h2_fields_request(f, true, &r, &head), 0);
    assert_int_equal(head.verdict, 431);
    assert_true(r.nfields <= REQUEST_FIELDS_MAX);

    (void)made(simple, true, f, &r, &head);
    assert_int_equal(h2_fields_add(f, SPAN("x"), span_of(big, H2_LIST_MAX - 300)), 0);
    assert_int_equal(h2_fields_request(f, true, &r, &head), 0);
    assert_int_equal(head.verdict, 0);
    assert_int_equal(h2_fields_add(f, SPAN("y"), span_of(big, 300)), 0);
    assert_int_equal(h2_fields_request(f, true, &r, &head), 0);
    assert_int_equal(head.verdict, 431);
    for (n = 0; n < 100 && h2_fields_add(f, SPAN("x"), span_of(big, H2_LIST_MAX)) == 0; n++)
        ;
    assert_int_equal(n, 6); /* what a bomb of HPACK would unpack to is not taken */

    (void)made(simple, true, f, &r, &head);
    for (n = 0; n < 700; n++)
        assert_int_equal(h2_fields_add(f, SPAN("cookie"), SPAN("ab=cd")), 0);
    assert_int_equal(h2_fields_request(f, true, &r, &head), 0);
    assert_int_equal(head.verdict, 0); /* crumbs are one field */
    assert_int_equal(request_field(&r, SPAN("cookie")).n, 700 * 7 - 2);
    free(big);
    free(f);
}

static void
test_priority(void **state)
{
    static const struct {
        const char *value;
        unsigned urgency;
        bool shares;
    } said[] = {
        {"", 3, false},
        {"u=0", 0, false},
        {"u=7, i", 7, true},
        {"i", 3, true},
        {"i=?0", 3, false},
        {"i=?1,u=5", 5, true},
        {"u=8", 3, false},
        {"u=-1", 3, false},
        {"x=1, u=2;a=b", 3, false},
        {"u=2,unknown", 2, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        uint8_t urgency = 99;
        bool shares = true;

        h2_priority(span_str(said[i].value), &urgency, &shares);
        if (urgency != said[i].urgency || shares != said[i].shares)
            fail_msg("%s: %u %d", said[i].value, urgency, shares);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_a_whole_one),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_priority),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
