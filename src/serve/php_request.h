/*
 * One PHP request and its pool, as php.c, php_pool.c, php_link.c and php_reply.c share them.
 * Floor 5; worker.
 */
#ifndef HOSTEL_SERVE_PHP_REQUEST_H
#define HOSTEL_SERVE_PHP_REQUEST_H

#include "compress.h"
#include "fcgi.h"
#include "spool.h"
#include "hostel/net/deadline.h"
#include "hostel/serve/php.h"

#include <sys/queue.h>
#include <sys/un.h>

/* Where a request is; the graph stands in php.c. */
enum php_stage {
    PHP_BODY,    /* its body is taken in */
    PHP_QUEUED,  /* it waits for the pool, or for one of its processes */
    PHP_RUNNING, /* it has a connection to a process */
    PHP_SENDING, /* PHP is through, the visitor is not */
    PHP_STAGES,
    PHP_OVER = PHP_STAGES,
};

/* A generation of the pool: it lives as long as the pool or a link uses it. */
struct php_socket {
    TAILQ_ENTRY(php_socket) entry;
    uint32_t generation;
    unsigned links;
    struct sockaddr_un to;
};

/* Of a connection to a PHP process; the graph stands in php_link.c. */
enum php_link_state {
    LINK_RUNS, /* it has a request */
    LINK_KEPT, /* kept for the next one */
    LINK_LEFT, /* nobody wants its answer any more, but the script may still run */
};

struct php_link {
    uv_poll_t poll;
    int fd;
    int watched; /* what poll is started for */
    enum php_link_state state;
    struct php_pool *pool;
    struct php_socket *at;
    struct php_request *r; /* LINK_RUNS; else NULL */
    bool deaf;             /* it takes no more of the request; its answer may still come */
    bool heard;            /* something came of this answer */
    bool sent;             /* all of it went out, but for what is owed */
    bool owes;             /* the last record, an empty STDIN, was held back */
    bool gone;             /* PHP closed it */
    bool stuck;            /* its script is to be ended */
    bool asked;            /* ... and the supervisor was asked to */
    uint64_t until_ms;     /* LINK_LEFT: how long it may take */
    uint64_t born_ms;
    struct deadline
        deadline; /* of what it owes, of its idleness, of the script it was left with */
    TAILQ_ENTRY(php_link) entry; /* LINK_KEPT, LINK_LEFT */
    struct fcgi_reader reader;
};

TAILQ_HEAD(php_links, php_link);

/* The answer on its way from PHP to the sink. */
struct php_reply {
    struct buf head; /* CGI head bytes until it is whole */
    size_t head_seen;
    bool begun;    /* the head went to the sink: from here on there is no error page */
    bool bodiless; /* HEAD, 204, 205, 304: what PHP writes is dropped */
    bool has_length;
    bool full;     /* the sink asked to wait */
    bool given;    /* to the sink since the last flush */
    bool done;     /* PHP ended its answer as it should */
    uint64_t left; /* has_length: body bytes still to come from PHP */
    struct spool spool;
    struct compress out; /* in front of the exchange's sink, once begun */
    struct buf line;     /* of PHP's error output, until it is whole */
    size_t logged_bytes;
};

struct php_request {
    struct php_pool *pool;
    struct exchange *x; /* NULL: the visitor has all, or is gone */
    const struct site *site;
    char client[sizeof(((struct visitor *)0)->addr)];
    uint64_t id;      /* exchange_name() */
    uint64_t sent_ns; /* PHP_RUNNING since then */
    bool head_only;
    enum php_stage stage;
    unsigned held; /* frames of the stack that still use it */
    TAILQ_ENTRY(php_request) entry;
    struct deadline deadline;
    struct spool body;
    struct fcgi_writer params; /* writes into out while the body comes */
    struct buf out;            /* records not yet sent */
    unsigned again;            /* how often it was sent to a process that did not take it */
    bool body_sent;            /* the last record is in out, or was sent */
    bool body_open;            /* streamed, and the visitor still sends */
    struct php_link *link;     /* PHP_RUNNING */
    struct php_reply reply;
};

TAILQ_HEAD(php_requests, php_request);

enum php_pool_state {
    POOL_ABSENT, /* not asked for, or released */
    POOL_WANTED, /* the supervisor was asked */
    POOL_READY,
    POOL_FAILED, /* until the retry deadline */
};

struct php_file { /* as it was when it was looked at; all 0: it was not there */
    bool there;
    dev_t dev;
    ino_t ino;
    off_t bytes;
    struct timespec mtime, ctime;
};

struct php_watched {
    char *path;
    struct php_file seen;
};

