/*
 * The bytes of one connection: a non-blocking socket, maybe TLS on it (net/tls.h), an output
 * queue, and the readiness of both. Nothing but a stream touches a connection's socket. It is
 * registered with epoll only by stream_watch(), when there is something to wait for: a
 * connection that is answered and closed at once never costs an epoll_ctl. An idle stream holds
 * no buffer. Floor 3; worker.
 */
#ifndef HOSTEL_NET_STREAM_H
#define HOSTEL_NET_STREAM_H

#include "hostel/base/span.h"
#include "hostel/net/deadline.h"

#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <uv.h>

/* Memory queued for a peer that does not read: over it the giver is asked to wait ... */
#define STREAM_HIGH_BYTES (256 * 1024)
/* ... until no more than this is left. */
#define STREAM_LOW_BYTES (64 * 1024)

/* A piece of output that is lent: release(owner) is called once, when it is out or dropped. */
struct segment {
    struct span bytes;            /* memory when fd is -1 */
    int fd;                       /* else a file, */
    uint64_t offset;              /* from here, */
    uint64_t length;              /* so many bytes */
    void (*release)(void *owner); /* may be NULL */
    void *owner;
};

/* The duration of a class whose deadlines wake streams that are held. */
#define STREAM_HOLD_MS 50

struct throttle;
struct stream_piece;
struct stream_tls; /* NULL: plain */
struct transport_ops;

/* What is spoken on it, by ALPN; HTTP/1 without. */
enum stream_protocol { STREAM_HTTP1, STREAM_HTTP2 };

struct stream {
    uv_poll_t poll; /* initialised at the first wait only */
    int fd;
    int error;   /* 0, or the negative errno that ended it; sticky */
    bool polled; /* poll is a live handle */
    bool shared; /* set by the owner: somebody else may hold the socket too, and clear its
                    O_NONBLOCK; nothing that could wait is called then */
    int watched; /* what poll is started for: UV_READABLE | UV_WRITABLE */
    size_t memory_bytes; /* queued and not yet sent, without files */
    uint64_t put_bytes;  /* all that was ever queued ... */
    uint64_t sent_bytes; /* ... and given to the kernel */
    TAILQ_HEAD(stream_pieces, stream_piece) out;
    const struct transport_ops *transport; /* between the queue and the socket; NULL: nothing */
    struct stream_tls *tls;
    struct throttle *throttle; /* NULL: it sends as fast as it can */
    bool held;                 /* what is queued waits for its time, not for the socket */
    size_t wire_bytes;         /* encrypted, and not taken by the socket yet */
    bool buffered; /* input was read off the socket that stream_read() has not given yet */
    bool dry;      /* TLS: the socket held nothing more when it was read last */
    bool last;     /* nothing is queued behind what is */
    uv_loop_t *loop;
    /* Something may be read, output moved, or the stream broke (look at error). */
    void (*on_ready)(struct stream *s);
    void (*on_closed)(struct stream *s);
};

/*
 * in   fd        takes; a connected, non-blocking stream socket
 * in   on_ready  called from the loop only, never from within a call on s
 */
void stream_init(struct stream *s, uv_loop_t *loop, int fd, void (*on_ready)(struct stream *s));

/*
 * Do what has to be done before the first byte: the handshake of TLS, nothing on a plain
 * stream.
 *
 * ret  0 done; -EAGAIN not yet (watch it, for reading too); else -errno, sticky
 */
int stream_handshake(struct stream *s);

/* What was agreed upon; after stream_handshake() returned 0. */
enum stream_protocol stream_alpn(const struct stream *s);

/* ret  "TLSv1.3" and its like, static; NULL: a plain stream */
const char *stream_tls_version(const struct stream *s);

/*
 * Read what is there.
 *
 * ret  bytes; 0 = the peer has sent its last; -EAGAIN nothing just now; else -errno, sticky
 */
ssize_t stream_read(struct stream *s, void *p, size_t n);

/*
 * Look at what is there of a plain stream, and leave it there.
 *
 * ret  as stream_read()
 */
