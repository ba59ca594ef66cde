/*
 * The thread that writes logs. Floor 6, hostel.
 *
 *   queue ──> a turn ──> DRAINED: watched, while lines come; else until its worker says more
 *                    ──> MORE: queue; its user has had his part of this slice of time: rests
 *                    ──> WAITS: later
 *
 * A thread that a disk holds up is left to it, and its place taken by another one. It comes
 * back with its source, and ends.
 */
#include "logwriter.h"
#include "hostel/base/date.h"
#include "hostel/base/mem.h"
#include "logdrain.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define SLICE_MS    10
#define SLICE_BYTES 655360 /* of a user in it: 62 MiB a second, 650 bytes each of 100,000 */
#define AGAIN_MS    100    /* whoever takes nothing just now is asked again */
#define LAST_MAX    50     /* times, once its worker is gone */
#define STOP_MAX    3      /* times, at the end */
#define STOP_S      5      /* what a disk may take then */
#define LOOK_MS     250    /* between two looks at who is watched */
#define LOOKS_MAX   4      /* in vain: then its worker has to say so again */
#define HANGS_MS    3000
#define HUNG_MAX    8 /* threads that wait for a disk; one more would be the last */

STAILQ_HEAD(sources, log_source);

static struct {
    pthread_mutex_t lock;
    pthread_cond_t some;
    pthread_t thread;
    bool runs, stops;
    struct sources queue;
    struct sources later;   /* who took nothing, until later_ms */
    struct sources rests;   /* until the next slice */
    struct sources watched; /* who has had lines a moment ago, and needs no worker's word */
    uint64_t later_ms, look_ms, slice;
    struct log_target *at; /* where the thread has its turn, since at_ms; NULL: nowhere */
    uint64_t at_ms;
    unsigned hung; /* threads that were left */
} writer = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .queue = STAILQ_HEAD_INITIALIZER(writer.queue),
    .later = STAILQ_HEAD_INITIALIZER(writer.later),
    .rests = STAILQ_HEAD_INITIALIZER(writer.rests),
    .watched = STAILQ_HEAD_INITIALIZER(writer.watched),
};

/* --- one user -------------------------------------------------------------------------------
 */

struct log_account *
log_account_new(void)
{
    struct log_account *a = mem_new(sizeof(*a));

    a->refs = 1;
    return a;
}

struct log_account *
log_account_hold(struct log_account *a)
{
    atomic_fetch_add(&a->refs, 1);
    return a;
}

void
log_account_drop(struct log_account **a)
{
    if (*a && atomic_fetch_sub(&(*a)->refs, 1) == 1)
        free(*a);
    *a = NULL;
}

uint64_t
log_account_lost(const struct log_account *a)
{
    return a ? atomic_load(&a->lost) : 0;
}

/* What he may still write in this slice; whoever took more has less in the next ones. */
static size_t
left(struct log_account *a)
{
    uint64_t back = (writer.slice - a->slice) * SLICE_BYTES;

    a->slice = writer.slice;
    a->spent = a->spent > back ? a->spent - (size_t)back : 0;
    return a->spent < SLICE_BYTES ? SLICE_BYTES - a->spent : 0;
}

/* --- the thread; the lock is held -----------------------------------------------------------
 */

static void
put(struct sources *list, struct log_source *src)
{
    src->queued = true;
    STAILQ_INSERT_TAIL(list, src, entry);
}

static void
source_free(struct log_source *src)
{
    logdrain_give_up(src);
    logring_free(&src->ring);
    log_target_drop(&src->target);
    log_account_drop(&src->account);
    free(src);
}

static void
put_later(struct log_source *src)
{
    unsigned max = writer.stops ? STOP_MAX : LAST_MAX;

    if ((writer.stops || src->last) && ++src->waited > max) {
        if (src->last)
            source_free(src);
        return;
    }
    if (STAILQ_EMPTY(&writer.later))
        writer.later_ms = date_mono_ms() + AGAIN_MS;
    put(&writer.later, src);
}

