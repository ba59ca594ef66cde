/*
 * One request on its way, from its head to its log line, whatever version it came in: what an
 * HTTP/1 connection has one of, and an HTTP/2 connection many. Floor 6; worker.
 */
#ifndef WORKER_ROUND_H
#define WORKER_ROUND_H

#include "hostel/base/tally.h"
#include "hostel/http/chunked.h"
#include "hostel/serve/exchange.h"

#include <stddef.h>
#include <sys/queue.h>

#define ROUND_REST_MAX                                                                         \
    (256 * 1024) /* of an unwanted body, read and dropped; over it: enough                     \
                  */

struct conn;
struct conns;

struct round {
    struct exchange x;
    struct sink sink; /* where the answer goes: HTTP/1's or HTTP/2's */
    SLIST_ENTRY(round) spare;
    unsigned wait_s;         /* it came too early by so much; 0: it did not */
    struct visitor told;     /* who it is from, where a trusted proxy says so: x.visitor then */
    struct tally_row *guest; /* among that visitor's; else NULL */
    struct tally_row *seat;  /* at its site, where those are counted; else NULL */
    /* its body */
    uint64_t body_left;  /* of the announced length */
    uint64_t rest_bytes; /* read and dropped */
    bool body_done;      /* all of it was read, or there is none */
    bool body_unwanted;  /* the answerer takes no more of it */
    bool continued;      /* it is on its way, or 100 was said */
    /* its answer */
    unsigned status;      /* 0 until the head was written */
    uint64_t answer_left; /* of the declared length; RESPONSE_LENGTH_UNKNOWN */
    uint64_t body_bytes;  /* of the answer, without framing */
    bool bodiless;
    bool ended, failed;
    bool full;         /* the answerer waits for on_room */
    uint64_t began_ns; /* of uv_hrtime() */
    /* HTTP/1 alone: how both are framed, and what becomes of the connection */
    struct chunked chunked;
    uint64_t body_mark; /* the stream's put_bytes before the answer's body */
    bool chunks;        /* the answer goes out chunked */
    bool cut_shows;     /* its end is the connection's end: a cut one needs a reset */
    bool batched;       /* small, and on its way out with others */
    bool close;         /* the connection ends with it */
};

/*
 * out  r     empty, with a request that is still to be filled in
 * in   c     its connection, lent for r's life
 * in   site  NULL: none that is this user's
 * in   ops   lent
 */
void round_init(struct round *r, struct conn *c, const struct site *site,
                const struct sink_ops *ops);

/*
 * Its end: the log line, if anything was answered, and what it holds is given back.
 *
 * in  sent  bytes of the answer's body that have left
 */
void round_done(struct round *r, struct conns *all, uint64_t sent);

/* What is left of a round whose answer is whole, and only has to go out. */
struct round_rest {
    struct exchange x;
    struct tally_row *guest, *seat;
    uint64_t body_bytes, body_mark;
    uint64_t began_ns;
    unsigned status;
    bool close;
};

/*
 * in   r     its answerer and its body are through; what it holds is rest's now
 * out  rest  for round_take_up()
 */
void round_lay_down(struct round *r, struct round_rest *rest);

/* in  r  just begun on c. rest is empty then */
void round_take_up(struct round *r, struct conn *c, struct round_rest *rest);

static inline struct round *
round_of(struct sink *s)
{
    return (struct round *)((char *)s - offsetof(struct round, sink));
}

/*
 * Have the request answered.
 *
 * in   c            its connection
 * in   expect_other something was expected that nobody can do
 * ret  0 the exchange has it, and may be through with it; else the status to refuse it with
 */
unsigned round_answer(struct round *r, struct conn *c, bool expect_other);

/*
 * Answer with an error page instead of whoever worked on it. Nothing of an answer is out yet.
 */
void round_refuse(struct round *r, unsigned status);

/* Whoever still works on the answer shall stop. */
void round_drop_answerer(struct round *r);

/* Is there a body still to come, and somebody who takes it? */
bool round_takes_body(const struct round *r);

/* Give the answerer one piece of the body; its end with the last one (r->body_done). */
void round_feed(struct round *r, struct span piece);

/* The head of the answer: what it says of its body is what will be held to. */
void round_head(struct round *r, const struct response *res);

/*
 * May n more bytes of body go out? Counts them.
 *
 * ret  0 they may; -EMSGSIZE more than the head has promised; -ENODATA none are wanted
 */
int round_body(struct round *r, uint64_t n);

/* ret  true: the answer ends before all that its head has promised */
bool round_short(const struct round *r);

#endif
