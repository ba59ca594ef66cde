/* The thread that writes logs. Floor 6, hostel. */
#include "logwriter.h"
#include "hostel/base/mem.h"
#include "logdrain.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#define AGAIN_MS 100 /* whoever takes nothing just now is asked again */
#define LAST_MAX 50  /* times, once its worker is gone */
#define STOP_S   5   /* what a disk may take at the end */

STAILQ_HEAD(sources, log_source);

static struct {
    pthread_mutex_t lock;
    pthread_cond_t some;
    pthread_t thread;
    bool runs, stops;
    struct sources queue, later; /* later: who took nothing */
} writer = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .queue = STAILQ_HEAD_INITIALIZER(writer.queue),
    .later = STAILQ_HEAD_INITIALIZER(writer.later),
};

/* --- the thread -----------------------------------------------------------------------------
 */

static void
wait_some(void)
{
    struct timespec until;

    if (STAILQ_EMPTY(&writer.later)) {
        (void)pthread_cond_wait(&writer.some, &writer.lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += AGAIN_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&writer.some, &writer.lock, &until);
    STAILQ_CONCAT(&writer.queue, &writer.later);
}

/* One source has had its turn; the lock is held. */
static void
settle(struct log_source *src, enum drained how)
{
    if (how == WAITS && (writer.stops || (src->last && ++src->waited > LAST_MAX)))
        how = DRAINED;
    if (how != DRAINED) {
        src->queued = true;
        if (how == MORE)
            STAILQ_INSERT_TAIL(&writer.queue, src, entry);
        else
            STAILQ_INSERT_TAIL(&writer.later, src, entry);
    } else if (src->last && !src->queued) {
        logdrain_free(&src);
    }
}

static void *
run(void *data)
{
    (void)pthread_mutex_lock(&writer.lock);
    for (;;) {
        struct log_source *src = STAILQ_FIRST(&writer.queue);
        enum drained how;

        if (!src && writer.stops && STAILQ_EMPTY(&writer.later))
            break;
        if (!src) {
            wait_some();
            continue;
        }
        STAILQ_REMOVE_HEAD(&writer.queue, entry);
        src->queued = false;
        (void)pthread_mutex_unlock(&writer.lock);
        how = logdrain_turn(src);
        (void)pthread_mutex_lock(&writer.lock);
        if (!src->queued)
            settle(src, how);
    }
    (void)pthread_mutex_unlock(&writer.lock);
    return data;
}

static int
start(void)
{
    pthread_condattr_t attr;
    sigset_t all, before;
    int rc;

    if (writer.runs)
        return 0;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&writer.some, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)sigfillset(&all); /* signals are the loop's; a SIGPIPE here is an error of write() */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&writer.thread, NULL, run, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    writer.runs = rc == 0;
    return -rc;
}

/* --- what the loop calls --------------------------------------------------------------------
 */

int
log_source_new(struct log_target *target, size_t bytes, int *fd, struct log_source **out)
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
    *out = src;
    return 0;
}

static void
enqueue(struct log_source *src)
{
    if (src->queued)
        return;
    src->queued = true;
    STAILQ_INSERT_TAIL(&writer.queue, src, entry);
    (void)pthread_cond_signal(&writer.some);
}

void
log_source_wake(struct log_source *src)
{
    if (logring_waiting(src->ring) == 0 && logring_lost(src->ring) == src->lost)
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
    (void)pthread_cond_signal(&writer.some);
    (void)pthread_mutex_unlock(&writer.lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_S;
    if (pthread_timedjoin_np(writer.thread, NULL, &until) == 0)
        writer.runs = false;
}
