/*
 * One connection, its life in HTTP/1, and what all connections of a worker share. Floor 6;
 * worker.
 */
#ifndef WORKER_CONN_H
#define WORKER_CONN_H

#include "hostel/base/buf.h"
#include "hostel/base/commons.h"
#include "hostel/net/deadline.h"
#include "hostel/net/stream.h"
#include "hostel/net/tls.h"
#include "hostel/peek/head.h"
#include "hostel/serve/turns.h"
#include "park.h"
#include "round.h"
#include "sites.h"
#include "visitor.h"

#include <sys/queue.h>
#include <uv.h>

/* Bytes read and not yet consumed: what a hand-back can carry, and more than a head may be. */
#define CONN_INPUT_MAX 49152

#define CONN_LINGER_MS 2000 /* for the visitor to read the last answer */
#define CONN_SOON_MS   50   /* so late it is noticed at the most that he has left */

/* Of conn_wake(), beside those of ipc/message.h: accepted here, so no acceptor knows it */
#define CONN_OWN     0x100
#define CONN_TRUSTED 0x200

enum conn_state {
    CONN_HEAD,
    CONN_ANSWER,
    CONN_REST,
    CONN_LEAVE,
    CONN_BACK,
    CONN_LINGER,
    CONN_SHAKE,
    CONN_H2,
    CONN_GONE,
    CONN_STATES
};

struct h2_conn; /* h2.h */

/*
 * HTTP/2 on a connection (h2.c). By way of a table, so that who speaks no TLS, and so no
 * HTTP/2, is linked with no library for it.
 */
struct http2_ops {
    /* From here on, as ALPN has agreed. ret  the state to go on in */
    enum conn_state (*begin)(struct conn *c);
    /* A turn of it. */
    enum conn_state (*step)(struct conn *c);
    /* Its end; c has HTTP/2. */
    void (*end)(struct conn *c);
    /* GOAWAY; what is queued still goes out, in the next turn. */
    void (*leave)(struct conn *c);
    bool (*wants_input)(const struct conn *c);
    /* What the connection as a whole waits for; NULL: nothing, its streams do. */
    struct deadline_class *(*deadline)(const struct conn *c);
    deadline_fn *body_late, *send_late; /* of one stream */
};

struct pace { /* pace.c: one window of the least rate */
    uint64_t since_ms;
    uint64_t bytes; /* moved by then */
};

struct conn {
    struct stream stream;
    struct deadline deadline;
    TAILQ_ENTRY(conn) entry;
    TAILQ_ENTRY(conn) ready;
    struct turn turn; /* waits while it is tired */
    struct conns *all;
    enum conn_state state;
    bool running;    /* inside conn_run(): what happens is noticed by it */
    bool is_ready;   /* on the list of those that run before the loop sleeps */
    bool eof;        /* the visitor has sent his last */
    bool first;      /* no request was routed yet */
    bool by_default; /* CONN_BY_DEFAULT */
    bool returned;   /* CONN_RETURNED */
    bool own;        /* CONN_OWN */
    bool alone;      /* CONN_ALONE; or it is handed back as that */
    bool unheard;    /* own, and its first head is not whole */
    bool tls;        /* CONN_TLS */
    bool trusted;    /* of trusted_proxies: its requests say who they are from */
    bool abort;      /* end it with a reset */
    bool loaded;     /* input is of this turn, in all->scratch */
    bool drained;    /* the socket is known to hold nothing more */
    bool blocked;    /* the step waits for the socket to take output */
    bool got;        /* something was read in this turn */
    bool answered;   /* so was a request, and answered */
    bool slow;       /* an answer took CONN_SOON_MS: the socket is watched meanwhile */
    bool tired;    /* its turn was long enough: what it could do at once is for the next one */
    uint8_t reads; /* of this turn */
    uint16_t refusal; /* it is one too many: its request gets this status; else 0 */
    uint32_t linger_bytes;
    struct tally_row *addr; /* among those of its client address; NULL: one too many */
    struct round *round;    /* NULL between requests */
    struct span input;      /* loaded: read and not consumed */
    struct buf in;          /* not loaded: the same */
    size_t seen;            /* head_parse()'s */
    size_t glanced;         /* bytes of a next head that were peeked at, and are not all */
    uint64_t read_bytes;    /* all that was ever read */
    uint64_t bandwidth;     /* of the stream's throttle, while it has one */
    uint64_t stall_bytes;   /* that were sent when its stall was looked at last */
    union {
        struct pace pace; /* of whatever moves just now */
        uint64_t net;     /* unheard: tally_address() */
    };
    struct h2_conn *h2;         /* owned; NULL: it speaks HTTP/1 */
    const struct site *site;    /* of the last request, for its errors */
    char *default_host;         /* the unknown name that led here, owned */
    struct msg_visitor *origin; /* CONN_PROXIED: its acceptor's word, owned; else NULL */
    struct visitor visitor;
};

