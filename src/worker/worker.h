/*
 * The whole of a worker process: two channels, sites, pools, connections. Floor 6; worker.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "conn.h"
#include "hostel/base/logformat.h"
#include "hostel/ipc/channel.h"
#include "hostel/ipc/message.h"
#include "hostel/serve/logfile.h"
#include "hostel/serve/php.h"
#include "hostel/serve/upstream.h"

#define WORKER_QUEUE_MAX                                                                       \
    (1024 * 1024)            /* bytes queued in a channel: about twenty hand-backs             \
                              */
#define WORKER_TERM_MS 10000 /* to finish what runs, when nobody says how long: SIGTERM */

#define WORKER_LISTENERS_MAX 64 /* of one user */

struct listener;

struct peers {         /* peers.c */
    uint32_t least;    /* of the others, when they were last waited for, */
    uint64_t least_ms; /* and since when it is that */
};

struct worker {
    uv_loop_t loop;
    uv_timer_t idle;  /* retire */
    uv_timer_t limit; /* STOP: not later than this */
    uv_timer_t rest;  /* no connection is taken until then: there is no room, or others may */
    struct peers peers;
    struct listener *listeners[WORKER_LISTENERS_MAX]; /* of the user's own */
    unsigned nlisteners;
    uv_signal_t term;
    struct channel control, user;
    int user_fd; /* until START_WORKER opens it */
    bool told;   /* WORKER_INIT has come */
    bool serving, stopping, paused;
    bool takes_all;    /* that wait for it: nobody else will */
    uint64_t leave_ms; /* stopping: not later, of the loop's clock */
    int status;        /* exit status */
    uint64_t busy_ms;  /* of the loop's clock: when something was last going on */
    uint64_t start_ms; /* of the same clock */
    uint64_t idle_exit_ms;
    size_t conns_max;
    struct php_limits php_limits;
    const char *spool_dirs[4];
    char *home;
    char *account; /* name of the user whose worker it is */
    struct conns_settings settings;
    struct sites *sites;
    const struct tls_ops *tls_ops; /* NULL: without TLS */
    struct tls_server *tls;        /* NULL: no site has a certificate */
    struct logfiles *logfiles;
    struct logfile **logs; /* theirs */
    uint32_t nlogs;
    struct logformat **formats; /* of access lines: each text once */
    size_t nformats;
    struct php_pool **pools;
    char **restart_on; /* of each pool, '\n'-separated */
    uint32_t npools;
    struct upstream **upstreams; /* responders of the user's own */
    size_t nupstreams;
    struct conns conns;
};

/* control.c: what the supervisor says, and what it is told. */
extern const struct channel_ops control_ops;
extern const struct php_pool_ops control_pool_ops;
int control_hello(struct worker *w);
int control_ready(struct worker *w);
bool control_log_lines(void *data); /* some wait: logfiles_new() */

/* secure.c: the certificates that the supervisor sends. ret 0 or -errno */
int secure_tickets(struct worker *w, struct message *m);
int secure_site(struct worker *w, struct message *m);
void secure_done(struct worker *w);

/* adopt.c: connections from the acceptors, and back to them. */
extern const struct channel_ops adopt_ops;
extern const struct conns_ops adopt_conns_ops;

/* listen.c: the user's own listeners. */
int listen_add(struct worker *w, int fd, bool tls); /* takes; ret 0 or -errno */
void listen_start(struct worker *w);
void listen_stop(struct worker *w);     /* what comes waits for another worker, or the next */
void listen_take_all(struct worker *w); /* that wait there */
void listen_close(struct worker *w);

/* peers.c: the other workers of this user. */
void
peers_note(struct worker *w); /* how many connections there are, and whether more are taken */
/* Has it more than others? Then it takes none for a moment. */
bool peers_yield(struct worker *w);

/* worker.c: the steps of its life. */
void worker_take(struct worker *w); /* connections again, unless it is full or leaving */
int worker_start(struct worker *w); /* everything was told: serve. ret 0 or -errno */
void worker_stop(struct worker *w, uint64_t timeout_ms, enum msg_stop_how how);
void worker_exit(struct worker *w, int status); /* leave the loop, as soon as it turns */
void worker_settle(struct worker *w);           /* a connection came or went */

#endif
