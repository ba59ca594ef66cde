/*
 * Handing connections over: what one loop turn gathered for a user goes to his workers in
 * datagrams of up to 64 sockets. The kernel bounds how much waits in a user's channel; what
 * does not fit waits here, bounded in number and time, and then gets 503. A user whose workers
 * are stopped or gone costs his own visitors only. Floor 6, hostel-acceptor.
 *
 *   ASLEEP ──first connection──> WANTED ──USER_CHANNEL──> UP ──USER_DOWN──> AWAY
 *      ↑                                                  ↑                  │
 *      └── channel broken by its worker ──────────────────┴─── retry_ms ─────┘
 */
#include "acceptor.h"
#include "hostel/base/counters.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define QUEUE_MAX        512   /* connections of one user that wait here */
#define QUEUE_TIMEOUT_MS 10000 /* and how long */
#define SPARE_MAX        128   /* what one turn of accepting needs */
#define SHARE_MIN        8     /* of a burst: fewer are not worth a message of their own */

static int on_worker_message(void *data, struct message *m);
static void on_worker_end(void *data, int reason);
static void on_worker_room(void *data);
static int on_drain_message(void *data, struct message *m);
static void on_drain_end(void *data, int reason);
static void come_back(struct user *u);

static const struct channel_ops user_ops = {on_worker_message, on_worker_end, on_worker_room};
static const struct channel_ops drain_ops = {on_drain_message, on_drain_end, NULL};

struct user *
handover_user(struct acceptor *a, uint32_t index)
{
    struct user *u = a->users[index];

    if (u)
        return u;
    u = mem_new(sizeof(*u));
    u->acceptor = a;
    u->index = index;
    STAILQ_INIT(&u->queue);
    a->users[index] = u;
    return u;
}

/* --- the queue -----------------------------------------------------------------------------
 */

static struct pending *
pending_new(struct acceptor *a)
{
    struct pending *p = STAILQ_FIRST(&a->spare);

    if (!p)
        return mem_new(sizeof(*p));
    STAILQ_REMOVE_HEAD(&a->spare, link);
    a->nspare--;
    return p;
}

static struct pending *
unqueue(struct user *u)
{
    struct pending *p = STAILQ_FIRST(&u->queue);

    STAILQ_REMOVE_HEAD(&u->queue, link);
    u->queued--;
    return p;
}

static void
pending_free(struct acceptor *a, struct pending *p)
{
    fd_close(&p->fd);
    buf_done(&p->prefix);
    if (a->nspare >= SPARE_MAX) {
        free(p);
        return;
    }
    STAILQ_INSERT_HEAD(&a->spare, p, link);
    a->nspare++;
}

/* takes fd */
static void
unavailable(struct acceptor *a, int fd, unsigned flags)
{
    if (flags & CONN_TLS)
        refuse_tls(a, fd, ALERT_INTERNAL_ERROR);
    else
        refuse(a, fd, 503);
}

static void
answer_unavailable(struct user *u, struct pending *p)
{
    unavailable(u->acceptor, fd_take(&p->fd), p->visitor.flags);
    pending_free(u->acceptor, p);
}

static void
mark_dirty(struct user *u)
{
    if (u->dirty)
        return;
    u->dirty = true;
    STAILQ_INSERT_TAIL(&u->acceptor->dirty, u, dirty_link);
}

/* The tick looks at him. */
static void
mark_busy(struct user *u)
{
    if (!u->busy)
        LIST_INSERT_HEAD(&u->acceptor->busy, u, busy_link);
    u->busy = true;
    acceptor_tick_start(u->acceptor);
}

static void
ask_for(struct user *u)
{
    u->state = USER_WANTED;
    if (control_send_user(u->acceptor, MSG_USER_WANT, u->index, 0) < 0)
        u->state = USER_ASLEEP; /* the supervisor is behind: the next connection asks again */
}

