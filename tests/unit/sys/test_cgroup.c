/*
 * Control groups on a tree of plain files: which directory is found and why not, and what is
 * written. What a kernel makes by itself, the files of a new group, is made before.
 */
#include "hostel/sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#define UID 64001

static char top[64];
static struct cgroup_tree tree;

static char *
below(const char *name)
{
    static char paths[32][256];
    static unsigned n;
    char *path = paths[n++ % 32];

    snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
    return path;
}

static void
put(const char *name, const char *text)
{
    FILE *f = fopen(below(name), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static const char *
get(const char *name)
{
    static char text[512];
    FILE *f = fopen(below(name), "r");
    size_t n;

    assert_non_null(f);
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

/* A group as the kernel makes it. */
static void
group(const char *name, const char *controllers)
{
    static const char *const files[] = {
        "cgroup.subtree_control", "cgroup.procs", "cpu.weight", "cpu.max",       "memory.max",
        "memory.swap.max",        "pids.max",     "io.weight",  "io.bfq.weight", "pids.events"};
    char path[128];

    assert_true(mkdir(below(name), 0755) == 0 || errno == EEXIST);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", name, files[i]);
        put(path, "");
    }
    snprintf(path, sizeof(path), "%s/cgroup.controllers", name);
    put(path, controllers);
}

static int
start(void **state)
{
    (void)state;
    strcpy(top, "/tmp/hostel-cgroup-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    group("fs", "cpuset cpu io memory hugetlb pids\n");
    return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int
stop(void **state)
{
    (void)state;
    if (tree.dir > 0)
        close(tree.dir);
    return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* in  root  of the mount, as mountinfo shows it */
static void
find(const char *self, const char *root, bool systemd, const char *want, bool service)
{
    char places[3][256], mounts[512];

    snprintf(places[0], sizeof(places[0]), "%s", below("self"));
    snprintf(places[1], sizeof(places[1]), "%s", below("mounts"));
    snprintf(places[2], sizeof(places[2]), "%s", below(systemd ? "fs" : "none"));
    snprintf(mounts, sizeof(mounts),
             "21 1 0:19 / /proc rw,nosuid - proc proc rw\n"
             "30 1 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
             "31 1 0:27 %s %s rw,nosuid shared:9 - cgroup2 cgroup2 rw\n",
             root, below("fs"));
    put("self", self);
    put("mounts", *root ? mounts : "");
    cgroup_find(&(struct cgroup_places){places[0], places[1], places[2]}, want, service, &tree);
}

static bool
delegate(const char *name)
{
    return setxattr(below(name), "user.delegate", "1", 1, 0) == 0 ||
           setxattr(below(name), "trusted.delegate", "1", 1, 0) == 0;
}

static void
assert_none(const char *why)
{
    char said[CGROUP_SAID_MAX];

    assert_string_equal(tree.path, "");
    cgroup_say(&tree, said);
    assert_int_equal(strncmp(said, "limits: rlimits and nice only: ", 31), 0);
    if (!strstr(said, why))
        fail_msg("%s: not %s", said, why);
    cgroup_open(&tree);
    assert_int_equal(tree.dir, -1);
}

static void
test_nowhere(void **state)
{
    (void)state;
    find("4:memory:/x\n", "/", false, "auto", false);
    assert_none("this kernel has no cgroup v2");
    find("0::/\n", "", false, "auto", false);
    assert_none("cgroup v2 is not mounted");
    find("0::/a\n", "/b", false, "auto", false);
    assert_none("cgroup v2 is not mounted");
    find("0::/\n", "/", true, "auto", false);
    assert_none("not delegated");
    find("0::/\n", "/", false, "off", false);
    assert_none("off");
    group("fs/user.slice", "cpu memory pids\n");
    find("0::/user.slice\n", "/", true, "auto", false);
    assert_none("user.slice is not ours to arrange");
    put("fs/cgroup.controllers", "hugetlb misc\n");
    find("0::/\n", "/", false, "auto", false);
    assert_none("no controller to give");
    find("0::/\n", "/", false, below("mounts"), false);
    assert_none("is a group of cgroup v2");
    find("0::/\n", "/", false, below("a/b"), false);
    assert_none("is a group of cgroup v2");
}

static void
test_where_nobody_arranges(void **state)
{
    char said[CGROUP_SAID_MAX], expected[CGROUP_SAID_MAX];

    (void)state;
    find("1:name=systemd:/\n0::/\n", "/", false, "auto", false);
    assert_string_equal(tree.path, below("fs/hostel.slice"));
    assert_string_equal(tree.parent, below("fs"));
    assert_string_equal(tree.leaf, "");
    cgroup_say(&tree, said);
    snprintf(expected, sizeof(expected),
             "limits: cgroup v2 in %s/hostel.slice/user-UID, with cpu memory pids io", top);
    memmove(strstr(said, "/fs/"), strstr(said, "/fs/") + 3,
            strlen(strstr(said, "/fs/") + 3) + 1);
    assert_string_equal(said, expected);
    find("0::/box\n", "/box", false, "auto", false); /* a container's own root */
    assert_string_equal(tree.path, below("fs/hostel.slice"));
}

static void
test_delegated(void **state)
{
    (void)state;
    group("fs/hostel.slice", "cpu memory pids\n");
    group("fs/hostel.slice/hostel.service", "cpu memory pids\n");
    if (!delegate("fs/hostel.slice/hostel.service")) {
        print_message("    skipped: this file system has no attribute for it\n");
        skip();
    }
    find("0::/hostel.slice/hostel.service\n", "/", true, "auto", false);
    assert_string_equal(tree.path, below("fs/hostel.slice/hostel.service"));
    assert_string_equal(tree.leaf, below("fs/hostel.slice/hostel.service/supervisor"));
    assert_string_equal(tree.parent, "");
    assert_int_equal(tree.controllers, 1 << CGROUP_CPU | 1 << CGROUP_MEMORY | 1 << CGROUP_PIDS);
    /* the next one after an upgrade is in the leaf already */
    find("0::/hostel.slice/hostel.service/supervisor\n", "/", true, "auto", false);
    assert_string_equal(tree.path, below("fs/hostel.slice/hostel.service"));
    /* who checks is elsewhere */
    find("0::/user.slice/me\n", "/", true, "auto", true);
    assert_string_equal(tree.path, below("fs/hostel.slice/hostel.service"));
    assert_string_equal(tree.leaf, "");
    find("0::/user.slice/me\n", "/", true, "auto", false);
    assert_none("is not ours to arrange");
    /* it goes into the leaf before it hands anything down */
    group("fs/hostel.slice/hostel.service/supervisor", "\n");
    put("fs/hostel.slice/hostel.service/cgroup.subtree_control", "cpu memory pids\n");
    find("0::/hostel.slice/hostel.service\n", "/", true, "auto", false);
    cgroup_open(&tree);
    assert_true(tree.dir >= 0);
    assert_string_equal(get("fs/hostel.slice/hostel.service/supervisor/cgroup.procs"), "0");
}

/* Only what the directory really hands down counts. */
static void
test_open(void **state)
{
    (void)state;
    group("fs/own", "cpu memory pids io\n");
    find("0::/\n", "/", true, below("fs/own"), false);
    assert_string_equal(tree.parent, "");
    cgroup_open(&tree);
    /* a plain file holds the last of what was written to it, over what was there */
    assert_int_equal(strncmp(get("fs/own/cgroup.subtree_control"), "+io", 3), 0);
    assert_none("hands no controller down");
    put("fs/own/cgroup.subtree_control", "xxxxxxx cpu pids\n");
    find("0::/\n", "/", true, below("fs/own"), false);
    cgroup_open(&tree);
    assert_true(tree.dir >= 0);
    assert_int_equal(tree.controllers, 1 << CGROUP_CPU | 1 << CGROUP_PIDS);
    close(tree.dir);
    find("0::/\n", "/", true, below("fs/new"), false);
    assert_string_equal(tree.parent, below("fs"));
    cgroup_open(&tree); /* no kernel makes its files: made, and found to hand nothing down */
    assert_int_equal(access(below("fs/new"), F_OK), 0);
    assert_int_equal(strncmp(get("fs/cgroup.subtree_control"), "+io", 3), 0);
    assert_int_equal(tree.dir, -1);
}

static void
open_tree(const char *controllers)
{
    group("fs/own", controllers);
    put("fs/own/cgroup.subtree_control", "xxxxxxx ");
    put("fs/own/cgroup.subtree_control", "");
    find("0::/\n", "/", true, below("fs/own"), false);
    tree.dir = open(tree.path, O_RDONLY | O_DIRECTORY);
    assert_true(tree.dir >= 0);
}

static void
test_limits(void **state)
{
    static const struct {
        const char *why;
        struct cgroup_limits limits;
        const char *weight, *max, *memory, *swap, *pids, *io, *bfq;
    } rows[] = {
        {"no limits",
         {100, 100, 0, 0, 0},
         "100",
         "max",
         "max",
         "max",
         "max",
         "default 100",
         "default 100"},
        {"all",
         {1, 10000, 50, 1 << 20, 64},
         "1",
         "50000 100000",
         "1048576",
         "0",
         "64",
         "default 10000",
         "default 1000"},
        {"two cores and a half",
         {100, 100, 250, 0, 0},
         "100",
         "250000 100000",
         "max",
         "max",
         "max",
         "default 100",
         "default 100"},
    };
    const char *failed;

    (void)state;
    open_tree("cpu memory pids io\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("    %s\n", rows[i].why);
        group("fs/own/user-64001", "cpu memory pids io\n");
        assert_int_equal(cgroup_user(&tree, UID, &rows[i].limits, &failed), 0);
        assert_string_equal(get("fs/own/user-64001/cpu.weight"), rows[i].weight);
        assert_string_equal(get("fs/own/user-64001/cpu.max"), rows[i].max);
        assert_string_equal(get("fs/own/user-64001/memory.max"), rows[i].memory);
        assert_string_equal(get("fs/own/user-64001/memory.swap.max"), rows[i].swap);
        assert_string_equal(get("fs/own/user-64001/pids.max"), rows[i].pids);
        assert_string_equal(get("fs/own/user-64001/io.weight"), rows[i].io);
        assert_string_equal(get("fs/own/user-64001/io.bfq.weight"), rows[i].bfq);
    }
}

static bool
is_old(const char *name)
{
    struct stat st;

    assert_int_equal(stat(below(name), &st), 0);
    return st.st_mtim.tv_sec == 1;
}

/* What a kernel shows of a value is known again, and not written once more. */
static void
test_only_what_has_changed(void **state)
{
    static const struct {
        const char *file, *shows;
        bool same;
    } rows[] = {
        {"cpu.weight", "100\n", true},        {"cpu.max", "max 100000\n", true},
        {"memory.max", "1048576\n", true}, /* whole pages of what was asked */
        {"memory.swap.max", "0\n", true},     {"pids.max", "640\n", false}, /* begins like it */
        {"io.weight", "default 10\n", false}, {"io.bfq.weight", "default 100\n8:0 200\n", true},
    };
    const struct cgroup_limits limits = {100, 100, 0, (1 << 20) + 5, 64};
    const struct timespec old[2] = {{1, 0}, {1, 0}};
    const char *failed;
    char name[64];

    (void)state;
    open_tree("cpu memory pids io\n");
    group("fs/own/user-64001", "cpu memory pids io\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(name, sizeof(name), "fs/own/user-64001/%s", rows[i].file);
        put(name, rows[i].shows);
        assert_int_equal(utimensat(AT_FDCWD, below(name), old, 0), 0);
    }
    assert_int_equal(cgroup_user(&tree, UID, &limits, &failed), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("    %s\n", rows[i].file);
        snprintf(name, sizeof(name), "fs/own/user-64001/%s", rows[i].file);
        assert_int_equal(is_old(name), rows[i].same);
    }
}

/* What a controller is not there for is not written; what cannot be written is said. */
static void
test_some_limits(void **state)
{
    const struct cgroup_limits limits = {7, 8, 9, 10, 11};
    const char *failed;

    (void)state;
    open_tree("pids cpu\n");
    group("fs/own/user-64001", "pids\n");
    assert_int_equal(cgroup_user(&tree, UID, &limits, &failed), 0);
    assert_string_equal(get("fs/own/user-64001/pids.max"), "11");
    assert_string_equal(get("fs/own/user-64001/memory.max"), "");
    assert_string_equal(get("fs/own/user-64001/io.weight"), "");
    assert_int_equal(unlink(below("fs/own/user-64001/cpu.max")), 0);
    put("fs/own/user-64001/pids.max", "");
    assert_int_equal(cgroup_user(&tree, UID, &limits, &failed), -ENOENT);
    assert_string_equal(failed, "cpu.max");
    assert_string_equal(get("fs/own/user-64001/pids.max"), "11"); /* the others all the same */
}

static void
test_life_of_a_group(void **state)
{
    const struct cgroup_limits limits = {100, 100, 0, 0, 0};
    struct cgroup_events e;
    const char *failed;
    int fd;

    (void)state;
    open_tree("memory pids\n");
    assert_int_equal(cgroup_user_procs(&tree, UID), -ENOENT);
    (void)cgroup_user(&tree, UID, &limits, &failed); /* makes it */
    assert_int_equal(access(below("fs/own/user-64001"), F_OK), 0);
    cgroup_user_events(&tree, UID, &e);
    assert_int_equal(e.oom_kills + e.pids_fails, 0);
    assert_int_equal(cgroup_user_remove(&tree, UID), 0);
    assert_int_equal(cgroup_user_remove(&tree, UID), -ENOENT);
    group("fs/own/user-64001", "memory pids\n");
    put("fs/own/user-64001/memory.events",
        "low 0\nhigh 5\nmax 77\noom 3\noom_kill 2\noom_group_kill 9\n");
    put("fs/own/user-64001/pids.events", "max 41\n");
    cgroup_user_events(&tree, UID, &e);
    assert_int_equal(e.oom_kills, 2);
    assert_int_equal(e.pids_fails, 41);
    fd = cgroup_user_procs(&tree, UID);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "0", 1), 1);
    close(fd);
    assert_string_equal(get("fs/own/user-64001/cgroup.procs"), "0");
}

/* Nobody can put a link where a group is expected. */
static void
test_no_links(void **state)
{
    const struct cgroup_limits limits = {100, 100, 0, 0, 9};
    const char *failed;

    (void)state;
    open_tree("pids\n");
    group("fs/other", "pids\n");
    assert_int_equal(symlink("../other", below("fs/own/user-64001")), 0);
    assert_true(cgroup_user(&tree, UID, &limits, &failed) < 0);
    assert_true(cgroup_user_procs(&tree, UID) < 0);
    assert_string_equal(get("fs/other/pids.max"), "");
}

static void
test_close(void **state)
{
    (void)state;
    open_tree("pids\n");
    assert_int_equal(mkdir(below("fs/own/user-1"), 0755), 0);
    assert_int_equal(mkdir(below("fs/own/user-2"), 0755), 0);
    assert_int_equal(mkdir(below("fs/own/else"), 0755), 0);
    put("fs/own/user-2/busy", "");
    cgroup_close(&tree);
    assert_int_equal(tree.dir, -1);
    assert_int_equal(access(below("fs/own/user-1"), F_OK), -1);
    assert_int_equal(access(below("fs/own/user-2"), F_OK), 0);
    assert_int_equal(access(below("fs/own/else"), F_OK), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nowhere, start, stop),
        cmocka_unit_test_setup_teardown(test_where_nobody_arranges, start, stop),
        cmocka_unit_test_setup_teardown(test_delegated, start, stop),
        cmocka_unit_test_setup_teardown(test_open, start, stop),
        cmocka_unit_test_setup_teardown(test_limits, start, stop),
        cmocka_unit_test_setup_teardown(test_only_what_has_changed, start, stop),
        cmocka_unit_test_setup_teardown(test_some_limits, start, stop),
        cmocka_unit_test_setup_teardown(test_life_of_a_group, start, stop),
        cmocka_unit_test_setup_teardown(test_no_links, start, stop),
        cmocka_unit_test_setup_teardown(test_close, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
