/* Response heads, chunk lines, reasons, HTML. */
#include "rows.h"
#include "hostel/base/date.h"
#include "hostel/http/h1.h"
#include "hostel/http/html.h"

#include <errno.h>

#define UNKNOWN RESPONSE_LENGTH_UNKNOWN
#define F(name, value)                                                                         \
    {                                                                                          \
        S(name), S(value)                                                                      \
    }

/* clang-format off: one row a line */
static const struct {
    const char *why;
    struct response r;
    unsigned flags;
    const char *first, *rest; /* status line; what follows Date and Server */
} written[] = {
    {"plain", {.status = 200, .length = 5}, 0, "200 OK", "Content-Length: 5\r\n\r\n"},
    {"empty body", {.status = 200, .length = 0}, 0, "200 OK", "Content-Length: 0\r\n\r\n"},
    {"the greatest length",
     {.status = 200, .length = UNKNOWN - 1},
     0,
     "200 OK",
     "Content-Length: 18446744073709551614\r\n\r\n"},
    {"fields in order",
     {.status = 200, .length = 1, .nfields = 2, .fields = {F("B", "2"), F("A", "1")}},
     0,
     "200 OK",
     "B: 2\r\nA: 1\r\nContent-Length: 1\r\n\r\n"},
    {"the same name twice",
     {.status = 200,
      .length = 1,
      .nfields = 2,
      .fields = {F("Set-Cookie", "a"), F("Set-Cookie", "b")}},
     0,
     "200 OK",
     "Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 1\r\n\r\n"},
    {"empty value",
     {.status = 200, .length = 1, .nfields = 1, .fields = {{S("X"), {NULL, 0}}}},
     0,
     "200 OK",
     "X: \r\nContent-Length: 1\r\n\r\n"},
    {"tab and high bytes in a value",
     {.status = 200, .length = 1, .nfields = 1, .fields = {F("X", "\t\xc3\xa4")}},
     0,
     "200 OK",
     "X: \t\xc3\xa4\r\nContent-Length: 1\r\n\r\n"},
    {"chunked",
     {.status = 200, .length = UNKNOWN},
     H1_CHUNKED,
     "200 OK",
     "Transfer-Encoding: chunked\r\n\r\n"},
    {"a known length needs no chunks",
     {.status = 200, .length = 3},
     H1_CHUNKED,
     "200 OK",
     "Content-Length: 3\r\n\r\n"},
    {"until close",
     {.status = 200, .length = UNKNOWN},
     H1_CLOSE,
     "200 OK",
     "Connection: close\r\n\r\n"},
    {"until close, said by the response",
     {.status = 200, .length = UNKNOWN, .close = true},
     0,
     "200 OK",
     "Connection: close\r\n\r\n"},
    {"close",
     {.status = 400, .length = 7},
     H1_CLOSE,
     "400 Bad Request",
     "Content-Length: 7\r\nConnection: close\r\n\r\n"},
    {"keep-alive for 1.0",
     {.status = 200, .length = 7},
     H1_KEEP_ALIVE,
     "200 OK",
     "Content-Length: 7\r\nConnection: keep-alive\r\n\r\n"},
    {"close beats keep-alive",
     {.status = 200, .length = 7, .close = true},
     H1_KEEP_ALIVE,
     "200 OK",
     "Content-Length: 7\r\nConnection: close\r\n\r\n"},
    {"HEAD keeps the length",
     {.status = 200, .length = 7, .bodiless = true},
     0,
     "200 OK",
     "Content-Length: 7\r\n\r\n"},
    {"HEAD of unknown length",
     {.status = 200, .length = UNKNOWN, .bodiless = true},
     H1_CHUNKED,
     "200 OK",
     "\r\n"},
    {"204 has no length",
     {.status = 204, .length = 0, .bodiless = true},
     0,
     "204 No Content",
     "\r\n"},
    {"204 whose maker forgot that it is bodiless",
     {.status = 204, .length = UNKNOWN},
     H1_CHUNKED,
     "204 No Content",
     "\r\n"},
    {"304 without a length",
     {.status = 304, .length = UNKNOWN, .bodiless = true},
     H1_CHUNKED,
     "304 Not Modified",
     "\r\n"},
    {"304 with the length of the 200",
     {.status = 304, .length = 9, .bodiless = true},
     0,
     "304 Not Modified",
     "Content-Length: 9\r\n\r\n"},
    {"reason of its own",
     {.status = 404, .reason = S("Gone Fishing"), .length = 0},
     0,
     "404 Gone Fishing",
     "Content-Length: 0\r\n\r\n"},
    {"unknown status",
     {.status = 299, .length = 0},
     0,
     "299 Unknown",
     "Content-Length: 0\r\n\r\n"},
    {"the highest",
     {.status = 599, .length = 0},
     0,
     "599 Unknown",
     "Content-Length: 0\r\n\r\n"},
};

