/* The run directory and the sockets in it. */
#include "hostel/sys/rundir.h"
#include "hostel/sys/sockets.h"

#include <arpa/inet.h>
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
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char top[64];

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int
make_top(void **state)
{
    (void)state;
    strcpy(top, "/tmp/hostel-unit-XXXXXX");
    return mkdtemp(top) ? 0 : -1;
}

static int
remove_top(void **state)
{
    (void)state;
    return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char *
below(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", top, name);
    return path;
}

static mode_t
mode_of(const char *name)
{
    struct stat st;

    assert_int_equal(lstat(below(name), &st), 0);
    return st.st_mode & 07777;
}

static void
made(void **state)
{
    (void)state;
    assert_int_equal(rundir_prepare(below("run"), true), 0);
    assert_int_equal(mode_of("run"), 0755);
    assert_int_equal(mode_of("run/empty"), 0555);
    assert_int_equal(mode_of("run/php"), 0711);
    assert_int_equal(rundir_prepare(below("run/"), true), 0); /* again, and with a slash */
}

static void
made_for_oneself(void **state)
{
    (void)state;
    assert_int_equal(rundir_prepare(below("run"), false), 0);
    assert_int_equal(mode_of("run"), 0700);
    assert_int_equal(mode_of("run/php"), 0700);
}

static void
keeps_and_corrects(void **state)
{
    (void)state;
    assert_int_equal(mkdir(below("run"), 0700), 0);
    assert_int_equal(mkdir(below("run/php"), 0700), 0);
    assert_int_equal(rundir_prepare(below("run"), true), 0);
    assert_int_equal(mode_of("run"), 0700);
    assert_int_equal(mode_of("run/php"), 0711);
}

static void
make_dir(const char *name, mode_t mode)
{
    assert_int_equal(mkdir(below(name), 0700), 0);
    assert_int_equal(chmod(below(name), mode), 0);
}

static void
prepare_link(void)
{
    make_dir("elsewhere", 0755);
    assert_int_equal(symlink("elsewhere", below("run")), 0);
}

static void
prepare_link_inside(void)
{
    make_dir("run", 0755);
    make_dir("elsewhere", 0711);
    assert_int_equal(symlink("../elsewhere", below("run/php")), 0);
}

static void
prepare_file(void)
{
    int fd = open(below("run"), O_CREAT | O_WRONLY, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static void
prepare_open(void)
{
    make_dir("run", 0777);
}

static void
prepare_sticky(void)
{
    make_dir("run", 01777);
}

static void
prepare_open_inside(void)
{
    make_dir("run", 0755);
    make_dir("run/php", 0730);
}

static void
prepare_entry(void)
{
    make_dir("run", 0755);
    make_dir("run/empty", 0755);
    make_dir("run/empty/dev", 0755);
}

static void
prepare_foreign(void)
{
    make_dir("run", 0755);
    assert_int_equal(chown(below("run"), 64001, 64001), 0);
}

static void
prepare_foreign_inside(void)
{
    make_dir("run", 0755);
    make_dir("run/php", 0711);
    assert_int_equal(chown(below("run/php"), 64001, 64001), 0);
}

static void
prepare_open_above(void)
{
    assert_int_equal(chmod(top, 0777), 0);
}

static void
prepare_foreign_above(void)
{
    assert_int_equal(chown(top, 64001, 64001), 0);
}

static void
prepare_nothing(void)
{
}

static void
refused(void **state)
{
    static const struct {
        const char *why;
        void (*prepare)(void);
        const char *name;
        int rc;
        bool root; /* needs to be root to be prepared */
    } rows[] = {
        {"a link in its place", prepare_link, "run", -ENOTDIR, false},
        {"a link in its php directory's place", prepare_link_inside, "run", -ENOTDIR, false},
        {"a file in its place", prepare_file, "run", -ENOTDIR, false},
        {"anybody may write", prepare_open, "run", -EPERM, false},
        {"anybody may add, being sticky", prepare_sticky, "run", -EPERM, false},
        {"a group may write to php", prepare_open_inside, "run", -EPERM, false},
        {"the empty directory is not", prepare_entry, "run", -ENOTEMPTY, false},
        {"somebody else's", prepare_foreign, "run", -EPERM, true},
        {"somebody else's php directory", prepare_foreign_inside, "run", -EPERM, true},
        {"anybody may replace it", prepare_open_above, "run", -EPERM, false},
        {"somebody may replace it", prepare_foreign_above, "run", -EPERM, true},
        {"no parent", prepare_nothing, "no/run", -ENOENT, false},
        {"dots", prepare_nothing, "..", -EINVAL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int rc;

        if (rows[i].root && geteuid() != 0)
            continue;
        rows[i].prepare();
        rc = rundir_prepare(below(rows[i].name), true);
        if (rc != rows[i].rc)
            fail_msg("%s: %d instead of %d", rows[i].why, rc, rows[i].rc);
        remove_top(NULL);
        make_top(NULL);
    }
    assert_int_equal(rundir_prepare("run", true), -EINVAL);
    assert_int_equal(rundir_prepare("/", true), -EINVAL);
}

static void
php_socket(void **state)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int dir = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool root = geteuid() == 0;
    struct stat st;
    int fd = -1, again = -1, client;

    (void)state;
    assert_int_equal(php_socket_create(dir, "a.sock", 64001, 64002, root, &fd), 0);
    assert_int_equal(lstat(below("a.sock"), &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_uid, root ? 64001 : geteuid());
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(un.sun_path, below("a.sock"));
    assert_int_equal(connect(client, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(php_socket_create(dir, "a.sock", 64001, 64002, root, &again), 0);
    assert_int_equal(php_socket_create(dir, "../a.sock", 0, 0, false, &again), -EINVAL);
    assert_int_equal(php_socket_create(dir, ".hidden", 0, 0, false, &again), -EINVAL);
    assert_int_equal(php_socket_create(dir, "", 0, 0, false, &again), -EINVAL);
    close(client);
    close(fd);
    close(again);
    close(dir);
}

static void
php_socket_over_link(void **state)
{
    int dir = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    int fd = -1;

    (void)state;
    make_dir("victim", 0700);
    assert_int_equal(symlink("victim", below("a.sock")), 0);
    assert_int_equal(php_socket_create(dir, "a.sock", 64001, 64001, geteuid() == 0, &fd), 0);
    assert_int_equal(lstat(below("victim"), &st), 0);
    assert_int_equal(st.st_uid, geteuid());
    assert_int_equal(lstat(below("a.sock"), &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    close(fd);
    close(dir);
}

static void
tcp(void **state)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    socklen_t len = sizeof(any);
    int fd = -1, second = -1, client;

    (void)state;
    assert_int_equal(tcp_listen((struct sockaddr *)&any, sizeof(any), &fd), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    v4.sin_port = any.sin6_port;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&v4, sizeof(v4)), 0);
    assert_int_equal(tcp_listen((struct sockaddr *)&v4, sizeof(v4), &second), -EADDRINUSE);
    assert_int_equal(second, -1);
    close(client);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(made, make_top, remove_top),
        cmocka_unit_test_setup_teardown(made_for_oneself, make_top, remove_top),
        cmocka_unit_test_setup_teardown(keeps_and_corrects, make_top, remove_top),
        cmocka_unit_test_setup_teardown(refused, make_top, remove_top),
        cmocka_unit_test_setup_teardown(php_socket, make_top, remove_top),
        cmocka_unit_test_setup_teardown(php_socket_over_link, make_top, remove_top),
        cmocka_unit_test(tcp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