static bool
has_news(const struct log_source *src)
{
    return logring_waiting(src->ring) > 0 || logring_lost(src->ring) != atomic_load(&src->lost);
}

/* in  src  on no list */
static void
watch(struct log_source *src)
{
    if (STAILQ_EMPTY(&writer.watched))
        writer.look_ms = date_mono_ms() + LOOK_MS;
    src->watched = true;
    STAILQ_INSERT_TAIL(&writer.watched, src, entry);
}

/* Who is still busy? in  src  on no list */
static void
look_at(struct log_source *src)
{
    src->looks = has_news(src) ? 0 : src->looks + 1;
    if (src->looks == LOOKS_MAX) {
        src->looks = 0;
        logring_watch(src->ring, false);
        if (!has_news(src))
            return;
    }
    if (has_news(src))
        put(&writer.queue, src);
    else
        watch(src);
}

static void
look_at_all(void)
{
    struct sources all = STAILQ_HEAD_INITIALIZER(all);
    struct log_source *src;

    STAILQ_CONCAT(&all, &writer.watched);
    while ((src = STAILQ_FIRST(&all))) {
        STAILQ_REMOVE_HEAD(&all, entry);
        src->watched = false;
        look_at(src);
    }
}

/* Until there is something to do. */
static void
wait_some(void)
{
    uint64_t ms = UINT64_MAX;
    struct timespec until;

    if (!STAILQ_EMPTY(&writer.rests))
        ms = (writer.slice + 1) * SLICE_MS;
    if (!STAILQ_EMPTY(&writer.later) && writer.later_ms < ms)
        ms = writer.later_ms;
    if (!STAILQ_EMPTY(&writer.watched) && writer.look_ms < ms)
        ms = writer.look_ms;
    if (ms == UINT64_MAX) {
        (void)pthread_cond_wait(&writer.some, &writer.lock);
        return;
    }
    until.tv_sec = (time_t)(ms / 1000);
    until.tv_nsec = (long)(ms % 1000) * 1000000;
    (void)pthread_cond_timedwait(&writer.some, &writer.lock, &until);
}

static void
look_at_the_clock(void)
{
    uint64_t now = date_mono_ms();

    if (now / SLICE_MS != writer.slice) {
        writer.slice = now / SLICE_MS;
        STAILQ_CONCAT(&writer.queue, &writer.rests);
    }
    if (now >= writer.later_ms)
        STAILQ_CONCAT(&writer.queue, &writer.later);
    if (now >= writer.look_ms)
        look_at_all();
}

/* Whose turn is it, and how much may he write? ret  NULL: all is written, and it stops */
static struct log_source *
next(size_t *budget)
{
    struct log_source *src;

    for (;;) {
        look_at_the_clock();
        src = STAILQ_FIRST(&writer.queue);
        if (!src) {
            if (writer.stops && STAILQ_EMPTY(&writer.later) && STAILQ_EMPTY(&writer.rests))
                return NULL;
            wait_some();
            continue;
        }
        STAILQ_REMOVE_HEAD(&writer.queue, entry);
        src->queued = false;
        *budget = left(src->account);
        if (src->target->hangs)
            put_later(src);
        else if (*budget == 0)
            put(&writer.rests, src);
        else
            break;
    }
    src->turn = true;
    return src;
}

/* One has had its turn. */
static void
settle(struct log_source *src, enum drained how)
{
    bool more = src->more || how == MORE;

    src->turn = src->more = false;
    if (how == WAITS)
        put_later(src);
    else if (more)
        put(&writer.queue, src);
    else if (src->last)
        source_free(src);
    else if (!writer.stops) {
        logring_watch(src->ring, true);
        watch(src);
    }
}

