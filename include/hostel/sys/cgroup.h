/*
 * Control groups, version 2: a group for each user below a directory that is ours to arrange,
 * and what all of his processes together may take. Paths are fixed; of a user nothing but his
 * number is in one. Floor 1; supervisor.
 */
#ifndef HOSTEL_SYS_CGROUP_H
#define HOSTEL_SYS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_PATH_MAX 512
#define CGROUP_WHY_MAX  1024
#define CGROUP_SAID_MAX 1280 /* what is said of it */

enum cgroup_controller { CGROUP_CPU, CGROUP_MEMORY, CGROUP_PIDS, CGROUP_IO, CGROUP_CONTROLLERS };

/* Where the kernel says what there is; tests have files of their own. */
struct cgroup_places {
    const char *self, *mounts, *systemd;
};
extern const struct cgroup_places cgroup_kernel; /* /proc/self/cgroup, ... */

struct cgroup_tree {
    char path[CGROUP_PATH_MAX];   /* users' groups are in here: path/user-UID; "": nowhere */
    char parent[CGROUP_PATH_MAX]; /* where path is made; "": it is there */
    char leaf[CGROUP_PATH_MAX];   /* where we go first, as no group has both; "": we may stay */
    unsigned controllers;         /* that can be had, a bit each */
    char why[CGROUP_WHY_MAX];     /* path is "": why */
    int dir;                      /* cgroup_open(): path; -1 */
};

/*
 * Look which directory is ours to arrange, and change nothing.
 *
 *   auto   the own group, where systemd has delegated it (Delegate=yes); with no systemd and in
 *          the root group: hostel.slice below it
 *   off    none
 *   /PATH  this one, made when it is missing: below a group that is
 *
 * in   want     "auto", "off" or an absolute path
 * in   service  rather than the own group the one of hostel.service, if it runs
 * out  tree     always filled
 */
void cgroup_find(const struct cgroup_places *places, const char *want, bool service,
                 struct cgroup_tree *tree);

/* One line for a person: where, and with which controllers; or why not. */
void cgroup_say(const struct cgroup_tree *tree, char said[static CGROUP_SAID_MAX]);

/*
 * Make it so: go into the leaf, make the directory, have the controllers handed down. What
 * cannot be done is in tree->why, and path is "" then; controllers are those that work.
 */
void cgroup_open(struct cgroup_tree *tree);

/* Close it; users' groups that are empty are removed. */
void cgroup_close(struct cgroup_tree *tree);

struct cgroup_limits {
    uint64_t cpu_weight, io_weight; /* 1..10000 */
    uint64_t cpu_max;               /* per cent of a core; 0 = no limit */
    uint64_t memory_max;            /* bytes; 0 = no limit */
    uint64_t pids_max;              /* processes and threads; 0 = no limit */
};

/*
 * Make a user's group, if it is not there, and set its limits.
 *
 * out  failed  the file that could not be written; static
 * ret  0 or -errno: the first failure; the other limits are set all the same
 */
int cgroup_user(const struct cgroup_tree *tree, uid_t uid, const struct cgroup_limits *limits,
                const char **failed);

/* ret  for spawn_spec.group_fd, owned by the caller; -errno */
int cgroup_user_procs(const struct cgroup_tree *tree, uid_t uid);

/* What has happened in it so far. */
struct cgroup_events {
    uint64_t oom_kills;  /* processes that were ended: memory_max */
    uint64_t pids_fails; /* processes that were not started: pids_max */
};
void cgroup_user_events(const struct cgroup_tree *tree, uid_t uid, struct cgroup_events *e);

/* ret  0 it is gone; -EBUSY somebody is in it; or -errno */
int cgroup_user_remove(const struct cgroup_tree *tree, uid_t uid);

#endif
