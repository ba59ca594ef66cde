/*
 * A pool of PHP processes as its worker sees it. Floor 5; worker.
 *
 *              first request: want          a file of restart_on changed: renew
 *     ABSENT ───────────────────────► WANTED ◄──────────┐ connect refused: broken
 *       ▲  ▲                          │    ▲            │
 *       │  │ retry time over          │    │ php_pool_ready()
 *       │  └───────── FAILED ◄────────┘    ▼            │
 *       │            php_pool_failed()   READY ─────────┘
 *       └──────────────────────────────────┘ idle: release
 *
 * A connect that is refused was never received: its request keeps its place and its time in
 * the queue, and the supervisor is told; "broken" also asks for the pool again.
 */
#include "php_request.h"
#include "hostel/base/counters.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define AGAIN_MS     20  /* after a connect that did not work */
#define OWES_MS      40  /* PHP does not wait for it; an answer before that spares it */
#define KEPT_MS      500 /* a connection that is kept pins a process */
#define LOOK_MS      20  /* between two looks at a connection that was left */
#define RETRY_MIN_MS 100
#define BUSY_RETRY_S 2 /* Retry-After while the pool as such works */

static struct php_request *
request_of(struct deadline *d)
{
    return (struct php_request *)(void *)((char *)d - offsetof(struct php_request, deadline));
}

static void
on_queue_time(struct deadline *d)
{
    php_request_fail(request_of(d), 503, "no PHP process became free in time");
}

static struct php_link *
link_of(struct deadline *d)
{
    return (struct php_link *)(void *)((char *)d - offsetof(struct php_link, deadline));
}

static void
on_silence(struct deadline *d)
{
    struct php_request *r = request_of(d);

    count(COUNT_PHP_SLOW, 1);
    if (r->link)
        r->link->stuck = true;
    php_request_fail(r, 504, "PHP was silent for too long");
}

/* The visitor has had all for long, and the script still runs. */
static void
on_drain_time(struct deadline *d)
{
    struct php_request *r = request_of(d);

    count(COUNT_PHP_SLOW, 1);
    if (r->link)
        r->link->stuck = true;
    php_request_over(r);
}

static void
on_owes(struct deadline *d)
{
    php_link_pay(link_of(d));
}

static void
on_kept_time(struct deadline *d)
{
    php_link_over(link_of(d));
}

static void
on_left_time(struct deadline *d)
{
    php_link_look(link_of(d));
}

/* From here on an old generation: it is released with its last connection. */
static void
leave_socket(struct php_pool *p)
{
    struct php_socket *s = p->at;

    if (!s)
        return;
    s->links++; /* it shall live until we have looked at it */
    p->at = NULL;
    (void)php_links_drop_kept(p, true);
    php_socket_let(p, s);
}

void
php_socket_let(struct php_pool *p, struct php_socket *s)
{
    if (--s->links > 0 || s == p->at)
        return;
    if (!p->closing)
        p->ops->release(p->data, p->id, s->generation);
    free(s);
}

static void
on_idle(struct deadline *d)
{
    struct php_pool *p = (void *)((char *)d - offsetof(struct php_pool, idle));

    if (p->state != POOL_READY || php_pool_busy(p))
        return;
    if (!TAILQ_EMPTY(&p->left)) { /* it is used, if by nobody who waits for it */
        deadline_set(&p->idle, &p->idle_wait);
        return;
    }
    p->state = POOL_ABSENT;
    leave_socket(p);
}

static void
on_again(struct deadline *d)
{
    php_pool_run((void *)((char *)d - offsetof(struct php_pool, again)));
}

static void
on_retry(struct deadline *d)
{
    struct php_pool *p = (void *)((char *)d - offsetof(struct php_pool, retry));

    if (p->state == POOL_FAILED)
        p->state = POOL_ABSENT;
}