struct conns_settings {
    const struct http2_ops *http2; /* lent; NULL: HTTP/1 is all that is spoken */
    uint64_t head_ms, keepalive_ms, body_ms, send_ms;
    bool acme;               /* some worker answers ACME's challenges for every name */
    uint64_t body_rate;      /* bytes a second, on average; 0 = as slow as it likes */
    uint32_t conns_max;      /* connections at once */
    uint32_t conns_per_addr; /* of one client address */
    struct commons *commons; /* lent; NULL: nothing is counted with the user's other workers */
    uint32_t place;          /* in it */
    uint32_t user_conns_max; /* connections of all of them; 0 = no limit */
    struct nets trusted;     /* proxies */
    bool trusted_close;      /* whose connections are not kept */
};

struct conns_ops {
    /*
     * Hand a connection back to where it came from.
     *
     * in/out  fd      takes when 0 is returned, and leaves -1
     * in      origin  its acceptor's word on it, or NULL; lent
     * in      prefix  what was read of it, lent
     */
    int (*back)(void *data, int *fd, const struct msg_visitor *origin, struct span prefix);
    /* A connection is gone. */
    void (*left)(void *data);
};

struct conns {
    uv_loop_t *loop;
    uv_prepare_t prepare;
    struct conns_settings settings;
    struct tally addrs; /* connections of a client address */
    struct tally heads; /* of own listeners: those of them whose first head is not whole */
    struct tally seats; /* requests at a site */
    struct deadlines deadlines;
    struct deadline_class head, idle, kept, body, send, linger;
    struct deadline_class stall;            /* whose answer is whole, and only has to go out */
    struct deadline_class soon; /* until its first answer is waited for in earnest */
    struct deadline_class h2_body, h2_send; /* of one stream */
    struct deadline_class hold;             /* of who sends as fast as he may */
    struct park park;                       /* who was idle for a while */
    TAILQ_HEAD(, conn) list;
    TAILQ_HEAD(, conn) ready;
    SLIST_HEAD(, round) spare; /* the last one used: no allocation a request */
    size_t count;
    bool stopping;             /* no more keep-alive */
    bool patient;              /* then: who is kept may ask once more */
    uint64_t turn_ns;          /* when the one that runs was first looked at; 0: not yet */
    const struct sites *sites; /* lent */
    const struct tls_ops *tls_ops;
    struct tls_server *tls; /* lent; NULL: no connection has TLS */
    uint64_t shake_said_ms; /* when failed handshakes were said last, */
    unsigned shakes_said;   /* how many in that second, */
    unsigned shakes_unsaid; /* and how many were not */
    struct filecache *files;
    struct auth *auth;
    const struct conns_ops *ops; /* lent */
    void *data;
    struct buf head_out;
    struct head parsed;
    char scratch[CONN_INPUT_MAX]; /* input of the connection that runs */
};

/*
 * out  all  embedded; sites are lent
 * ret  0; -errno: no random bytes to be had
 */
int conns_init(struct conns *all, uv_loop_t *loop, const struct sites *sites,
               const struct conns_settings *settings, const struct conns_ops *ops, void *data);

/* Ends every connection at once; all must live until the loop has turned once more. */
void conns_done(struct conns *all);

/* No more keep-alive: idle connections end now, the others with the answer they are at. */
void conns_stop(struct conns *all);

/*
 * The same with patience: who is idle gets one more answer, so that no connection ends under a
 * request on its way. conns_stop() ends the patience.
 */
void conns_drain(struct conns *all);

/*
 * Take a connection on and serve what is there already; it may be gone when this returns.
 *
 * in   fd      takes; a connected, non-blocking stream socket
 * in   from    who the visitor is, and CONN_BY_DEFAULT; CONN_TLS: it begins with a handshake;
 *              CONN_RETURNED: another user's worker had it, and may still. Copied
 * in   own     it came to a listener of this user's own
 * in   prefix  read of it by somebody else, at most CONN_INPUT_MAX bytes; copied
 */
void conn_adopt(struct conns *all, int fd, const struct msg_visitor *from, bool own,
                struct span prefix);

/*
 * Give back all of an idle connection but its socket and c->addr; both are the caller's, who
 * sees to it that the connection is counted until conns_left(). So is c->origin where the
 * caller has taken it. c is gone.
 */
int conn_lay_down(struct conn *c);

/* An answer that only has to go out, apart from its connection. */
struct sending {
    struct round_rest rest;
    struct stream_queue queue;
    struct pace pace;
};

/* The same of one whose answer only has to go out. out  sending  what is left of that */
int conn_lay_down_sending(struct conn *c, struct sending *sending);

/*
 * And back, to go on with by conn_run().
 *
 * in   visitor  copied; its fd is the connection's: takes
 * in   addr     takes
 * in   origin   takes; maybe NULL
 * in   sending  what it holds is the connection's then; NULL: it was idle
 */
struct conn *conn_wake(struct conns *all, const struct visitor *visitor, struct tally_row *addr,
                       struct msg_visitor *origin, const struct site *site, unsigned flags,
                       struct sending *sending);

/* A connection that was laid down is gone. */
void conns_left(struct conns *all);

/* Run c before the loop sleeps again: something happened outside its own turn. */
void conn_ready(struct conn *c);

/* conns.c: c's round begins and ends, with its log line if anything was answered. */
struct round *conn_round_start(struct conn *c);
void conn_round_end(struct conn *c);

