/*
 * PHP pools: one php-cgi parent with its children for each user and distinct php section.
 * Started when a worker asks, ended when no worker uses it. Floor 6, hostel.
 *
 *   ENDED ──POOL_WANT──> RUNS ──all released──> ENDING ──reaped──> ENDED
 *     ↑                   │ parent died
 *     │                   └─ less than CRASHES_MAX times in a row: RUNS again, same socket
 *     └── back-off over ── DOWN <┘ else: POOL_FAILED to all that wait
 *
 * The listening socket stays open here for a whole generation, so that a request that waits
 * in it when php-cgi dies is taken by the next one (F26).
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

#define CRASHES_MAX   3
#define CRASH_CALM_MS 5000
#define DOWN_MS       5000
#define END_KILL_MS   2000 /* from SIGTERM to SIGKILL of what is idle anyway */
#define LIFE_MIN_MS   1000 /* so that a worker that wants and releases in turn forks little */

/* --- which pool serves which vhost ----------------------------------------------------------
 */

static bool
same_list(char *const *a, char *const *b)
{
    for (; *a && *b; a++, b++)
        if (strcmp(*a, *b) != 0)
            return false;
    return !*a && !*b;
}

static bool
same_php(const struct conf_php *a, const struct conf_php *b)
{
    return strcmp(a->command, b->command) == 0 && a->processes == b->processes &&
           a->max_requests == b->max_requests && a->idle_exit_ms == b->idle_exit_ms &&
           strcmp(a->ini ? a->ini : "", b->ini ? b->ini : "") == 0 && same_list(a->env, b->env);
}

/* The pools of one user are a list through next, newest first, so that finding one is short. */
static size_t
find_or_add(struct supervisor *s, size_t *last_of, const size_t *next, size_t vhost)
{
    const struct conf_vhost *v = &s->conf->vhosts[vhost];
    struct pool *p;
    uint32_t id = 0;

    for (size_t i = last_of[v->user]; i != SIZE_MAX; i = next[i]) {
        if (same_php(s->pools[i].php, v->php))
            return i;
        id++;
    }
    p = &s->pools[s->npools];
    *p = (struct pool){.s = s,
                       .room = &s->rooms[v->user],
                       .php = v->php,
                       .error_log = v->error_log,
                       .id = id,
                       .listen_fd = -1};
    p->holders = mem_new_array(s->conf->users[v->user].workers, sizeof(*p->holders));
    return s->npools++;
}

void
pools_new(struct supervisor *s)
{
    size_t n = s->conf->nvhosts;
    size_t *last_of = mem_new_array(s->conf->nusers, sizeof(*last_of));
    size_t *next = mem_new_array(n, sizeof(*next));

    s->vhost_pool = mem_new_array(n, sizeof(*s->vhost_pool));
    s->pools = mem_new_array(n, sizeof(*s->pools));
    for (size_t i = 0; i < s->conf->nusers; i++)
        last_of[i] = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        const struct conf_vhost *v = &s->conf->vhosts[i];
        size_t before = s->npools;

        s->vhost_pool[i] = SIZE_MAX;
        if (!v->php)
            continue;
        s->vhost_pool[i] = find_or_add(s, last_of, next, i);
        if (s->npools > before) {
            next[before] = last_of[v->user];
            last_of[v->user] = before;
        }
    }
    free(last_of);
    free(next);
}

struct pool *
pool_of_vhost(struct supervisor *s, size_t vhost)
{
    return s->vhost_pool[vhost] == SIZE_MAX ? NULL : &s->pools[s->vhost_pool[vhost]];
}

struct pool *
pool_by_id(struct room *r, uint32_t id)
{
    for (size_t i = 0; i < r->s->npools; i++)
        if (r->s->pools[i].room == r && r->s->pools[i].id == id)
            return &r->s->pools[i];
    return NULL;
}

/* --- holders: the workers that may connect --------------------------------------------------
 */

static bool
holds(const struct pool *p, const struct worker_child *w)
{
    for (unsigned i = 0; i < p->nholders; i++)
        if (p->holders[i] == w)
            return true;
    return false;
}