static const struct {
    const char *why;
    struct response r;
    unsigned flags;
} refused[] = {
    {"status 0", {.status = 0}, 0},
    {"an interim status", {.status = 103}, 0},
    {"600", {.status = 600}, 0},
    {"a body that nothing delimits", {.status = 200, .length = UNKNOWN}, 0},
    {"and keep-alive does not either", {.status = 200, .length = UNKNOWN}, H1_KEEP_ALIVE},
    {"CR LF in a value",
     {.status = 200, .nfields = 1, .fields = {F("X", "a\r\nSet-Cookie: b")}},
     0},
    {"CR in a value", {.status = 200, .nfields = 1, .fields = {F("X", "a\rb")}}, 0},
    {"LF in a value", {.status = 200, .nfields = 1, .fields = {F("X", "a\nb")}}, 0},
    {"NUL in a value", {.status = 200, .nfields = 1, .fields = {F("X", "a\0b")}}, 0},
    {"ESC in a value", {.status = 200, .nfields = 1, .fields = {F("X", "\x1b")}}, 0},
    {"a bad one behind good ones",
     {.status = 200, .nfields = 2, .fields = {F("X", "a"), F("Y", "\n")}},
     0},
    {"empty name", {.status = 200, .nfields = 1, .fields = {F("", "a")}}, 0},
    {"colon in a name", {.status = 200, .nfields = 1, .fields = {F("X: y\r\nZ", "a")}}, 0},
    {"space in a name", {.status = 200, .nfields = 1, .fields = {F("X ", "a")}}, 0},
    {"CR LF in the reason", {.status = 200, .reason = S("OK\r\nX: y")}, 0},
    {"more fields than there are", {.status = 200, .nfields = RESPONSE_FIELDS_MAX + 1}, 0},
};
/* clang-format on */

static void
test_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
        struct buf b, want;

        print_message("%s\n", written[i].why);
        buf_init(&b, 4096);
        buf_init(&want, 4096);
        buf_add_str(&b, "before");
        assert_int_equal(h1_write_head(&b, &written[i].r, written[i].flags), 0);
        buf_addf(&want, "beforeHTTP/1.1 %s\r\nDate: %.*s\r\nServer: hostel\r\n%s",
                 written[i].first, DATE_LEN,
                 b.data + b.start + 6 + 9 + strlen(written[i].first) + 8, written[i].rest);
        assert_int_equal(b.len, want.len);
        assert_memory_equal(b.data + b.start, want.data, want.len);
        buf_done(&b);
        buf_done(&want);
    }
}

/* Fields that were written before are sent as they are, those behind them as ever. */
static void
test_ready(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
        for (unsigned n = 0; n <= written[i].r.nfields; n++) {
            struct response part = written[i].r, ready = written[i].r;
            struct buf once, again, lines;

            print_message("%s, %u ready\n", written[i].why, n);
            buf_init(&once, 8192);
            buf_init(&again, 8192);
            buf_init(&lines, 8192);
            part.nfields = n;
            assert_int_equal(response_write(&part, 0, &lines), 0);
            ready.ready = buf_span(&lines);
            ready.nready = n;
            assert_int_equal(h1_write_head(&once, &written[i].r, written[i].flags), 0);
            assert_int_equal(h1_write_head(&again, &ready, written[i].flags), 0);
            assert_true(
                span_eq(span_skip(buf_span(&once), 60), span_skip(buf_span(&again), 60)));
            assert_int_equal(once.len, again.len);
            buf_done(&once);
            buf_done(&again);
            buf_done(&lines);
        }
}

