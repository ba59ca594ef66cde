/*
 * PHP pools: one php-cgi parent with its children for each user and distinct php section.
 * Started when a worker asks, ended when no worker uses it. Floor 6, hostel.
 *
 *   ENDED ──POOL_WANT──> RUNS ──all released──> ENDED
 *     ↑                  │  ↑↓ restart asked for: another generation, the old one retires
 *     │                  │ parent died
 *     │                  └─ less than CRASHES_MAX times in a row: RUNS again
 *     └── back-off over ── DOWN <┘ else: POOL_FAILED to all that wait
 *
 * What is running now is `now`; pool_runs.c knows how a generation lives and dies. A parent
 * that dies without leaving a child behind starts again on the same socket, so that a request
 * that waits in it is taken by the next one (F26). Where children are left they finish on
 * theirs, and a new generation has another.
 */
#include "supervisor.h"
#include "hostel/base/date.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <signal.h>
#include <stdlib.h>

#define CRASHES_MAX   3
#define CRASH_CALM_MS 5000
#define DOWN_MS       5000
#define RETIRE_MS                                                                              \
    30000                /* for what an old generation runs; more where a script may take more \
                          */
#define LIFE_MIN_MS 1000 /* so that a worker that wants and releases in turn forks little */

/* --- which pool serves which vhost ----------------------------------------------------------
 */

static void
pool_done(struct pool *p)
{
    struct room *r = p->room;

    LIST_REMOVE(p, link);
    LIST_REMOVE(p, in_room);
    generation_drop(&p->gen);
    free(p->stuck);
    free(p);
    room_try_free(r);
}

/* One of no generation any more goes when its processes have, and nobody can ask for it. */
static void
try_done(struct pool *p)
{
    if (p->retired && p->known == 0 && LIST_EMPTY(&p->runs))
        pool_done(p);
}

static struct pool *
pool_new(struct room *r)
{
    struct pool *p = mem_new(sizeof(*p));

    p->s = r->s;
    p->room = r;
    p->jail = r->part->jail;
    p->limits = r->part->limits;
    p->serial = ++r->s->pool_serials;
    LIST_INSERT_HEAD(&r->s->pools, p, link);
    LIST_INSERT_HEAD(&r->all_pools, p, in_room);
    return p;
}

static bool
is_among(const struct pool *p, struct pool *const *pools, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (pools[i] == p)
            return true;
    return false;
}

/*
 * What it says goes where it went when it was started; its jail and limits are those of then.
 * One is not two: sections that were different may have to do with the same few processes.
 *
 * in  taken  those that are others' already, n
 */
static struct pool *
find(const struct room *r, const struct conf_vhost *v, struct pool *const *taken, uint32_t n)
{
    struct pool *p;

    LIST_FOREACH(p, &r->all_pools, in_room)
    if (!p->retired && !is_among(p, taken, n) && p->jail == r->part->jail &&
        p->limits == r->part->limits && conf_php_order(p->php, v->php) == 0 &&
        strcmp(p->error_log ? p->error_log : "", v->error_log ? v->error_log : "") == 0)
        return p;
    return NULL;
}

static void
retire_others(struct room *r, uint32_t n)
{
    struct pool *p, *next;

    for (p = LIST_FIRST(&r->all_pools); p; p = next) {
        next = LIST_NEXT(p, in_room);
        if (is_among(p, r->pools, n))
            continue;
        p->retired = true; /* the sweep ends it once nobody holds it */
        try_done(p);
    }
}

void
pools_take_generation(struct room *r)
{
    const struct part *part = r->part;
    struct pool **pools = mem_new_array(part->npools, sizeof(struct pool *));

    for (uint32_t i = 0; i < part->npools; i++) {
        const struct conf_vhost *v =
            &r->gen->conf->vhosts[r->gen->pool_vhosts[part->first_pool + i]];
        struct pool *p = find(r, v, pools, i);
        struct generation *before;

        p = p ? p : pool_new(r);
        before = p->gen;
        p->gen = generation_hold(r->gen);
        p->php = v->php;
        p->error_log = v->error_log;
        generation_drop(&before);
        pools[i] = p;
    }
    free(r->pools);
    r->pools = pools;
    retire_others(r, part->npools);
}

struct pool *
pool_of_worker(struct worker_child *w, uint32_t id)
{
    return id < w->npools ? w->pools[id] : NULL;
}

void
pools_tell_worker(struct worker_child *w)
{
    w->npools = w->room->part->npools;
    w->pools = mem_new_array(w->npools, sizeof(struct pool *));
    for (uint32_t i = 0; i < w->npools; i++) {
        w->pools[i] = w->room->pools[i];
        w->pools[i]->known++;
    }
}

static void
tell_ready(struct pool *p, struct worker_child *w)
{
    worker_tell_pool(w, MSG_POOL_READY, p, 0);
}

