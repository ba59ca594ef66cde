/* Where redirects lead: captures, queries, and that no visitor chooses the host. */
#include "redirect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct row {
    const char *why;
    const char *from, *to;
    const char *path;  /* decoded */
    const char *query; /* NULL: none */
    const char *want;  /* NULL: the rule does not fit */
};

/* clang-format off */
static const struct row rows[] = {
    {"exact", "/old", "/new", "/old", NULL, "/new"},
    {"not this one", "/old", "/new", "/older", NULL, NULL},
    {"a part is not enough", "/old", "/new", "/old/", NULL, NULL},
    {"the query goes along", "/old", "/new", "/old", "a=b&c", "/new?a=b&c"},
    {"an empty one too", "/old", "/new", "/old", "", "/new?"},
    {"a query of its own stays alone", "/old", "/new?x=1", "/old", "a=b", "/new?x=1"},
    {"before the fragment", "/old", "/new#top", "/old", "a=b", "/new?a=b#top"},
    {"a question mark in a fragment", "/old", "/new#a?b", "/old", "q", "/new?q#a?b"},

    {"a capture", "/blog/*", "/news/$1", "/blog/2024/x.html", NULL, "/news/2024/x.html"},
    {"an empty capture", "/blog/*", "/news/$1", "/blog/", NULL, "/news/"},
    {"two captures, swapped", "/a/*/b/*", "/$2/$1", "/a/x/b/y", NULL, "/y/x"},
    {"a capture twice", "/a/*", "/$1/$1", "/a/x", NULL, "/x/x"},
    {"one that is not there", "/a/*", "/b/$2x", "/a/x", NULL, "/b/x"},
    {"nine of them", "/*-*-*-*-*-*-*-*-*", "/$9$8$7$6$5$4$3$2$1", "/1-2-3-4-5-6-7-8-9", NULL, "/987654321"},
    {"no capture", "/a", "/b/$0$a$", "/a", NULL, "/b/$0$a$"},
    {"encoded: space, percent, quote", "/a/*", "/b/$1", "/a/x y%z\"", NULL, "/b/x%20y%25z%22"},
    {"encoded: query and fragment marks", "/a/*", "/b/$1", "/a/x?y#z", "q", "/b/x%3Fy%23z?q"},
    {"encoded: bytes above ASCII", "/a/*", "/b/$1", "/a/\xc3\xbc\xff", NULL, "/b/%C3%BC%FF"},
    {"encoded: CR and LF, should they come", "/a/*", "/b/$1", "/a/x\r\nSet-Cookie: y", NULL, "/b/x%0D%0ASet-Cookie:%20y"},
    {"in a query, strictly", "/a/*", "/b?x=$1", "/a/1&y=2/+", NULL, "/b?x=1%26y%3D2%2F%2B"},
    {"in a fragment, strictly", "/a/*", "/b#$1", "/a/1?x", "q", "/b?q#1%3Fx"},

    {"another host", "/*", "https://b.example/$1", "/x/y", "q=1", "https://b.example/x/y?q=1"},
    {"another host, no path", "/x", "https://b.example", "/x", "q=1", "https://b.example?q=1"},
    {"a path right behind the host", "*", "https://b.example$1", "/x", NULL, "https://b.example/x"},
    {"what would be another host", "/x*", "https://b.example$1", "/x.evil.example", NULL, "https://b.example/.evil.example"},
    {"what would be a user", "/x*", "https://b.example$1", "/x@evil.example", NULL, "https://b.example/@evil.example"},
    {"what would be a port", "/x*", "http://b.example$1/", "/x:81", NULL, "http://b.example/:81/"},
    {"a name before the host's", "/*", "https://$1.b.example/", "/shop", NULL, "https://shop.b.example/"},
    {"no way out of that name", "/*", "https://$1.b.example/", "/evil.example/x", NULL, "https://evil.example%2Fx.b.example/"},
    {"nor by these", "/*", "https://$1.b.example/", "/evil.example\\x?y#z@:", NULL, "https://evil.example%5Cx%3Fy%23z%40%3A.b.example/"},

    {"another host by two slashes", "/a*", "/$1", "/a/evil.example", NULL, "/evil.example"},
    {"by two of the rule's own", "/a", "//evil.example", "/a", NULL, "/evil.example"},
    {"by a capture alone", "/a*", "$1", "/a/evil.example", NULL, "/evil.example"},
    {"a scheme in a capture alone", "/a/*", "$1", "/a/https:/evil.example", NULL, "/https:/evil.example"},
    {"a backslash for a slash", "/a/*", "/$1", "/a/\\evil.example", NULL, "/%5Cevil.example"},
    {"an empty capture alone", "/a*", "$1", "/a", NULL, "/"},
    {"two empty captures and slashes", "/a*b*", "/$1/$2/x", "/ab", NULL, "/x"},
};
/* clang-format on */

static void
check(const struct row *r)
{
    struct span captures[REDIRECT_CAPTURES_MAX];
    struct span query = r->query ? span_str(r->query) : span_of(NULL, 0);
    struct buf out;
    unsigned n;

    buf_init(&out, REDIRECT_LOCATION_MAX);
    if (rules_path_captures(r->from, span_str(r->path), captures, &n) != (r->want != NULL))
        fail_msg("%s: does it fit?", r->why);
    if (r->want) {
        assert_int_equal(redirect_target(&out, r->to, captures, n, query), 0);
        if (!span_eq(buf_span(&out), span_str(r->want)))
            fail_msg("%s: %.*s", r->why, (int)out.len, out.data + out.start);
    }
    buf_done(&out);
}

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&rows[i]);
}

static void
test_bounded(void **state)
{
    static char path[8192];
    struct span captures[REDIRECT_CAPTURES_MAX];
    struct buf out;

    (void)state;
    memset(path, ' ', sizeof(path));
    captures[0] = span_of(path, sizeof(path));
    buf_init(&out, REDIRECT_LOCATION_MAX);
    assert_int_equal(redirect_target(&out, "/$1", captures, 1, span_of(NULL, 0)), 0);
    buf_done(&out);
    assert_true(redirect_target(&out, "/$1$1$1", captures, 1, span_of(NULL, 0)) < 0);
    buf_done(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