void
handover_add(struct acceptor *a, uint32_t user, int fd, const struct msg_visitor *visitor,
             const struct span *prefix)
{
    struct user *u = handover_user(a, user);
    struct pending *p;

    if (u->state == USER_AWAY && date_mono_ms() >= u->retry_ms)
        come_back(u);
    if (u->state == USER_AWAY || u->queued >= QUEUE_MAX) {
        unavailable(a, fd, visitor->flags);
        return;
    }
    p = pending_new(a);
    p->fd = fd;
    p->visitor = *visitor;
    p->deadline_ms = date_mono_ms() + QUEUE_TIMEOUT_MS;
    buf_init(&p->prefix, MSG_PREFIX_MAX);
    if (prefix && buf_add_span(&p->prefix, *prefix) < 0) {
        pending_free(a, p);
        return;
    }
    STAILQ_INSERT_TAIL(&u->queue, p, link);
    u->queued++;
    count(COUNT_ROUTED, 1);
    if (u->state == USER_ASLEEP)
        ask_for(u);
    mark_dirty(u);
}

/* --- sending -------------------------------------------------------------------------------
 */

/* The head of the queue alone, because bytes were read of it already. */
static int
send_with_prefix(struct user *u)
{
    struct pending *p = STAILQ_FIRST(&u->queue);
    struct msg_conn_prefix m = {p->visitor, buf_span(&p->prefix)};
    struct buf b;
    struct writer w = {&b, 0};
    int rc;

    buf_init(&b, IPC_BYTES_MAX);
    msg_conn_prefix_put(&w, &m);
    rc = w.error ? w.error : channel_try_send(u->channel, MSG_CONN_PREFIX, &b, &p->fd, 1);
    buf_done(&b);
    if (rc == 0)
        pending_free(u->acceptor, unqueue(u));
    return rc;
}

