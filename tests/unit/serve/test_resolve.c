/* Paths to files: what is found, what is refused. */
#include "resolve.h"
#include "tree.h"
#include "hostel/base/fd.h"

#include <string.h>

static struct site site;

static int
setup(void **state)
{
    (void)state;
    tree_site(&site);
    tree_file("a.txt", "text");
    tree_file("a.php", "<?php");
    tree_file("a.php.", "<?php");
    tree_file("up.jpg", "<?php");
    tree_file(".secret", "secret");
    tree_dir("html");
    tree_file("html/index.html", "index");
    tree_dir("both");
    tree_file("both/index.html", "index");
    tree_file("both/index.php", "<?php");
    tree_dir("none");
    tree_dir("dir.php");
    tree_file("dir.php/in.txt", "text");
    tree_file("dir.php/in.php", "<?php");
    tree_dir("indexdir");
    tree_dir("indexdir/index.php");
    tree_file("indexdir/index.html", "index");
    tree_link("good", "a.txt");
    tree_link("good2", "html/../good");
    tree_link("dirlink", "html");
    tree_link("nonelink", "none");
    tree_dir("linked");
    tree_link("linked/index.html", "../a.txt");
    tree_link("src", "a.php");
    tree_link("src2", "html/../src");
    tree_link("dot", ".secret");
    tree_link("run.php", "a.txt");
    tree_link("out", "../../../etc/passwd");
    tree_link("abs", "/etc/passwd");
    tree_link("loop", "loop");
    tree_link("dangling", "nowhere");
    assert_int_equal(mkfifo(tree_path("fifo"), 0644), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    tree_done(&site);
    return 0;
}

#define FILE_AT(name)         FOUND_FILE, 0, name, ""
#define SCRIPT_AT(name, info) FOUND_SCRIPT, 0, name, info
#define REFUSED(status)       FOUND_NOTHING, status, NULL, ""

/* clang-format off */
static const struct row {
    const char *why;
    const char *path;
    bool php;
    enum found_kind kind;
    unsigned status;
    const char *name, *path_info;
} rows[] = {
    {"a file", "/a.txt", false, FILE_AT("a.txt")},
    {"not there", "/b.txt", true, REFUSED(404)},
    {"a file is no directory", "/a.txt/", true, REFUSED(404)},
    {"nor has it files", "/a.txt/b", true, REFUSED(404)},
    {"a directory without its slash", "/html", false, FOUND_DIRECTORY, 0, NULL, ""},
    {"its index", "/html/", false, FILE_AT("html/index.html")},
    {"the first index wins", "/both/", true, SCRIPT_AT("both/index.php", "")},
    {"also where it cannot run", "/both/", false, REFUSED(403)},
    {"an index that is a directory is none", "/indexdir/", true, FILE_AT("indexdir/index.html")},
    {"no index: no listing", "/none/", true, REFUSED(403)},
    {"the root without index", "/", true, REFUSED(403)},
    {"a FIFO does not hang", "/fifo", true, REFUSED(403)},
    {"a very long name", "/LONG", true, REFUSED(404)},

    {"a script", "/a.php", true, SCRIPT_AT("a.php", "")},
    {"without PHP it is not sent", "/a.php", false, REFUSED(403)},
    {"with PATH_INFO", "/a.php/x/y", true, SCRIPT_AT("a.php", "/x/y")},
    {"PATH_INFO is a slash", "/a.php/", true, SCRIPT_AT("a.php", "/")},
    {"PATH_INFO looks like a script", "/a.php/b.php", true, SCRIPT_AT("a.php", "/b.php")},
    {"without PHP and with PATH_INFO", "/a.php/x", false, REFUSED(403)},
    {"an upload is no script for what follows", "/up.jpg/x.php", true, REFUSED(404)},
    {"a missing script", "/b.php", true, REFUSED(404)},
    {"a missing script with PATH_INFO", "/b.php/x", true, REFUSED(404)},
    {"a directory that is called so", "/dir.php/in.txt", true, FILE_AT("dir.php/in.txt")},
    {"and a script in it", "/dir.php/in.php/x", true, SCRIPT_AT("dir.php/in.php", "/x")},
    {"missing below it", "/dir.php/no", true, REFUSED(404)},
    {"a dot behind is another file, and refused", "/a.php.", true, REFUSED(403)},

    {"a link inside", "/good", false, FILE_AT("good")},
    {"links over links", "/good2", false, FILE_AT("good2")},
    {"a link to a directory", "/dirlink/", false, FILE_AT("dirlink/index.html")},
    {"a link that shows source", "/src", true, REFUSED(403)},
    {"the same over two links", "/src2", false, REFUSED(403)},
    {"a link to a dotfile", "/dot", true, REFUSED(403)},
    {"a link that is called a script", "/run.php", true, SCRIPT_AT("run.php", "")},
    {"a link out", "/out", true, REFUSED(403)},
    {"an absolute link", "/abs", true, REFUSED(403)},
    {"a link to itself", "/loop", true, REFUSED(403)},
    {"a link to nothing", "/dangling", true, REFUSED(404)},
};
/* clang-format on */

static void
check_once(const struct row *r)
{
    static char sane; /* any pool will do: it is only looked whether there is one */
    static char path[PATH_MAX + 100];
    struct found f;

    snprintf(path, sizeof(path), "%s", r->path);
    if (strcmp(path, "/LONG") == 0)
        memset(path + 1, 'x', sizeof(path) - 2);
    site.php = r->php ? (struct php_pool *)(void *)&sane : NULL;
    resolve(&site, span_str(path), 0, &f);
    if (f.kind != r->kind)
        fail_msg("%s: kind %d, status %u", r->why, (int)f.kind, f.status);
    if (f.kind == FOUND_NOTHING && f.status != r->status)
        fail_msg("%s: status %u", r->why, f.status);
    if (r->name && strcmp(f.name, r->name) != 0)
        fail_msg("%s: name %s", r->why, f.name);
    if (!span_eq(f.path_info, span_str(r->path_info)))
        fail_msg("%s: path info %.*s", r->why, (int)f.path_info.n, f.path_info.p);
    if ((f.kind == FOUND_FILE || f.kind == FOUND_LISTING) != (f.fd >= 0))
        fail_msg("%s: fd %d", r->why, f.fd);
    fd_close(&f.fd);
}

/* Anew, and as it may be remembered then. */
static void
check(const struct row *r)
{
    check_once(r);
    check_once(r);
}

/* Of another policy nothing is remembered: a site has one. */
static void
forget(void)
{
    site_dir_free(&site.dir);
    site.dir = site_dir_new(site.root);
}

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&rows[i]);
}

