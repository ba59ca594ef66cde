/* base/logformat: what a format is made of, and what is wrong with one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "hostel/base/logformat.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>

static const struct {
    const char *why, *text;
    enum logformat_kind kind;
    unsigned nitems;
    enum logformat_what what[6];
    const char *arg[6]; /* NULL: not looked at */
} good[] = {
    {"empty is the preset", "", LOGFORMAT_COMBINED, 0, {0}, {0}},
    {"a name", "combined", LOGFORMAT_COMBINED, 0, {0}, {0}},
    {"another", "json", LOGFORMAT_JSON, 0, {0}, {0}},
    {"one directive", "%h", LOGFORMAT_ITEMS, 1, {LOG_ADDRESS}, {0}},
    {"text between",
     "<%m %U>",
     LOGFORMAT_ITEMS,
     5,
     {LOG_TEXT, LOG_METHOD, LOG_TEXT, LOG_PATH, LOG_TEXT},
     {"<", NULL, " ", NULL, ">"}},
    {"what is known beforehand is text",
     "a%%b %l c%D",
     LOGFORMAT_ITEMS,
     2,
     {LOG_TEXT, LOG_TOOK_US},
     {"a%b - c", NULL}},
    {"escapes",
     "\\\"%s\\\"\\t\\\\",
     LOGFORMAT_ITEMS,
     3,
     {LOG_TEXT, LOG_STATUS, LOG_TEXT},
     {"\"", NULL, "\"\t\\"}},
    {"final status", "%>s", LOGFORMAT_ITEMS, 1, {LOG_STATUS}, {0}},
    {"a field of each side",
     "%{User-Agent}i%{X-Cache}o",
     LOGFORMAT_ITEMS,
     2,
     {LOG_FIELD, LOG_ANSWER_FIELD},
     {"User-Agent", "X-Cache"}},
    {"times",
     "%t%{sec}t%{msec}t%{usec}t%{iso}t%{%H:%M}t",
     LOGFORMAT_ITEMS,
     6,
     {LOG_TIME, LOG_TIME_S, LOG_TIME_MS, LOG_TIME_US, LOG_TIME_ISO, LOG_TIME_FORMAT},
     {NULL, NULL, NULL, NULL, NULL, "%H:%M"}},
    {"durations",
     "%T%{s}T%{ms}T%{us}T",
     LOGFORMAT_ITEMS,
     4,
     {LOG_TOOK_S, LOG_TOOK_S, LOG_TOOK_MS, LOG_TOOK_US},
     {0}},
    {"ours",
     "%{tls}x%{user}x%{request_id}x%L%{upstream_us}x",
     LOGFORMAT_ITEMS,
     5,
     {LOG_TLS, LOG_USER, LOG_REQUEST_ID, LOG_REQUEST_ID, LOG_UPSTREAM_US},
     {0}},
};

static void
test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char why[LOGFORMAT_WHY_MAX];
        struct logformat *f = NULL;

        if (logformat_new(&f, span_str(good[i].text), why) < 0)
            fail_msg("%s: %s", good[i].why, why);
        assert_string_equal(f->text, good[i].text);
        if (f->kind != good[i].kind || f->nitems != good[i].nitems)
            fail_msg("%s: kind %d, %u items", good[i].why, (int)f->kind, f->nitems);
        for (unsigned k = 0; k < f->nitems; k++) {
            if (f->items[k].what != good[i].what[k])
                fail_msg("%s: item %u is %d", good[i].why, k, (int)f->items[k].what);
            if (good[i].arg[k] && !span_eq(f->items[k].arg, span_str(good[i].arg[k])))
                fail_msg("%s: item %u has `%.*s`", good[i].why, k, (int)f->items[k].arg.n,
                         f->items[k].arg.p);
        }
        logformat_free(&f);
        assert_null(f);
    }
}

static const struct {
    const char *why, *text, *says;
} bad[] = {
    {"no name", "combind", "must be combined, common, json, or text with %-directives"},
    {"no such letter", "%h %Z", "is no directive: `%Z` at byte 4"},
    {"a lone percent sign", "100%", "is no directive: `%` at byte 4"},
    {"final, but no status", "%>b", "is no directive: `%>b` at byte 1"},
    {"open brace", "%{Referer", "has no closing }: `%{Referer` at byte 1"},
    {"brace and no letter", "%{Referer}", "is no directive: `%{Referer}` at byte 1"},
    {"empty brace", "%{}i", "is no directive: `%{}i` at byte 1"},
    {"no name of a field", "a %{a b}i", "is no name of a header field: `%{a b}i` at byte 3"},
    {"an argument that is none", "%{min}T", "is no directive: `%{min}T` at byte 1"},
    {"an argument for who takes none", "%{x}h", "is no directive: `%{x}h` at byte 1"},
    {"a variable that is none", "%{pid}x", "is no directive: `%{pid}x` at byte 1"},
    {"a time that is too long", "%{%A%A%A%A%A%A%A%A%A%A%A}t",
     "is no time format of strftime(3), or too long a one: `%{%A%A%A%A%A%A%A` at byte 1"},
    {"an escape that is none", "%h\\n", "is none of \\\" \\\\ \\t: `\\n` at byte 3"},
    {"a backslash at the end", "%h\\", "is none of \\\" \\\\ \\t: `\\` at byte 3"},
    {"a line of its own", "%h\n%u", "has a control character: `\n%u` at byte 3"},
};

static void
test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char why[LOGFORMAT_WHY_MAX] = "";
        struct logformat *f = NULL;

        if (logformat_new(&f, span_str(bad[i].text), why) != -EINVAL || f)
            fail_msg("%s: taken", bad[i].why);
        if (strcmp(why, bad[i].says) != 0)
            fail_msg("%s: says `%s`", bad[i].why, why);
    }
}

static void
test_bounds(void **state)
{
    char why[LOGFORMAT_WHY_MAX], text[LOGFORMAT_TEXT_MAX + 2];
    struct logformat *f = NULL;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[0] = '%';
    text[1] = 'h';
    assert_int_equal(logformat_new(&f, span_of(text, LOGFORMAT_TEXT_MAX), why), 0);
    logformat_free(&f);
    assert_int_equal(logformat_new(&f, span_of(text, LOGFORMAT_TEXT_MAX + 1), why), -EINVAL);
    for (size_t i = 0; i < 2 * (LOGFORMAT_ITEMS_MAX + 1); i += 2)
        memcpy(text + i, "%h", 2);
    assert_int_equal(logformat_new(&f, span_of(text, 2 * LOGFORMAT_ITEMS_MAX), why), 0);
    logformat_free(&f);
    assert_int_equal(logformat_new(&f, span_of(text, 2 * LOGFORMAT_ITEMS_MAX + 2), why),
                     -EINVAL);
}

/* Every item leaves room for all that follow: of the least that each may count on. */
static void
test_reserve(void **state)
{
    char why[LOGFORMAT_WHY_MAX];
    struct logformat *f = NULL;

    (void)state;
    assert_int_equal(logformat_new(&f, SPAN("%r ab %s"), why), 0);
    assert_int_equal(f->items[0].reserve, 4 + LOGFORMAT_ITEM_MIN);
    assert_false(f->items[0].more);
    logformat_free(&f);
    assert_int_equal(logformat_new(&f, SPAN("%r%{Referer}i"), why), 0);
    assert_true(f->items[0].more);
    logformat_free(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_reserve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
