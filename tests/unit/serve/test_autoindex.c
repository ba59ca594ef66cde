/* Listings as pages and as JSON: what is escaped, and how. */
#include "autoindex_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *
html(const struct entry *entries, size_t n, bool cut, const char *path, enum listing_key key,
     bool descending)
{
    struct listing l = {.entries = (struct entry *)(uintptr_t)entries, .n = n, .cut = cut};
    struct buf page;
    char *text;

    buf_init(&page, AUTOINDEX_PAGE_MAX);
    autoindex_html(&page, &l, span_str(path), key, descending);
    assert_int_equal(buf_add(&page, "", 1), 0);
    text = strdup(buf_span(&page).p);
    buf_done(&page);
    return text;
}

/* clang-format off: one row a line */
static const struct {
    const char *why, *name;
    bool directory;
    const char *link, *shown, *json;
} rows[] = {
    {"plain", "a.txt", false, "./a.txt", "a.txt", "\"a.txt\""},
    {"a directory", "sub", true, "./sub/", "sub/", "\"sub\""},
    {"space", "a b", false, "./a%20b", "a b", "\"a b\""},
    {"percent", "100%.txt", false, "./100%25.txt", "100%.txt", "\"100%.txt\""},
    {"what looks like an escape", "%2e%2e", false, "./%252e%252e", "%2e%2e", "\"%2e%2e\""},
    {"question mark", "who?x=1", false, "./who%3Fx=1", "who?x=1", "\"who?x=1\""},
    {"number sign", "a#b", false, "./a%23b", "a#b", "\"a#b\""},
    {"double quote", "a\"b", false, "./a%22b", "a&quot;b", "\"a\\\"b\""},
    {"single quote", "a'b", false, "./a&#39;b", "a&#39;b", "\"a'b\""},
    {"ampersand", "a&lt;b", false, "./a&amp;lt;b", "a&amp;lt;b", "\"a&lt;b\""},
    {"a tag", "<script>alert(1)<", false, "./%3Cscript%3Ealert(1)%3C",
     "&lt;script&gt;alert(1)&lt;", "\"<script>alert(1)<\""},
    {"backslash", "a\\b", false, "./a%5Cb", "a\\b", "\"a\\\\b\""},
    {"a scheme", "javascript:alert(1)", false, "./javascript:alert(1)", "javascript:alert(1)",
     "\"javascript:alert(1)\""},
    {"UTF-8", "gr\xc3\xbc\xc3\x9f", false, "./gr%C3%BC%C3%9F", "gr\xc3\xbc\xc3\x9f",
     "\"gr\xc3\xbc\xc3\x9f\""},
    {"no UTF-8: exact in the link", "gr\xfc\xdf", false, "./gr%FC%DF",
     "gr\xef\xbf\xbd\xef\xbf\xbd", "\"gr\xef\xbf\xbd\xef\xbf\xbd\""},
};
/* clang-format on */

static void
test_names(void **state)
{
    char want[256];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct entry e = {(char *)(uintptr_t)rows[i].name, rows[i].directory, 5, 0};
        struct listing l = {.entries = &e, .n = 1};
        struct buf json;
        char *page = html(&e, 1, false, "/", LISTING_BY_NAME, false);

        print_message("%s\n", rows[i].why);
        snprintf(want, sizeof(want), "<tr><td><a href=\"%s\"><bdi>%s</bdi></a></td>",
                 rows[i].link, rows[i].shown);
        assert_non_null(strstr(page, want));
        free(page);
        buf_init(&json, AUTOINDEX_PAGE_MAX);
        assert_true(autoindex_json(&json, &l));
        snprintf(want, sizeof(want),
                 "[\n{\"name\":%s,\"type\":\"%s\"%s,\"mtime\":\"Thu, 01 Jan 1970 00:00:00 "
                 "GMT\"}\n]\n",
                 rows[i].json, rows[i].directory ? "directory" : "file",
                 rows[i].directory ? "" : ",\"size\":5");
        assert_true(span_eq(buf_span(&json), span_str(want)));
        buf_done(&json);
    }
}

