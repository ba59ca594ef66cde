/*
 * A TCP connection: direct recv, sendmsg and sendfile on libuv's poll; or, where there is one,
 * a transport in between. Floor 3; worker.
 */
#include "hostel/net/stream.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "taken.h"
#include "throttle.h"
#include "transport.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHUNK_BYTES (16 * 1024 - 128) /* one copied chunk: a page-friendly allocation */
#define CHUNKS_KEPT 8                 /* spare chunks of the process */
#define IOV_MAX_OUT 16                /* memory pieces in one call */
#define FLUSH_BYTES (8u << 20)        /* one stream's turn; then the others' */
#define COPY_BYTES  (64 * 1024)       /* of a file, where sendfile may not be used */
#define SEND_FLAGS  (MSG_NOSIGNAL | MSG_DONTWAIT)

/* One piece of output: lent (seg says what), or a chunk of our own that copies grow in. */
struct stream_piece {
    TAILQ_ENTRY(stream_piece) next;
    struct segment seg;
    bool own;     /* seg's bytes are in the chunk */
    char chunk[]; /* CHUNK_BYTES, or none: lent */
};

/* Chunks that were just used are the warmest memory there is. */
static struct {
    struct stream_piece *piece[CHUNKS_KEPT];
    unsigned n;
} spare;

static struct stream_piece *
chunk_take(void)
{
    struct stream_piece *p =
        spare.n ? spare.piece[--spare.n] : mem_raw(sizeof(*p) + CHUNK_BYTES);

    p->own = true;
    p->seg = (struct segment){.bytes = {p->chunk, 0}, .fd = -1};
    return p;
}

static void
piece_free(struct stream_piece *p)
{
    if (p->own && spare.n < CHUNKS_KEPT) {
        spare.piece[spare.n++] = p;
        return;
    }
    if (p->seg.release)
        p->seg.release(p->seg.owner);
    free(p);
}

static void
drop_all(struct stream *s)
{
    struct stream_piece *p;

    while ((p = TAILQ_FIRST(&s->out))) {
        TAILQ_REMOVE(&s->out, p, next);
        piece_free(p);
    }
    s->memory_bytes = s->wire_bytes = 0;
}

int
stream_broken(struct stream *s, int error)
{
    if (!s->error)
        s->error = error;
    drop_all(s);
    return s->error;
}

void
stream_init(struct stream *s, uv_loop_t *loop, int fd, void (*on_ready)(struct stream *s))
{
    *s = (struct stream){.fd = fd, .loop = loop, .on_ready = on_ready};
    TAILQ_INIT(&s->out);
}

int
stream_handshake(struct stream *s)
{
    if (s->error)
        return s->error;
    return s->transport ? s->transport->handshake(s) : 0;
}

enum stream_protocol
stream_alpn(const struct stream *s)
{
    return s->transport ? s->transport->alpn(s) : STREAM_HTTP1;
}

const char *
stream_tls_version(const struct stream *s)
{
    return s->transport ? s->transport->version(s) : NULL;
}

static ssize_t
receive(struct stream *s, void *p, size_t n, int flags)
{
    ssize_t got;

    do
        got = recv(s->fd, p, n, MSG_DONTWAIT | flags);
    while (got < 0 && errno == EINTR);
    if (got >= 0)
        return got;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return -EAGAIN;
    return stream_broken(s, -errno);
}

ssize_t
stream_read(struct stream *s, void *p, size_t n)
{
    if (s->error)
        return s->error;
    return s->transport ? s->transport->read(s, p, n) : receive(s, p, n, 0);
}

ssize_t
stream_peek(struct stream *s, void *p, size_t n)
{
    assert(!s->transport);
    return s->error ? s->error : receive(s, p, n, MSG_PEEK);
}

int
stream_mark(struct stream *s, int bytes)
{
    return setsockopt(s->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes)) < 0 ? -errno : 0;
}

void
stream_copy(struct stream *s, struct span bytes)
{
    if (s->error)
        return;
    s->put_bytes += bytes.n;
    s->memory_bytes += bytes.n;
    while (bytes.n > 0) {
        struct stream_piece *p = TAILQ_LAST(&s->out, stream_pieces);
        size_t used, n;

        if (!p || !p->own || p->seg.bytes.p + p->seg.bytes.n == p->chunk + CHUNK_BYTES) {
            p = chunk_take();
            TAILQ_INSERT_TAIL(&s->out, p, next);
        }
        used = (size_t)(p->seg.bytes.p - p->chunk) + p->seg.bytes.n;
        n = CHUNK_BYTES - used < bytes.n ? CHUNK_BYTES - used : bytes.n;
        memcpy(p->chunk + used, bytes.p, n);
        p->seg.bytes.n += n;
        bytes = span_skip(bytes, n);
    }
}

