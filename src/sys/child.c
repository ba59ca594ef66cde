/*
 * The child's side of a spawn. Everything between fork and exec stands in this file, in the
 * order in which it happens; every step is checked, and the first that fails ends the child.
 *
 *   signals -> control group -> session -> descriptors -> directories -> limits -> nice -> ids
 *           -> capabilities -> parent still there -> jail -> filter -> exec
 *
 * The supervisor forks in the thread of its loop; others read a configuration and write logs
 * meanwhile, and whatever lock one of those had is held here for ever. So of the C library only
 * what needs none, or one that fork() itself sees to (malloc, stdio): no names of users, no
 * time zones, no messages of the system. Floor 1.
 */
#include "child.h"
#include "become.h"
#include "cage.h"
#include "hostel/base/fd.h"
#include "hostel/sys/caps.h"
#include "hostel/sys/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FDS_ABOVE 64 /* where descriptors wait, clear of the table that they go into */

_Static_assert(FDS_ABOVE > SPAWN_FDS_MAX, "the table must not reach the waiting descriptors");

struct child {
    const struct spawn_spec *spec;
    int status;   /* to the parent */
    int exec_fd;  /* the executable, or -1 */
    int jail_fd;  /* or -1 */
    int listener; /* the filter's, or -1 */
    pid_t parent;
    const char *step; /* what is being done: for the parent, when it fails */
};

static int
tell(const struct child *c, const struct child_note *note, int fd)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec iov = {(void *)(uintptr_t)note, sizeof(*note)};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};

    if (fd >= 0) {
        struct cmsghdr *cmsg = (struct cmsghdr *)control;

        h.msg_control = control;
        h.msg_controllen = sizeof(control);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
    }
    return sendmsg(c->status, &h, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static _Noreturn void
fail(const struct child *c, int error)
{
    struct child_note note = {.word = CHILD_FAILED, .error = error};

    strncpy(note.step, c->step, sizeof(note.step) - 1);
    tell(c, &note, -1);
    _exit(EXIT_FAILURE);
}

/* Nothing of the supervisor's handlers is left; the mask is opened just before the filter. */
static int
reset_signals(struct child *c)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};

    c->step = "signals";
    for (int s = 1; s < NSIG; s++)
        if (sigaction(s, &sa, NULL) < 0 && errno != EINVAL)
            return -errno; /* EINVAL: SIGKILL, SIGSTOP and the C library's own */
    return 0;
}

/* The first thing: from here on all that it takes is its user's. */
static int
enter_cgroup(struct child *c)
{
    c->step = "control group";
    if (c->spec->group_fd < 0)
        return 0;
    errno = EIO;
    return write(c->spec->group_fd, "0", 1) == 1 ? 0 : -errno;
}

static int
own_group(struct child *c)
{
    c->step = "setsid";
    return c->spec->own_group && setsid() < 0 ? -errno : 0;
}

/* ret  a close-on-exec copy at FDS_ABOVE or higher, or -errno */
static int
lift(int fd)
{
    int up = fcntl(fd, F_DUPFD_CLOEXEC, FDS_ABOVE);

    return up < 0 ? -errno : up;
}

static int
by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* All but the table and what c still needs are closed: none waits for exec. */
static int
close_others(const struct child *c)
{
    int keep[] = {c->exec_fd, c->jail_fd, c->status};
    unsigned from = c->spec->nfds;

    qsort(keep, sizeof(keep) / sizeof(keep[0]), sizeof(keep[0]), by_number);
    for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
        if (keep[i] < 0)
            continue;
        if (from < (unsigned)keep[i] && close_range(from, (unsigned)keep[i] - 1, 0) < 0)
            return -errno;
        from = (unsigned)keep[i] + 1;
    }
    return close_range(from, ~0u, 0) < 0 ? -errno : 0;
}

/*
 * spec->fds become 0..nfds-1. They may lie anywhere, also on each other's places: all are
 * lifted first, then put down.
 */
static int
place_descriptors(struct child *c)
{
    const struct spawn_spec *spec = c->spec;
    int lifted[SPAWN_FDS_MAX];
    int null, rc;

    c->step = "descriptors";
    rc = lift(c->status);
    if (rc < 0)
        return rc;
    c->status = rc;
    if (spec->exec_fd >= 0 && (c->exec_fd = lift(spec->exec_fd)) < 0)
        return c->exec_fd;
    if (spec->jail_fd >= 0 && (c->jail_fd = lift(spec->jail_fd)) < 0)
        return c->jail_fd;
    for (unsigned i = 0; i < spec->nfds; i++) {
        if (spec->fds[i] >= 0) {
            lifted[i] = lift(spec->fds[i]);
        } else {
            null = open("/dev/null", O_RDWR | O_CLOEXEC);
            lifted[i] = null < 0 ? -errno : lift(null);
        }
        if (lifted[i] < 0)
            return lifted[i];
    }
    for (unsigned i = 0; i < spec->nfds; i++)
        if (dup2(lifted[i], (int)i) < 0)
            return -errno;
    c->step = "close_range";
    return close_others(c);
}

