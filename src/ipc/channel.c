/*
 * A SOCK_SEQPACKET pair's end on a libuv loop. Floor 2, every process.
 *
 *   receive   on_poll -> receive_one -> ipc_permit -> ops->on_message
 *   send      channel_send -> transmit, or queue -> on_poll -> flush -> ops->on_drain
 *   end       end() tells the owner once; channel_close() gives the handle back
 *
 * libuv's own pipes are streams and couple descriptors to bytes only loosely; one datagram
 * with its descriptors is one message here, so poll and recvmsg are used directly.
 */
#include "hostel/ipc/channel.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURN_MESSAGES 32 /* read in one turn, so that one chatty peer cannot own the loop */
/* Connections mostly come one by one: after such a pause a second call is for nothing. */
#define LONELY_NS  100000
#define TYPE_BYTES 2

/* What a message is on the wire: its type, then its payload. */
struct outgoing {
    unsigned char type[TYPE_BYTES];
    struct span payload;
};

struct queued_message {
    STAILQ_ENTRY(queued_message) link;
    struct outgoing o; /* its payload is bytes */
    int fds[IPC_FDS_MAX];
    unsigned nfds;
    char bytes[];
};

/* Of the one receive that is under way in this thread; messages lend from it. */
static _Thread_local char scratch[IPC_BYTES_MAX + 1];

int
channel_pair(int fds[static 2])
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    fds[0] = pair[0];
    fds[1] = pair[1];
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void
watch(struct channel *c)
{
    int events = 0;

    if (c->closed || c->ending)
        return;
    if (!c->paused)
        events |= UV_READABLE;
    if (c->wants_room || !STAILQ_EMPTY(&c->queue))
        events |= UV_WRITABLE;
    if (events)
        uv_poll_start(&c->poll, events, on_poll);
    else
        uv_poll_stop(&c->poll);
}

static void
drop_queue(struct channel *c)
{
    struct queued_message *q;

    while ((q = STAILQ_FIRST(&c->queue))) {
        STAILQ_REMOVE_HEAD(&c->queue, link);
        fd_close_all(q->fds, q->nfds);
        free(q);
    }
    c->queued_bytes = 0;
}

/* Tell the owner, once, that nothing more will come or go. */
static void
end(struct channel *c, int reason)
{
    if (c->closed || c->ending)
        return;
    c->ending = true;
    uv_poll_stop(&c->poll);
    drop_queue(c);
    c->ops->on_end(c->data, reason);
}

int
channel_open(struct channel *c, uv_loop_t *loop, int fd, enum ipc_role self, enum ipc_role peer,
             size_t queued_max, const struct channel_ops *ops, void *data)
{
    bool user_channel = self != IPC_SUPERVISOR && peer != IPC_SUPERVISOR;
    int rc;

    *c = (struct channel){
        .fd = fd,
        .self = self,
        .peer = peer,
        .phase = user_channel ? IPC_SERVING : IPC_STARTING,
        .ops = ops,
        .data = data,
        .queued_max = queued_max,
        .one_by_one = user_channel && self == IPC_WORKER,
        .takes_fds = ipc_fds_max(peer, self) > 0,
    };
    STAILQ_INIT(&c->queue);
    rc = uv_poll_init(loop, &c->poll, fd);
    if (rc < 0) {
        fd_close(&c->fd);
        return rc;
    }
    c->poll.data = c;
    watch(c);
    return 0;
}

void
channel_bound(struct channel *c, size_t queued_max)
{
    c->queued_max = queued_max;
}

void
channel_phase(struct channel *c, enum ipc_phase phase)
{
    c->phase = phase;
}

/* --- receiving -----------------------------------------------------------------------------
 */

/*
 * Collect every descriptor of a received message, also of messages we refuse: what is not
 * collected here would stay open for ever.
 */
