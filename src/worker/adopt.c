/*
 * Connections from the acceptors, and back to them. Nothing that comes over the channel is
 * believed: each descriptor is looked at, and its addresses are the kernel's. Floor 6; worker.
 */
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

union address {
    struct sockaddr any;
    struct sockaddr_storage storage;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* ret  0; -EAFNOSUPPORT: not an internet address */
static int
address_text(const union address *a, char text[static INET6_ADDRSTRLEN], uint16_t *port)
{
    if (a->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a->v4.sin_addr, text, INET6_ADDRSTRLEN);
        *port = ntohs(a->v4.sin_port);
        return 0;
    }
    if (a->any.sa_family != AF_INET6)
        return -EAFNOSUPPORT;
    /* a listener of both families shows IPv4 visitors this way: say it as they would */
    if (IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
        inet_ntop(AF_INET, &a->v6.sin6_addr.s6_addr[12], text, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, &a->v6.sin6_addr, text, INET6_ADDRSTRLEN);
    *port = ntohs(a->v6.sin6_port);
    return 0;
}

/* ret  0, both ends as text and the visitor's net; -errno: not a connected TCP socket */
static int
look_at(int fd, struct visitor *v, uint64_t *net)
{
    union address peer = {0}, local = {0};
    socklen_t peer_n = sizeof(peer), local_n = sizeof(local), type_n = sizeof(int);
    int type = 0, on = 1, rc;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_n) < 0)
        return -errno;
    if (type != SOCK_STREAM)
        return -EPROTOTYPE;
    if (getpeername(fd, &peer.any, &peer_n) < 0 || getsockname(fd, &local.any, &local_n) < 0 ||
        ioctl(fd, FIONBIO, &on) < 0)
        return -errno;
    *net = tally_address(&peer.storage);
    rc = address_text(&peer, v->addr, &v->port);
    return rc < 0 ? rc : address_text(&local, v->local_addr, &v->local_port);
}

static void
adopt(struct worker *w, int *fd, unsigned flags, struct span prefix)
{
    struct visitor visitor = {.https = false};

    uint64_t net = 0;

    if (look_at(*fd, &visitor, &net) < 0) { /* also a visitor who left while it waited */
        fd_close(fd);
        return;
    }
    conn_adopt(&w->conns, fd_take(fd), &visitor, net, flags, prefix);
}

static int
on_conn(struct worker *w, struct message *m)
{
    struct msg_conn conn;

    if (msg_conn_get(&m->payload, &conn) < 0 || conn.flags.n != m->nfds)
        return -EBADMSG;
    for (unsigned i = 0; i < m->nfds; i++)
        adopt(w, &m->fds[i], (unsigned char)conn.flags.p[i], (struct span){NULL, 0});
    return 0;
}

static int
on_conn_prefix(struct worker *w, struct message *m)
{
    struct msg_conn_prefix conn;

    if (msg_conn_prefix_get(&m->payload, &conn) < 0)
        return -EBADMSG;
    adopt(w, &m->fds[0], conn.flags, conn.prefix);
    return 0;
}

static int
on_message(void *data, struct message *m)
{
    struct worker *w = data;
    int rc = m->type == MSG_CONN          ? on_conn(w, m)
             : m->type == MSG_CONN_PREFIX ? on_conn_prefix(w, m)
                                          : -EPROTO;

    worker_settle(w);
    return rc;
}

/* Without its channel a worker gets no connection any more: what it has is finished. */
static void
on_end(void *data, int reason)
{
    struct worker *w = data;

    if (reason < 0)
        log_error("the acceptors' channel is broken: %s", uv_strerror(reason));
    w->status = 1;
    worker_stop(w, WORKER_TERM_MS);
}

static void
on_drain(void *data)
{
    worker_settle(data);
}

const struct channel_ops adopt_ops = {on_message, on_end, on_drain};

/* --- back ------------------------------------------------------------------------------- */

static int
give_back(void *data, int *fd, struct span prefix)
{
    struct worker *w = data;
    struct buf payload;
    struct writer out = {&payload, 0};
    int rc;

    buf_init(&payload, IPC_BYTES_MAX);
    msg_conn_prefix_put(&out, &(struct msg_conn_prefix){0, prefix});
    rc = out.error ? out.error : channel_send(&w->user, MSG_CONN_BACK, &payload, fd, 1);
    buf_done(&payload);
    return rc < 0 ? rc : 0;
}

static void
on_left(void *data)
{
    worker_settle(data);
}

const struct conns_ops adopt_conns_ops = {give_back, on_left};