static const struct {
    const char *why;
    uint64_t size;
    const char *shown;
} sizes[] = {
    {"nothing", 0, "title=\"0 bytes\">0 B<"},
    {"bytes", 1023, ">1023 B<"},
    {"a KiB", 1024, ">1.0 KiB<"},
    {"and a half", 1536, "title=\"1536 bytes\">1.5 KiB<"},
    {"beyond 4 GiB", 5368709120, "title=\"5368709120 bytes\">5.0 GiB<"},
    {"as great as it gets", UINT64_MAX, ">16.0 EiB<"},
};

static void
test_sizes(void **state)
{
    static char name[] = "x";

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct entry e = {name, false, sizes[i].size, 0};
        char *page = html(&e, 1, false, "/", LISTING_BY_NAME, false);

        print_message("%s\n", sizes[i].why);
        assert_non_null(strstr(page, sizes[i].shown));
        free(page);
    }
}

/* A file's date is its owner's choice, and need not fit a calendar. */
static void
test_dates(void **state)
{
    static char name[] = "x";
    static const time_t dates[] = {-1, INT64_MIN, INT64_MAX, 253402300800, 1234567890};

    (void)state;
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        struct entry e = {name, false, 1, dates[i]};
        struct listing l = {.entries = &e, .n = 1};
        char *page = html(&e, 1, false, "/", LISTING_BY_TIME, true);
        struct buf json;

        buf_init(&json, AUTOINDEX_PAGE_MAX);
        assert_true(autoindex_json(&json, &l));
        assert_int_equal(buf_add(&json, "", 1), 0);
        assert_int_equal(!strstr(buf_span(&json).p, "mtime"), dates[i] < 0);
        if (dates[i] == 1234567890)
            assert_non_null(strstr(page, ">2009-02-13 23:31</td>"));
        buf_done(&json);
        free(page);
    }
}

static void
test_page(void **state)
{
    char *page = html(NULL, 0, false, "/a<b/\xfc/", LISTING_BY_NAME, false);

    (void)state;
    assert_non_null(strstr(page, "<title>Index of /a&lt;b/\xef\xbf\xbd/</title>"));
    assert_non_null(strstr(page, "<a href=\"../\">"));
    assert_non_null(strstr(page, "There is nothing here."));
    assert_non_null(strstr(page, "href=\"?sort=name&amp;order=desc\""));
    assert_non_null(strstr(page, "href=\"?sort=size&amp;order=asc\""));
    assert_non_null(strstr(page, "href=\"?sort=time&amp;order=asc\""));
    free(page);
    page = html(NULL, 0, false, "/", LISTING_BY_SIZE, true);
    assert_null(strstr(page, "../")); /* nothing is above the root */
    assert_non_null(strstr(page, "href=\"?sort=size&amp;order=asc\""));
    assert_non_null(strstr(page, "aria-sort=\"descending\""));
    free(page);
    page = html(NULL, 0, true, "/", LISTING_BY_NAME, false);
    assert_non_null(strstr(page, "too large to be shown whole"));
    free(page);
}

/* Names that grow most: the page ends in time, whole and saying so. */
static void
test_too_long(void **state)
{
    char name[256];
    struct entry *entries = calloc(LISTING_MAX, sizeof(*entries));
    struct listing l = {.entries = entries, .n = LISTING_MAX};
    struct buf json;
    char *page;

    (void)state;
    memset(name, '"', 255);
    name[255] = '\0';
    for (size_t i = 0; i < LISTING_MAX; i++)
        entries[i].name = name;
    page = html(entries, LISTING_MAX, false, "/", LISTING_BY_NAME, false);
    assert_true(strlen(page) < AUTOINDEX_PAGE_MAX);
    assert_non_null(strstr(page, "too large to be shown whole"));
    assert_non_null(strstr(page, "</body></html>\n"));
    free(page);
    memset(name, '\xff', 255);
    buf_init(&json, AUTOINDEX_PAGE_MAX);
    assert_false(autoindex_json(&json, &l));
    assert_true(span_ends(buf_span(&json), SPAN("}\n]\n")));
    buf_done(&json);
    free(entries);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),    cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_dates),    cmocka_unit_test(test_page),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
