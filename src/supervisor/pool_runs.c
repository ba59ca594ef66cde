/*
 * Generations of a PHP pool: each one php-cgi parent, its children and a socket of its own.
 * Floor 6, hostel.
 *
 *   run_start ─► SERVES ── another one serves ─► RETIRES ── all released, or RETIRE_MS ─► ENDS
 *                  └── nobody holds it ─────────────────────────────────────────────────►  │
 *                                                 freed when its last process is gone ◄────┘
 *
 * The end (F26): SIGTERM to the whole group, SIGKILL when the parent is reaped, as long as its
 * zombie holds the group's number; after END_KILL_MS at the latest.
 *
 * A parent that dies leaves children behind, which may be in the middle of an answer: they are
 * our children then (we are the subreaper), finish as those of any generation that retires, and
 * are ended by number: a child that we have not reaped is no stranger.
 */
#include "supervisor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/sys/sockets.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define END_KILL_MS 2000 /* from SIGTERM to SIGKILL */
#define STRAYS_MAX  1024 /* as many as a user may have processes */

/* --- the socket ------------------------------------------------------------------------------
 */

void
run_close_socket(struct pool_run *run)
{
    struct supervisor *s = run->pool->s;

    if (run->listen_fd >= 0 && unlinkat(s->php_dir_fd, run->socket, 0) < 0 && errno != ENOENT)
        log_warn("cannot remove %s/%s: %s", s->php_dir, run->socket, uv_strerror(-errno));
    fd_close(&run->listen_fd);
}

static int
open_socket(struct pool_run *run)
{
    struct pool *p = run->pool;
    const struct ids *ids = &p->room->user->ids;
    int rc;

    (void)snprintf(run->socket, sizeof(run->socket), "%u-%ld.%u.%u.sock", (unsigned)ids->uid,
                   (long)getpid(), p->serial, run->generation);
    rc = php_socket_create(p->s->php_dir_fd, run->socket, ids->uid, ids->gid,
                           p->s->conf->switching, &run->listen_fd);
    if (rc < 0)
        log_error("no PHP socket for user %s: %s/%s: %s", ids->name, p->s->php_dir, run->socket,
                  uv_strerror(rc));
    return rc;
}

/* --- the process -----------------------------------------------------------------------------
 */

/* The whole environment of php-cgi; F12, F13: whatever stands here shows up in $_SERVER. */
static char **
environment(const struct pool *p)
{
    const struct ids *ids = &p->room->user->ids;
    size_t n = 0;
    char **env;

    while (p->php->env[n])
        n++;
    env = mem_new_array(n + 7, sizeof(*env));
    n = 0;
    env[n++] = mem_str("PATH=/usr/local/bin:/usr/bin:/bin");
    env[n++] = mem_fmt("HOME=%s", ids->home[0] ? ids->home : "/");
    env[n++] = mem_fmt("USER=%s", ids->name);
    env[n++] = mem_fmt("LOGNAME=%s", ids->name);
    env[n++] = mem_fmt("PHP_FCGI_CHILDREN=%u", p->php->processes);
    env[n++] = mem_fmt("PHP_FCGI_MAX_REQUESTS=%u", p->php->max_requests);
    for (char **own = p->php->env; *own; own++)
        env[n++] = mem_str(*own);
    return env;
}

static void
list_free(char **list)
{
    for (size_t i = 0; list[i]; i++)
        free(list[i]);
    free(list);
}

static char **
arguments(const struct pool *p)
{
    size_t n = 0;
    char **argv;

    while (p->php->define[n])
        n++;
    argv = mem_new_array(2 * n + 4, sizeof(*argv));
    n = 0;
    argv[n++] = mem_str(p->php->command);
    if (p->php->ini) {
        argv[n++] = mem_str("-c");
        argv[n++] = mem_str(p->php->ini);
    }
    for (char **define = p->php->define; *define; define++) {
        argv[n++] = mem_str("-d");
        argv[n++] = mem_str(*define);
    }
    return argv;
}

static void on_dead(struct child *c);
static void on_exit_of(struct child *c, bool clean);

int
run_again(struct pool_run *run)
{
    struct pool *p = run->pool;
    struct supervisor *s = p->s;
    char *error, **env, **argv;
    struct spawn_spec spec;
    struct log_target *log = logs_target(s, p->error_log, &error);
    int rc;

    if (!log) {
        log_error("user %s: %s", p->room->user->ids.name, error);
        free(error);
        return -EACCES;
    }
    run->child =
        (struct child){.s = s, .owner = run, .on_exit = on_exit_of, .on_dead = on_dead};
    (void)snprintf(run->child.label, sizeof(run->child.label), "php-cgi of %s",
                   p->room->user->ids.name);
    env = environment(p);
    argv = arguments(p);
    spec_php(&spec, p->room->gen->conf, &p->room->user->ids);
    limits_of_php(&spec, p->room->gen->conf,
                  conf_limits_of(p->room->gen->conf, p->room->user->limits));
    spec.path = p->php->command;
    spec.argv = argv;
    spec.envp = env;
    spec.nfds = 3;
    spec.fds[0] = run->listen_fd;
    spec.fds[1] = SPAWN_FD_LOG;
    spec.fds[2] = SPAWN_FD_LOG;
    rc = jails_open(p->room->gen->conf, p->room->user, -1, p->php, &spec.jail_fd);
    if (rc == 0)
        rc = groups_enter(p->room, &spec.group_fd);
    if (rc == 0)
        rc = child_start(&run->child, &spec, log);
    fd_close(&spec.group_fd);
    fd_close(&spec.jail_fd);
    list_free(env);
    list_free(argv);
    run->group = run->child.pid;
    p->starts += rc == 0;
    p->room->php_starts += rc == 0;
    return rc;
}