static void
hold(struct pool *p, struct worker_child *w)
{
    if (!holds(p, w))
        p->holders[p->nholders++] = w;
}

static void
let_go(struct pool *p, const struct worker_child *w)
{
    for (unsigned i = 0; i < p->nholders; i++)
        if (p->holders[i] == w)
            p->holders[i--] = p->holders[--p->nholders];
}

static void
tell_ready(struct pool *p, struct worker_child *w)
{
    worker_tell_pool(w, MSG_POOL_READY,
                     &(struct msg_pool_state){.pool = p->id,
                                              .generation = p->generation,
                                              .socket = span_str(p->socket)});
}

/* --- the process ----------------------------------------------------------------------------
 */

static void
close_socket(struct pool *p)
{
    if (p->listen_fd >= 0 && unlinkat(p->s->php_dir_fd, p->socket, 0) < 0 && errno != ENOENT)
        log_warn("cannot remove %s/%s: %s", p->s->php_dir, p->socket, uv_strerror(-errno));
    fd_close(&p->listen_fd);
}

static int
open_socket(struct pool *p)
{
    const struct ids *ids = &p->room->user->ids;
    int rc;

    if (p->listen_fd >= 0)
        return 0;
    p->generation++;
    (void)snprintf(p->socket, sizeof(p->socket), "%u-%u.%u.%u.sock", p->room->index,
                   (unsigned)ids->uid, p->id, p->generation);
    rc = php_socket_create(p->s->php_dir_fd, p->socket, ids->uid, ids->gid,
                           p->s->conf->switching, &p->listen_fd);
    if (rc < 0)
        log_error("no PHP socket for user %s: %s/%s: %s", ids->name, p->s->php_dir, p->socket,
                  uv_strerror(rc));
    return rc;
}

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
environment_free(char **env)
{
    for (size_t i = 0; env[i]; i++)
        free(env[i]);
    free(env);
}

static void on_exit_of(struct child *c, bool clean);

static int
start_process(struct pool *p)
{
    struct supervisor *s = p->s;
    char *argv[4] = {p->php->command, NULL};
    struct spawn_spec spec;
    char *error, **env;
    int rc, log_fd = logs_open(s, p->error_log, &error);

    if (log_fd < 0) {
        log_error("user %s: %s", p->room->user->ids.name, error);
        free(error);
        return -EACCES;
    }
    rc = open_socket(p);
    if (rc < 0)
        return rc;
    if (p->php->ini) {
        argv[1] = (char *)(uintptr_t) "-c";
        argv[2] = p->php->ini;
    }
    p->child = (struct child){.s = s, .owner = p, .on_exit = on_exit_of};
    (void)snprintf(p->child.label, sizeof(p->child.label), "php-cgi of %s",
                   p->room->user->ids.name);
    env = environment(p);
    spec_php(&spec, s->conf, &p->room->user->ids);
    spec.path = p->php->command;
    spec.argv = argv;
    spec.envp = env;
    spec.nfds = 3;
    spec.fds[0] = p->listen_fd;
    spec.fds[1] = SPAWN_FD_LOG;
    spec.fds[2] = SPAWN_FD_LOG;
    rc = jails_open(s->conf, p->room->user, -1, p->php, &spec.jail_fd);
    if (rc == 0)
        rc = child_start(&p->child, &spec, log_fd);
    fd_close(&spec.jail_fd);
    environment_free(env);
    if (rc == 0)
        p->state = POOL_RUNS;
    return rc;
}

static void
go_down(struct pool *p)
{
    struct msg_pool_state m = {.pool = p->id, .retry_ms = DOWN_MS};

    log_error("%s: PHP failed %u times in a row; requests for it get 503, next try in %d s",
              p->child.label, p->crashes, DOWN_MS / 1000);
    p->state = POOL_DOWN;
    p->retry_ms = date_mono_ms() + DOWN_MS;
    close_socket(p);
    for (unsigned i = 0; i < p->nholders; i++)
        worker_tell_pool(p->holders[i], MSG_POOL_FAILED, &m);
    p->nholders = 0;
}