static void *
run(void *data)
{
    struct log_source *src;
    size_t budget, spent;
    bool left_alone = false;

    (void)pthread_mutex_lock(&writer.lock);
    while (!left_alone && (src = next(&budget))) {
        struct log_target *t = src->target;
        enum drained how;

        writer.at = t;
        writer.at_ms = date_mono_ms();
        (void)pthread_mutex_unlock(&writer.lock);
        how = logdrain_turn(src, budget, &spent);
        (void)pthread_mutex_lock(&writer.lock);
        src->account->spent += spent;
        left_alone = t->hangs; /* no other thread has a turn there */
        if (left_alone) {
            t->hangs = false;
            writer.hung--;
            (void)pthread_cond_signal(&writer.some);
        } else {
            writer.at = NULL;
        }
        settle(src, how);
    }
    (void)pthread_mutex_unlock(&writer.lock);
    return data;
}

/* --- threads --------------------------------------------------------------------------------
 */

static int
start_thread(void)
{
    sigset_t all, before;
    int rc;

    (void)sigfillset(&all); /* signals are the loop's; a SIGPIPE here is an error of write() */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&writer.thread, NULL, run, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -rc;
}

static int
start(void)
{
    pthread_condattr_t attr;
    int rc;

    if (writer.runs)
        return 0;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&writer.some, &attr);
    (void)pthread_condattr_destroy(&attr);
    rc = start_thread();
    writer.runs = rc == 0;
    return rc;
}

void
logwriter_sweep(void)
{
    pthread_t stuck = writer.thread;

    if (!writer.runs)
        return;
    (void)pthread_mutex_lock(&writer.lock);
    if (writer.at && date_mono_ms() - writer.at_ms >= HANGS_MS && writer.hung < HUNG_MAX &&
        start_thread() == 0) {
        (void)pthread_detach(stuck);
        logdrain_hangs(writer.at);
        writer.at->hangs = true;
        writer.at = NULL;
        writer.hung++;
    }
    (void)pthread_mutex_unlock(&writer.lock);
}

/* --- what the loop calls --------------------------------------------------------------------
 */

int
log_source_new(struct log_target *target, struct log_account *account, size_t bytes, int *fd,
               struct log_source **out)
{
    struct log_source *src;
    struct logring *ring;
    int rc = start();

    if (rc == 0)
        rc = logring_make(bytes, fd, &ring);
    if (rc < 0)
        return rc;
    src = mem_new(sizeof(*src));
    src->ring = ring;
    src->target = log_target_hold(target);
    src->account = log_account_hold(account);
    *out = src;
    return 0;
}

static void
enqueue(struct log_source *src)
{
    if (src->turn)
        src->more = true;
    if (src->queued || src->turn)
        return;
    if (src->watched)
        STAILQ_REMOVE(&writer.watched, src, log_source, entry);
    src->watched = false;
    put(&writer.queue, src);
    (void)pthread_cond_signal(&writer.some);
}

void
log_source_wake(struct log_source *src)
{
    if (!has_news(src))
        return;
    (void)pthread_mutex_lock(&writer.lock);
    enqueue(src);
    (void)pthread_mutex_unlock(&writer.lock);
}

void
log_source_free(struct log_source **src)
{
    if (!*src)
        return;
    (void)pthread_mutex_lock(&writer.lock);
    (*src)->last = true;
    enqueue(*src);
    (void)pthread_mutex_unlock(&writer.lock);
    *src = NULL;
}

bool
logwriter_news(void)
{
    return logdrain_news();
}

void
logwriter_stop(void)
{
    struct timespec until;

    if (!writer.runs)
        return;
    (void)pthread_mutex_lock(&writer.lock);
    writer.stops = true;
    STAILQ_CONCAT(&writer.queue, &writer.later);
    look_at_all();
    (void)pthread_cond_signal(&writer.some);
    (void)pthread_mutex_unlock(&writer.lock);
    clock_gettime(CLOCK_REALTIME, &until);
    for (unsigned s = 0; s < STOP_S && writer.runs; s++) {
        until.tv_sec++;
        writer.runs = pthread_timedjoin_np(writer.thread, NULL, &until) != 0;
        if (writer.runs)
            logwriter_sweep();
    }
}
