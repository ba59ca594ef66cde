/* The thread that writes logs. Floor 6, hostel. */
#include "logwriter.h"
#include "hostel/base/logring.h"
#include "hostel/base/mem.h"
#include "syslogs.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#define AGAIN_MS  100 /* whoever takes nothing just now is asked again */
#define LAST_MAX  50  /* times, once its worker is gone */
#define STOP_S    5   /* what a disk may take at the end */
#define BREATH_MS 2   /* a daemon that reads may take */
#define TURNS_MAX 32  /* writes to one log before others have theirs */

struct log_source {
    STAILQ_ENTRY(log_source) entry;
    struct logring *ring;
    struct log_target *target; /* held */
    uint64_t lost;             /* of the ring, already counted */
    unsigned waited;           /* times, since its worker is gone */
    bool queued;
    bool last; /* freed once it is empty */
};

STAILQ_HEAD(sources, log_source);

static struct {
    pthread_mutex_t lock;
    pthread_cond_t some;
    pthread_t thread;
    bool runs, stops;
    struct sources queue, later; /* later: who took nothing */
    atomic_bool news;
} writer = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .queue = STAILQ_HEAD_INITIALIZER(writer.queue),
    .later = STAILQ_HEAD_INITIALIZER(writer.later),
};

/* --- one write ------------------------------------------------------------------------------
 */

static void
note_trouble(struct log_target *t, int trouble)
{
    if (atomic_exchange(&t->trouble, trouble) != trouble)
        atomic_store(&writer.news, true);
}

/* As much as can be written without waiting for a reader. ret  bytes; 0; -errno */
static ssize_t
write_some(const struct log_target *t, struct iovec *v, int n)
{
    ssize_t wrote;

    /*
     * A pipe shares its file description with other processes, so it cannot be made
     * non-blocking here. While it polls writable, PIPE_BUF bytes go in without waiting.
     */
    if (!t->plain) {
        struct pollfd room = {.fd = t->fd, .events = POLLOUT};

        if (poll(&room, 1, 0) != 1 || !(room.revents & (POLLOUT | POLLERR)))
            return 0;
        n = 1;
        if (v->iov_len > PIPE_BUF)
            v->iov_len = PIPE_BUF;
    }
    do
        wrote = writev(t->fd, v, n);
    while (wrote < 0 && errno == EINTR);
    return wrote < 0 ? -errno : wrote;
}

static bool
ends_line(const struct iovec *v, size_t n)
{
    const struct iovec *piece = n > v[0].iov_len ? &v[1] : &v[0];
    size_t at = n > v[0].iov_len ? n - v[0].iov_len : n;

    return ((const char *)piece->iov_base)[at - 1] == '\n';
}

/* A line that was cut by a full disk ends before the next one begins. */
static void
mend(struct log_target *t)
{
    struct iovec end = {(void *)(uintptr_t) "\n", 1};

    if (t->torn && write_some(t, &end, 1) == 1)
        t->torn = false;
}

static void
lose(struct log_source *src, size_t n, int error)
{
    logring_take(src->ring, n);
    atomic_fetch_add(&src->target->lost, n);
    note_trouble(src->target, error);
}

static void
count_lost(struct log_source *src)
{
    uint64_t lost = logring_lost(src->ring);

    if (lost == src->lost)
        return;
    atomic_fetch_add(&src->target->lost, lost - src->lost);
    src->lost = lost;
    if (atomic_load(&src->target->trouble) == 0)
        note_trouble(src->target, EAGAIN);
}

enum drained { DRAINED, MORE, WAITS };

/* Whole lines of these bytes, one a datagram. out  done  bytes that are dealt with */
static int
send_lines(struct log_target *t, struct span bytes, size_t *done)
{
    int rc = 0;

    for (*done = 0; rc == 0 && *done < bytes.n;) {
        struct span rest = span_skip(bytes, *done);
        size_t end = span_find(rest, '\n');

        rc = syslogs_send(t->fd, t->syslog, &t->tried_ms, span_of(rest.p, end));
        if (rc == 0)
            *done += end < rest.n ? end + 1 : end;
    }
    return rc;
}

/* Where there is more than fits, the last line may go on behind it. No line is that long. */
static struct span
whole_lines(struct span s, size_t room)
{
    size_t n = s.n;

    while (s.n == room && n > 0 && s.p[n - 1] != '\n')
        n--;
    return n > 0 ? span_of(s.p, n) : s;
}

/*
 * To a daemon: these lines are looked at, for where they end, in a copy that their worker
 * cannot change. What it does not take stays in the ring.
 */
static enum drained
drain_to_syslog(struct log_source *src)
{
    static char copy[32768];
    struct pollfd room = {.fd = src->target->fd, .events = POLLOUT};
    struct iovec v[2];
    int rc = 0;

    for (unsigned turn = 0; turn < TURNS_MAX && rc == 0; turn++) {
        int n = logring_look(src->ring, v);
        size_t have = 0, done;

        count_lost(src);
        if (n == 0)
            return DRAINED;
        for (int i = 0; i < n; i++) {
            size_t some =
                v[i].iov_len < sizeof(copy) - have ? v[i].iov_len : sizeof(copy) - have;

            memcpy(copy + have, v[i].iov_base, some);
            have += some;
        }
        rc = send_lines(src->target, whole_lines(span_of(copy, have), sizeof(copy)), &done);
        logring_take(src->ring, done);
        if (rc == -EAGAIN && done > 0 && poll(&room, 1, BREATH_MS) == 1)
            rc = 0; /* its queue is short, and it reads: ten lines a time */
    }
    note_trouble(src->target, rc == -EAGAIN ? 0 : -rc);
    return rc == 0 ? MORE : WAITS;
}

static enum drained
drain(struct log_source *src)
{
    struct log_target *t = src->target;

    if (t->syslog)
        return drain_to_syslog(src);
    for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
        struct iovec v[2];
        int n = logring_look(src->ring, v);
        ssize_t wrote;

        count_lost(src);
        if (n == 0)
            return DRAINED;
        mend(t);
        wrote = write_some(t, v, n);
        if (wrote == 0)
            return WAITS;
        if (wrote < 0) {
            lose(src, v[0].iov_len + (n > 1 ? v[1].iov_len : 0), (int)-wrote);
            continue;
        }
        t->torn = !ends_line(v, (size_t)wrote);
        logring_take(src->ring, (size_t)wrote);
        if (!t->torn)
            note_trouble(t, 0);
    }
    return MORE;
}

/* --- the thread -----------------------------------------------------------------------------
 */

static void
source_done(struct log_source *src)
{
    logring_free(&src->ring);
    log_target_drop(&src->target);
    free(src);
}

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
        source_done(src);
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
        how = drain(src);
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
    return atomic_exchange(&writer.news, false);
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