static unsigned
take_fds(struct msghdr *h, int fds[static IPC_FDS_MAX], bool *excess)
{
    unsigned n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        size_t count;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            *excess = true;
            continue;
        }
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (n < IPC_FDS_MAX) {
                fds[n++] = fd;
            } else {
                *excess = true;
                fd_close(&fd);
            }
        }
    }
    return n;
}

/*
 * Without room for descriptors the kernel drops them and says so. They never become ours:
 * closing a file is a word with whoever is behind it, and who sends what he may not send could
 * keep us waiting for the answer.
 *
 * ret  1 a message was handed on; 0 nothing there now; < 0 the channel ended
 */
static int
receive_one(struct channel *c)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
    struct iovec iov = {scratch, sizeof(scratch)};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = c->takes_fds ? control : NULL,
                       .msg_controllen = c->takes_fds ? sizeof(control) : 0};
    struct message m = {0};
    bool excess = false;
    struct reader type;
    ssize_t n;

    n = recvmsg(c->fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0) {
        if (errno == EAGAIN || errno == EINTR)
            return 0;
        end(c, errno == ECONNRESET ? 0 : -errno); /* gone without having read everything */
        return -1;
    }
    m.nfds = take_fds(&h, m.fds, &excess);
    if (n == 0) { /* end of file, or a datagram of nothing: no peer of ours sends that */
        fd_close_all(m.fds, m.nfds);
        end(c, 0);
        return -1;
    }
    type = (struct reader){{scratch, (size_t)n}, 0};
    m.type = (enum msg_type)get_u16(&type);
    m.payload = type;
    if (excess || type.error || (size_t)n > IPC_BYTES_MAX ||
        (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
        !ipc_permit((uint16_t)m.type, c->peer, c->self, c->phase, m.nfds) ||
        c->ops->on_message(c->data, &m) < 0) {
        fd_close_all(m.fds, m.nfds);
        end(c, -EPROTO);
        return -1;
    }
    fd_close_all(m.fds, m.nfds);
    return 1;
}

/* --- sending -------------------------------------------------------------------------------
 */

static struct outgoing
outgoing(enum msg_type type, const struct buf *payload)
{
    return (struct outgoing){
        {(unsigned char)((unsigned)type & 0xff), (unsigned char)((unsigned)type >> 8)},
        payload ? buf_span(payload) : (struct span){NULL, 0}};
}

static int
transmit(struct channel *c, const struct outgoing *o, const int *fds, unsigned nfds)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
    struct iovec iov[2] = {{(void *)(uintptr_t)o->type, TYPE_BYTES},
                           {(void *)(uintptr_t)o->payload.p, o->payload.n}};
    struct msghdr h = {.msg_iov = iov, .msg_iovlen = 2};

    if (o->payload.n + TYPE_BYTES > IPC_BYTES_MAX || nfds > IPC_FDS_MAX)
        return -EMSGSIZE;
    if (nfds) {
        struct cmsghdr *cmsg;

        h.msg_control = control;
        h.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        memset(control, 0, h.msg_controllen);
        cmsg = CMSG_FIRSTHDR(&h);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(nfds * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, nfds * sizeof(int));
    }
    if (sendmsg(c->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        if (errno == EINTR || errno == ENOBUFS)
            return -EAGAIN;
        return errno == ECONNRESET ? -EPIPE : -errno;
    }
    return 0;
}

/* All of it: of a short message what keeps it is the most. */
static size_t
queued_cost(const struct outgoing *o)
{
    return sizeof(struct queued_message) + o->payload.n;
}

static int
enqueue(struct channel *c, const struct outgoing *o, int *fds, unsigned nfds)
{
    struct queued_message *q;

    if (c->queued_bytes + queued_cost(o) > c->queued_max)
        return -ENOBUFS;
    q = mem_new(sizeof(*q) + o->payload.n);
    q->o = *o;
    q->o.payload.p = q->bytes;
    if (o->payload.n)
        memcpy(q->bytes, o->payload.p, o->payload.n);
    for (unsigned i = 0; i < nfds; i++)
        q->fds[i] = fd_take(&fds[i]);
    q->nfds = nfds;
    STAILQ_INSERT_TAIL(&c->queue, q, link);
    c->queued_bytes += queued_cost(o);
    watch(c);
    return CHANNEL_QUEUED;
}

