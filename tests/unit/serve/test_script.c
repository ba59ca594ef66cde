/* Which names are PHP. */
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static const struct {
    const char *why;
    const char *name;
    enum script_kind kind;
} rows[] = {
    {"the usual one", "a.php", SCRIPT_RUN},
    {"below directories", "a/b.c/d.php", SCRIPT_RUN},
    {"upper case", "A.PHP", SCRIPT_RUN},
    {"mixed case", "a.PhTmL", SCRIPT_RUN},
    {"archive", "a.phar", SCRIPT_RUN},
    {"an old version's", "a.php5", SCRIPT_RUN},
    {"any digit", "a.pHp0", SCRIPT_RUN},
    {"nothing before the dot", ".php", SCRIPT_RUN},
    {"dot behind", "a.php.", SCRIPT_NEVER},
    {"space behind", "a.php ", SCRIPT_NEVER},
    {"an editor's copy", "a.php~", SCRIPT_NEVER},
    {"all of them", "a.phtml. .~", SCRIPT_NEVER},
    {"an editor's copy while it works", "a.php#", SCRIPT_NEVER},
    {"a copy by hand", "wp-config.php.bak", SCRIPT_NEVER},
    {"upper case behind", "A.PHP.OLD", SCRIPT_NEVER},
    {"another separator", "a.php_bak", SCRIPT_NEVER},
    {"a dash", "a.php-dist", SCRIPT_NEVER},
    {"nano's second copy", "a.php.save.1", SCRIPT_NEVER},
    {"numbered", "a.php.2", SCRIPT_NEVER},
    {"a package's", "a.php.dpkg-old", SCRIPT_NEVER},
    {"source that others colour", "a.phps", SCRIPT_NEVER},
    {"another suffix that some run", "a.PHT", SCRIPT_NEVER},
    {"a copy of something else", "a.css.bak", SCRIPT_NONE},
    {"nothing but marks", ".bak.old~", SCRIPT_NONE},
    {"nothing but a digit", "1", SCRIPT_NONE},
    {"a mark without a separator", "a.phpbak", SCRIPT_NONE},
    {"a picture", "a.php.jpg", SCRIPT_NONE},
    {"no dot", "php", SCRIPT_NONE},
    {"no dot before the suffix", "aphp", SCRIPT_NONE},
    {"a longer suffix", "a.phpx", SCRIPT_NONE},
    {"a letter for the digit", "a.phpa", SCRIPT_NONE},
    {"two digits", "a.php55", SCRIPT_NONE},
    {"in the middle", "a.php.txt", SCRIPT_NONE},
    {"a directory's name", "a.php/b", SCRIPT_NONE},
    {"nothing", "", SCRIPT_NONE},
    {"a slash at the end", "a.php/", SCRIPT_NONE},
};

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum script_kind kind = script_kind(span_str(rows[i].name));

        if (kind != rows[i].kind)
            fail_msg("%s: %s is %d", rows[i].why, rows[i].name, (int)kind);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
