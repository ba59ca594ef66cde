/*
 * A worker's life. Floor 6; worker.
 *
 *   told by the supervisor -> serving -> stopping --> exit
 *                               \-- nothing for idle_exit: retire --> exit
 */
#include "worker.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/serve/turns.h"
#include "hostel/worker/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#define FILES_OTHER  64          /* channels, the loop's own */
#define FILES_CACHED 256         /* filecache's, and PHP's connections */
#define CONNS_SLACK  IPC_FDS_MAX /* one message brings as many */
#define LOOK_MS      100         /* while stopping: what PHP runs may be all that is left */
#define LIFE_MIN_MS                                                                            \
    1000 /* nobody retires sooner: starting the next one costs more than staying */

/* --- busy or idle ----------------------------------------------------------------------- */

static bool
busy(const struct worker *w)
{
    if (w->conns.count > 0 || w->user.queued_bytes > 0)
        return true;
    for (uint32_t i = 0; i < w->npools; i++)
        if (php_pool_busy(w->pools[i]) > 0)
            return true;
    for (size_t i = 0; i < w->nupstreams; i++)
        if (php_pool_busy(upstream_pool(w->upstreams[i])) > 0)
            return true;
    return false;
}

void
worker_exit(struct worker *w, int status)
{
    if (status)
        w->status = status;
    uv_stop(&w->loop);
}

static void
on_idle(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    uint64_t now_ms = uv_now(&w->loop), leave_ms;

    if (busy(w))
        w->busy_ms = now_ms;
    leave_ms = w->busy_ms + w->idle_exit_ms;
    if (leave_ms < w->start_ms + LIFE_MIN_MS)
        leave_ms = w->start_ms + LIFE_MIN_MS;
    if (now_ms < leave_ms) {
        uv_timer_start(timer, on_idle, leave_ms - now_ms, 0);
        return;
    }
    /* from here on nothing is received: what comes now waits in the channel for the next one */
    channel_pause(&w->user);
    listen_stop(w);
    uv_timer_stop(&w->rest);
    worker_exit(w, 0);
}

void
worker_take(struct worker *w)
{
    if (w->paused || w->stopping)
        return;
    channel_resume(&w->user);
    listen_start(w);
}

/* Called on every coming and going: no system call here but at the bound. */
void
worker_settle(struct worker *w)
{
    bool full = w->conns.count + CONNS_SLACK > w->conns_max;

    w->busy_ms = uv_now(&w->loop);
    peers_note(w);
    if (w->stopping) {
        if (!busy(w))
            worker_exit(w, 0);
        return;
    }
    if (full == w->paused)
        return;
    w->paused = full;
    peers_note(w);
    if (full) {
        channel_pause(&w->user);
        listen_stop(w);
    } else {
        worker_take(w);
    }
}

/* --- start and stop --------------------------------------------------------------------- */

/*
 * As many connections as there are descriptors for: each may hold a second one, for a big body.
 * A message whose descriptors found no room would be cut by the kernel, and end the channel.
 */
static size_t
conns_max(const struct worker *w)
{
    struct rlimit files;
    size_t other = FILES_OTHER + FILES_CACHED + sites_count(w->sites), have;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX / 2;
    have = (size_t)files.rlim_cur;
    return have > 2 * other ? (have - other) / 2 : have / 4;
}

int
worker_start(struct worker *w)
{
    size_t soft;
    int rc;

    w->conns_max = conns_max(w);
    /* idle ones go before the channel is paused: nobody would come in to push them out */
    soft = w->conns_max > 4 * CONNS_SLACK ? w->conns_max - 2 * CONNS_SLACK : w->conns_max / 2;
    if (w->settings.conns_max > soft)
        w->settings.conns_max = (uint32_t)soft;
    rc = channel_open(&w->user, &w->loop, fd_take(&w->user_fd), IPC_WORKER, IPC_ACCEPTOR,
                      WORKER_QUEUE_MAX, &adopt_ops, w);
    if (rc < 0)
        return rc;
    rc = conns_init(&w->conns, &w->loop, w->sites, &w->settings, &adopt_conns_ops, w);
    if (rc < 0)
        return rc;
    w->conns.tls_ops = w->tls_ops;
    w->conns.tls = w->tls;
    listen_start(w);
    w->serving = true;
    w->busy_ms = w->start_ms = uv_now(&w->loop);
    peers_note(w);
    if (w->idle_exit_ms)
        uv_timer_start(&w->idle, on_idle, w->idle_exit_ms, 0);
    return control_ready(w);
}

/* A script whose visitor has left ends without any connection's coming or going. */
static void
on_look(uv_timer_t *timer)
{
    worker_settle(timer->data);
}