static void
run_free(struct pool_run *run)
{
    run_close_socket(run);
    LIST_REMOVE(run, link);
    free(run->holders);
    free(run->strays);
    free(run);
}

int
run_start(struct pool *p, struct pool_run **out)
{
    struct pool_run *run = mem_new(sizeof(*run));
    int rc;

    run->pool = p;
    run->listen_fd = -1;
    run->generation = ++p->generation;
    LIST_INSERT_HEAD(&p->runs, run, link);
    rc = open_socket(run);
    if (rc == 0)
        rc = run_again(run);
    if (rc < 0)
        run_free(run);
    else
        *out = run;
    return rc;
}

/* --- strays: children whose parent died ------------------------------------------------------
 */

static void
add_stray(struct pool_run *run, pid_t pid)
{
    if (run->nstrays == STRAYS_MAX) {
        (void)kill(pid, SIGKILL);
        return;
    }
    if (run->nstrays == 0)
        LIST_INSERT_HEAD(&run->pool->s->strayed, run, strayed);
    run->strays = mem_grow(run->strays, (run->nstrays + 1) * sizeof(*run->strays));
    run->strays[run->nstrays++] = pid;
}

/* Its parent is a zombie, so the group's number is still its own. */
static void
find_strays(struct pool_run *run)
{
    char path[64];
    long pid;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%ld/children", (long)getpid());
    f = fopen(path, "re");
    while (f && fscanf(f, "%ld", &pid) == 1)
        if (pid > 0 && pid != run->group && getpgid((pid_t)pid) == run->group)
            add_stray(run, (pid_t)pid);
    if (f)
        (void)fclose(f);
}

static void
kill_strays(struct pool_run *run)
{
    for (unsigned i = 0; i < run->nstrays; i++) {
        if (getpgid(run->strays[i]) == run->group)
            (void)kill(-run->group, SIGKILL); /* and what they have started */
        (void)kill(run->strays[i], SIGKILL);
    }
}

void
runs_reaped(struct supervisor *s, pid_t pid)
{
    struct pool_run *run, *next;

    for (run = LIST_FIRST(&s->strayed); run; run = next) {
        next = LIST_NEXT(run, strayed);
        for (unsigned i = 0; i < run->nstrays; i++)
            if (run->strays[i] == pid)
                run->strays[i--] = run->strays[--run->nstrays];
        if (run->nstrays > 0)
            continue;
        LIST_REMOVE(run, strayed);
        if (child_is_gone(&run->child))
            run_free(run);
    }
}

/* --- its end ---------------------------------------------------------------------------------
 */

/* Who may be in the middle of an answer is spared, unless all of it is to end. */
static void
on_dead(struct child *c)
{
    struct pool_run *run = c->owner;

    if (run->state == RUN_ENDS || run->pool->s->stop != STOP_NOT || run->nholders == 0)
        (void)kill(-run->group, SIGKILL);
    else
        find_strays(run);
}

static void
on_exit_of(struct child *c, bool clean)
{
    struct pool_run *run = c->owner;

    (void)clean;
    if (run->state == RUN_SERVES)
        pool_run_exited(run);
    if (run->child.pid == 0 && run->nstrays == 0)
        run_free(run);
}

void
run_end(struct pool_run *run)
{
    run->state = RUN_ENDS;
    run->nholders = 0;
    run->end_ms = date_mono_ms() + END_KILL_MS;
    run_close_socket(run);
    child_signal(&run->child, SIGTERM);
    kill_strays(run);
}

void
run_sweep(struct pool_run *run, uint64_t now_ms)
{
    if (run->state == RUN_RETIRES && (run->nholders == 0 || now_ms >= run->end_ms))
        run_end(run);
    else if (run->state == RUN_ENDS && now_ms >= run->end_ms)
        child_signal(&run->child, SIGKILL);
}

/* --- holders: the workers that may connect --------------------------------------------------
 */

bool
run_holds(const struct pool_run *run, const struct worker_child *w)
{
    for (unsigned i = 0; i < run->nholders; i++)
        if (run->holders[i] == w)
            return true;
    return false;
}

void
run_hold(struct pool_run *run, struct worker_child *w)
{
    if (run_holds(run, w))
        return;
    if (run->nholders == run->holders_room) {
        run->holders_room = 2 * run->holders_room + 2;
        run->holders = mem_grow(run->holders, run->holders_room * sizeof(*run->holders));
    }
    run->holders[run->nholders++] = w;
}

bool
run_let_go(struct pool_run *run, const struct worker_child *w)
{
    for (unsigned i = 0; i < run->nholders; i++)
        if (run->holders[i] == w)
            run->holders[i--] = run->holders[--run->nholders];
    return run->nholders == 0;
}