/* As many of the queue's head as fit one message, or are one worker's share. */
static int
send_batch(struct user *u, unsigned share)
{
    char bytes[sizeof(struct msg_conn)]; /* more than it is on the wire */
    int fds[IPC_FDS_MAX];
    struct msg_conn m;
    struct buf b = {.data = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
    struct writer w = {&b, 0};
    struct pending *p;
    int rc;

    m.n = 0;

    STAILQ_FOREACH(p, &u->queue, link)
    {
        if (m.n == IPC_FDS_MAX || m.n == share || p->prefix.len)
            break;
        fds[m.n] = p->fd;
        m.visitors[m.n++] = p->visitor;
    }
    msg_conn_put(&w, &m);
    rc = w.error ? w.error : channel_try_send(u->channel, MSG_CONN, &b, fds, m.n);
    if (rc < 0)
        return rc;
    while (m.n--) { /* the descriptors were closed with the send */
        p = unqueue(u);
        p->fd = -1;
        pending_free(u->acceptor, p);
    }
    return 0;
}

static void
send_queue(struct user *u)
{
    /* a message is one worker's: those that came together are for all of his workers */
    unsigned share = u->workers > 1 ? (u->queued + u->workers - 1) / u->workers : IPC_FDS_MAX;

    if (share < SHARE_MIN)
        share = SHARE_MIN;
    while (!STAILQ_EMPTY(&u->queue) && u->state == USER_UP && !u->blocked) {
        int rc =
            STAILQ_FIRST(&u->queue)->prefix.len ? send_with_prefix(u) : send_batch(u, share);

        if (rc == -EAGAIN || rc == -ETOOMANYREFS) {
            u->blocked = true; /* on_drain tells of room; the tick looks again as well */
        } else if (rc < 0) {
            on_worker_end(u, rc);
        }
    }
}

void
handover_flush(struct acceptor *a)
{
    struct user *u;

    while ((u = STAILQ_FIRST(&a->dirty))) {
        STAILQ_REMOVE_HEAD(&a->dirty, dirty_link);
        u->dirty = false;
        send_queue(u);
        if (u->queued)
            mark_busy(u);
    }
}

/* --- events --------------------------------------------------------------------------------
 */

static int
on_worker_message(void *data, struct message *m)
{
    return handback(data, m);
}

static void
on_worker_room(void *data)
{
    struct user *u = data;

    u->blocked = false;
    mark_dirty(u);
}

static void
free_channel(struct channel *c)
{
    free(c);
}

static void
close_channel(struct channel **c)
{
    if (*c)
        channel_close(*c, free_channel);
    *c = NULL;
}

/*
 * The workers' end said something that is not in the table, or is gone: close it and tell the
 * supervisor, who ends those workers. What is queued waits for the next channel.
 */
static void
on_worker_end(void *data, int reason)
{
    struct user *u = data;

    log_warn("user %u: his workers' channel was closed: %s", u->index,
             reason ? uv_strerror(reason) : "end of file");
    close_channel(&u->channel);
    u->blocked = false;
    if (u->state == USER_UP)
        u->state = USER_WANTED;
    (void)control_send_user(u->acceptor, MSG_USER_BAD, u->index, u->channel_no);
}

static int
on_drain_message(void *data, struct message *m)
{
    struct user *u = data;
    struct msg_conn conn = {.n = 0};

    if (m->type == MSG_CONN && msg_conn_get(&m->payload, &conn) < 0)
        conn.n = 0;
    for (unsigned i = 0; i < m->nfds; i++)
        unavailable(u->acceptor, fd_take(&m->fds[i]), i < conn.n ? conn.visitors[i].flags : 0);
    return 0;
}

static void
on_drain_end(void *data, int reason)
{
    struct user *u = data;

    (void)reason;
    close_channel(&u->drain);
}

/* --- what the supervisor says of a user ----------------------------------------------------
 */

static int
open_channel(struct user *u, struct channel **c, int fd, enum ipc_role self, enum ipc_role peer,
             const struct channel_ops *ops)
{
    int rc;

    close_channel(c);
    *c = mem_new(sizeof(**c));
    rc = channel_open(*c, &u->acceptor->loop, fd, self, peer, 0, ops, u);
    if (rc < 0) {
        free(*c);
        *c = NULL;
    }
    return rc;
}

int
handover_channel(struct acceptor *a, const struct msg_channel *m, int fd)
{
    struct user *u = handover_user(a, m->user);
    int rc = open_channel(u, &u->channel, fd, IPC_ACCEPTOR, IPC_WORKER, &user_ops);

    if (rc < 0)
        return rc;
    u->channel_no = m->channel;
    u->workers = m->workers;
    u->blocked = false;
    if (u->state != USER_AWAY)
        u->state = USER_UP;
    mark_dirty(u);
    return 0;
}

int
handover_down(struct acceptor *a, uint32_t user, uint32_t retry_ms, int drain_fd)
{
    struct user *u = handover_user(a, user);

    u->state = USER_AWAY;
    u->retry_ms = date_mono_ms() + retry_ms;
    mark_busy(u);
    while (!STAILQ_EMPTY(&u->queue))
        answer_unavailable(u, unqueue(u));
    if (drain_fd < 0)
        return 0;
    return open_channel(u, &u->drain, drain_fd, IPC_WORKER, IPC_ACCEPTOR, &drain_ops);
}

void
handover_gone(struct acceptor *a, uint32_t user)
{
    struct user *u = a->users[user];

    if (!u)
        return;
    close_channel(&u->channel);
    close_channel(&u->drain);
    while (!STAILQ_EMPTY(&u->queue)) {
        struct pending *p = unqueue(u);

        if (p->visitor.flags & CONN_TLS)
            refuse_tls(a, fd_take(&p->fd), ALERT_UNRECOGNIZED_NAME);
        else
            refuse(a, fd_take(&p->fd), 404);
        pending_free(a, p);
    }
    u->state = USER_ASLEEP;
    u->blocked = false;
}

/* His back-off is over: the next connection may try. */
static void
come_back(struct user *u)
{
    close_channel(&u->drain);
    u->state = u->channel ? USER_UP : USER_ASLEEP;
    u->blocked = false;
}

void
handover_expire(struct acceptor *a, uint64_t now_ms)
{
    struct user *u, *next;

    for (u = LIST_FIRST(&a->busy); u; u = next) {
        struct pending *p;

        next = LIST_NEXT(u, busy_link);
        if (u->state == USER_AWAY && now_ms >= u->retry_ms)
            come_back(u);
        while ((p = STAILQ_FIRST(&u->queue)) && p->deadline_ms <= now_ms) {
            answer_unavailable(u, unqueue(u));
            if (u->state == USER_WANTED) /* it does not come: the next connection asks again */
                u->state = USER_ASLEEP;
        }
        u->blocked = false; /* descriptors in flight have no event: look again */
        send_queue(u);
        if (u->queued || (u->state == USER_AWAY && !a->stop_ms))
            continue;
        u->busy = false;
        LIST_REMOVE(u, busy_link);
    }
}

bool
handover_idle(const struct acceptor *a)
{
    return LIST_EMPTY(&a->busy) && STAILQ_EMPTY(&a->dirty);
}
