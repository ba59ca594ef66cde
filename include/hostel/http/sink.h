/*
 * The two seams of the house. An answerer gets a `struct request` and a sink; it never knows
 * which HTTP version or transport is behind it. A sink gets a head once, then body pieces,
 * then end or fail; it never knows where they come from. Floor 4; worker.
 */
#ifndef HOSTEL_HTTP_SINK_H
#define HOSTEL_HTTP_SINK_H

#include "hostel/base/buf.h"
#include "hostel/http/request.h"

#define RESPONSE_FIELDS_MAX     128
#define RESPONSE_LENGTH_UNKNOWN UINT64_MAX

struct response {
    unsigned status;
    struct span reason; /* HTTP/1 only; empty = the registered one */
    uint64_t length;    /* of the body of a GET, or RESPONSE_LENGTH_UNKNOWN */
    bool bodiless;      /* HEAD, 204, 304: no body follows; length still goes into the head */
    bool close;         /* the connection cannot be used after this answer */
    bool flush;         /* the head goes out now, not with the first body piece */
    bool unbuffered;    /* the body goes out as it comes: nobody codes it on the way */
    /*
     * The first nready fields as HTTP/1 writes them, lent: whoever answers with the same ones
     * again and again has had them checked and written once. Who changes one of them sets
     * nready to 0.
     */
    struct span ready;
    unsigned nready;
    unsigned nfields;
    struct field
        fields[RESPONSE_FIELDS_MAX]; /* lent for the call; without Date, Server,
                                        Content-Length, Connection, Transfer-Encoding */
};

/* Add a field; silently full at RESPONSE_FIELDS_MAX (the caller bounds what a peer sends). */
void response_add(struct response *r, struct span name, struct span value);

/*
 * May this go out, in whatever version?
 *
 * ret  0; -EINVAL: a status outside 200-599, a name that is no token, a value with CR, LF, NUL
 *      or another control byte
 * src  RFC 9110 5.5, 15
 */
int response_check(const struct response *r);

/*
 * Write r's fields as HTTP/1 does, those from first on.
 *
 * in   r  response_check() has found no fault in it
 * ret  0; -ENOBUFS
 */
int response_write(const struct response *r, unsigned first, struct buf *out);

/* ret  the registered reason phrase of a status, or "Unknown" */
struct span response_reason(unsigned status);

/* A piece of body that is lent: release() is called once when its bytes are out or dropped. */
struct piece {
    struct span bytes; /* a memory piece when fd is -1 */
    int fd;            /* else: a file, lent until release, */
    uint64_t offset;   /*       from here, */
    uint64_t length;   /*       so many bytes */
    void (*release)(void *owner);
    void *owner;
};

enum sink_flow {
    SINK_MORE, /* go on */
    SINK_FULL, /* what was given is kept; give no more until on_room */
    SINK_GONE, /* the visitor is gone; nothing more is wanted, on_gone was or will be called */
};

struct sink;

struct sink_ops {
    /* Once, first. Copies. Interim answers (100, 103) may come before it through interim. */
    enum sink_flow (*head)(struct sink *s, const struct response *r);
    /* Copies the bytes (small) ... */
    enum sink_flow (*copy)(struct sink *s, struct span bytes);
    /* ... or lends them (a cached body, a file range, a spool). Takes p's release duty. */
    enum sink_flow (*lend)(struct sink *s, const struct piece *p);
    /* What was given should leave now: PHP flushed. */
    void (*flush)(struct sink *s);
    /* The answer is whole. Nothing may follow. */
    void (*end)(struct sink *s);
    /* It cannot be completed: the visitor must be able to tell (connection cut, RST_STREAM). */
    void (*fail)(struct sink *s);
};

struct sink {
    const struct sink_ops *ops;
};

/*
 * The body of a request as an answerer takes it. The connection side feeds it.
 */
struct body_ops {
    /* ret  0; < 0: the answerer wants no more (it answered, or failed); the rest is drained */
    int (*data)(void *answerer, struct span bytes); /* lent for the call */
    void (*end)(void *answerer);                    /* the body is whole */
};

/* What an answerer is told by its exchange. */
struct answerer_ops {
    const char *name;
    struct body_ops body;            /* data NULL: takes no body */
    void (*on_room)(void *answerer); /* after SINK_FULL: give more */
    void (*on_gone)(void *answerer); /* the visitor is gone: stop and free yourself */
};

#endif