static void
start_deadlines(struct php_pool *p, uint64_t idle_release_ms)
{
    struct deadlines *all = &p->deadlines;

    deadlines_init(all, p->loop);
    deadline_class_add(all, &p->queue_wait, p->limits.queue_timeout_ms, on_queue_time);
    deadline_class_add(all, &p->silence, p->limits.request_timeout_ms, on_silence);
    deadline_class_add(all, &p->drain, p->limits.request_timeout_ms, on_drain_time);
    deadline_class_add(all, &p->owes_wait, OWES_MS, on_owes);
    deadline_class_add(all, &p->kept_wait, KEPT_MS, on_kept_time);
    deadline_class_add(all, &p->left_wait, LOOK_MS, on_left_time);
    deadline_class_add(all, &p->idle_wait, idle_release_ms, on_idle);
    deadline_class_add(all, &p->again_wait, AGAIN_MS, on_again);
    deadline_class_add(all, &p->retry_wait, RETRY_MIN_MS, on_retry);
}

struct php_pool *
php_pool_new(uv_loop_t *loop, uint32_t id, uint32_t slots, bool keep, uint64_t idle_release_ms,
             const struct php_limits *limits, const struct php_pool_ops *ops, void *data)
{
    struct php_pool *p = mem_new(sizeof(*p));

    p->loop = loop;
    p->id = id;
    p->slots = slots ? slots : 1;
    p->keep = keep;
    p->limits = *limits;
    p->ops = ops;
    p->data = data;
    for (size_t i = 0; i < PHP_STAGES; i++)
        TAILQ_INIT(&p->in[i]);
    TAILQ_INIT(&p->kept);
    TAILQ_INIT(&p->left);
    start_deadlines(p, idle_release_ms);
    return p;
}

/* Answer everybody in these stages with an error; those who come meanwhile see POOL_FAILED. */
static void
fail_all(struct php_pool *p, enum php_stage stage)
{
    struct php_request *r;

    while ((r = TAILQ_FIRST(&p->in[stage])))
        php_request_fail(r, 503, NULL);
}

static void
on_timer_closed(uv_handle_t *timer)
{
    free((char *)timer - offsetof(struct php_pool, deadlines) -
         offsetof(struct deadlines, timer));
}

void
php_pool_free(struct php_pool **pool)
{
    struct php_pool *p = *pool;

    *pool = NULL;
    if (!p)
        return;
    p->state = POOL_FAILED;
    p->closing = true;
    for (unsigned stage = 0; stage < PHP_STAGES; stage++)
        fail_all(p, (enum php_stage)stage);
    php_links_done(p);
    free(p->at);
    php_watch_done(p);
    deadline_clear(&p->idle);
    deadline_clear(&p->again);
    deadline_clear(&p->retry);
    /* as deadlines_done(), but we must hear when our memory may go */
    uv_close((uv_handle_t *)&p->deadlines.timer, on_timer_closed);
}

size_t
php_pool_busy(const struct php_pool *p)
{
    size_t n = 0;

    for (size_t i = 0; i < PHP_STAGES; i++)
        n += p->n[i];
    return n;
}

unsigned
php_pool_retry_s(const struct php_pool *p)
{
    uint64_t now_ms = uv_now(p->loop);

    if (!p->retry.class)
        return BUSY_RETRY_S;
    return p->retry.at_ms > now_ms ? (unsigned)((p->retry.at_ms - now_ms + 999) / 1000) : 1;
}

static void
count_stage(enum php_stage stage, int change)
{
    if (stage == PHP_QUEUED)
        count_level(COUNT_PHP_QUEUED, change);
    else if (stage == PHP_RUNNING)
        count_level(COUNT_PHP_RUNNING, change);
}

void
php_pool_move(struct php_pool *p, struct php_request *r, enum php_stage stage)
{
    php_request_clock(r, stage == PHP_RUNNING);
    if (r->stage != PHP_OVER) {
        TAILQ_REMOVE(&p->in[r->stage], r, entry);
        p->n[r->stage]--;
        count_stage(r->stage, -1);
    }
    r->stage = stage;
    if (stage != PHP_OVER) {
        TAILQ_INSERT_TAIL(&p->in[stage], r, entry);
        p->n[stage]++;
        count_stage(stage, 1);
    }
    if (php_pool_busy(p))
        deadline_clear(&p->idle);
    else if (p->state == POOL_READY)
        deadline_set(&p->idle, &p->idle_wait);
}

