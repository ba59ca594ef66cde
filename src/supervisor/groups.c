/*
 * Users' control groups: made when his first process starts, changed where they are, removed
 * when his last one is gone. Floor 6, hostel.
 */
#include "supervisor.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/supervisor/run.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define LOOK_MS    2000  /* between two looks at what has happened in the groups */
#define SAID_MS    60000 /* between two lines of one user about it */
#define PIDS_SPARE 16    /* above what PHP may have: for workers, and what they need to go on */

void
groups_start(struct supervisor *s)
{
    char said[CGROUP_SAID_MAX];

    cgroup_find(&cgroup_kernel, s->conf->switching ? s->conf->cgroup : "off", false,
                &s->groups);
    cgroup_open(&s->groups);
    cgroup_say(&s->groups, said);
    if (s->conf->switching)
        log_notice("%s", said);
}

bool
supervisor_say_limits(const struct conf *conf)
{
    char said[CGROUP_SAID_MAX];
    struct cgroup_tree tree;
    bool any = conf->limits.set;

    for (size_t i = 0; i < conf->nvhosts && !any; i++)
        any = conf->vhosts[i].limits && conf->vhosts[i].limits->set;
    if (!any)
        return false;
    cgroup_find(&cgroup_kernel, conf->switching ? conf->cgroup : "off", true, &tree);
    cgroup_say(&tree, said);
    puts(said);
    if (!*tree.path && access(cgroup_kernel.systemd, F_OK) == 0)
        puts("limits: hostel.service does not run here: so it is for a server started by hand");
    return true;
}

/* --- one user -------------------------------------------------------------------------------
 */

static void
set_limits(struct room *r)
{
    const uint64_t *v = conf_limits_of(r->gen->conf, r->user->limits)->value;
    const struct cgroup_limits limits = {
        .cpu_weight = v[LIMIT_CPU_WEIGHT],
        .io_weight = v[LIMIT_IO_WEIGHT],
        .cpu_max = v[LIMIT_CPU_MAX],
        .memory_max = v[LIMIT_MEMORY],
        .pids_max = v[LIMIT_PROCESSES] + PIDS_SPARE + 4 * (uint64_t)r->user->workers,
    };
    const char *failed;
    int rc = cgroup_user(&r->s->groups, r->user->ids.uid, &limits, &failed);

    if (rc < 0) /* what can be set is: better one limit less than no site */
        log_error("user %s: a limit cannot be set: %s: %s", r->user->ids.name, failed,
                  uv_strerror(rc));
}

int
groups_enter(struct room *r, int *fd)
{
    const struct cgroup_tree *tree = &r->s->groups;
    int rc = -ENOENT;

    *fd = -1;
    if (tree->dir < 0)
        return 0;
    if (r->grouped)
        rc = cgroup_user_procs(tree, r->user->ids.uid);
    if (rc == -ENOENT) { /* nobody has been in it yet, or since */
        set_limits(r);
        cgroup_user_events(tree, r->user->ids.uid, &r->events);
        rc = cgroup_user_procs(tree, r->user->ids.uid);
    }
    r->grouped = rc >= 0;
    if (rc < 0) {
        log_error("user %s: no control group for his processes: %s", r->user->ids.name,
                  uv_strerror(rc));
        return rc;
    }
    *fd = rc;
    return 0;
}

void
groups_take_generation(struct room *r)
{
    if (r->grouped)
        set_limits(r);
}

static bool
is_empty(const struct room *r)
{
    const struct pool *p;

    LIST_FOREACH(p, &r->all_pools, in_room)
    if (!LIST_EMPTY(&p->runs))
        return false;
    return LIST_EMPTY(&r->workers);
}

void
groups_leave(struct room *r)
{
    if (!r->grouped || !is_empty(r))
        return;
    /* -EBUSY: something that PHP has left behind, or another group id of the same user's */
    if (cgroup_user_remove(&r->s->groups, r->user->ids.uid) != -EBUSY)
        r->grouped = false;
}

/* --- what has happened ----------------------------------------------------------------------
 */

static void
look(struct room *r, uint64_t now_ms)
{
    struct cgroup_events now;
    uint64_t killed, failed;

    cgroup_user_events(&r->s->groups, r->user->ids.uid, &now);
    killed = now.oom_kills - r->events.oom_kills;
    failed = now.pids_fails - r->events.pids_fails;
    if (now.oom_kills < r->events.oom_kills || now.pids_fails < r->events.pids_fails) {
        r->events = now; /* it is another one, made for another group id of his */
        return;
    }
    if ((killed == 0 && failed == 0) || now_ms < r->events_said_ms)
        return;
    r->events = now;
    r->events_said_ms = now_ms + SAID_MS;
    r->oom_kills += killed;
    if (killed)
        log_warn("user %s: his memory is used up: %llu of his processes ended",
                 r->user->ids.name, (unsigned long long)killed);
    if (failed)
        log_warn("user %s: he has as many processes as he may: %llu were not started",
                 r->user->ids.name, (unsigned long long)failed);
}

void
groups_sweep(struct supervisor *s, uint64_t now_ms)
{
    if (s->groups.dir < 0 || now_ms < s->groups_look_ms)
        return;
    s->groups_look_ms = now_ms + LOOK_MS;
    for (size_t i = 0; i < s->nrooms; i++) {
        if (!s->rooms[i] || !s->rooms[i]->grouped)
            continue;
        look(s->rooms[i], now_ms);
        groups_leave(s->rooms[i]);
    }
}

/* After an upgrade they are the next one's. */
void
groups_stop(struct supervisor *s)
{
    if (!s->upgrade.done)
        cgroup_close(&s->groups);
}
