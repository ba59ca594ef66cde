/*
 * The thread that checks passwords. Floor 5; worker.
 *
 *   loop:    hasher_check -> waiting            ready -> done()
 *                              |                  ^ uv_async_send
 *   thread:                    +---> pwhash_fits -+
 *
 * Under the lock: the two lists, closing, sides. A job belongs to the loop, but its two texts
 * and its verdict are the thread's while it is in neither list. The thread allocates nothing.
 * Who has left costs it no hash, so that a crowd that asks and leaves keeps nobody waiting.
 */
#include "hasher.h"
#include "hostel/base/mem.h"
#include "pwhash.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>

#define STACK_BYTES (512 * 1024) /* what a hash needs of memory, libcrypt maps for itself */

struct hasher_job {
    STAILQ_ENTRY(hasher_job) entry;
    hasher_done_fn done; /* NULL: forgotten */
    void *data;
    atomic_bool forgotten; /* the same for the thread: the work is spared */
    char password[HASHER_PASSWORD_MAX];
    char hash[PWHASH_MAX];
    bool fits;
};

STAILQ_HEAD(hasher_jobs, hasher_job);

struct hasher {
    uv_loop_t *loop;
    uv_async_t async;
    bool started;
    size_t count; /* jobs begun and not yet done */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct hasher_jobs waiting, ready;
    bool closing;
    unsigned sides;          /* that still use this: the thread, the loop's handle */
    struct crypt_data *room; /* NULL before the thread */
};

struct hasher *
hasher_new(uv_loop_t *loop)
{
    struct hasher *h = mem_new(sizeof(*h));

    h->loop = loop;
    STAILQ_INIT(&h->waiting);
    STAILQ_INIT(&h->ready);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wake, NULL);
    return h;
}

static void
job_free(struct hasher_job *job)
{
    explicit_bzero(job, sizeof(*job));
    free(job);
}

static void
jobs_free(struct hasher_jobs *jobs)
{
    struct hasher_job *job;

    while ((job = STAILQ_FIRST(jobs))) {
        STAILQ_REMOVE_HEAD(jobs, entry);
        job_free(job);
    }
}

static void
hasher_end(struct hasher *h)
{
    jobs_free(&h->waiting);
    jobs_free(&h->ready);
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    free(h->room);
    free(h);
}

/* One of the two sides is through with it; the last one frees it. */
static void
leave(struct hasher *h)
{
    bool last;

    pthread_mutex_lock(&h->lock);
    last = --h->sides == 0;
    pthread_mutex_unlock(&h->lock);
    if (last)
        hasher_end(h);
}

/* --- the thread ------------------------------------------------------------------------- */

/* ret  NULL: it is over */
static struct hasher_job *
next_job(struct hasher *h)
{
    struct hasher_job *job = NULL;

    pthread_mutex_lock(&h->lock);
    while (!h->closing && STAILQ_EMPTY(&h->waiting))
        pthread_cond_wait(&h->wake, &h->lock);
    if (!h->closing) {
        job = STAILQ_FIRST(&h->waiting);
        STAILQ_REMOVE_HEAD(&h->waiting, entry);
    }
    pthread_mutex_unlock(&h->lock);
    return job;
}

static void *
thread_main(void *data)
{
    struct hasher *h = data;
    struct hasher_job *job;

    while ((job = next_job(h))) {
        job->fits = !job->forgotten && pwhash_fits(job->password, job->hash, h->room);
        pthread_mutex_lock(&h->lock);
        STAILQ_INSERT_TAIL(&h->ready, job, entry);
        if (!h->closing)
            uv_async_send(&h->async);
        pthread_mutex_unlock(&h->lock);
    }
    leave(h);
    return NULL;
}

/* --- the loop --------------------------------------------------------------------------- */

static void
on_ready(uv_async_t *async)
{
    struct hasher *h = async->data;
    struct hasher_jobs ready = STAILQ_HEAD_INITIALIZER(ready);
    struct hasher_job *job;

    pthread_mutex_lock(&h->lock);
    STAILQ_CONCAT(&ready, &h->ready);
    pthread_mutex_unlock(&h->lock);
    while ((job = STAILQ_FIRST(&ready))) {
        STAILQ_REMOVE_HEAD(&ready, entry);
        h->count--;
        if (job->done)
            job->done(job->data, job->fits);
        job_free(job);
    }
}

/* Signals stay with the loop's thread. */
static int
start_thread(struct hasher *h)
{
    sigset_t all, before;
    pthread_attr_t attr;
    pthread_t thread;
    int rc;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&thread, &attr, thread_main, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return -rc;
}

static int
start(struct hasher *h)
{
    int rc = 0;

    if (!h->sides) {
        rc = uv_async_init(h->loop, &h->async, on_ready);
        if (rc < 0)
            return rc;
        h->async.data = h;
        h->room = mem_new(sizeof(*h->room));
        h->sides = 1;
    }
    pthread_mutex_lock(&h->lock);
    h->sides++; /* before the thread can leave */
    rc = start_thread(h);
    h->sides -= rc < 0;
    pthread_mutex_unlock(&h->lock);
    h->started = rc == 0;
    return rc;
}

int
hasher_check(struct hasher *h, struct span password, struct span hash, hasher_done_fn done,
             void *data, struct hasher_job **out)
{
    struct hasher_job *job;
    int rc;

    if (password.n >= HASHER_PASSWORD_MAX || hash.n >= PWHASH_MAX)
        return -EINVAL;
    if (h->count >= HASHER_WAITING_MAX)
        return -EBUSY;
    rc = h->started ? 0 : start(h);
    if (rc < 0)
        return rc;
    job = mem_new(sizeof(*job));
    job->done = done;
    job->data = data;
    if (password.n)
        memcpy(job->password, password.p, password.n);
    memcpy(job->hash, hash.p, hash.n);
    h->count++;
    pthread_mutex_lock(&h->lock);
    STAILQ_INSERT_TAIL(&h->waiting, job, entry);
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
    *out = job;
    return 0;
}

void
hasher_forget(struct hasher_job **job)
{
    if (*job) {
        (*job)->done = NULL;
        (*job)->forgotten = true;
    }
    *job = NULL;
}

static void
on_closed(uv_handle_t *handle)
{
    leave(handle->data);
}

void
hasher_free(struct hasher **hasher)
{
    struct hasher *h = *hasher;

    *hasher = NULL;
    if (!h)
        return;
    if (!h->sides) {
        hasher_end(h);
        return;
    }
    pthread_mutex_lock(&h->lock);
    h->closing = true;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
    uv_close((uv_handle_t *)&h->async, on_closed);
}