/* Start for those who hold it, or give up for a while. */
static void
start(struct pool *p)
{
    while (start_process(p) < 0) {
        if (++p->crashes >= CRASHES_MAX) {
            go_down(p);
            return;
        }
    }
    for (unsigned i = 0; i < p->nholders; i++)
        tell_ready(p, p->holders[i]);
}

static void
on_exit_of(struct child *c, bool clean)
{
    struct pool *p = c->owner;
    bool was_ending = p->state == POOL_ENDING;

    (void)clean;
    p->state = POOL_ENDED;
    if (p->s->stop == STOP_POOLS ||
        (p->s->stop != STOP_NOT && date_mono_ms() >= p->s->stop_ms)) {
        was_ending = true; /* nothing is started any more */
        p->nholders = 0;
    }
    if (was_ending) {
        p->crashes = 0;
        close_socket(p);
        if (p->nholders) /* asked for again meanwhile: a new generation */
            start(p);
        return;
    }
    p->crashes = date_mono_ms() - c->since_ms > CRASH_CALM_MS ? 1 : p->crashes + 1;
    if (p->crashes >= CRASHES_MAX)
        go_down(p);
    else if (p->nholders)
        start(p);
    else
        close_socket(p);
}

static void
end_process(struct pool *p)
{
    if (p->state != POOL_RUNS)
        return;
    p->state = POOL_ENDING;
    p->kill_ms = date_mono_ms() + END_KILL_MS;
    child_signal(&p->child, SIGTERM);
}

/* The back-off is over: one more try, then down again. */
static void
come_back(struct pool *p, uint64_t now_ms)
{
    if (p->state != POOL_DOWN || now_ms < p->retry_ms)
        return;
    p->state = POOL_ENDED;
    p->crashes = CRASHES_MAX - 1;
}

/* --- what workers say -----------------------------------------------------------------------
 */

void
pool_wanted(struct pool *p, struct worker_child *w)
{
    uint64_t now = date_mono_ms();

    come_back(p, now);
    if (p->state == POOL_DOWN) {
        worker_tell_pool(
            w, MSG_POOL_FAILED,
            &(struct msg_pool_state){.pool = p->id, .retry_ms = (uint32_t)(p->retry_ms - now)});
        return;
    }
    hold(p, w);
    if (p->state == POOL_RUNS)
        tell_ready(p, w);
    else if (p->state == POOL_ENDED)
        start(p);
    /* POOL_ENDING: started anew when the old one is reaped */
}

void
pool_released(struct pool *p, struct worker_child *w, uint32_t generation)
{
    if (generation != p->generation)
        return;   /* of one that is gone */
    let_go(p, w); /* the sweep ends a pool that nobody holds */
}

/* A connect was refused. The socket is ours and open, so this is only ever out of date news. */
void
pool_broken(struct pool *p, struct worker_child *w, uint32_t generation)
{
    (void)generation;
    pool_wanted(p, w);
}

void
pools_forget_worker(struct supervisor *s, struct worker_child *w)
{
    for (size_t i = 0; i < s->npools; i++) {
        struct pool *p = &s->pools[i];

        if (p->room == w->room)
            let_go(p, w);
    }
}

/* --- time and the end -----------------------------------------------------------------------
 */

void
pools_sweep(struct supervisor *s, uint64_t now_ms)
{
    for (size_t i = 0; i < s->npools; i++) {
        struct pool *p = &s->pools[i];

        if (p->state == POOL_RUNS && p->nholders == 0 && s->stop == STOP_NOT &&
            child_age_ms(&p->child, now_ms) >= LIFE_MIN_MS)
            end_process(p);
        if (p->state == POOL_ENDING && now_ms >= p->kill_ms)
            child_signal(&p->child, SIGKILL);
        come_back(p, now_ms);
    }
}

void
pools_stop(struct supervisor *s)
{
    for (size_t i = 0; i < s->npools; i++) {
        s->pools[i].nholders = 0;
        end_process(&s->pools[i]);
    }
}

void
pools_remove_sockets(struct supervisor *s)
{
    for (size_t i = 0; i < s->npools; i++)
        close_socket(&s->pools[i]);
}
