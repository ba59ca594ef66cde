/* Directories, read and sorted: what is listed, in which order. */
#include "listing.h"
#include "tree.h"
#include "hostel/base/fd.h"

#include <fcntl.h>
#include <string.h>
#include <sys/time.h>

static struct site site;

static void
date(const char *name, time_t when)
{
    struct timeval times[2] = {{.tv_sec = when}, {.tv_sec = when}};

    assert_int_equal(utimes(tree_path(name), times), 0);
}

static int
setup(void **state)
{
    (void)state;
    tree_site(&site);
    site.autoindex = true;
    tree_dir("d");
    tree_file("d/b.txt", "22");
    tree_file("d/A.txt", "333");
    tree_file("d/c.txt", "1");
    tree_dir("d/zdir");
    tree_dir("d/Ydir");
    tree_file("d/.hidden", "");
    tree_dir("d/.git");
    tree_dir("d/.well-known");
    tree_file("d/line\nend", "");
    tree_file("d/tab\there", "");
    tree_file("d/src.php", "<?php");
    tree_file("d/src.php~", "<?php");
    tree_file("d/aside.txt", "x");
    tree_link("d/link", "b.txt");
    tree_link("d/dirlink", "zdir");
    tree_link("d/to-php.txt", "src.php");
    tree_link("d/to-dot", ".hidden");
    tree_link("d/out", "/etc/passwd");
    tree_link("d/dangling", "nowhere");
    tree_link("d/loop", "loop");
    tree_link("d/to-fifo", "fifo");
    assert_int_equal(mkfifo(tree_path("d/fifo"), 0644), 0);
    date("d/A.txt", 3000);
    date("d/aside.txt", 2000);
    date("d/b.txt", 1000);
    date("d/c.txt", 4000);
    tree_dir("empty");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    tree_done(&site);
    return 0;
}

static void
read_at(struct listing *l, const char *path)
{
    struct found f;

    resolve(&site, span_str(path), 0, &f);
    assert_int_equal(f.kind, FOUND_LISTING);
    assert_int_equal(listing_read(l, &site, &f), 0);
    assert_int_equal(f.fd, -1);
}

static const char *
names(const struct listing *l)
{
    static char text[1024];

    text[0] = '\0';
    for (size_t i = 0; i < l->n; i++) {
        if (l->entries[i].directory)
            assert_int_equal(l->entries[i].size, 0);
        strcat(text, l->entries[i].name);
        strcat(text, l->entries[i].directory ? "/ " : " ");
    }
    return text;
}

#define DIRS ".well-known/ dirlink/ Ydir/ zdir/ "

/* clang-format off: one row a line */
static const struct {
    const char *why;
    enum site_symlinks symlinks;
    bool php;
    enum listing_key key;
    bool descending;
    const char *names;
} rows[] = {
    {"by name", SYMLINKS_FOLLOW, false, LISTING_BY_NAME, false,
     DIRS "A.txt aside.txt b.txt c.txt link "},
    {"by name, backwards", SYMLINKS_FOLLOW, false, LISTING_BY_NAME, true,
     "zdir/ Ydir/ dirlink/ .well-known/ link c.txt b.txt aside.txt A.txt "},
    {"by size; what is equal, by name", SYMLINKS_FOLLOW, false, LISTING_BY_SIZE, false,
     DIRS "aside.txt c.txt b.txt link A.txt "},
    {"by size, backwards", SYMLINKS_FOLLOW, false, LISTING_BY_SIZE, true,
     DIRS "A.txt b.txt link aside.txt c.txt "},
    {"scripts where they run", SYMLINKS_FOLLOW, true, LISTING_BY_NAME, false,
     DIRS "A.txt aside.txt b.txt c.txt link src.php "},
    {"without links", SYMLINKS_OFF, false, LISTING_BY_NAME, false,
     ".well-known/ Ydir/ zdir/ A.txt aside.txt b.txt c.txt "},
    {"links of the same owner", SYMLINKS_OWNER, false, LISTING_BY_NAME, false,
     DIRS "A.txt aside.txt b.txt c.txt link "},
};
/* clang-format on */

static void
test_rows(void **state)
{
    static char pool;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct listing l;

        print_message("%s\n", rows[i].why);
        site.symlinks = rows[i].symlinks;
        site.php = rows[i].php ? (struct php_pool *)(void *)&pool : NULL;
        read_at(&l, "/d/");
        listing_sort(&l, rows[i].key, rows[i].descending);
        assert_string_equal(names(&l), rows[i].names);
        assert_false(l.cut);
        listing_done(&l);
    }
    site.symlinks = SYMLINKS_FOLLOW;
    site.php = NULL;
}

static void
test_by_time(void **state)
{
    struct listing l;
    const char *files;

    (void)state;
    read_at(&l, "/d/");
    listing_sort(&l, LISTING_BY_TIME, false);
    files = strstr(names(&l), "b.txt");
    assert_non_null(files); /* the link has the date of what it leads to */
    assert_string_equal(files, "b.txt link aside.txt A.txt c.txt ");
    assert_true(l.newest > 4000); /* the directory itself */
    listing_done(&l);
}

static void
test_another_users_link(void **state)
{
    struct listing l;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(lchown(tree_path("d/link"), 12321, 12321), 0);
    site.symlinks = SYMLINKS_OWNER;
    read_at(&l, "/d/");
    assert_null(strstr(names(&l), "link "));
    site.symlinks = SYMLINKS_FOLLOW;
    assert_int_equal(lchown(tree_path("d/link"), 0, 0), 0);
    listing_done(&l);
}

static void
test_empty(void **state)
{
    struct listing l;

    (void)state;
    read_at(&l, "/empty/");
    listing_sort(&l, LISTING_BY_NAME, false);
    assert_int_equal(l.n, 0);
    listing_done(&l);
}

static void
test_too_many(void **state)
{
    struct listing l;
    char name[32];

    (void)state;
    tree_dir("many");
    for (int i = 0; i < LISTING_MAX + 1; i++) {
        int fd;

        snprintf(name, sizeof(name), "many/%d", i);
        fd = open(tree_path(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        fd_close(&fd);
    }
    read_at(&l, "/many/");
    assert_int_equal(l.n, LISTING_MAX);
    assert_true(l.cut);
    listing_done(&l);
    assert_int_equal(unlink(tree_path("many/0")), 0);
    read_at(&l, "/many/");
    assert_int_equal(l.n, LISTING_MAX);
    assert_false(l.cut);
    listing_done(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_by_time),
        cmocka_unit_test(test_another_users_link),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_too_many),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