static void
test_date(void **state)
{
    struct response r = {.status = 200};
    struct buf b;
    time_t t;

    (void)state;
    buf_init(&b, 4096);
    assert_int_equal(h1_write_head(&b, &r, 0), 0);
    assert_int_equal(date_parse(span_of(b.data + 17 + 6, DATE_LEN), time(NULL), &t), 0);
    assert_true(time(NULL) - t < 60);
    buf_done(&b);
}

static void
test_refused(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        print_message("%s\n", refused[i].why);
        assert_int_equal(h1_write_head(&b, &refused[i].r, refused[i].flags), -EINVAL);
        assert_int_equal(b.len, 0);
    }
    buf_done(&b);
}

static void
test_no_room(void **state)
{
    static struct response r = {.status = 200, .length = 1, .nfields = 1};
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    r.fields[0] = (struct field){SPAN("X"), SPAN("0123456789012345678901234567890123456789")};
    assert_int_equal(h1_write_head(&b, &r, 0), -ENOBUFS);
    assert_int_equal(b.len, 0);
    buf_done(&b);
}

static void
test_chunk_header(void **state)
{
    static const struct {
        const char *why;
        uint64_t n;
        const char *text;
    } rows[] = {
        {"one", 1, "1\r\n"},
        {"fifteen", 15, "f\r\n"},
        {"sixteen", 16, "10\r\n"},
        {"all digits", 0x123456789abcdef0, "123456789abcdef0\r\n"},
        {"the greatest", UINT64_MAX, "ffffffffffffffff\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[H1_CHUNK_HEADER_MAX];
        size_t n = h1_chunk_header(text, rows[i].n);

        print_message("%s\n", rows[i].why);
        assert_true(span_eq(span_of(text, n), span_str(rows[i].text)));
    }
}

static void
test_response(void **state)
{
    static struct response r;

    (void)state;
    for (int i = 0; i < RESPONSE_FIELDS_MAX + 5; i++)
        response_add(&r, SPAN("X"), SPAN("y"));
    assert_int_equal(r.nfields, RESPONSE_FIELDS_MAX);
    assert_true(span_eq(response_reason(200), SPAN("OK")));
    assert_true(span_eq(response_reason(511), SPAN("Network Authentication Required")));
    assert_true(span_eq(response_reason(0), SPAN("Unknown")));
    assert_true(span_eq(response_reason(418), SPAN("Unknown")));
    assert_true(span_eq(response_reason(600), SPAN("Unknown")));
    assert_true(span_eq(response_reason(UINT32_MAX), SPAN("Unknown")));
}

static void
test_html(void **state)
{
    static const struct {
        const char *why;
        struct span text;
        const char *html;
    } rows[] = {
        {"plain", S("hello"), "hello"},
        {"empty", S(""), ""},
        {"markup", S("<a href=\"x\">'&'</a>"),
         "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"},
        {"escaped twice", S("&amp;"), "&amp;amp;"},
        {"UTF-8 stays", S("\xc3\xa4"), "\xc3\xa4"},
        {"tab and line feed stay", S("a\tb\n"), "a\tb\n"},
        {"control bytes", S("a\0b\x1b\x7f\r"), "a?b???"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf b;

        print_message("%s\n", rows[i].why);
        buf_init(&b, strlen(rows[i].html));
        assert_int_equal(html_escape(&b, rows[i].text), 0);
        assert_true(span_eq(buf_span(&b), span_str(rows[i].html)));
        assert_int_equal(html_escape(&b, SPAN("x")), -ENOBUFS);
        assert_int_equal(html_escape(&b, SPAN("<")), -ENOBUFS);
        buf_done(&b);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written),  cmocka_unit_test(test_ready),
        cmocka_unit_test(test_date),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_room),  cmocka_unit_test(test_chunk_header),
        cmocka_unit_test(test_response), cmocka_unit_test(test_html),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
