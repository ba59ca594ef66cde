/* What a site's rules are looked up by: paths, media types, addresses, statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "hostel/serve/rules.h"

struct path_case {
    const char *why, *pattern, *path;
    const char *captures; /* parted by '|'; NULL: no match */
};

static const struct path_case paths[] = {
    {"itself", "/a", "/a", ""},
    {"not the beginning", "/a", "/ab", NULL},
    {"not more than there is", "/ab", "/a", NULL},
    {"empty fits all", "", "/any/thing", ""},
    {"a star alone", "*", "/a/b", "/a/b"},
    {"a star may be nothing", "/a*", "/a", ""},
    {"a star takes slashes", "/a/*", "/a/b/c", "b/c"},
    {"a star in the middle takes the least", "/*/x/*", "/a/x/b/x/c", "a|b/x/c"},
    {"... but as much as it must", "/*.php", "/a.php/b.php", "a.php/b"},
    {"it goes on after a false start", "/*ab", "/aab", "a"},
    {"an earlier star keeps what it took", "/*-*-z", "/a-b-c-z", "a|b-c"},
    {"two stars in a row", "/**", "/ab", "|ab"},
    {"an end that never comes", "/*x", "/aaaa", NULL},
    {"other marks are themselves", "/a?[b]$1", "/a?[b]$1", ""},
    {"case counts", "/A", "/a", NULL},
    {"nine", "/*a*a*a*a*a*a*a*a*", "/1a2a3a4a5a6a7a8a9", "1|2|3|4|5|6|7|8|9"},
    {"ten match and nine are kept", "/*a*a*a*a*a*a*a*a*a*", "/1a2a3a4a5a6a7a8a9a0",
     "1|2|3|4|5|6|7|8|9"},
};

static void
test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        const struct path_case *t = &paths[i];
        struct span captures[REDIRECT_CAPTURES_MAX], path = span_str(t->path);
        char got[64] = "";
        unsigned n = 0;

        print_message("%s\n", t->why);
        assert_int_equal(rules_path_matches(t->pattern, path), t->captures != NULL);
        assert_int_equal(rules_path_captures(t->pattern, path, captures, &n),
                         t->captures != NULL);
        for (unsigned j = 0; t->captures && j < n; j++) {
            strcat(got, j ? "|" : "");
            strncat(got, captures[j].p, captures[j].n);
        }
        if (t->captures)
            assert_string_equal(got, t->captures);
    }
    assert_false(rules_path_matches("/a", span_of("/a\0b", 4)));
}

/* Nine stars over a long path that nearly fits: never more than length times length. */
static void
test_no_blow_up(void **state)
{
    static char path[100000];

    (void)state;
    memset(path, 'a', sizeof(path));
    assert_false(rules_path_matches("*a*a*a*a*a*a*a*a*ab", span_of(path, sizeof(path))));
}

struct type_case {
    const char *why, *pattern, *type;
    bool fits;
};

static const struct type_case types[] = {
    {"itself", "text/css", "text/css", true},
    {"in any case", "text/css", "Text/CSS", true},
    {"another", "text/css", "text/plain", false},
    {"all of a kind", "image/*", "image/png", true},
    {"another kind", "image/*", "imagex/png", false},
    {"a kind without a type", "image/*", "image/", false},
    {"everything", "*", "application/x", true},
    {"everything, also nothing", "*", "", true},
};

static void
test_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        print_message("%s\n", types[i].why);
        assert_int_equal(rules_type_matches(types[i].pattern, span_str(types[i].type)),
                         types[i].fits);
    }
}

static void
test_the_special_comes_first(void **state)
{
    struct expires_rule expires[] = {{"*", 1}, {"image/*", 2}, {"image/png", 3}};
    struct error_page_rule pages[] = {
        {400, 599, "/any"}, {400, 499, "/4xx"}, {404, 404, "/404"}, {404, 404, "/late"}};
    struct site_rules r = {
        .expires = expires, .nexpires = 3, .error_pages = pages, .nerror_pages = 4};

    (void)state;
    assert_int_equal(rules_expires(&r, SPAN("image/png"))->seconds, 3);
    assert_int_equal(rules_expires(&r, SPAN("image/gif"))->seconds, 2);
    assert_int_equal(rules_expires(&r, SPAN("text/css"))->seconds, 1);
    assert_string_equal(rules_error_page(&r, 404)->path, "/404");
    assert_string_equal(rules_error_page(&r, 403)->path, "/4xx");
    assert_string_equal(rules_error_page(&r, 502)->path, "/any");
    assert_null(rules_error_page(&r, 304));
    r.nexpires = 0;
    assert_null(rules_expires(&r, SPAN("image/png")));
}

#define V4(a, b, c, d)                                                                         \
    {                                                                                          \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (a), (b), (c), (d)                           \
    }

static void
test_addresses(void **state)
{
    static const uint8_t in[16] = V4(192, 0, 2, 129), edge[16] = V4(192, 0, 2, 127);
    static const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    struct access_rule access[] = {
        {false, V4(192, 0, 2, 129), 128}, {true, V4(192, 0, 2, 128), 121}, {false, {0}, 0}};
    struct access_rule four = {true, V4(0, 0, 0, 0), 96};
    struct site_rules r = {.access = access, .naccess = 3};

    (void)state;
    assert_true(rules_net_matches(&access[1], in));
    assert_false(rules_net_matches(&access[1], edge));
    assert_true(rules_net_matches(&access[2], six));
    assert_true(rules_net_matches(&four, edge));
    assert_false(rules_net_matches(&four, six));
    assert_false(rules_access_allowed(&r, in)); /* the first that fits decides */
    access[0].allow = true;
    assert_true(rules_access_allowed(&r, in));
    assert_false(rules_access_allowed(&r, edge));
    r.naccess = 0;
    assert_true(rules_access_allowed(&r, edge));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),     cmocka_unit_test(test_no_blow_up),
        cmocka_unit_test(test_types),     cmocka_unit_test(test_the_special_comes_first),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
