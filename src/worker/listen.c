/*
 * Listeners of this user's own: no acceptor looks who is asked for, everybody here is his.
 * Several workers share them; who is free takes the next. Floor 6; worker.
 */
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define REST_MS 100 /* out of descriptors or memory: then it is tried again */
/* Accepted in one turn: served before more are taken, which may be another worker's then. */
#define TURN_ACCEPTS 16
#define LONELY_NS    100000 /* when none came for so long, none more is expected at once */

/* Before one is closed: more than the kernel lets wait there. */
#define LAST_ACCEPTS 8192

struct listener {
    uv_poll_t poll;
    struct worker *worker;
    int fd;
    bool tls;
    bool ended;       /* shut down: nobody comes there any more */
    uint64_t last_ns; /* when the last one came */
};

static void
take(struct listener *l, int fd, const struct sockaddr_storage *addr)
{
    struct msg_visitor from = {.flags = l->tls ? CONN_TLS : 0};

    msg_visitor_from(&from, addr);
    conn_adopt(&l->worker->conns, fd, &from, true, (struct span){NULL, 0});
}

static void
on_rested(uv_timer_t *timer)
{
    worker_take(timer->data);
}

static void
rest(struct worker *w, int error)
{
    log_warn("cannot accept: %s: new connections wait a moment", uv_strerror(error));
    listen_stop(w);
    uv_timer_start(&w->rest, on_rested, REST_MS, 0);
}

/* ret  false: no more now */
static bool
take_one(struct listener *l)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof(addr);
    int fd = accept4(l->fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        take(l, fd, &addr);
        worker_settle(l->worker);
        return true;
    }
    switch (errno) {
    case ECONNABORTED: /* one that ended while it waited is the next one's matter, not an end */
    case EINTR:
    case EPROTO:
    case EPERM:
        return true;
    case EAGAIN:
        return false;
    case EINVAL: /* another one listens here now */
        l->ended = true;
        uv_poll_stop(&l->poll);
        return false;
    default:
        rest(l->worker, -errno);
        return false;
    }
}

static void
on_connections(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    uint64_t now_ns = uv_hrtime();
    /* where they come one by one, asking for a second one is a call for nothing */
    unsigned max = now_ns - l->last_ns > LONELY_NS ? 1 : TURN_ACCEPTS;

    (void)status, (void)events;
    l->last_ns = now_ns;
    for (unsigned i = 0; i < max && !l->worker->paused && !l->worker->stopping; i++)
        if (!take_one(l) || peers_yield(l->worker))
            return;
}

int
listen_add(struct worker *w, int fd, bool tls)
{
    struct listener *l = mem_new(sizeof(*l));
    int rc = uv_poll_init(&w->loop, &l->poll, fd);

    if (rc < 0) {
        free(l);
        fd_close(&fd);
        return rc;
    }
    l->poll.data = l;
    l->worker = w;
    l->fd = fd;
    l->tls = tls;
    w->listeners[w->nlisteners++] = l;
    return 0;
}

void
listen_start(struct worker *w)
{
    for (unsigned i = 0; i < w->nlisteners; i++)
        if (!w->listeners[i]->ended)
            uv_poll_start(&w->listeners[i]->poll, UV_READABLE, on_connections);
}

void
listen_stop(struct worker *w)
{
    for (unsigned i = 0; i < w->nlisteners; i++)
        uv_poll_stop(&w->listeners[i]->poll);
}

void
listen_take_all(struct worker *w)
{
    for (unsigned i = 0; i < w->nlisteners; i++)
        for (unsigned n = 0; n < LAST_ACCEPTS && !w->paused && take_one(w->listeners[i]); n++)
            continue;
}

static void
on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void
listen_close(struct worker *w)
{
    listen_stop(w);
    uv_timer_stop(&w->rest);
    for (unsigned i = 0; i < w->nlisteners; i++) {
        uv_close((uv_handle_t *)&w->listeners[i]->poll, on_closed);
        fd_close(&w->listeners[i]->fd);
    }
    w->nlisteners = 0;
}
