/* Writing JSON: what every kind of byte becomes, and that a full buffer is noticed. */
#include "hostel/base/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void
test_strings(void **state)
{
    static const struct {
        const char *why;
        struct span in;
        const char *out;
    } rows[] = {
        {"plain", {"alice", 5}, "\"alice\""},
        {"empty", {"", 0}, "\"\""},
        {"quote and backslash", {"a\"b\\c", 5}, "\"a\\\"b\\\\c\""},
        {"line break and escape cannot leave", {"\n\x1b", 2}, "\"\\u000a\\u001b\""},
        {"NUL is a byte as any", {"a\0b", 3}, "\"a\\u0000b\""},
        {"DEL, and what is no UTF-8", {"\x7f\xff", 2}, "\"\\u007f\\u00ff\""},
        {"UTF-8 as it is", SPAN("\xc3\xa9\xe2\x82\xac\xf0\x9f\x8f\xa0"),
         "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x8f\xa0\""},
        {"cut off", SPAN("a\xe2\x82"), "\"a\\u00e2\\u0082\""},
        {"longer than it need be", SPAN("\xc0\xaf\xe0\x80\xaf"),
         "\"\\u00c0\\u00af\\u00e0\\u0080\\u00af\""},
        {"half of a pair", SPAN("\xed\xa0\x80"), "\"\\u00ed\\u00a0\\u0080\""},
        {"beyond the last", SPAN("\xf4\x90\x80\x80"), "\"\\u00f4\\u0090\\u0080\\u0080\""},
        {"a control character of two bytes", SPAN("\xc2\x9b"), "\"\\u00c2\\u009b\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf b;
        struct json j = {.b = &b};
        struct span got;

        buf_init(&b, 100);
        json_span(&j, NULL, rows[i].in);
        got = buf_span(&b);
        if (j.error || !span_eq(got, span_str(rows[i].out)))
            fail_msg("%s: %.*s", rows[i].why, (int)got.n, got.p);
        buf_done(&b);
    }
}

static void
test_nesting(void **state)
{
    struct buf b;
    struct json j = {.b = &b};

    (void)state;
    buf_init(&b, 1000);
    json_open(&j, NULL, '{');
    json_number(&j, "n", UINT64_MAX);
    json_open(&j, "list", '[');
    json_bool(&j, NULL, true);
    json_open(&j, NULL, '{');
    json_close(&j, '}');
    json_string(&j, NULL, NULL);
    json_close(&j, ']');
    json_string(&j, "s", "x");
    json_close(&j, '}');
    assert_int_equal(j.error, 0);
    assert_true(
        span_eq(buf_span(&b), SPAN("{\"n\":18446744073709551615,\"list\":[true,{},null],"
                                   "\"s\":\"x\"}")));
    buf_done(&b);
}

static void
test_full(void **state)
{
    struct buf b;
    struct json j = {.b = &b};

    (void)state;
    buf_init(&b, 8);
    json_string(&j, NULL, "longer than that");
    assert_int_equal(j.error, -ENOBUFS);
    assert_true(b.len <= 8);
    buf_done(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
