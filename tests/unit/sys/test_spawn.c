/*
 * A child's coming to life: what it is then, that it execs once, and that whatever becomes of
 * it on the way, the caller hears once and nothing is left open.
 */
#include "hostel/sys/caps.h"
#include "hostel/sys/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define UID 64001

static char out[16384]; /* what the last child wrote */

struct run {
    unsigned calls; /* of done */
    int error;
    char step[64];
};

static void
on_done(void *data, pid_t pid, const struct spawn_error *error)
{
    struct run *r = data;

    (void)pid;
    r->calls++;
    if (error) {
        r->error = error->error;
        snprintf(r->step, sizeof(r->step), "%s", error->step);
    }
}

static struct ids
user(void)
{
    static gid_t groups[] = {UID, UID + 1};

    return (struct ids){.uid = UID, .gid = UID, .groups = groups, .ngroups = 2};
}

static struct spawn_spec
spec_of(enum cage cage, const struct ids *ids, char *const *argv)
{
    static char *const env[] = {"LANG=C", NULL};

    return (struct spawn_spec){
        .cage = cage,
        .ids = geteuid() == 0 ? ids : NULL,
        .min_uid = 1000,
        .exec_fd = -1,
        .jail_fd = -1,
        .group_fd = -1,
        .path = argv[0],
        .argv = argv,
        .envp = env,
        .fds = {-1, -1, -1, -1, -1},
        .nfds = 3,
    };
}

static unsigned
count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void
read_all(int fd)
{
    size_t n = 0;
    ssize_t got;

    while (n < sizeof(out) - 1 && (got = read(fd, out + n, sizeof(out) - 1 - n)) > 0)
        n += (size_t)got;
    out[n] = '\0';
}

