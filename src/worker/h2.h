/*
 * HTTP/2 on a connection: many rounds at once over one session (http/h2.h). Floor 6; worker.
 */
#ifndef WORKER_H2_H
#define WORKER_H2_H

#include "conn.h"
#include "hostel/http/h2.h"

#define H2_OUT_BYTES (64 * 1024) /* queued in the connection's stream, and no more */

/* A piece of an answer's body that waits for the visitor's window. */
struct h2_piece {
    STAILQ_ENTRY(h2_piece) next;
    struct piece p; /* what is left of it */
    bool spare;     /* of the size that is kept for the next */
    char bytes[];   /* a copied one's */
};

/* One stream: a round, and its answer's body on the way out. */
struct h2_round {
    struct round r; /* the first */
    SLIST_ENTRY(h2_round) spare;
    struct h2_stream stream;
    struct h2_conn *h;
    LIST_ENTRY(h2_round) entry;
    STAILQ_HEAD(, h2_piece) out;
    uint64_t out_bytes;  /* of all pieces */
    size_t memory_bytes; /* of those in memory */
    uint64_t sent_bytes; /* of the body, into the connection's stream */
    uint64_t got_bytes;  /* of the request's body */
    struct deadline deadline;
    struct pace pace;
    bool framed; /* the answer has a body, and nghttp2 asks for it */
    bool asleep; /* nghttp2 was told that there is nothing just now */
    bool got;    /* something of the body came in this turn */
    bool late;   /* it moved too little */
    bool last;   /* the end of the answer is out */
};

struct h2_conn {
    struct h2 *session;
    struct conn *c;
    LIST_HEAD(, h2_round) rounds;
    size_t memory_bytes; /* of all pieces in memory */
    bool fresh;          /* a request came in this turn */
    bool look;           /* some round failed, is late or has room: the turn looks at each */
    bool leaving;        /* nothing new; what is queued goes out, then the end */
};

/* h2_stream.c: what the session says of streams, and the sink that answers them. */
extern const struct h2_ops h2_stream_ops;

/* h2_stream.c: look after rounds that failed, are late, or have room again. */
void h2_rounds_look(struct h2_conn *h);

/* h2_stream.c: the turn is over: what may each round wait for, and how long? */
void h2_rounds_settle(struct h2_conn *h);

/* h2_stream.c: a stream's deadlines */
void h2_on_body_late(struct deadline *d);
void h2_on_send_late(struct deadline *d);

/* h2_stream.c: the connection is gone, and all its rounds with it. */
void h2_rounds_end(struct h2_conn *h);

#endif
