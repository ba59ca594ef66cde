/*
 * What lies between a stream's queue and its socket: TLS. stream.c calls it, with a stream that
 * is not broken; it calls back into the queue. Floor 3; worker.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include "hostel/net/stream.h"

struct transport_ops {
    int (*handshake)(struct stream *s);                   /* as stream_handshake() */
    ssize_t (*read)(struct stream *s, void *p, size_t n); /* as stream_read() */
    int (*flush)(struct stream *s);                       /* as stream_flush() */
    enum stream_protocol (*alpn)(const struct stream *s);
    const char *(*version)(const struct stream *s); /* as stream_tls_version() */
    /* Say that no more comes. ret  true when that is out */
    bool (*farewell)(struct stream *s);
    void (*free)(struct stream *s); /* its own part; the socket is still open */
};

/*
 * Take output off the head of the queue, memory and files alike.
 *
 * ret  bytes; 0 = nothing is queued; -EIO a file ended before its range did; or -errno
 */
ssize_t stream_take(struct stream *s, char *room, size_t size);

/* True while something waits to be encrypted. */
static inline bool
stream_queued(const struct stream *s)
{
    return !TAILQ_EMPTY(&s->out);
}

/* stream_flush() of a plain stream: what the kernel encrypts goes this way too. */
int stream_flush_plain(struct stream *s);

/* Drop what is queued; ret  the error that ended the stream, this one or an earlier. */
int stream_broken(struct stream *s, int error);

#endif
