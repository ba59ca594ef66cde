/*
 * One end of a SOCK_SEQPACKET pair on a libuv loop: sends never block and are queued up to a
 * bound, receives are checked against ipc/table.h before anybody sees them. Floor 2.
 */
#ifndef HOSTEL_IPC_CHANNEL_H
#define HOSTEL_IPC_CHANNEL_H

#include "hostel/ipc/table.h"
#include "hostel/ipc/wire.h"

#include <sys/queue.h>
#include <uv.h>

struct channel;

struct message {
    enum msg_type type;
    struct reader payload;
    int fds[IPC_FDS_MAX]; /* take with fd_take(); what is left is closed after on_message */
    unsigned nfds;
};

struct channel_ops {
    /* ret  0; < 0 closes the channel as on a forbidden message */
    int (*on_message)(void *data, struct message *m);

    /*
     * The peer is gone (reason 0) or was closed by us for what it said (-EPROTO) or because
     * its queue is full (-ENOBUFS). The channel is closed already; it may be freed here
     * only through channel_close()'s on_closed.
     */
    void (*on_end)(void *data, int reason);

    /* What was queued has gone out (only after a send that returned CHANNEL_QUEUED). */
    void (*on_drain)(void *data);
};

struct queued_message;

struct channel {
    uv_poll_t poll; /* embedded: data is this struct */
    int fd;
    enum ipc_role self, peer;
    enum ipc_phase phase;
    const struct channel_ops *ops; /* lent, static */
    void *data;
    STAILQ_HEAD(, queued_message) queue;
    size_t queued_bytes;
    size_t queued_max;
    uint64_t last_ns; /* one_by_one: when something was read last */
    bool one_by_one;  /* messages that come slowly are not asked for in pairs */
    bool takes_fds;   /* a message of the peer's may carry some */
    bool paused;      /* not reading just now */
    bool wants_room;  /* a channel_try_send() met a full peer */
    bool ending;      /* on_end was called */
    bool closed;
    void (*on_closed)(struct channel *c);
};

#define CHANNEL_QUEUED 1

/*
 * Make a connected pair, non-blocking and close-on-exec.
 *
 * ret  0 or -errno
 */
int channel_pair(int fds[static 2]);

/*
 * Start reading.
 *
 * in   fd          takes; a SOCK_SEQPACKET socket
 * in   queued_max  bytes queued for a peer that does not read, what keeping them costs
 *                  included; over it the peer is ended
 * ret  0 or -errno (fd is closed then)
 */
int
channel_open(struct channel *c, uv_loop_t *loop, int fd, enum ipc_role self, enum ipc_role peer,
             size_t queued_max, const struct channel_ops *ops, void *data);

/* Another queued_max from now on: starting takes more words than serving. */
void channel_bound(struct channel *c, size_t queued_max);

/* What the child at one end of it may say from now on. */
void channel_phase(struct channel *c, enum ipc_phase phase);

/*
 * Send one message, queue it when the peer does not read just now.
 *
 * in   fds   takes when 0 or CHANNEL_QUEUED is returned; lends otherwise
 * ret  0 sent; CHANNEL_QUEUED; -ENOBUFS queue full (nothing was taken); -EPIPE no peer;
 *      -EMSGSIZE over IPC_BYTES_MAX
 */
int channel_send(struct channel *c, enum msg_type type, const struct buf *payload, int *fds,
                 unsigned nfds);

/*
 * What was sent and the peer has not read yet.
 *
 * ret  bytes, the kernel's own for each message included
 */
size_t channel_unread(const struct channel *c);

/*
 * Send now or not at all: for a sender that keeps its own queue (the hand-over).
 *
 * ret  0 sent and fds closed; -EAGAIN the peer's queue is full: on_drain will be called;
 *      -ETOOMANYREFS too many descriptors in flight: try later; -EPIPE, -EMSGSIZE
 */
int channel_try_send(struct channel *c, enum msg_type type, const struct buf *payload, int *fds,
                     unsigned nfds);

/* Stop reading for now, and read again. */
void channel_pause(struct channel *c);
void channel_resume(struct channel *c);

/*
 * Read all that waits there now, in one go: before the end of a channel that nobody writes to
 * any more (a kernel's buffer bounds it).
 */
void channel_take_all(struct channel *c);

/* Close; what is queued is dropped. on_closed (may be NULL) is called when c may be freed. */
void channel_close(struct channel *c, void (*on_closed)(struct channel *c));

#endif
