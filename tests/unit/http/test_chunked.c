/* The chunked coding: every row whole, byte by byte, and cut in two at every place. */
#include "rows.h"
#include "hostel/http/chunked.h"

#define E64     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BLANK64 "                                                                "
#define E256    E64 E64 E64 E64

/* clang-format off: one row a line */
static const struct {
    const char *why;
    struct span text;
    int verdict;
    const char *data; /* what came out before it */
    size_t rest;      /* of a whole body: bytes behind it */
} rows[] = {
    {"empty body", S("0\r\n\r\n"), CHUNKED_DONE, "", 0},
    {"one chunk", S("5\r\nhello\r\n0\r\n\r\n"), CHUNKED_DONE, "hello", 0},
    {"two chunks", S("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), CHUNKED_DONE, "hello", 0},
    {"hex", S("a\r\n0123456789\r\n0\r\n\r\n"), CHUNKED_DONE, "0123456789", 0},
    {"hex in capitals", S("A\r\n0123456789\r\n0\r\n\r\n"), CHUNKED_DONE, "0123456789", 0},
    {"leading zeros", S("0000000000000005\r\nhello\r\n000\r\n\r\n"), CHUNKED_DONE, "hello", 0},
    {"line ends as data", S("4\r\n\r\n\r\n\r\n0\r\n\r\n"), CHUNKED_DONE, "\r\n\r\n", 0},
    {"what looks like the end as data", S("5\r\n0\r\n\r\n\r\n0\r\n\r\n"), CHUNKED_DONE,
     "0\r\n\r\n", 0},
    {"next request behind", S("1\r\nx\r\n0\r\n\r\nGET "), CHUNKED_DONE, "x", 4},
    {"CR LF behind", S("0\r\n\r\n\r\n"), CHUNKED_DONE, "", 2},
    {"extension", S("1;a\r\nx\r\n0\r\n\r\n"), CHUNKED_DONE, "x", 0},
    {"extension with a value", S("1;a=b;c=\"d e\"\r\nx\r\n0;z\r\n\r\n"), CHUNKED_DONE, "x", 0},
    {"longest extension", S("1;" E256 "\r\nx\r\n0\r\n\r\n"), CHUNKED_DONE, "x", 0},
    {"white space around an extension", S("5 \t;a\r\nhello\r\n0 ; b = c\r\n\r\n"), CHUNKED_DONE,
     "hello", 0},
    {"trailer", S("0\r\nX: y\r\n\r\n"), CHUNKED_DONE, "", 0},
    {"trailers", S("1\r\nx\r\n0\r\nX: y\r\nEmpty:\r\nZ:\t1 2 \r\n\r\n"), CHUNKED_DONE, "x", 0},
    {"trailer that would frame is dropped like all", S("0\r\nContent-Length: 5\r\n\r\n"),
     CHUNKED_DONE, "", 0},

    {"nothing", S(""), CHUNKED_MORE, "", 0},
    {"half a size", S("5"), CHUNKED_MORE, "", 0},
    {"size without LF", S("5\r"), CHUNKED_MORE, "", 0},
    {"half the data", S("5\r\nhel"), CHUNKED_MORE, "hel", 0},
    {"data without its CR", S("5\r\nhello"), CHUNKED_MORE, "hello", 0},
    {"last chunk without the end", S("0\r\n"), CHUNKED_MORE, "", 0},
    {"end without LF", S("0\r\n\r"), CHUNKED_MORE, "", 0},
    {"half a trailer", S("0\r\nX: y\r\n"), CHUNKED_MORE, "", 0},
    {"the greatest chunk", S("7fffffffffffffff\r\nx"), CHUNKED_MORE, "x", 0},

    {"no size", S("\r\n"), CHUNKED_BAD, "", 0},
    {"extension without a size", S(";a\r\n"), CHUNKED_BAD, "", 0},
    {"no hex", S("g\r\n"), CHUNKED_BAD, "", 0},
    {"hex, then none", S("5g\r\n"), CHUNKED_BAD, "", 0},
    {"plus", S("+5\r\nhello\r\n"), CHUNKED_BAD, "", 0},
    {"minus", S("-5\r\nhello\r\n"), CHUNKED_BAD, "", 0},
    {"0x", S("0x5\r\nhello\r\n"), CHUNKED_BAD, "", 0},
    {"space before", S(" 5\r\nhello\r\n"), CHUNKED_BAD, "", 0},
    {"space behind", S("5 \r\nhello\r\n"), CHUNKED_BAD, "", 0},
    {"tab behind", S("5\t\r\nhello\r\n"), CHUNKED_BAD, "", 0},
    {"space and then no extension", S("5 a\r\nhello\r\n"), CHUNKED_BAD, "", 0},
    {"257 spaces before an extension", S("5 " BLANK64 BLANK64 BLANK64 BLANK64 ";a\r\n"),
     CHUNKED_BAD, "", 0},
    {"underscore", S("1_0\r\n"), CHUNKED_BAD, "", 0},
    {"17 digits", S("00000000000000005\r\nhello\r\n"), CHUNKED_BAD, "", 0},
    {"2^63", S("8000000000000000\r\nx"), CHUNKED_BAD, "", 0},
    {"2^64 - 1", S("ffffffffffffffff\r\nx"), CHUNKED_BAD, "", 0},
    {"2^64", S("10000000000000000\r\nx"), CHUNKED_BAD, "", 0},
    {"bare LF behind the size", S("5\nhello\r\n"), CHUNKED_BAD, "", 0},
    {"CR and another byte behind the size", S("5\rXhello\r\n0\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"CR CR LF behind the size", S("5\r\r\nhello"), CHUNKED_BAD, "", 0},
    {"bare LF behind the data", S("5\r\nhello\n0\r\n\r\n"), CHUNKED_BAD, "hello", 0},
    {"two other bytes behind the data", S("5\r\nhelloXY0\r\n\r\n"), CHUNKED_BAD, "hello", 0},
    {"CR and another byte behind the data", S("5\r\nhello\rX"), CHUNKED_BAD, "hello", 0},
    {"nothing behind the data", S("5\r\nhello0\r\n\r\n"), CHUNKED_BAD, "hello", 0},
    {"one byte too many", S("5\r\nhello!\r\n0\r\n\r\n"), CHUNKED_BAD, "hello", 0},
    {"LF in an extension", S("5;a\nhello\r\n"), CHUNKED_BAD, "", 0},
    {"CR in an extension", S("5;a\rb\r\nhello\r\n"), CHUNKED_BAD, "", 0},
    {"NUL in an extension", S("5;\0\r\nhello\r\n"), CHUNKED_BAD, "", 0},
    {"extension one too long", S("1;" E256 "a\r\nx"), CHUNKED_BAD, "", 0},
    {"bare LF as the end", S("0\r\n\n"), CHUNKED_BAD, "", 0},
    {"bare LF behind the last chunk", S("0\n\r\n"), CHUNKED_BAD, "", 0},
    {"CR and another byte as the end", S("0\r\n\rX"), CHUNKED_BAD, "", 0},
    {"trailer with a space before the colon", S("0\r\nX : y\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"trailer without a colon", S("0\r\nXy\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"trailer without a name", S("0\r\n: y\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"folded trailer", S("0\r\nX: y\r\n z\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"NUL in a trailer", S("0\r\nX: \0\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"CR in a trailer", S("0\r\nX: a\rb\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"bare LF behind a trailer", S("0\r\nX: y\n\r\n"), CHUNKED_BAD, "", 0},
    {"TLS", S("\x16\x03\x01"), CHUNKED_BAD, "", 0},
};
/* clang-format on */

struct run {
    struct chunked c;
    char data[256];
    size_t n;
    enum chunked_verdict v;
    size_t rest;
};

static void
feed(struct run *run, struct span part)
{
    struct span own = copied(part), rest = own, data;

    while ((run->v = chunked_next(&run->c, &rest, &data)) == CHUNKED_DATA) {
        assert_true(data.n > 0 && data.p >= own.p && data.p + data.n <= own.p + own.n);
        assert_true(run->n + data.n <= sizeof(run->data));
        memcpy(run->data + run->n, data.p, data.n);
        run->n += data.n;
    }
    run->rest = rest.n;
    copied_done(own);
}

/* Feed text in pieces: the first of `first` bytes, the others of `step`. */
static void
check(size_t row, size_t first, size_t step)
{
    struct span text = rows[row].text;
    size_t at = first < text.n ? first : text.n;
    struct run run = {0};

    chunked_init(&run.c);
    feed(&run, span_of(text.p, at));
    while (run.v == CHUNKED_MORE && at < text.n) {
        size_t n = step < text.n - at ? step : text.n - at;

        feed(&run, span_of(text.p + at, n));
        at += n;
    }
    assert_int_equal(run.v, rows[row].verdict);
    assert_true(span_eq(span_of(run.data, run.n), span_str(rows[row].data)));
    if (run.v == CHUNKED_DONE)
        assert_int_equal(run.rest + (text.n - at), rows[row].rest);
}

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].why);
        check(i, rows[i].text.n, 1);
        check(i, 0, 1);
        for (size_t cut = 0; cut <= rows[i].text.n; cut++)
            check(i, cut, rows[i].text.n);
    }
}

/* The same line over and over: where does it end? */
static enum chunked_verdict
endless(const char *begin, const char *line, size_t *lines)
{
    struct chunked c;
    struct span rest = span_str(begin), data;
    enum chunked_verdict v;

    chunked_init(&c);
    v = chunked_next(&c, &rest, &data);
    for (*lines = 0; v == CHUNKED_MORE && *lines < 100000; ++*lines) {
        rest = span_str(line);
        while ((v = chunked_next(&c, &rest, &data)) == CHUNKED_DATA)
            continue;
    }
    return v;
}

static void
test_bounds(void **state)
{
    size_t lines;

    (void)state;
    assert_int_equal(endless("0\r\n", "X: y\r\n", &lines), CHUNKED_TRAILERS_LONG);
    assert_int_equal(lines, CHUNKED_TRAILERS_MAX / 6 + 1);
    assert_int_equal(endless("0\r\nX:", "y", &lines), CHUNKED_TRAILERS_LONG);
    assert_int_equal(endless("", "1;abcdefg\r\nx\r\n", &lines), CHUNKED_BAD);
    assert_int_equal(lines, CHUNKED_EXT_ALL_MAX / 7 + 1);
    assert_int_equal(endless("", "1\r\nx\r\n", &lines), CHUNKED_MORE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
