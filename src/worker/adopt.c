/*
 * Connections from the acceptors, and back to them. Nothing that comes over the channel is
 * believed: each descriptor is looked at, and its addresses are the kernel's. Floor 6; worker.
 */
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/net/address.h"
#include "worker.h"

#include <errno.h>
#include <sys/socket.h>

/*
 * ret  0, the visitor's address and his net; -errno: not a connected TCP socket
 *
 * A fresh one is non-blocking from its accept4() on; one that was handed back can be made
 * blocking at any time by whoever kept a copy, and its stream does not count on it.
 */
static int
look_at(int fd, struct visitor *v, uint64_t *net)
{
    struct sockaddr_storage peer = {0};
    socklen_t peer_n = sizeof(peer), type_n = sizeof(int);
    int type = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_n) < 0)
        return -errno;
    if (type != SOCK_STREAM)
        return -EPROTOTYPE;
    if (getpeername(fd, (struct sockaddr *)&peer, &peer_n) < 0)
        return -errno;
    *net = tally_address(&peer);
    v->fd = fd;
    return address_text(&peer, v->addr, &v->port);
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