/*
 * conn.c: whose host is it?
 *
 * ret  the site; NULL: none of this user's
 */
const struct site *conn_route(struct conn *c, struct span host);

/*
 * conn.c: the same of a whole head; challenges of ACME may be somebody's for all.
 *
 * in   again  it came back here: nobody else wants it
 */
const struct site *conn_site(struct conn *c, const struct head *head, bool again);

/* glance.c: whose is the next request of a kept connection? Nothing of it is read. */
enum glance {
    GLANCE_READ,   /* ours, or whatever reading it will say */
    GLANCE_MORE,   /* its head is not whole */
    GLANCE_OTHERS, /* another user's */
};
enum glance glance_at(struct conn *c);

/* conns.c: close it, whatever it was at; frees c, maybe later. */
void conn_end(struct conn *c);

/*
 * conn.c: go through the steps until one waits; c may be gone after it.
 *
 * in  readable  the socket may hold something that was not read yet
 */
void conn_run(struct conn *c, bool readable);

/*
 * conns.c: is all that has to be remembered of it what struct parked has, and maybe struct
 * sending?
 */
bool conn_may_stall(const struct conn *c);

/*
 * settle.c: the turn is over and c lives on: send, keep what is left of the input, wait.
 *
 * ret  false: its socket broke
 */
bool conn_settle(struct conn *c);

/* limits.c */

/* More connections than there shall be? */
static inline bool
limits_crowded(const struct conns *all)
{
    return all->count > all->settings.conns_max;
}

/*
 * Count a new connection in. Where there are too many, one that is missed less ends for it;
 * else its own request will be refused (c->refusal).
 */
void limits_admit(struct conn *c, uint64_t net);

/*
 * As an acceptor would: a connection of an own listener counts when its first head is whole.
 * Before that it counts among those of its address that wait, if it has to wait.
 */
void limits_head_waits(struct conn *c);
void limits_head_whole(struct conn *c);

/* It counts no more. */
void limits_leave(struct conn *c);

/* The number of connections has changed: where the user's are counted, say so. */
static inline void
limits_count(struct conns *all)
{
    if (all->settings.user_conns_max)
        commons_connections(all->settings.commons, all->settings.place, (uint32_t)all->count);
}

/* It is told, or ended: count it. */
void limits_refused(const struct conn *c);

/*
 * May a request for a site with bounds be answered?
 *
 * ret  0; -EAGAIN its client address has to wait for r->wait_s; -EBUSY the site has as many as
 *      it may
 */
int limits_request(struct conns *all, struct round *r);

/* Bound what c sends, as the site of a request says. A branch where nothing is bounded. */
void limits_slow(struct conn *c, const struct site *site);

static inline void
limits_bandwidth(struct conn *c, const struct site *site)
{
    if (site && (site->bandwidth || c->stream.throttle))
        limits_slow(c, site);
}

/* ret  a number for a site's name */
uint64_t limits_name(struct span name);

/* pace.c: a window begins; moved is what has moved so far, in this direction */
void pace_start(struct pace *p, const struct conns *all, uint64_t moved);

/* ret  true: less moved in the window than should; else, when it is over, the next one begins
 */
bool pace_late(struct pace *p, const struct conns *all, uint64_t moved, uint64_t window_ms);

/*
 * Answer with an error page and close: nothing that follows can be trusted to be a request, or
 * there shall be none.
 */
enum conn_state conn_refuse(struct conn *c, unsigned status);

/* conn.c: send. ret  true when nothing is queued; else c waits for the socket, or it broke */
bool conn_output_out(struct conn *c);

/* conn.c: has c worked as long as it may before the others' turn comes? */
bool conn_turn_is_over(const struct conn *c);

/*
 * conn.c: all is out. Close now, or first let the visitor read? Closing a socket that holds
 * unread bytes resets it, and a reset can overtake the answer.
 */
enum conn_state conn_farewell(const struct conn *c, bool body_done);

/* As conn_refuse(), unless an answer has begun already: that one is cut. */
enum conn_state conn_give_up(struct conn *c, unsigned status);

/* answer.c: the sink that writes HTTP/1 to a connection. */
extern const struct sink_ops conn_sink_ops;

/* ret  bytes of the answer's body that were sent, or are in the batch that is being sent */
uint64_t answer_sent(const struct conn *c);

/* input.c: what was read of a connection and not consumed. */

/*
 * Have c's bytes in the scratch buffer for this turn, and put what is left back at its end.
 */
void input_load(struct conn *c);
void input_store(struct conn *c);

/*
 * Read more behind what is there, if the socket may have more and this turn is not over.
 *
 * ret  > 0 bytes; 0 end of file (also c->eof); -EAGAIN later; -ENOBUFS no room; or -errno
 */
ssize_t input_read(struct conn *c);

/*
 * The next piece of the request's body.
 *
 * out  piece  lent for the turn
 * ret  1 a piece; 0 more must be read; -EPIPE end of file inside it; 400, 431: not a body
 *      (c->round->body_done says when it is whole; call no more then)
 */
int input_body(struct conn *c, struct span *piece);

#endif