void
stream_lend(struct stream *s, const struct segment *seg)
{
    struct stream_piece *p;
    uint64_t n = seg->fd < 0 ? seg->bytes.n : seg->length;

    if (s->error || n == 0) {
        if (seg->release)
            seg->release(seg->owner);
        return;
    }
    p = mem_new(sizeof(*p));
    p->seg = *seg;
    TAILQ_INSERT_TAIL(&s->out, p, next);
    s->put_bytes += n;
    if (seg->fd < 0)
        s->memory_bytes += seg->bytes.n;
}

/* n bytes of the memory pieces at the head of the queue are out. */
static void
memory_sent(struct stream *s, size_t n)
{
    s->sent_bytes += n;
    s->memory_bytes -= n;
    while (n > 0) {
        struct stream_piece *p = TAILQ_FIRST(&s->out);

        if (n < p->seg.bytes.n) {
            p->seg.bytes = span_skip(p->seg.bytes, n);
            return;
        }
        n -= p->seg.bytes.n;
        TAILQ_REMOVE(&s->out, p, next);
        piece_free(p);
    }
}

/* in  most  bytes. ret  bytes sent, or -errno; *wanted is what was asked for */
static ssize_t
send_memory(struct stream *s, size_t most, size_t *wanted)
{
    struct iovec iov[IOV_MAX_OUT];
    struct msghdr msg = {.msg_iov = iov};
    const struct stream_piece *p = TAILQ_FIRST(&s->out);
    ssize_t n;
    bool more;

    *wanted = 0;
    for (; p && p->seg.fd < 0 && msg.msg_iovlen < IOV_MAX_OUT && *wanted < most;
         p = TAILQ_NEXT(p, next)) {
        size_t left = most - *wanted, part = p->seg.bytes.n < left ? p->seg.bytes.n : left;

        iov[msg.msg_iovlen++] = (struct iovec){(void *)(uintptr_t)p->seg.bytes.p, part};
        *wanted += part;
    }
    /* what follows joins the same packet: no half-empty one in between; or it comes later */
    more = *wanted < most && (p || s->last);
    if (msg.msg_iovlen == 1) /* the usual answer: a cheaper call */
        n = send(s->fd, iov[0].iov_base, iov[0].iov_len, SEND_FLAGS | (more ? MSG_MORE : 0));
    else
        n = sendmsg(s->fd, &msg, SEND_FLAGS | (more ? MSG_MORE : 0));
    if (n < 0)
        return -errno;
    memory_sent(s, (size_t)n);
    return n;
}

/* Only O_NONBLOCK keeps sendfile() from waiting, and whoever shares the socket can clear it. */
static ssize_t
copy_file(struct stream *s, const struct segment *seg, size_t *wanted)
{
    static char bytes[COPY_BYTES];
    ssize_t n;

    if (*wanted > sizeof(bytes))
        *wanted = sizeof(bytes);
    n = pread(seg->fd, bytes, *wanted, (off_t)seg->offset);
    if (n <= 0)
        return n;
    return send(s->fd, bytes, (size_t)n,
                SEND_FLAGS | (seg->length > (uint64_t)n ? MSG_MORE : 0));
}

/* n bytes of the file range at the head of the queue are out. */
static void
file_sent(struct stream *s, size_t n)
{
    struct stream_piece *p = TAILQ_FIRST(&s->out);

    s->sent_bytes += n;
    p->seg.offset += n;
    p->seg.length -= n;
    if (p->seg.length == 0) {
        TAILQ_REMOVE(&s->out, p, next);
        piece_free(p);
    }
}

static ssize_t
send_file(struct stream *s, size_t most, size_t *wanted)
{
    struct stream_piece *p = TAILQ_FIRST(&s->out);
    off_t at = (off_t)p->seg.offset;
    ssize_t n;

    *wanted = p->seg.length < most ? (size_t)p->seg.length : most;
    n = s->shared ? copy_file(s, &p->seg, wanted) : sendfile(s->fd, p->seg.fd, &at, *wanted);
    if (n < 0)
        return -errno;
    if (n == 0)
        return -EIO; /* the file shrank: cut, never pad */
    file_sent(s, (size_t)n);
    return n;
}

ssize_t
stream_take(struct stream *s, char *room, size_t size)
{
    struct stream_piece *p;
    size_t got = 0;

    while (got < size && (p = TAILQ_FIRST(&s->out))) {
        size_t left = size - got;

        if (p->seg.fd < 0) {
            size_t n = p->seg.bytes.n < left ? p->seg.bytes.n : left;

            memcpy(room + got, p->seg.bytes.p, n);
            got += n;
            memory_sent(s, n);
        } else {
            size_t want = p->seg.length < left ? (size_t)p->seg.length : left;
            ssize_t n = pread(p->seg.fd, room + got, want, (off_t)p->seg.offset);

            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return n < 0 ? -errno : -EIO; /* the file shrank: cut, never pad */
            got += (size_t)n;
            file_sent(s, (size_t)n);
        }
    }
    return (ssize_t)got;
}

