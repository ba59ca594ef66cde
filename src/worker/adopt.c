/*
 * Connections from the acceptors, and back to them. Floor 6; worker.
 *
 * A fresh connection comes from accept4() by way of the acceptors alone, and its visitor's
 * address with it. It is not looked at before it is used: every call on it says MSG_DONTWAIT,
 * and the first recv() ends whatever is no connected socket. One that another user's worker had
 * before is looked at, and its stream does not count on anything.
 */
#include "hostel/base/counters.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "worker.h"

#include <errno.h>
#include <sys/socket.h>

static bool
is_stream(int fd)
{
    socklen_t n = sizeof(int);
    int type = 0;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
}

static void
adopt(struct worker *w, int *fd, const struct msg_visitor *v, struct span prefix)
{
    conn_adopt(&w->conns, fd_take(fd), v, false, prefix);
}

static int
on_conn(struct worker *w, struct message *m)
{
    static struct msg_conn conn; /* one at a time: not on every stack */

    if (msg_conn_get(&m->payload, &conn) < 0 || conn.n != m->nfds)
        return -EBADMSG;
    for (unsigned i = 0; i < m->nfds; i++)
        adopt(w, &m->fds[i], &conn.visitors[i], (struct span){NULL, 0});
    return 0;
}

static int
on_conn_prefix(struct worker *w, struct message *m)
{
    struct msg_conn_prefix conn;

    if (msg_conn_prefix_get(&m->payload, &conn) < 0)
        return -EBADMSG;
    if (is_stream(m->fds[0]))
        adopt(w, &m->fds[0], &conn.visitor, conn.prefix);
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
    (void)peers_yield(w);
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
    worker_stop(w, WORKER_TERM_MS, MSG_STOP_SOON);
}

static void
on_drain(void *data)
{
    worker_settle(data);
}

const struct channel_ops adopt_ops = {on_message, on_end, on_drain};

/* --- back ------------------------------------------------------------------------------- */

static int
give_back(void *data, int *fd, const struct msg_visitor *origin, struct span prefix)
{
    struct msg_conn_back back = {.prefix = prefix};
    struct worker *w = data;
    struct buf payload;
    struct writer out = {&payload, 0};
    int rc;

    if (origin)
        back.visitor = *origin;
    back.visitor.flags &= CONN_BACK_FLAGS;
    buf_init(&payload, IPC_BYTES_MAX);
    msg_conn_back_put(&out, &back);
    rc = out.error ? out.error : channel_send(&w->user, MSG_CONN_BACK, &payload, fd, 1);
    buf_done(&payload);
    if (rc >= 0)
        count(COUNT_HANDED_BACK, 1);
    return rc < 0 ? rc : 0;
}

static void
on_left(void *data)
{
    worker_settle(data);
}

const struct conns_ops adopt_conns_ops = {give_back, on_left};