/* The same tree where links are not followed, and where directories are listed. */
static const struct row no_links[] = {
    {"a file", "/a.txt", false, FILE_AT("a.txt")},
    {"an index", "/html/", false, FILE_AT("html/index.html")},
    {"a link", "/good", false, REFUSED(403)},
    {"an index behind a link", "/dirlink/", false, REFUSED(403)},
    {"a directory behind a link", "/dirlink", false, REFUSED(403)},
    {"a script behind a link", "/run.php", true, REFUSED(403)},
    {"PATH_INFO behind a link", "/run.php/x", true, REFUSED(403)},
    {"an index that is a link", "/linked/", false, REFUSED(403)},
};

static const struct row listed[] = {
    {"an index wins", "/html/", false, FILE_AT("html/index.html")},
    {"no index", "/none/", true, FOUND_LISTING, 0, "none/", ""},
    {"the root", "/", true, FOUND_LISTING, 0, "", ""},
    {"without the slash", "/none", true, FOUND_DIRECTORY, 0, NULL, ""},
    {"an index that is refused", "/both/", false, REFUSED(403)},
    {"behind a link", "/nonelink/", false, FOUND_LISTING, 0, "nonelink/", ""},
    {"not there", "/nowhere/", false, REFUSED(404)},
    {"a file is none", "/a.txt/", false, REFUSED(404)},
};

static void
test_policies(void **state)
{
    (void)state;
    forget();
    site.symlinks = SYMLINKS_OFF;
    for (size_t i = 0; i < sizeof(no_links) / sizeof(no_links[0]); i++)
        check(&no_links[i]);
    forget();
    site.symlinks = SYMLINKS_FOLLOW;
    site.autoindex = true;
    for (size_t i = 0; i < sizeof(listed) / sizeof(listed[0]); i++)
        check(&listed[i]);
    site.autoindex = false;
}

static void
test_no_root(void **state)
{
    static char nowhere[] = "/nowhere/at/all";
    struct site none = {.root = nowhere, .dir = site_dir_new(nowhere)};
    struct found f;

    (void)state;
    resolve(&none, SPAN("/a.txt"), 0, &f);
    assert_int_equal(f.kind, FOUND_NOTHING);
    assert_int_equal(f.status, 404);
    site_dir_free(&none.dir);
}

static void
test_root_is_looked_at_again(void **state)
{
    struct found f;
    char aside[96];

    (void)state;
    site.php = NULL;
    resolve(&site, SPAN("/a.txt"), 10000, &f);
    assert_int_equal(f.kind, FOUND_FILE);
    fd_close(&f.fd);
    snprintf(aside, sizeof(aside), "%s.old", tree_root);
    assert_int_equal(rename(tree_root, aside), 0);
    resolve(&site, SPAN("/a.txt"), 10500, &f);
    assert_int_equal(f.kind, FOUND_NOTHING);
    assert_int_equal(rename(aside, tree_root), 0);
    resolve(&site, SPAN("/a.txt"), 11000, &f);
    assert_int_equal(f.kind, FOUND_FILE);
    fd_close(&f.fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_no_root),
        cmocka_unit_test(test_root_is_looked_at_again),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