int
stream_flush_plain(struct stream *s)
{
    size_t turn = 0;

    while (stream_queued(s)) {
        bool file = TAILQ_FIRST(&s->out)->seg.fd >= 0;
        size_t wanted, most = throttle(s, FLUSH_BYTES);
        ssize_t n = most == 0 ? -EAGAIN
                    : file    ? send_file(s, most, &wanted)
                              : send_memory(s, most, &wanted);

        if (n == -EINTR)
            continue;
        if (n == -EAGAIN)
            return -EAGAIN;
        if (n < 0)
            return stream_broken(s, (int)n);
        turn += (size_t)n;
        /* less than asked means the socket is full: no call just to hear it again */
        if (((size_t)n < wanted || turn >= FLUSH_BYTES) && stream_queued(s))
            return -EAGAIN;
    }
    return 0;
}

int
stream_flush(struct stream *s)
{
    if (s->error)
        return s->error;
    return s->transport ? s->transport->flush(s) : stream_flush_plain(s);
}

int
stream_flush_last(struct stream *s)
{
    int rc;

    if (s->transport)
        return stream_flush(s);
    s->last = true;
    rc = stream_flush(s);
    s->last = false; /* until it is tried again */
    if (rc == 0)
        (void)shutdown(s->fd, SHUT_WR);
    return rc;
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct stream *s = poll->data;

    if (status < 0) { /* libuv has stopped the handle: the socket reported an error */
        int error = 0;
        socklen_t n = sizeof(error);

        s->watched = 0;
        (void)getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n);
        (void)stream_broken(s, error ? -error : -ECONNRESET);
    } else if (events & UV_WRITABLE) {
        (void)stream_flush(s);
    }
    s->on_ready(s);
}

static void
watch(struct stream *s, int events)
{
    if (events == s->watched)
        return;
    if (!s->polled) {
        int rc = uv_poll_init(s->loop, &s->poll, s->fd);

        if (rc < 0) { /* the user's epoll watches are used up, or memory is */
            (void)stream_broken(s, rc);
            return;
        }
        s->poll.data = s;
        s->polled = true;
    }
    s->watched = events;
    if (events)
        uv_poll_start(&s->poll, events, on_poll);
    else
        uv_poll_stop(&s->poll);
}

void
stream_watch(struct stream *s, bool readable)
{
    if (!s->error)
        watch(s, (readable ? UV_READABLE : 0) |
                     /* no event comes for what was read already: room for output is one */
                     ((stream_pending(s) && !s->held) || (readable && s->buffered) ? UV_WRITABLE
                                                                                   : 0));
}

void
stream_rest(struct stream *s)
{
    watch(s, 0);
}

uint64_t
stream_taken(const struct stream *s)
{
    uint64_t bytes;

    return taken_bytes(s->fd, &bytes) < 0 ? s->sent_bytes : bytes;
}

uint64_t
stream_queue_taken(const struct stream_queue *q, int fd)
{
    uint64_t bytes;

    return taken_bytes(fd, &bytes) < 0 ? q->sent_bytes : bytes;
}

void
stream_shutdown(struct stream *s)
{
    if (s->transport && !s->transport->farewell(s))
        return; /* it would overtake what waits for the socket */
    (void)shutdown(s->fd, SHUT_WR);
}

static void
on_poll_closed(uv_handle_t *handle)
{
    struct stream *s = handle->data;

    s->on_closed(s);
}

int
stream_detach(struct stream *s, void (*on_closed)(struct stream *s))
{
    int fd = fd_take(&s->fd);

    if (s->transport)
        s->transport->free(s);
    s->transport = NULL;
    throttle_drop(s);
    (void)stream_broken(s, -ENOTCONN);
    s->on_closed = on_closed;
    if (s->polled) {
        /* takes it out of epoll at once, before the socket lives on elsewhere */
        uv_poll_stop(&s->poll);
        uv_close((uv_handle_t *)&s->poll, on_poll_closed);
    } else {
        on_closed(s);
    }
    return fd;
}

int
stream_lay_down(struct stream *s, struct stream_queue *q, void (*on_closed)(struct stream *s))
{
    assert(!s->transport && !s->throttle && !s->error);
    TAILQ_INIT(&q->out);
    TAILQ_CONCAT(&q->out, &s->out, next);
    q->memory_bytes = s->memory_bytes;
    q->put_bytes = s->put_bytes;
    q->sent_bytes = s->sent_bytes;
    return stream_detach(s, on_closed);
}

void
stream_take_up(struct stream *s, struct stream_queue *q)
{
    assert(TAILQ_EMPTY(&s->out));
    TAILQ_CONCAT(&s->out, &q->out, next);
    s->memory_bytes = q->memory_bytes;
    s->put_bytes = q->put_bytes;
    s->sent_bytes = q->sent_bytes;
}

void
stream_close(struct stream *s, bool abort, void (*on_closed)(struct stream *s))
{
    const struct linger how = {.l_onoff = abort};
    int fd;

    if (s->transport && !abort && !s->error)
        (void)s->transport->farewell(s);
    /* whoever shares it may have asked for a close() that waits */
    if (abort || s->shared)
        (void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &how, sizeof(how));
    fd = stream_detach(s, on_closed);
    fd_close(&fd);
}