struct php_pool {
    uv_loop_t *loop;
    uint32_t id, slots;
    bool keep;    /* connections: nobody else's share of the processes is smaller for it */
    bool closing; /* php_pool_free() */
    bool foreign; /* nobody of ours started what listens: upstream.h */
    uint32_t generation; /* that was ready last */
    enum php_pool_state state;
    struct php_limits limits;
    const struct php_pool_ops *ops;
    void *data;
    struct php_socket *at; /* where new connections go; NULL: nowhere */
    struct php_requests in[PHP_STAGES];
    size_t n[PHP_STAGES];
    struct php_links kept, left;
    unsigned links; /* all of them: never more than slots */
    struct deadlines deadlines;
    struct deadline_class queue_wait, silence, drain;      /* a request's */
    struct deadline_class owes_wait, kept_wait, left_wait; /* a link's */
    struct deadline_class idle_wait, again_wait, retry_wait;
    struct deadline idle, again, retry; /* the pool's: one in each class */
    struct php_watched *watched;        /* restart_on */
    unsigned nwatched;
    uint64_t looked_ms;
};

/* --- php.c ------------------------------------------------------------------------------- */

/*
 * It cannot be answered as it should: an error page, or, when the head is out, a cut answer
 * that the visitor can tell from a whole one. The request is over.
 *
 * in  why  for the site's error log; NULL = nothing to say there
 */
void php_request_fail(struct php_request *r, unsigned status, const char *why);

/* Something is wrong with it, or with PHP: into the site's error log. */
void php_request_error(const struct php_request *r, struct span text);

/* PHP has it from now on, or no more: its exchange is told for how long it had. */
void php_request_clock(struct php_request *r, bool runs);

/* Nothing more is wanted: closes the connection to PHP, leaves the pool, frees. */
void php_request_over(struct php_request *r);

/* The exchange, which is r's no more: for the one last call on its sink. */
struct exchange *php_request_part(struct php_request *r);

/* The sink said that the visitor is gone: over, unless on_gone came already. */
void php_request_gone(struct php_request *r);

/* While held, an over request stays in memory. */
void php_request_hold(struct php_request *r);
void php_request_drop(struct php_request *r);

/* --- php_pool.c -------------------------------------------------------------------------- */

/* Move r to another stage's list; PHP_OVER takes it out of the pool. */
void php_pool_move(struct php_pool *p, struct php_request *r, enum php_stage stage);

/* Ask for the pool, or give free slots to those who wait. Calls no sink. */
void php_pool_run(struct php_pool *p);

/* A request is about to come: is this generation still good enough? */
void php_pool_look(struct php_pool *p);

/* Seconds for Retry-After. */
unsigned php_pool_retry_s(const struct php_pool *p);

/* Back to the head of the queue: PHP has not seen it. */
void php_pool_requeue(struct php_request *r);

/* One link less at a generation; the last of an old one releases it. */
void php_socket_let(struct php_pool *p, struct php_socket *s);

/* --- php_watch.c ------------------------------------------------------------------------- */

/* Has one of the files changed since the last look, or note? */
bool php_watch_changed(struct php_pool *p);

/* A new generation knows of all that is there now. */
void php_watch_note(struct php_pool *p);
void php_watch_done(struct php_pool *p);

/* --- php_link.c -------------------------------------------------------------------------- */

/*
 * Connect and send as much of the request as the socket takes. Calls no sink.
 *
 * ret  0; -errno: nothing was sent, PHP has not seen the request
 */
int php_link_open(struct php_request *r);

/*
 * Send it over a connection that was kept, if there is one that still takes it and the request
 * is fit for that. Calls no sink.
 *
 * ret  false: r waits as before
 */
bool php_link_reuse(struct php_request *r);

/* PHP ended its answer: keep the connection or close it. r goes to PHP_SENDING. */
void php_link_done(struct php_request *r);

/* PHP is of no more use to r, but may still be at work. Nothing to do without a link. */
void php_link_leave(struct php_request *r);

/* Close those that are kept: all, or the oldest one only. ret  false when there was none */
bool php_links_drop_kept(struct php_pool *p, bool all);

/* The pool goes: close those that are kept or left. */
void php_links_done(struct php_pool *p);

/* What deadlines say. */
void php_link_pay(struct php_link *l);
void php_link_over(struct php_link *l);
void php_link_look(struct php_link *l);

/* More of a streamed body is here, or its end: send what goes. Calls no sink. */
void php_link_more(struct php_request *r);

/* Look again at what to wait for: the sink has room. */
void php_link_resume(struct php_request *r);

/* --- php_reply.c ------------------------------------------------------------------------- */

void php_reply_init(struct php_request *r);
void php_reply_done(struct php_request *r);

/* What PHP writes, to its output and to its error output. */
void php_reply_out(struct php_request *r, struct span bytes);
void php_reply_err(struct php_request *r, struct span bytes);

/* PHP said the request is over; closes the link. */
void php_reply_end(struct php_request *r, unsigned protocol_status);

/* Give the sink what waits for it; finish when that was all. */
void php_reply_push(struct php_request *r);

/* A burst of PHP's was read: what came should reach the visitor now. */
void php_reply_flush(struct php_request *r);

/* So much waits for the visitor that PHP has to. */
bool php_reply_full(const struct php_request *r);

#endif