int
channel_send(struct channel *c, enum msg_type type, const struct buf *payload, int *fds,
             unsigned nfds)
{
    struct outgoing o = outgoing(type, payload);
    int rc = -EAGAIN;

    if (c->closed || c->ending)
        return -EPIPE;
    if (STAILQ_EMPTY(&c->queue))
        rc = transmit(c, &o, fds, nfds);
    if (rc == -EAGAIN)
        return enqueue(c, &o, fds, nfds);
    if (rc == 0)
        fd_close_all(fds, nfds);
    return rc;
}

size_t
channel_unread(const struct channel *c)
{
    int bytes = 0;

    if (c->closed || ioctl(c->fd, SIOCOUTQ, &bytes) < 0 || bytes < 0)
        bytes = 0;
    return c->queued_bytes + (size_t)bytes;
}

int
channel_try_send(struct channel *c, enum msg_type type, const struct buf *payload, int *fds,
                 unsigned nfds)
{
    struct outgoing o = outgoing(type, payload);
    int rc;

    if (c->closed || c->ending)
        return -EPIPE;
    rc = transmit(c, &o, fds, nfds);
    if (rc == 0)
        fd_close_all(fds, nfds);
    if (rc == -EAGAIN) {
        c->wants_room = true;
        watch(c);
    }
    return rc;
}

static void
flush(struct channel *c)
{
    struct queued_message *q;

    while ((q = STAILQ_FIRST(&c->queue))) {
        int rc = transmit(c, &q->o, q->fds, q->nfds);

        if (rc == -EAGAIN)
            return;
        if (rc < 0) {
            end(c, rc == -EPIPE ? 0 : rc);
            return;
        }
        STAILQ_REMOVE_HEAD(&c->queue, link);
        c->queued_bytes -= queued_cost(&q->o);
        fd_close_all(q->fds, q->nfds);
        free(q);
    }
    c->wants_room = false;
    watch(c);
    if (c->ops->on_drain)
        c->ops->on_drain(c->data);
}

/* --- events and the end --------------------------------------------------------------------
 */

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct channel *c = poll->data;
    unsigned max = TURN_MESSAGES;

    if (status < 0) { /* libuv has stopped looking: take what is left, then it is the end */
        while (!c->closed && !c->ending && receive_one(c) > 0)
            continue;
        end(c, 0);
        return;
    }
    if (events & UV_WRITABLE)
        flush(c);
    if (!(events & UV_READABLE))
        return;
    if (c->one_by_one) {
        uint64_t now_ns = uv_hrtime();

        max = now_ns - c->last_ns > LONELY_NS ? 1 : TURN_MESSAGES;
        c->last_ns = now_ns;
    }
    for (unsigned i = 0; i < max; i++)
        if (c->closed || c->ending || c->paused || receive_one(c) <= 0)
            return;
}

void
channel_pause(struct channel *c)
{
    c->paused = true;
    watch(c);
}

void
channel_resume(struct channel *c)
{
    c->paused = false;
    watch(c);
}

void
channel_take_all(struct channel *c)
{
    while (!c->closed && !c->ending && !c->paused && receive_one(c) > 0)
        continue;
}

static void
on_poll_closed(uv_handle_t *handle)
{
    struct channel *c = handle->data;

    if (c->on_closed)
        c->on_closed(c);
}

void
channel_close(struct channel *c, void (*on_closed)(struct channel *c))
{
    if (c->closed)
        return;
    c->closed = true;
    c->on_closed = on_closed;
    drop_queue(c);
    uv_poll_stop(&c->poll);
    fd_close(&c->fd);
    uv_close((uv_handle_t *)&c->poll, on_poll_closed);
}
