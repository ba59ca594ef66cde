/* Host names to sites. */
#include "sites.h"
#include "hostel/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void
add(struct sites *s, const char *name, const char *alias, bool by_default)
{
    struct site *site = mem_new(sizeof(*site));

    site->names = mem_new_array(3, sizeof(char *));
    site->names[0] = mem_str(name);
    site->names[1] = mem_str(alias);
    site->index = mem_new(sizeof(char *));
    site->root = mem_str("/nowhere");
    site->dir = site_dir_new(site->root);
    site->by_default = by_default;
    sites_add(s, site);
}

static const struct {
    const char *why;
    const char *host;
    const char *site; /* its first name */
} rows[] = {
    {"exact", "a.example", "a.example"},
    {"alias", "www.a.example", "a.example"},
    {"wildcard, one label", "x.w.example", "*.w.example"},
    {"wildcard, several labels", "x.y.z.w.example", "*.w.example"},
    {"longest wildcard", "q.deep.w.example", "*.deep.w.example"},
    {"exact beats wildcard", "exact.w.example", "exact.w.example"},
    {"a wildcard is not its own suffix", "w.example", NULL},
    {"nor part of a label", "xw.example", NULL},
    {"the wildcard's own name", "*.w.example", NULL},
    {"unknown", "b.example", NULL},
    {"no name", "", NULL},
    {"a dot", ".", NULL},
    {"a longer name", "a.example.org", NULL},
    {"the first site keeps its name", "twice.example", "first.example"},
    {"an address", "[::1]", "[::1]"},
};

static void
test_rows(void **state)
{
    struct sites *s = sites_new();

    (void)state;
    assert_null(sites_default(s));
    add(s, "a.example", "www.a.example", false);
    add(s, "*.w.example", NULL, false);
    add(s, "*.deep.w.example", NULL, true);
    add(s, "exact.w.example", NULL, true);
    add(s, "first.example", "twice.example", false);
    add(s, "second.example", "twice.example", false);
    add(s, "[::1]", NULL, false);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct site *site = sites_find(s, span_str(rows[i].host));

        if (!span_eq(span_str(site ? site->names[0] : NULL), span_str(rows[i].site)))
            fail_msg("%s: %s", rows[i].why, site ? site->names[0] : "none");
    }
    assert_string_equal(sites_default(s)->names[0], "*.deep.w.example");
    assert_int_equal(sites_count(s), 7);
    sites_free(&s);
    assert_null(s);
}

static void
test_many(void **state)
{
    struct sites *s = sites_new();
    char name[32];

    (void)state;
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "s%d.example", i);
        add(s, name, NULL, false);
    }
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "s%d.example", i);
        assert_string_equal(sites_find(s, span_str(name))->names[0], name);
    }
    assert_null(sites_find(s, SPAN("s3000.example")));
    sites_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                       cmocka_unit_test(test_many)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
