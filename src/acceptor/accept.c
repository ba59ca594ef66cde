/* Taking connections off the listening sockets. Floor 6, hostel-acceptor. */
#include "acceptor.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"

#include <errno.h>
#include <sys/socket.h>

#define TURN_ACCEPTS 128    /* in one turn: two full hand-over messages */
#define LONELY_NS    100000 /* when none came for so long, none more is expected at once */

static void
on_connections(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    uint64_t now_ns = uv_hrtime();
    /* where they come one by one, asking for a second one is a call for nothing */
    unsigned max = now_ns - l->last_ns > LONELY_NS ? 1 : TURN_ACCEPTS;

    (void)events;
    if (status < 0)
        return;
    for (unsigned i = 0; i < max; i++) {
        struct sockaddr_storage addr = {0};
        socklen_t len = sizeof(addr);
        int fd = accept4(l->fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            l->last_ns = now_ns;
            look_at(l->acceptor, fd, &addr, l->tls);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            accept_rest(l);
        /* a connection that ended while it waited is the next one's matter, not an end */
        if (errno != ECONNABORTED && errno != EINTR && errno != EPROTO && errno != EPERM)
            return;
    }
}

void
accept_rest(struct listener *l)
{
    if (l->resting)
        return;
    l->resting = true;
    uv_poll_stop(&l->poll);
    acceptor_tick_start(l->acceptor);
    log_warn("out of descriptors: new connections wait a moment");
}

void
accept_wake(struct acceptor *a)
{
    if (a->stop_ms)
        return;
    for (unsigned i = 0; i < a->nlisteners; i++) {
        struct listener *l = &a->listeners[i];

        if (l->resting)
            uv_poll_start(&l->poll, UV_READABLE, on_connections);
        l->resting = false;
    }
}

int
accept_start(struct acceptor *a)
{
    for (unsigned i = 0; i < a->nlisteners; i++) {
        struct listener *l = &a->listeners[i];
        int rc = uv_poll_init(&a->loop, &l->poll, l->fd);

        if (rc < 0)
            return rc;
        l->poll.data = l;
        uv_poll_start(&l->poll, UV_READABLE, on_connections);
    }
    return 0;
}

void
accept_stop(struct acceptor *a)
{
    for (unsigned i = 0; a->started && i < a->nlisteners; i++) {
        uv_poll_stop(&a->listeners[i].poll);
        fd_close(&a->listeners[i].fd);
    }
    a->nlisteners = 0;
}
