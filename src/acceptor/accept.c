/* Taking connections off the listening sockets. Floor 6, hostel-acceptor. */
#include "acceptor.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#define TURN_ACCEPTS 128    /* in one turn: two full hand-over messages */
#define LONELY_NS    100000 /* when none came for so long, none more is expected at once */
#define LAST_ACCEPTS                                                                           \
    8192 /* before a socket is closed: more than the kernel lets wait there                    \
          */

/* Up to so many. ret  false: there are no more just now */
static bool
take(struct listener *l, unsigned turn, uint64_t now_ns)
{
    for (unsigned i = 0; i < turn; i++) {
        struct sockaddr_storage addr = {0};
        socklen_t len = sizeof(addr);
        int fd = accept4(l->fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            l->last_ns = now_ns;
            look_at(l, fd, &addr);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            accept_rest(l);
        /* a connection that ended while it waited is the next one's matter, not an end */
        if (errno != ECONNABORTED && errno != EINTR && errno != EPROTO && errno != EPERM)
            return false;
    }
    return true;
}

static void
on_connections(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    uint64_t now_ns = uv_hrtime();

    (void)events;
    /* where they come one by one, asking for a second one is a call for nothing */
    if (status >= 0)
        (void)take(l, now_ns - l->last_ns > LONELY_NS ? 1 : TURN_ACCEPTS, now_ns);
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
    for (unsigned i = 0; i < MSG_LISTENERS_MAX; i++) {
        struct listener *l = a->listeners[i];

        if (!l)
            continue;
        if (l->resting)
            uv_poll_start(&l->poll, UV_READABLE, on_connections);
        l->resting = false;
    }
}

/* --- listeners come and go ------------------------------------------------------------------
 */

static uint16_t
bound_port(int fd)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof(addr);

    if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
        return 0;
    return ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
                                            : ((struct sockaddr_in *)&addr)->sin_port);
}

bool
accept_is_our_port(const struct acceptor *a, uint16_t port)
{
    return a->ports[port / 64] >> (port % 64) & 1;
}

static int
listen_on(struct listener *l)
{
    int rc = uv_poll_init(&l->acceptor->loop, &l->poll, l->fd);

    if (rc < 0)
        return rc;
    l->poll.data = l;
    return uv_poll_start(&l->poll, UV_READABLE, on_connections);
}

/* A listener that is known: other proxies, the same socket. */
static int
change(struct acceptor *a, const struct msg_listener *m)
{
    struct listener *l = a->listeners[m->id];

    if (l && l->tls != m->tls)
        return -EPROTO;
    if (l)
        l->proxies = m->proxies;
    return 0;
}

int
accept_add(struct acceptor *a, const struct msg_listener *m, int fd)
{
    struct listener *l;
    uint16_t port = bound_port(fd);

    if (a->listeners[m->id] || a->stop_ms) {
        fd_close(&fd);
        return change(a, m);
    }
    l = a->listeners[m->id] = mem_new(sizeof(*l));
    l->acceptor = a;
    l->fd = fd;
    l->tls = m->tls;
    l->proxies = m->proxies;
    if (!m->tls) /* of those no socket is handed back */
        a->ports[port / 64] |= UINT64_C(1) << (port % 64);
    return a->started ? listen_on(l) : 0;
}

static void
on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void
drop(struct acceptor *a, uint32_t id)
{
    struct listener *l = a->listeners[id];

    a->listeners[id] = NULL;
    if (!a->started) {
        fd_close(&l->fd);
        free(l);
        return;
    }
    uv_poll_stop(&l->poll);
    fd_close(&l->fd);
    uv_close((uv_handle_t *)&l->poll, on_closed);
}

int
accept_remove(struct acceptor *a, uint32_t id)
{
    if (!a->listeners[id])
        return a->stop_ms ? 0 : -EPROTO;
    if (a->started)
        (void)take(a->listeners[id], LAST_ACCEPTS, 0);
    drop(a, id);
    return 0;
}

int
accept_start(struct acceptor *a)
{
    for (unsigned i = 0; i < MSG_LISTENERS_MAX; i++) {
        int rc = a->listeners[i] ? listen_on(a->listeners[i]) : 0;

        if (rc < 0)
            return rc;
    }
    return 0;
}

void
accept_stop(struct acceptor *a)
{
    for (uint32_t i = 0; i < MSG_LISTENERS_MAX; i++)
        if (a->listeners[i])
            drop(a, i);
}
