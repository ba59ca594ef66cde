/* serve/scripts: what is remembered of a path, and for how long. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "scripts.h"

#include <stdio.h>

static void
note(struct scripts *s, const char *path, const char *name, const char *info, uint64_t now_ms)
{
    static struct found f;

    f.kind = FOUND_SCRIPT;
    strcpy(f.name, name);
    f.path_info = span_str(info);
    scripts_note(s, span_str(path), now_ms, &f);
}

static void
test_rows(void **state)
{
    static const struct {
        const char *why, *path;
        uint64_t now_ms;
        const char *name, *info; /* NULL: not known */
    } rows[] = {
        {"the same", "/a.php", 1000, "a.php", ""},
        {"just fresh", "/a.php", 1449, "a.php", ""},
        {"too old", "/a.php", 1450, NULL, NULL},
        {"path info", "/b.php/x/y", 1000, "b.php", "/x/y"},
        {"another path info", "/b.php/x/z", 1000, NULL, NULL},
        {"an index file", "/dir/", 1000, "dir/index.php", ""},
        {"longer", "/a.php2", 1000, NULL, NULL},
        {"shorter", "/a.ph", 1000, NULL, NULL},
    };
    struct scripts *s = scripts_new();
    static struct found f;

    (void)state;
    note(s, "/a.php", "a.php", "", 1000);
    note(s, "/b.php/x/y", "b.php", "/x/y", 1000);
    note(s, "/dir/", "dir/index.php", "", 1000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool found = scripts_find(s, span_str(rows[i].path), rows[i].now_ms, &f);

        print_message("  %s\n", rows[i].why);
        assert_int_equal(rows[i].name != NULL, found);
        if (!found)
            continue;
        assert_int_equal(FOUND_SCRIPT, f.kind);
        assert_int_equal(-1, f.fd);
        assert_string_equal(rows[i].name, f.name);
        assert_true(span_eq(f.path_info, span_str(rows[i].info)));
    }
    scripts_free(&s);
    assert_null(s);
    assert_false(scripts_find(s, span_str("/a.php"), 1000, &f));
}

/* As many as there is room for; one that was found anew is no second entry. */
static void
test_oldest_goes(void **state)
{
    struct scripts *s = scripts_new();
    static struct found f;
    char path[32];

    (void)state;
    for (int i = 0; i < 15; i++) {
        snprintf(path, sizeof(path), "/%d.php", i);
        note(s, path, path + 1, "", 1000);
    }
    for (int i = 0; i < 40; i++)
        note(s, "/0.php", "moved.php", "", 1000);
    assert_true(scripts_find(s, span_str("/14.php"), 1000, &f));
    assert_true(scripts_find(s, span_str("/0.php"), 1000, &f));
    assert_string_equal("moved.php", f.name);
    note(s, "/15.php", "15.php", "", 1000);
    note(s, "/16.php", "16.php", "", 1000);
    assert_false(scripts_find(s, span_str("/0.php"), 1000, &f));
    assert_true(scripts_find(s, span_str("/1.php"), 1000, &f));
    scripts_free(&s);
}

/* What is no script, and what is very long, is looked up each time. */
static void
test_not_remembered(void **state)
{
    struct scripts *s = scripts_new();
    static struct found f;
    char path[600];

    (void)state;
    f.kind = FOUND_FILE;
    strcpy(f.name, "a.txt");
    scripts_note(s, span_str("/a.txt"), 1000, &f);
    assert_false(scripts_find(s, span_str("/a.txt"), 1000, &f));
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    strcpy(path + 513, "");
    note(s, path, "a.php", "", 1000);
    assert_false(scripts_find(s, span_str(path), 1000, &f));
    scripts_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_oldest_goes),
        cmocka_unit_test(test_not_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
