/* Opening below a root, by each policy on symbolic links. */
#include "beneath.h"
#include "tree.h"
#include "hostel/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define OTHER                                                                                  \
    12321 /* a user that is not us; links and files can be given to him by root only */

static struct site site;
static int root_fd;

static void
give(const char *name)
{
    if (geteuid() == 0)
        assert_int_equal(lchown(tree_path(name), OTHER, OTHER), 0);
}

static int
setup(void **state)
{
    char name[32], target[32];

    (void)state;
    tree_site(&site);
    tree_dir("dir");
    tree_dir("dir/deep");
    tree_file("dir/deep/f.txt", "f");
    tree_file("a.txt", "a");
    tree_file("his.txt", "his");
    give("his.txt");
    tree_dir("hisdir");
    tree_file("hisdir/mine.txt", "mine");
    give("hisdir");

    tree_link("good", "a.txt");
    tree_link("good2", "good");
    tree_link("dirlink", "dir");
    tree_link("dirslash", "dir/");
    tree_link("dirdot", "dir/.");
    tree_link("self", ".");
    tree_link("dir/up", "..");
    tree_link("dir/deep/far", "../up/dirlink/../a.txt");
    tree_link("fileslash", "a.txt/");
    tree_link("dangling", "nowhere");
    tree_link("loop", "loop");
    tree_link("ping", "pong");
    tree_link("pong", "ping");
    tree_link("out", "../../etc/passwd");
    tree_link("outin", "../x/a.txt");
    tree_link("abs", "/etc/passwd");
    tree_link("dir/out", "../../a.txt");

    tree_link("to-his", "his.txt");
    tree_link("to-to-his", "to-his");
    tree_link("to-hisdir", "hisdir");
    tree_link("into-hisdir", "hisdir/mine.txt");
    tree_link("through", "to-hisdir/mine.txt");
    tree_link("his-to-mine", "a.txt");
    give("his-to-mine");
    tree_link("his-to-his", "his.txt");
    give("his-to-his");
    tree_link("mine-his-mine", "his-to-mine");
    tree_link("over-his-dir", "his-dirlink/deep/f.txt");
    tree_link("his-dirlink", "dir");
    give("his-dirlink");

    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "chain%d", i);
        snprintf(target, sizeof(target), i ? "chain%d" : "a.txt", i - 1);
        tree_link(name, target);
    }
    assert_int_equal(mkfifo(tree_path("fifo"), 0644), 0);
    root_fd = open(tree_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(root_fd >= 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    fd_close(&root_fd);
    tree_done(&site);
    return 0;
}

/* clang-format off: one row a line */
static const struct row {
    const char *why, *name, *is; /* what is opened: the same file as this one; or NULL */
    int follow, owner, off;      /* 0 or the error of each policy */
    bool as_root;                /* needs files of another user */
} rows[] = {
    {"a file", "a.txt", "a.txt", 0, 0, 0, false},
    {"a file further down", "dir/deep/f.txt", "dir/deep/f.txt", 0, 0, 0, false},
    {"the root", "", ".", 0, 0, 0, false},
    {"a directory", "dir/", "dir", 0, 0, 0, false},
    {"not there", "nowhere", NULL, -ENOENT, -ENOENT, -ENOENT, false},
    {"a file is no directory", "a.txt/", NULL, -ENOTDIR, -ENOTDIR, -ENOTDIR, false},
    {"a FIFO does not hang", "fifo", "fifo", 0, 0, 0, false},
    {"above the root", "../x", NULL, -EXDEV, -EXDEV, -EXDEV, false},

    {"a link", "good", "a.txt", 0, 0, -ELOOP, false},
    {"a link to a link", "good2", "a.txt", 0, 0, -ELOOP, false},
    {"a link to a directory", "dirlink/", "dir", 0, 0, -ELOOP, false},
    {"below a link", "dirlink/deep/f.txt", "dir/deep/f.txt", 0, 0, -ELOOP, false},
    {"a target with a slash", "dirslash", "dir", 0, 0, -ELOOP, false},
    {"below a target with a slash", "dirslash/deep/f.txt", "dir/deep/f.txt", 0, 0, -ELOOP,
     false},
    {"a target with a dot", "dirdot/deep/f.txt", "dir/deep/f.txt", 0, 0, -ELOOP, false},
    {"a link to where it is", "self/self/a.txt", "a.txt", 0, 0, -ELOOP, false},
    {"a link up, inside", "dir/up/a.txt", "a.txt", 0, 0, -ELOOP, false},
    {"up, over a link, down, up", "dir/deep/far", "a.txt", 0, 0, -ELOOP, false},
    {"doubled slashes", "dirlink//deep///f.txt", "dir/deep/f.txt", 0, 0, -ELOOP, false},
    {"a file as a directory", "good/", NULL, -ENOTDIR, -ENOTDIR, -ELOOP, false},
    {"the same in the target", "fileslash", NULL, -ENOTDIR, -ENOTDIR, -ELOOP, false},
    {"below a file", "good/x", NULL, -ENOTDIR, -ENOTDIR, -ELOOP, false},
    {"to nothing", "dangling", NULL, -ENOENT, -ENOENT, -ELOOP, false},
    {"to itself", "loop", NULL, -ELOOP, -ELOOP, -ELOOP, false},
    {"to each other", "ping", NULL, -ELOOP, -ELOOP, -ELOOP, false},
    {"forty links", "chain39", "a.txt", 0, 0, -ELOOP, false},
    {"forty-one links", "chain40", NULL, -ELOOP, -ELOOP, -ELOOP, false},

    {"out of the root", "out", NULL, -EXDEV, -EXDEV, -ELOOP, false},
    {"out and in again", "outin", NULL, -EXDEV, -EXDEV, -ELOOP, false},
    {"absolute", "abs", NULL, -EXDEV, -EXDEV, -ELOOP, false},
    {"out from further down", "dir/out", NULL, -EXDEV, -EXDEV, -ELOOP, false},

    {"his file without a link", "his.txt", "his.txt", 0, 0, 0, true},
    {"a link to his file", "to-his", "his.txt", 0, -EACCES, -ELOOP, true},
    {"over two of mine", "to-to-his", "his.txt", 0, -EACCES, -ELOOP, true},
    {"his link to his file", "his-to-his", "his.txt", 0, 0, -ELOOP, true},
    {"his link to mine", "his-to-mine", "a.txt", 0, -EACCES, -ELOOP, true},
    {"mine to his to mine", "mine-his-mine", "a.txt", 0, -EACCES, -ELOOP, true},
    {"a link to his directory", "to-hisdir/mine.txt", "hisdir/mine.txt", 0, -EACCES, -ELOOP,
     true},
    {"to mine in his directory", "into-hisdir", "hisdir/mine.txt", 0, 0, -ELOOP, true},
    {"to mine, through a link to his", "through", "hisdir/mine.txt", 0, -EACCES, -ELOOP, true},
    {"to mine, through his link", "over-his-dir", "dir/deep/f.txt", 0, -EACCES, -ELOOP, true},
};
/* clang-format on */

static void
check(const struct row *r, enum site_symlinks links, int error)
{
    bool linked = false;
    struct stat got, want;
    int fd = beneath_open(root_fd, r->name, links, &linked);

    if (fd < 0 || error < 0) {
        if (fd != error)
            fail_msg("%s, policy %d: %d instead of %d", r->why, (int)links, fd, error);
        return;
    }
    assert_int_equal(linked, r->off == -ELOOP);
    assert_int_equal(fstat(fd, &got), 0);
    assert_int_equal(stat(tree_path(r->is), &want), 0);
    if (got.st_ino != want.st_ino)
        fail_msg("%s, policy %d: another file", r->why, (int)links);
    fd_close(&fd);
}

static void
test_rows(void **state)
{
    (void)state;
    for (const struct row *r = rows; r < rows + sizeof(rows) / sizeof(rows[0]); r++) {
        if (r->as_root && geteuid() != 0)
            continue;
        check(r, SYMLINKS_FOLLOW, r->follow);
        check(r, SYMLINKS_OWNER, r->owner);
        check(r, SYMLINKS_OFF, r->off);
    }
}

static void
test_long_paths(void **state)
{
    static char name[3 * PATH_MAX];
    int fd;

    (void)state;
    strcpy(name, "self/");
    for (size_t n = 5; n + 6 < sizeof(name); n += 5)
        strcpy(name + n, "self/");
    assert_int_equal(beneath_open(root_fd, name, SYMLINKS_OWNER, NULL), -ENAMETOOLONG);
    name[30 * 5] = '\0';
    strcat(name, "a.txt");
    fd = beneath_open(root_fd, name, SYMLINKS_OWNER, NULL);
    assert_true(fd >= 0);
    fd_close(&fd);
    memset(name, 'x', PATH_MAX - 1);
    memcpy(name, "self/", 5);
    name[PATH_MAX - 1] = '\0';
    assert_int_equal(beneath_open(root_fd, name, SYMLINKS_OWNER, NULL), -ENAMETOOLONG);
}

static void
test_no_descriptor_is_left(void **state)
{
    int before = dup(0), after;

    (void)state;
    close(before);
    test_rows(NULL);
    after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_long_paths),
        cmocka_unit_test(test_no_descriptor_is_left),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