ssize_t stream_peek(struct stream *s, void *p, size_t n);

/*
 * Be readable from so many bytes on: 1 as ever, or one more than was peeked at. The kernel may
 * not care, when memory is short.
 *
 * ret  0 or -errno
 */
int stream_mark(struct stream *s, int bytes);

/* Queue a copy. Nothing is sent before stream_flush(). On a broken stream it is dropped. */
void stream_copy(struct stream *s, struct span bytes);

/* Queue lent memory or a file range; takes the duty to release it. */
void stream_lend(struct stream *s, const struct segment *seg);

/*
 * Send as much as the socket takes: memory pieces together in one call, a file behind them in
 * the same segment of the network.
 *
 * ret  0 all is out; -EAGAIN some is left (watch it); -EIO a file ended before its range did;
 *      else -errno. After an error everything queued is dropped and the stream is broken.
 */
int stream_flush(struct stream *s);

/*
 * As stream_flush(), and nothing comes behind it: once all is out, so is the end of the stream.
 * Of a plain stream it leaves in the packet of the last bytes, which spares both sides one.
 */
int stream_flush_last(struct stream *s);

/*
 * Send no more than so many bytes a second from now on, after a burst that comes back with
 * time. A stream that would send more is held: its output waits, no event of the socket comes
 * for it, and its deadline is set. When that has passed the owner flushes again.
 *
 * What a stream has sent under one bound counts under the next one: only its first one begins
 * with all of its burst.
 *
 * in  rate  0: no bound any more. The same rate and burst as before change nothing
 * in  wake  STREAM_HOLD_MS; lent
 */
void stream_limit(struct stream *s, uint64_t rate, uint64_t burst, struct deadline_class *wake);

/* Would it make no difference if it were a new stream, with no bound yet? */
bool stream_is_unspent(struct stream *s);

/* ret  whose deadline of that class has passed */
struct stream *stream_of_wake(struct deadline *d);

/* True while something is queued. */
static inline bool
stream_pending(const struct stream *s)
{
    return !TAILQ_EMPTY(&s->out) || s->wire_bytes;
}

/*
 * Wait for what may come next: room for what is queued, and input when readable is true.
 * Costs nothing when that is what is waited for already. Where the kernel refuses to watch one
 * more, the stream is broken then: look at error.
 */
void stream_watch(struct stream *s, bool readable);

/* Wait for nothing. */
void stream_rest(struct stream *s);

/*
 * How much the peer has taken so far, where the kernel can tell; else how much was sent. Only
 * differences mean anything: with megabytes in the socket's own buffer a slow peer can make
 * progress for minutes that sent_bytes does not show. A system call.
 */
uint64_t stream_taken(const struct stream *s);

/* No more output, which TLS says in its own words; the peer may still send. */
void stream_shutdown(struct stream *s);

/*
 * Close the socket, drop what is queued. on_closed is called when s may be freed; that may be
 * before this returns.
 *
 * in  abort  the peer must see a reset: an answer without a length was cut
 */
void stream_close(struct stream *s, bool abort, void (*on_closed)(struct stream *s));

/* What is queued on a stream, apart from it. */
struct stream_queue {
    struct stream_pieces out;
    size_t memory_bytes;
    uint64_t put_bytes, sent_bytes;
};

/*
 * As stream_detach(), for a plain stream without a bound, and what is queued lives on.
 *
 * out  q    for stream_take_up() or, on a stream that ends, to be dropped with it
 * ret  the socket, owned by the caller
 */
int
stream_lay_down(struct stream *s, struct stream_queue *q, void (*on_closed)(struct stream *s));

/* Go on with it, on a fresh stream of the same socket. Empties q. */
void stream_take_up(struct stream *s, struct stream_queue *q);

/* As stream_taken(). */
uint64_t stream_queue_taken(const struct stream_queue *q, int fd);

/* As stream_close(), but the socket lives on. ret  it, owned by the caller; -1: taken before */
int stream_detach(struct stream *s, void (*on_closed)(struct stream *s));

#endif