static void
tell_failed(struct pool *p, struct worker_child *w, uint64_t now_ms)
{
    uint64_t left = p->retry_ms > now_ms ? p->retry_ms - now_ms : 0;

    worker_tell_pool(w, MSG_POOL_FAILED, p, (uint32_t)left);
}

/* --- starting and giving up -----------------------------------------------------------------
 */

static void
go_down(struct pool *p)
{
    log_error("php-cgi of %s: PHP failed %u times in a row; requests for it get 503, next try "
              "in %d s",
              p->room->user->ids.name, p->crashes, DOWN_MS / 1000);
    p->state = POOL_DOWN;
    p->now = NULL;
    p->renew = false;
    p->retry_ms = date_mono_ms() + DOWN_MS;
}

/* ret  false: it is down now */
static bool
start(struct pool *p)
{
    while (run_start(p, &p->now) < 0) {
        if (++p->crashes >= CRASHES_MAX) {
            go_down(p);
            return false;
        }
    }
    p->state = POOL_RUNS;
    p->renew = false;
    return true;
}

static uint64_t
retire_ms(const struct pool *p)
{
    return p->php->request_timeout_ms > RETIRE_MS ? p->php->request_timeout_ms : RETIRE_MS;
}

static void
count_restart(struct pool *p)
{
    p->restarts++;
    p->room->php_restarts++;
}

/* Another generation takes over for all who hold the old one, or nothing changes. */
static bool
take_over(struct pool *p, struct pool_run *old)
{
    struct pool_run *run;

    if (run_start(p, &run) < 0)
        return false;
    count_restart(p);
    p->now = run;
    p->state = POOL_RUNS;
    p->renew = false;
    old->state = RUN_RETIRES;
    old->end_ms = date_mono_ms() + retire_ms(p);
    for (unsigned i = 0; i < old->nholders; i++) {
        run_hold(run, old->holders[i]);
        tell_ready(p, old->holders[i]);
    }
    return true;
}

/* Who waits for it is told in any case. */
static void
renew(struct pool *p)
{
    p->renew = false;
    if (take_over(p, p->now))
        return;
    log_error("php-cgi of %s: no new one could be started, the old one goes on",
              p->room->user->ids.name);
    for (unsigned i = 0; i < p->now->nholders; i++)
        tell_ready(p, p->now->holders[i]);
}

/* ret  true when it goes on, in this generation or in another */
static bool
replace(struct pool *p, struct pool_run *run)
{
    if (run->nstrays > 0)
        return take_over(p, run);
    if (run_again(run) < 0)
        return false;
    count_restart(p);
    for (unsigned i = 0; i < run->nholders; i++)
        tell_ready(p, run->holders[i]);
    return true;
}

static void
give_up(struct pool *p, struct pool_run *run)
{
    uint64_t now_ms = date_mono_ms();

    go_down(p);
    for (unsigned i = 0; i < run->nholders; i++)
        tell_failed(p, run->holders[i], now_ms);
    if (run->nstrays > 0) {
        run->state = RUN_RETIRES;
        run->end_ms = now_ms + retire_ms(p);
    }
}

void
pool_run_exited(struct pool_run *run)
{
    struct pool *p = run->pool;

    p->crashes = date_mono_ms() - run->child.since_ms > CRASH_CALM_MS ? 1 : p->crashes + 1;
    if (p->s->stop == STOP_POOLS ||
        (p->s->stop != STOP_NOT && date_mono_ms() >= p->s->stop_ms) || run->nholders == 0) {
        p->state = POOL_ENDED; /* nothing is started any more, or nobody needs it */
        p->now = NULL;
        p->renew = false;
        return;
    }
    while (p->crashes < CRASHES_MAX) {
        if (replace(p, run))
            return;
        p->crashes++;
    }
    give_up(p, run);
}

/* It is used no more: the next one who wants it gets another generation. */
static void
end_now(struct pool *p)
{
    struct pool_run *run = p->now;

    if (!run)
        return;
    p->now = NULL;
    p->state = POOL_ENDED;
    p->renew = false;
    p->crashes = 0;
    run_end(run);
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
    uint64_t now_ms = date_mono_ms();

    come_back(p, now_ms);
    if (p->state == POOL_DOWN || (p->state == POOL_ENDED && !start(p))) {
        tell_failed(p, w, now_ms);
        return;
    }
    run_hold(p->now, w);
    tell_ready(p, w);
}

static struct pool_run *
run_of(const struct pool *p, uint32_t generation)
{
    struct pool_run *run;

    LIST_FOREACH(run, &p->runs, link)
    if (run->generation == generation)
        return run;
    return NULL;
}

void
pool_released(struct pool *p, struct worker_child *w, uint32_t generation)
{
    struct pool_run *run = run_of(p, generation); /* NULL: it is gone already */

    if (run && run_let_go(run, w) && run->state == RUN_RETIRES)
        run_end(run); /* one that serves and is held by nobody is the sweep's */
}

