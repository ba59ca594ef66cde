/* A small document root in a scratch directory, for the tests of this room. */
#ifndef TEST_TREE_H
#define TEST_TREE_H

#include "hostel/serve/site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char tree_root[64];

static inline const char *
tree_path(const char *name)
{
    static char path[2][256];
    static int turn;

    turn = !turn;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", tree_root, name);
    return path[turn];
}

static inline void
tree_file(const char *name, const char *text)
{
    FILE *f = fopen(tree_path(name), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static inline void
tree_dir(const char *name)
{
    assert_int_equal(mkdir(tree_path(name), 0755), 0);
}

static inline void
tree_link(const char *name, const char *target)
{
    assert_int_equal(symlink(target, tree_path(name)), 0);
}

static inline void
tree_site(struct site *site)
{
    static char index_php[] = "index.php", index_html[] = "index.html";
    static char *index[] = {index_php, index_html, NULL};

    snprintf(tree_root, sizeof(tree_root), "/tmp/hostel-test-XXXXXX");
    assert_non_null(mkdtemp(tree_root));
    *site = (struct site){.root = tree_root, .index = index};
    site->dir = site_dir_new(tree_root);
}

static inline void
tree_done(struct site *site)
{
    char command[96];

    site_dir_free(&site->dir);
    snprintf(command, sizeof(command), "rm -rf '%s'", tree_root);
    assert_int_equal(system(command), 0);
}

#endif