static void
on_limit(uv_timer_t *timer)
{
    struct worker *w = timer->data;

    if (w->serving) /* what is there already is still answered */
        conns_stop(&w->conns);
    worker_exit(w, 0);
}

/* The channel is at its end: what waits there is nobody else's. */
static void
take_rest(struct worker *w)
{
    channel_resume(&w->user);
    channel_take_all(&w->user);
}

void
worker_stop(struct worker *w, uint64_t timeout_ms, enum msg_stop_how how)
{
    uint64_t leave_ms = uv_now(&w->loop) + timeout_ms;

    if (w->stopping && leave_ms > w->leave_ms)
        leave_ms = w->leave_ms;
    w->leave_ms = leave_ms;
    uv_timer_start(&w->idle, on_look, LOOK_MS, LOOK_MS);
    uv_timer_start(&w->limit, on_limit, leave_ms - uv_now(&w->loop), 0);
    if (!w->serving) {
        w->stopping = true;
        worker_exit(w, 0);
        return;
    }
    w->takes_all = true;
    if (how != MSG_STOP_REPLACED)
        take_rest(w);
    if (!w->stopping)
        listen_take_all(w); /* a successor may have others */
    w->stopping = true;
    channel_pause(&w->user);
    listen_close(w);
    for (uint32_t i = 0; i < w->npools; i++)
        php_pool_keep(w->pools[i], false); /* its processes are another worker's now */
    if (how == MSG_STOP_SOON)
        conns_stop(&w->conns);
    else
        conns_drain(&w->conns);
    worker_settle(w);
}

static void
on_term(uv_signal_t *signal, int number)
{
    (void)number;
    worker_stop(signal->data, WORKER_TERM_MS, MSG_STOP_SOON);
}

/* --- all of it -------------------------------------------------------------------------- */

static int
open_all(struct worker *w, int control_fd)
{
    int rc = uv_loop_init(&w->loop);

    if (rc < 0)
        return rc;
    turns_start(&w->loop);
    w->logfiles = logfiles_new(&w->loop, control_log_lines, w);
    uv_timer_init(&w->loop, &w->idle);
    uv_timer_init(&w->loop, &w->limit);
    uv_timer_init(&w->loop, &w->rest);
    w->idle.data = w->limit.data = w->rest.data = w->term.data = w;
    rc = uv_signal_init(&w->loop, &w->term);
    if (rc == 0)
        rc = uv_signal_start(&w->term, on_term, SIGTERM);
    if (rc == 0)
        rc = channel_open(&w->control, &w->loop, control_fd, IPC_WORKER, IPC_SUPERVISOR,
                          WORKER_QUEUE_MAX, &control_ops, w);
    return rc == 0 ? control_hello(w) : rc;
}

/* The logs after connections and pools, which still write to them. */
static void
close_all(struct worker *w)
{
    if (w->serving) {
        conns_done(&w->conns);
        channel_close(&w->user, NULL);
    }
    for (uint32_t i = 0; i < w->npools; i++) {
        php_pool_free(&w->pools[i]);
        free(w->restart_on[i]);
    }
    for (size_t i = 0; i < w->nupstreams; i++)
        upstream_free(&w->upstreams[i]);
    w->nupstreams = 0;
    w->npools = 0; /* connections that are closing still ask whether anything is busy */
    logfiles_free(&w->logfiles);
    channel_close(&w->control, NULL);
    fd_close(&w->user_fd);
    listen_close(w);
    turns_stop();
    uv_close((uv_handle_t *)&w->idle, NULL);
    uv_close((uv_handle_t *)&w->limit, NULL);
    uv_close((uv_handle_t *)&w->rest, NULL);
    uv_close((uv_handle_t *)&w->term, NULL);
    w->stopping = true;
    uv_run(&w->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&w->loop);
    secure_done(w);
    sites_free(&w->sites);
    while (w->nformats)
        logformat_free(&w->formats[--w->nformats]);
    free(w->formats);
    free(w->logs);
    free(w->pools);
    free(w->restart_on);
    free(w->upstreams);
    free(w->home);
    free(w->account);
}

int
worker_run(int control_fd, int user_fd, const struct tls_ops *tls,
           const struct http2_ops *http2)
{
    static struct worker self; /* not of the heap: most of it is room that stays untouched */
    struct worker *w = &self;
    int rc, status;

    w->user_fd = user_fd;
    w->tls_ops = tls;
    w->settings.http2 = http2;
    w->sites = sites_new();
    rc = open_all(w, control_fd);
    if (rc < 0) {
        log_error("cannot start: %s", uv_strerror(rc));
        return 1; /* the process ends with everything it holds */
    }
    uv_run(&w->loop, UV_RUN_DEFAULT);
    status = w->status;
    close_all(w);
    return status;
}