/* A connect was refused. The socket is ours and open, so this is only ever out of date news. */
void
pool_broken(struct pool *p, struct worker_child *w, uint32_t generation)
{
    (void)generation;
    pool_wanted(p, w);
}

void
pool_renew(struct pool *p, struct worker_child *w, uint32_t generation)
{
    if (!p->now || p->now->generation != generation) {
        pool_wanted(p, w); /* another worker was faster: it hears of what there is */
        return;
    }
    p->renew = true;
    if (child_age_ms(&p->now->child, date_mono_ms()) >= LIFE_MIN_MS)
        renew(p); /* else the sweep does */
}

void
pool_is_stuck(struct pool *p, uint32_t generation, uint64_t inode)
{
    if (!p->stuck)
        p->stuck = mem_new_array(POOL_STUCK_MAX, sizeof(*p->stuck));
    if (p->nstuck < POOL_STUCK_MAX)
        p->stuck[p->nstuck++] = (struct pool_stuck){generation, inode};
}

/* What runs for the one that leaves runs on for its successor: no start for nothing. */
void
pools_pass_on(const struct worker_child *from, struct worker_child *to)
{
    for (uint32_t i = 0; i < to->npools; i++) {
        struct pool *p = to->pools[i];

        if (!p->now || !run_holds(p->now, from) || run_holds(p->now, to))
            continue;
        run_hold(p->now, to);
        tell_ready(p, to); /* it lets go after idle_exit, as if it had used it */
    }
}

static void
forget(struct pool *p, const struct worker_child *w)
{
    struct pool_run *run, *next;

    for (run = LIST_FIRST(&p->runs); run; run = next) {
        next = LIST_NEXT(run, link);
        if (run_let_go(run, w) && run->state == RUN_RETIRES)
            run_end(run);
    }
}

void
pools_forget_worker(struct worker_child *w)
{
    for (uint32_t i = 0; i < w->npools; i++) {
        forget(w->pools[i], w);
        w->pools[i]->known--;
        try_done(w->pools[i]);
    }
    free(w->pools);
    w->pools = NULL;
    w->npools = 0;
}

/* --- from outside, time and the end ---------------------------------------------------------
 */

unsigned
pools_restart(struct room *r)
{
    struct pool *p;
    unsigned n = 0;

    LIST_FOREACH(p, &r->all_pools, in_room)
    {
        if (!p->now || p->retired)
            continue;
        n++;
        renew(p);
    }
    return n;
}

void
pools_reopen_logs(struct supervisor *s)
{
    struct pool_run *run;
    struct pool *p;

    LIST_FOREACH(p, &s->pools, link)
    LIST_FOREACH(run, &p->runs, link)
    {
        char *error = NULL;
        struct log_target *t = run->child.log ? logs_target(s, p->error_log, &error) : NULL;

        if (t)
            logpipe_redirect(run->child.log, t);
        free(error);
    }
}

static void
sweep(struct pool *p, uint64_t now_ms)
{
    struct pool_run *run, *next;

    if (p->now && p->s->stop == STOP_NOT &&
        child_age_ms(&p->now->child, now_ms) >= LIFE_MIN_MS) {
        if (p->now->nholders == 0)
            end_now(p);
        else if (p->renew)
            renew(p);
    }
    if (p->nstuck)
        pool_end_stuck(p);
    p->nstuck = 0;
    for (run = LIST_FIRST(&p->runs); run; run = next) {
        next = LIST_NEXT(run, link);
        run_sweep(run, now_ms);
    }
    come_back(p, now_ms);
}

void
pools_sweep(struct supervisor *s, uint64_t now_ms)
{
    struct pool *p, *next;

    for (p = LIST_FIRST(&s->pools); p; p = next) {
        next = LIST_NEXT(p, link);
        sweep(p, now_ms);
        try_done(p);
    }
}

void
pools_kill(struct room *r)
{
    struct pool *p, *next;

    for (p = LIST_FIRST(&r->all_pools); p; p = next) {
        struct pool_run *run;

        next = LIST_NEXT(p, in_room);
        p->retired = true;
        end_now(p);
        LIST_FOREACH(run, &p->runs, link)
        {
            run_end(run);
            child_signal(&run->child, SIGKILL);
        }
        try_done(p);
    }
}

void
pools_stop(struct supervisor *s)
{
    struct pool_run *run;
    struct pool *p;

    LIST_FOREACH(p, &s->pools, link)
    {
        end_now(p);
        LIST_FOREACH(run, &p->runs, link)
        if (run->state == RUN_RETIRES)
            run_end(run);
    }
}

void
pools_remove_sockets(struct supervisor *s)
{
    struct pool_run *run;
    struct pool *p;

    LIST_FOREACH(p, &s->pools, link)
    LIST_FOREACH(run, &p->runs, link)
    run_close_socket(run);
}