void
php_pool_requeue(struct php_request *r)
{
    struct php_pool *p = r->pool;

    php_pool_move(p, r, PHP_QUEUED);
    TAILQ_REMOVE(&p->in[PHP_QUEUED], r, entry);
    TAILQ_INSERT_HEAD(&p->in[PHP_QUEUED], r, entry);
    deadline_set(&r->deadline, &p->queue_wait);
}

void
php_pool_keep(struct php_pool *p, bool keep)
{
    p->keep = keep;
    if (!keep)
        (void)php_links_drop_kept(p, true);
}

static void
go_to_socket(struct php_pool *p, uint32_t generation, struct span socket)
{
    struct php_socket *s;

    if (p->at && p->at->generation == generation)
        return;
    leave_socket(p);
    s = mem_new(sizeof(*s));
    s->generation = generation;
    s->to.sun_family = AF_UNIX;
    memcpy(s->to.sun_path, socket.p, socket.n);
    p->at = s;
    p->generation = generation;
}

void
php_pool_ready(struct php_pool *p, uint32_t generation, struct span socket)
{
    /* our release and this crossed: the pool may be on its way out */
    if (p->state == POOL_ABSENT && generation == p->generation)
        return;
    if (socket.n == 0 || socket.n >= sizeof(p->at->to.sun_path) ||
        (!p->foreign && span_find(socket, '/') < socket.n) ||
        span_find(socket, '\0') < socket.n) {
        log_error("php pool %u: no usable socket name", (unsigned)p->id);
        return;
    }
    if (generation != p->generation)
        php_watch_note(p);
    go_to_socket(p, generation, socket);
    p->state = POOL_READY;
    deadline_clear(&p->retry);
    if (!php_pool_busy(p))
        deadline_set(&p->idle, &p->idle_wait);
    php_pool_run(p);
}

void
php_pool_failed(struct php_pool *p, uint32_t retry_ms)
{
    p->state = POOL_FAILED;
    leave_socket(p);
    deadline_clear(&p->idle);
    p->retry_wait.after_ms = retry_ms > RETRY_MIN_MS ? retry_ms : RETRY_MIN_MS;
    deadline_set(&p->retry, &p->retry_wait);
    fail_all(p, PHP_QUEUED);
}

static void
want(struct php_pool *p)
{
    p->state = POOL_WANTED;
    p->ops->want(p->data, p->id);
}

/* What waits, and what comes, is for the next generation: the old one finishes what it runs. */
void
php_pool_look(struct php_pool *p)
{
    if (p->state != POOL_READY || !php_watch_changed(p))
        return;
    p->state = POOL_WANTED;
    deadline_clear(&p->idle);
    (void)php_links_drop_kept(p, true);
    p->ops->renew(p->data, p->id, p->generation);
}

/*
 * PHP's backlog is full, or we are short of something, or the process that took the connection
 * was killed before it read from it: not the pool's end.
 */
static bool
is_passing(int error)
{
    return error == -EAGAIN || error == -EINTR || error == -EPIPE || error == -EMFILE ||
           error == -ENFILE || error == -ENOMEM || error == -ENOBUFS;
}

void
php_pool_run(struct php_pool *p)
{
    if (p->state == POOL_ABSENT && p->n[PHP_BODY] + p->n[PHP_QUEUED])
        want(p);
    while (p->state == POOL_READY && p->n[PHP_QUEUED] && !p->again.class) {
        struct php_request *r = TAILQ_FIRST(&p->in[PHP_QUEUED]);
        int rc;

        if (php_link_reuse(r))
            continue;
        if (p->links >= p->slots && !php_links_drop_kept(p, false))
            return;
        rc = php_link_open(r);
        if (rc == 0)
            continue;
        deadline_set(&p->again, &p->again_wait); /* also keeps "broken" and "ready" apart */
        if (is_passing(rc))
            continue;
        p->state = POOL_WANTED;
        p->ops->broken(p->data, p->id, p->generation);
    }
}