static int
enter_directories(struct child *c)
{
    const struct spawn_spec *spec = c->spec;

    c->step = "chroot";
    if (spec->root_dir && (chroot(spec->root_dir) < 0 || chdir("/") < 0))
        return -errno;
    c->step = "chdir";
    if (chdir(spec->work_dir ? spec->work_dir : "/") < 0)
        return -errno;
    umask(spec->cage == CAGE_PHP ? 022 : 027);
    return 0;
}

/* Soft and hard, and never above what is ours. */
static int
set_limit(__rlimit_resource_t which, rlim_t max)
{
    struct rlimit limit;

    if (getrlimit(which, &limit) < 0)
        return -errno;
    if (limit.rlim_max != RLIM_INFINITY && max > limit.rlim_max)
        max = limit.rlim_max;
    limit = (struct rlimit){max, max};
    return setrlimit(which, &limit) < 0 ? -errno : 0;
}

static int
set_limits(struct child *c)
{
    int rc;

    c->step = "limits";
    rc = set_limit(RLIMIT_CORE, 0);
    if (rc == 0 && c->spec->files_max)
        rc = set_limit(RLIMIT_NOFILE, c->spec->files_max);
    if (rc == 0 && c->spec->procs_max)
        rc = set_limit(RLIMIT_NPROC, c->spec->procs_max);
    if (rc == 0 && c->spec->data_max)
        rc = set_limit(RLIMIT_DATA, c->spec->data_max);
    return rc;
}

/* Back is a way that takes a capability: for good, as all limits are. */
static int
be_nice(struct child *c)
{
    int nice = c->spec->nice, now;

    c->step = "nice";
    errno = 0;
    now = getpriority(PRIO_PROCESS, 0);
    if (now == -1 && errno)
        return -errno;
    if (nice == 0 || now >= nice)
        return 0;
    if (setpriority(PRIO_PROCESS, 0, nice) < 0)
        return -errno;
    return getpriority(PRIO_PROCESS, 0) == nice ? 0 : -EPERM;
}

static int
drop_privilege(struct child *c)
{
    const struct ids *ids = c->spec->ids;
    int rc;

    if (!ids) {
        c->step = "root without a user to become";
        return geteuid() == 0 || getuid() == 0 ? -EPERM : caps_drop_own(&c->step);
    }
    c->step = "ids below min_uid";
    rc = ids_check(ids, c->spec->min_uid);
    if (rc == 0)
        rc = become_user(ids, &c->step);
    if (rc == 0)
        rc = caps_drop_all(&c->step);
    if (rc == 0)
        rc = become_look(ids, &c->step);
    return rc;
}

/*
 * Nobody outlives the supervisor. A change of ids forgets this wish, so it comes after; and a
 * parent that went away before it was made sends nothing any more, so it is looked for.
 */
static int
die_with_parent(struct child *c)
{
    int signal = c->spec->cage == CAGE_PHP ? SIGTERM : SIGKILL;

    c->step = "parent-death signal";
    if (prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) < 0)
        return -errno;
    return getppid() == c->parent ? 0 : -ESRCH;
}

/* After the ids and NO_NEW_PRIVS, before the filter, which knows no such call. */
static int
enter_jail(struct child *c)
{
    int rc = 0;

    /*
     * A visitor's connection can be dissolved, and its socket connected to anywhere: the filter
     * sees a call that PHP's sockets need as well.
     */
    c->step = "network";
    if (cage_execs_once(c->spec->cage))
        rc = jail_offline();
    if (rc < 0 || c->jail_fd < 0)
        return rc;
    c->step = "jail";
    rc = jail_enter(c->jail_fd);
    fd_close(&c->jail_fd);
    return rc;
}

static int
lock_cage(struct child *c)
{
    struct child_note note = {.word = CHILD_EXECS};
    sigset_t none;
    int rc;

    c->step = "signal mask";
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
        return -errno;
    c->step = "filter";
    rc = cage_enter(c->spec->cage, &c->listener);
    if (rc < 0)
        return rc;
    c->step = "listener";
    if (c->listener >= 0)
        note.word = CHILD_EXECS_ASKING;
    rc = tell(c, &note, c->listener);
    fd_close(&c->listener);
    return rc;
}

static int
execute(struct child *c)
{
    const struct spawn_spec *spec = c->spec;

    c->step = "exec";
    if (c->exec_fd >= 0)
        execveat(c->exec_fd, "", spec->argv, spec->envp, AT_EMPTY_PATH);
    else
        execve(spec->path, spec->argv, spec->envp);
    return -errno;
}

_Noreturn void
child_run(const struct spawn_spec *spec, int status, pid_t parent)
{
    static int (*const steps[])(struct child *) = {
        reset_signals,     enter_cgroup, own_group, place_descriptors,
        enter_directories, set_limits,   be_nice,   drop_privilege,
        die_with_parent,   enter_jail,   lock_cage, execute,
    };
    struct child c = {
        .spec = spec,
        .status = status,
        .exec_fd = -1,
        .jail_fd = -1,
        .listener = -1,
        .parent = parent,
    };

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int rc = steps[i](&c);

        if (rc < 0)
            fail(&c, rc);
    }
    abort(); /* exec does not come back without an error */
}
