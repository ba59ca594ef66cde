/*
 * Start a program as somebody else, for good: fork, descriptors, drop, exec. The only way a
 * child of Hostel comes to life. Between fork and exec every step is checked and fatal (I8);
 * the program's first instruction runs without any privilege and, where its cage says so,
 * under a system call filter that let it exec exactly once. Floor 1; supervisor.
 */
#ifndef HOSTEL_SYS_SPAWN_H
#define HOSTEL_SYS_SPAWN_H

#include "hostel/sys/ids.h"

#include <stddef.h>
#include <sys/resource.h>
#include <uv.h>

enum cage {
    CAGE_WORKER,           /* allow-list; cannot fork or exec; descriptors 0-4 */
    CAGE_PHP,              /* may run programs, cannot gain privilege; descriptors 0-2 */
    CAGE_ACCEPTOR,         /* allow-list; empty root; cannot open, connect, fork, exec; 0-3 */
    CAGE_LISTENING_WORKER, /* as CAGE_WORKER, and may accept: it holds its user's listeners */
};

#define SPAWN_FDS_MAX 5

struct spawn_spec {
    enum cage cage;
    const struct ids *ids;  /* NULL: not root, nothing to switch; all else still holds */
    uint32_t min_uid;       /* checked again here and in the child */
    int exec_fd;            /* O_PATH descriptor of the executable, lent; -1: use path */
    const char *path;       /* executable when exec_fd is -1 */
    char *const *argv;      /* lent */
    char *const *envp;      /* lent: the whole environment, nothing is inherited */
    int fds[SPAWN_FDS_MAX]; /* become 0..nfds-1; lent; -1 = /dev/null */
    unsigned nfds;
    int group_fd;         /* cgroup.procs of its group, lent; -1: it stays in ours */
    int jail_fd;          /* jail_open()'s, lent; -1: none */
    const char *work_dir; /* entered before the drop; NULL = "/" */
    const char *root_dir; /* chroot to this (root only); NULL = none */
    rlim_t files_max;     /* RLIMIT_NOFILE, at most our own hard limit; 0 = leave */
    rlim_t procs_max;     /* RLIMIT_NPROC: of the whole user, not only ours; 0 = leave */
    rlim_t data_max;      /* RLIMIT_DATA, bytes; 0 = leave */
    int nice;             /* at least so nice; 0 = as we are */
    bool own_group;       /* a process group of its own, so that it can be ended whole */
};

/* Why a child did not come to life. */
struct spawn_error {
    const char *step; /* such as "setuid"; lent for the call */
    int error;        /* negative errno */
};

struct spawn; /* a start under way */

/*
 * Called once: error NULL = the program runs; else the child is gone (its exit is still
 * reported to whoever waits for pid) and says which step failed.
 */
typedef void spawn_done_fn(void *data, pid_t pid, const struct spawn_error *error);

/*
 * Prepare what all spawns share (compiles the filters). Once, before the first spawn.
 *
 * ret  0 or -errno
 */
int spawn_prepare(void);

/*
 * Fork and go. Never blocks: the rest happens on the loop, under a deadline of 10 s.
 *
 * out  pid   of the child, to wait for
 * ret  0; -EPERM ids refused (I5); or -errno: no child exists
 */
int spawn_start(uv_loop_t *loop, const struct spawn_spec *spec, spawn_done_fn *done, void *data,
                pid_t *pid);

#endif