/* Run it with what it says in out; looks that the loop and our descriptors are as before. */
static int
run(struct spawn_spec *spec, struct run *r, void (*meddle)(pid_t))
{
    unsigned before = count_fds();
    uv_loop_t loop;
    int pipe_fds[2];
    int status = 0;
    pid_t pid;

    *r = (struct run){0};
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    spec->fds[1] = spec->fds[2] = pipe_fds[1];
    assert_int_equal(spawn_prepare(), 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(spawn_start(&loop, spec, on_done, r, &pid), 0);
    close(pipe_fds[1]);
    if (meddle)
        meddle(pid);
    uv_run(&loop, UV_RUN_DEFAULT);
    read_all(pipe_fds[0]);
    close(pipe_fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(r->calls, 1);
    assert_int_equal(count_fds(), before);
    return status;
}

/* libuv keeps a pipe of its own from the first loop on; it is no leak of a spawn's. */
static int
first_loop(void **state)
{
    uv_loop_t loop;

    (void)state;
    return uv_loop_init(&loop) || uv_loop_close(&loop);
}

static void
need_root(void)
{
    if (geteuid() != 0)
        skip();
}

static void
has(const char *line)
{
    if (!strstr(out, line))
        fail_msg("no \"%s\" in:\n%s", line, out);
}

static void
look_at_status(enum cage cage, const char *filter_mode)
{
    char *const argv[] = {"/bin/cat", "/proc/self/status", "/proc/self/limits", NULL};
    struct ids ids = user();
    struct spawn_spec spec = spec_of(cage, &ids, argv);
    struct run r;

    assert_int_equal(run(&spec, &r, NULL), 0);
    assert_int_equal(r.error, 0);
    has("Uid:\t64001\t64001\t64001\t64001\n");
    has("Gid:\t64001\t64001\t64001\t64001\n");
    has("Groups:\t64001 64002 \n");
    has("CapInh:\t0000000000000000\n");
    has("CapPrm:\t0000000000000000\n");
    has("CapEff:\t0000000000000000\n");
    has("CapBnd:\t0000000000000000\n");
    has("CapAmb:\t0000000000000000\n");
    has("NoNewPrivs:\t1\n");
    has("SigBlk:\t0000000000000000\n");
    has("SigIgn:\t0000000000000000\n");
    has("Max core file size        0                    0 ");
    has(filter_mode);
}

static void
identity_of_worker(void **state)
{
    (void)state;
    need_root();
    signal(SIGUSR2, SIG_IGN);
    look_at_status(CAGE_WORKER, "Seccomp:\t2\nSeccomp_filters:\t1\n");
    signal(SIGUSR2, SIG_DFL);
}

static void
identity_of_php(void **state)
{
    (void)state;
    need_root();
    look_at_status(CAGE_PHP, "Seccomp:\t2\nSeccomp_filters:\t1\n");
}

/* The supervisor's few capabilities are enough for all of it. */
static void
trimmed(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    need_root();
    pid = fork();
    if (pid == 0) {
        if (caps_trim_supervisor() < 0)
            _exit(1);
        look_at_status(CAGE_WORKER, "Seccomp:\t2\n");
        look_at_status(CAGE_PHP, "Seccomp:\t2\n");
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
environment_is_given(void **state)
{
    char *const argv[] = {"/usr/bin/env", NULL};
    struct ids ids = user();
    struct spawn_spec spec = spec_of(CAGE_WORKER, &ids, argv);
    struct run r;

    (void)state;
    setenv("HOSTEL_SECRET", "1", 1);
    assert_int_equal(run(&spec, &r, NULL), 0);
    assert_string_equal(out, "LANG=C\n");
}

static void
only_its_descriptors(void **state)
{
    char *const argv[] = {"/bin/ls", "/proc/self/fd", NULL};
    struct ids ids = user();
    struct spawn_spec spec = spec_of(CAGE_WORKER, &ids, argv);
    int stray = dup2(STDERR_FILENO, 40), other = open("/", O_RDONLY);
    struct run r;

    (void)state;
    assert_true(stray >= 0 && other >= 0);
    assert_int_equal(run(&spec, &r, NULL), 0);
    assert_string_equal(out, "0\n1\n2\n3\n"); /* 3 is ls's own */
    close(stray);
    close(other);
}

/* A descriptor that lies where another must go is put in its own place all the same. */
static void
overlapping_descriptors(void **state)
{
    char *const argv[] = {"/usr/bin/readlink", "/proc/self/fd/0", "/proc/self/fd/3",
                          "/proc/self/fd/4", NULL};
    struct ids ids = user();
    struct spawn_spec spec = spec_of(CAGE_WORKER, &ids, argv);
    int before = fcntl(0, F_DUPFD_CLOEXEC, 10);
    int root = open("/", O_RDONLY | O_CLOEXEC), etc = open("/etc", O_RDONLY | O_CLOEXEC);
    struct run r;

    (void)state;
    assert_true(before >= 0);
    assert_int_equal(dup2(root, 0), 0);
    spec.fds[0] = etc;
    spec.fds[3] = 0;
    spec.fds[4] = etc;
    spec.nfds = 5;
    assert_int_equal(run(&spec, &r, NULL), 0);
    assert_string_equal(out, "/etc\n/\n/etc\n");
    dup2(before, 0);
    close(before);
    close(root);
    close(etc);
}

static void
exec_only_once(void **state)
{
    char *const argv[] = {"/usr/bin/env", "/bin/true", NULL};
    struct ids ids = user();
    struct spawn_spec spec = spec_of(CAGE_WORKER, &ids, argv);
    struct run r;
    int status = run(&spec, &r, NULL);

    (void)state;
    assert_int_equal(r.error, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 126);
    has("Function not implemented");
    spec.cage = CAGE_PHP;
    assert_int_equal(run(&spec, &r, NULL), 0);
}

static void
by_descriptor(void **state)
{
    char *const argv[] = {"a-name", "-n", "said", NULL};
    struct ids ids = user();
    struct spawn_spec spec = spec_of(CAGE_WORKER, &ids, argv);
    struct run r;

    (void)state;
    spec.exec_fd = open("/bin/echo", O_PATH | O_CLOEXEC);
    spec.path = NULL;
    assert_int_equal(run(&spec, &r, NULL), 0);
    assert_string_equal(out, "said");
    close(spec.exec_fd);
}

static void
python_starts(void **state)
{
    char *const argv[] = {"/usr/bin/python3", "-c", "import os, json; print(os.getuid() > 0)",
                          NULL};
    struct ids ids = user();
    struct spawn_spec spec = spec_of(CAGE_WORKER, &ids, argv);
    struct run r;

    (void)state;
    if (access(argv[0], X_OK) < 0)
        skip();
    assert_int_equal(run(&spec, &r, NULL), 0);
    assert_string_equal(out, "True\n");
}

/* A worker has a thread for passwords; no process comes of that. */
static void
threads_only(void **state)
{
    static char program[] =
        "import os, threading\n"
        "t = threading.Thread(target=lambda: print('thread'))\n"
        "t.start(); t.join()\n"
        "for make in os.fork, lambda: os.posix_spawn('/bin/true', ['x'], {}):\n"
        "    try:\n"
        "        make(); print('a process')\n"
        "    except PermissionError:\n"
        "        print('refused')\n";
    char *const argv[] = {"/usr/bin/python3", "-c", program, NULL};
    struct ids ids = user();
    struct spawn_spec spec = spec_of(CAGE_WORKER, &ids, argv);
    struct run r;

    (void)state;
    if (access(argv[0], X_OK) < 0)
        skip();
    assert_int_equal(run(&spec, &r, NULL), 0);
    assert_string_equal(out, "thread\nrefused\nrefused\n");
}

static void
failures_are_told(void **state)
{
    char *const nothing[] = {"/no/such/program", NULL};
    char *const closed[] = {"/etc/passwd", NULL};
    char *const loads[] = {"/bin/true", NULL};
    const struct {
        const char *why;
        enum cage cage;
        char *const *argv;
        const char *root_dir, *work_dir;
        int error;
        const char *step;
    } rows[] = {
        {"no program, asked for", CAGE_WORKER, nothing, NULL, NULL, -ENOENT, "exec"},
        {"no program", CAGE_PHP, nothing, NULL, NULL, -ENOENT, "exec"},
        {"not executable", CAGE_WORKER, closed, NULL, NULL, -EACCES, "exec"},
        {"no directory", CAGE_WORKER, loads, NULL, "/no/such/dir", -ENOENT, "chdir"},
        {"no root", CAGE_ACCEPTOR, loads, "/no/such/dir", NULL, -ENOENT, "chroot"},
        {"nothing in the root", CAGE_ACCEPTOR, loads, "/proc/self/task", NULL, -ENOENT, "exec"},
    };

    (void)state;
    need_root();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ids ids = user();
        struct spawn_spec spec = spec_of(rows[i].cage, &ids, rows[i].argv);
        struct run r;
        int status;

        spec.root_dir = rows[i].root_dir;
        spec.work_dir = rows[i].work_dir;
        status = run(&spec, &r, NULL);
        if (r.error != rows[i].error || strcmp(r.step, rows[i].step) != 0)
            fail_msg("%s: %d at \"%s\"", rows[i].why, r.error, r.step);
        if (status == 0)
            fail_msg("%s: it ended well", rows[i].why);
    }
}

static void
ids_refused(void **state)
{
    char *const argv[] = {"/bin/true", NULL};
    struct ids rows[] = {
        {.uid = 0, .gid = UID, .groups = (gid_t[]){UID}, .ngroups = 1},
        {.uid = UID, .gid = 0, .groups = (gid_t[]){UID}, .ngroups = 1},
        {.uid = UID, .gid = UID, .groups = (gid_t[]){UID, 0}, .ngroups = 2},
        {.uid = 999, .gid = UID, .groups = (gid_t[]){UID}, .ngroups = 1},
        {.uid = UID, .gid = 999, .groups = (gid_t[]){999}, .ngroups = 1},
    };
    struct run r = {0};
    uv_loop_t loop;
    pid_t pid;

    (void)state;
    need_root();
    uv_loop_init(&loop);
    spawn_prepare();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct spawn_spec spec = spec_of(CAGE_PHP, &rows[i], argv);

        assert_int_equal(spawn_start(&loop, &spec, on_done, &r, &pid), -EPERM);
        spec.ids = NULL; /* root, to stay root */
        assert_int_equal(spawn_start(&loop, &spec, on_done, &r, &pid), -EPERM);
    }
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void
kill_at_once(pid_t pid)
{
    kill(pid, SIGKILL);
}

static void
stop_and_kill(pid_t pid)
{
    kill(pid, SIGSTOP);
    usleep(20000);
    kill(pid, SIGKILL);
}

static void
stop_and_continue(pid_t pid)
{
    for (int i = 0; i < 50; i++) {
        kill(pid, SIGSTOP);
        usleep(100);
        kill(pid, SIGCONT);
        usleep(100);
    }
}

static void
killed_on_the_way(void **state)
{
    char *const argv[] = {"/bin/true", NULL};
    struct ids ids = user();

    (void)state;
    for (unsigned cage = CAGE_WORKER; cage <= CAGE_PHP; cage++) {
        struct spawn_spec spec = spec_of((enum cage)cage, &ids, argv);
        struct run r;

        run(&spec, &r, kill_at_once);
        assert_true(r.error == -ESRCH || r.error == 0);
        run(&spec, &r, stop_and_kill);
        assert_true(r.error == -ESRCH || r.error == 0);
        assert_int_equal(run(&spec, &r, stop_and_continue), 0);
        assert_int_equal(r.error, 0);
    }
}

/* It is stopped before the loop turns, and so before its exec was let through. */
static void
stop(pid_t pid)
{
    siginfo_t info;

    kill(pid, SIGSTOP);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
}

/* Stopped by its user for ever: ended at the deadline, and nobody waited for it. */
static void
stopped_for_ever(void **state)
{
    char *const argv[] = {"/bin/true", NULL};
    struct ids ids = user();
    struct spawn_spec spec = spec_of(CAGE_WORKER, &ids, argv);
    struct run r;
    int status = run(&spec, &r, stop);

    (void)state;
    assert_int_equal(r.error, -ETIMEDOUT);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_of_worker),
        cmocka_unit_test(identity_of_php),
        cmocka_unit_test(environment_is_given),
        cmocka_unit_test(only_its_descriptors),
        cmocka_unit_test(overlapping_descriptors),
        cmocka_unit_test(exec_only_once),
        cmocka_unit_test(by_descriptor),
        cmocka_unit_test(python_starts),
        cmocka_unit_test(threads_only),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(ids_refused),
        cmocka_unit_test(killed_on_the_way),
        cmocka_unit_test(stopped_for_ever),
        cmocka_unit_test(trimmed), /* last: its child fails by ending the list */
    };

    return cmocka_run_group_tests(tests, first_loop, NULL);
}
