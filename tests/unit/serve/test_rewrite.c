/* Where a rewrite leads, whatever a visitor wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rewrite.h"

struct rewrite_case {
    const char *why;
    const char *from, *to;
    const char *path, *query;         /* of the request; query NULL: none */
    const char *new_path, *new_query; /* new_path NULL: the rule does not fit */
};

static const struct rewrite_case cases[] = {
    {"a plain one", "/a", "/b", "/a", NULL, "/b", NULL},
    {"another path", "/a", "/b", "/ab", NULL, NULL, NULL},
    {"the query stays", "/a", "/b", "/a", "x=1", "/b", "x=1"},
    {"an empty query is one", "/a", "/b", "/a", "", "/b", ""},
    {"the rule's query comes first", "/a", "/b?y=2", "/a", "x=1", "/b", "y=2&x=1"},
    {"captures, percent-encoded in the query", "/*/x*", "/b?p=$2&q=$1", "/a&b/x=c d#", NULL,
     "/b", "p=%3Dc%20d%23&q=a%26b"},
    {"a capture in the path", "/a/*", "/b/$1", "/a/c?d%", NULL, "/b/c?d%", NULL},
    {"a capture that would climb is no path", "/x*", "/l/$1", "/x../../../e", NULL, NULL, NULL},
    {"or stays below the root", "/x*", "/l/$1", "/x../e", NULL, "/e", NULL},
    {"a name that is hidden is no path", "/x*", "/l/$1", "/x.git/config", NULL, NULL, NULL},
    {"a pattern for all", "*", "/i.php$1", "/a/b", "c", "/i.php/a/b", "c"},
};

static void
test_rewrite(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct rewrite_case *c = &cases[i];
        char from[16], to[32];
        const struct rewrite_rule rule = {strcpy(from, c->from), strcpy(to, c->to)};
        struct request req = {.has_query = c->query != NULL, .query = span_str(c->query)};
        struct rewrite r;
        bool fits = rewrite_fits(&rule, &req, span_str(c->path), &r);

        print_message("%s\n", c->why);
        assert_int_equal(fits, c->new_path != NULL);
        if (!fits)
            continue;
        assert_int_equal(r.path_n, strlen(c->new_path));
        assert_memory_equal(r.path, c->new_path, r.path_n);
        assert_int_equal(r.has_query, c->new_query != NULL);
        if (c->new_query) {
            assert_int_equal(r.query.n, strlen(c->new_query));
            if (r.query.n)
                assert_memory_equal(r.query.p, c->new_query, r.query.n);
        }
        rewrite_done(&r);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rewrite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
