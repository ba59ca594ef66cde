/*
 * The payloads of ipc/table.h. Each has a put (sender) and a get (receiver). A get checks
 * every bound stated here and returns -EBADMSG for anything else; spans it gives are lent
 * from the message. Floor 2.
 */
#ifndef HOSTEL_IPC_MESSAGE_H
#define HOSTEL_IPC_MESSAGE_H

#include "hostel/base/nets.h"
#include "hostel/ipc/table.h"
#include "hostel/ipc/wire.h"

#include <sys/socket.h>

#define MSG_HOST_MAX        255   /* a DNS name */
#define MSG_PATH_MAX        4095  /* PATH_MAX without its NUL */
#define MSG_NAMES_MAX       32768 /* bytes of one vhost's host and aliases together */
#define MSG_INDEX_MAX       1024  /* bytes of an index list */
#define MSG_PREFIX_MAX      49152 /* bytes read before a hand-back */
#define MSG_SOCKET_MAX      100   /* a socket's file name: sun_path is 108 */
#define MSG_SOCKET_PATH_MAX 107   /* of a socket of the user's own */
#define MSG_NAME_MAX        255   /* of a rule: a header's name, a realm */
#define MSG_VALUE_MAX       8192  /* of a rule: a header's value, a file, a target */
#define MSG_NET_BYTES       16    /* an address in a rule: IPv4 as ::ffff:a.b.c.d */
#define MSG_FORMAT_MAX      1024  /* of an access line */
#define MSG_LOGS_MAX        4096  /* log descriptors of one worker */
#define MSG_RESTART_MAX     33000 /* bytes of a pool's restart_on: eight paths */
#define MSG_POOLS_MAX       256   /* pools of one user */
#define MSG_LISTENERS_MAX   64
#define MSG_RATE_MAX        1000000             /* requests a second, and of a burst */
#define MSG_BANDWIDTH_MAX   (UINT64_C(1) << 40) /* bytes (a second) */

#define MSG_NONE UINT32_MAX /* "no such thing" in an id field */

/* HELLO, HELLO_WORKER: the two executables must be of one build. */
struct msg_hello {
    uint32_t version; /* IPC_VERSION */
};
void msg_hello_put(struct writer *w, const struct msg_hello *m);
int msg_hello_get(struct reader *r, struct msg_hello *m);

/*
 * LISTENER, OWN_LISTENER + the listening socket; LISTENER once more for an id that is known:
 * other proxies from now on; UNLISTEN: take what waits there, then close it.
 */
struct msg_listener {
    uint32_t id; /* < MSG_LISTENERS_MAX */
    uint8_t tls; /* 0, 1; UNLISTEN: 0 */
    struct nets
        proxies; /* nobody else may connect, and they say who the visitor is; maybe none */
};
void msg_listener_put(struct writer *w, const struct msg_listener *m);
int msg_listener_get(struct reader *r, struct msg_listener *m);

/* START: the acceptor has all listeners and routes and may accept; later ones are new limits.
 */
struct msg_start {
    uint32_t head_timeout_ms; /* for a first request head to arrive */
    uint32_t conns_per_addr;  /* un-routed connections of one client address */
    uint32_t conns_max;       /* un-routed connections altogether */
    uint64_t seal[2];         /* the key of what acceptors vouch for: struct msg_visitor */
    struct nets trusted;      /* proxies whose requests say who the visitor is */
    uint8_t log_level;        /* enum log_level */
};
void msg_start_put(struct writer *w, const struct msg_start *m);
int msg_start_get(struct reader *r, struct msg_start *m);

/*
 * USER_WANT, USER_BAD,
 * USER_DOWN (+ maybe the workers' end, to answer what waits in it; retry_ms > 0: answer 503
 * until then and ask again after), USER_GONE (no table has him from here on).
 */
struct msg_user {
    uint32_t user;     /* index in the routing table of this generation */
    uint32_t retry_ms; /* USER_DOWN only, else 0 */
    uint32_t channel;  /* USER_BAD: which one it was; else 0 */
};
void msg_user_put(struct writer *w, const struct msg_user *m);
int msg_user_get(struct reader *r, struct msg_user *m);

/* USER_CHANNEL + the acceptor's end of the user's channel. */
struct msg_channel {
    uint32_t user;    /* likewise */
    uint32_t channel; /* which one it is */
    uint32_t workers; /* that share it; > 0 */
};
void msg_channel_put(struct writer *w, const struct msg_channel *m);
int msg_channel_get(struct reader *r, struct msg_channel *m);

/*
 * STOP_ACCEPTOR, STOP_WORKER: finish within this time, then leave. A later one may be harder. A
 * worker answers LEAVES: it takes no connection any more.
 */
enum msg_stop_how {
    MSG_STOP_SOON, /* what waits in the user channel is taken; idle connections are closed */
    MSG_STOP_LAST, /* the same, but they get one more answer each, which says: close */
    MSG_STOP_REPLACED, /* likewise, and what waits in the channel is a successor's */
    MSG_STOP_HOWS
};
struct msg_stop {
    uint32_t timeout_ms;
    uint8_t how; /* enum msg_stop_how; acceptors: SOON, or LAST: who was accepted is routed */
};
void msg_stop_put(struct writer *w, const struct msg_stop *m);
int msg_stop_get(struct reader *r, struct msg_stop *m);

/* HEALTH: what a load balancer shall hear. */
struct msg_health {
    uint8_t serving; /* 0: send visitors elsewhere */
};
void msg_health_put(struct writer *w, const struct msg_health *m);
int msg_health_get(struct reader *r, struct msg_health *m);

/* LOG_LEVEL: what error logs hold from now on. */
struct msg_log_level {
    uint8_t level; /* enum log_level */
};
void msg_log_level_put(struct writer *w, const struct msg_log_level *m);
int msg_log_level_get(struct reader *r, struct msg_log_level *m);

/* SYNC, SYNC_WORKER; SYNCED brings it back: what was said before is in effect. */
struct msg_sync {
    uint32_t no; /* > 0 */
};
void msg_sync_put(struct writer *w, const struct msg_sync *m);
int msg_sync_get(struct reader *r, struct msg_sync *m);

struct msg_worker_init {
    struct span user;      /* name for the log; <= MSG_HOST_MAX */
    struct span home;      /* <= MSG_PATH_MAX; may be empty */
    uint64_t body_max;     /* bytes of a request body */
    uint32_t idle_exit_ms; /* 0 = never */
    uint32_t keepalive_ms;
    uint32_t head_timeout_ms;
    uint32_t body_timeout_ms; /* without progress */
    uint32_t send_timeout_ms; /* without progress */
    uint32_t conns_max;       /* connections at once; > 0 */
    uint32_t conns_per_addr;  /* of one client address; > 0 */
    uint8_t acme;             /* 1: some worker answers ACME's challenges for every name */
    uint64_t body_rate;       /* bytes a second, on average; 0 = as slow as it likes */
    struct nets trusted;      /* proxies whose requests say who the visitor is */
    uint8_t trusted_close;    /* 1: their connections are not kept */
};
void msg_worker_init_put(struct writer *w, const struct msg_worker_init *m);
int msg_worker_init_get(struct reader *r, struct msg_worker_init *m);

/* COMMONS + what the user's workers count together (base/commons.h). */
struct msg_commons {
    uint32_t place;     /* of this worker in it */
    uint32_t conns_max; /* connections of all of them; 0 = no limit */
};
void msg_commons_put(struct writer *w, const struct msg_commons *m);
int msg_commons_get(struct reader *r, struct msg_commons *m);

/*
 * LOG + the memory of a ring (base/logring.h): lines that are put there are written where they
 * belong. LOG_LINES: there are some.
 */
struct msg_log {
    uint32_t id; /* < MSG_LOGS_MAX, in order from 0 */
};
void msg_log_put(struct writer *w, const struct msg_log *m);
int msg_log_get(struct reader *r, struct msg_log *m);

struct msg_pool {
    uint32_t id;    /* < MSG_POOLS_MAX, in order from 0 */
    uint32_t slots; /* how many requests this worker may run in it at once; > 0 */
    uint8_t keep;   /* 1: all workers' slots are no more than the processes */
    uint32_t idle_exit_ms;
    uint32_t request_timeout_ms; /* from sent to the first byte, and between two */
    uint32_t queue;              /* requests that may wait */
    uint32_t queue_timeout_ms;
    struct span restart_on; /* '\n'-separated paths, <= MSG_RESTART_MAX; may be empty */
};
void msg_pool_put(struct writer *w, const struct msg_pool *m);
int msg_pool_get(struct reader *r, struct msg_pool *m);

struct msg_vhost {
    struct span names;   /* host and aliases, '\n'-separated, lower case, '*.' for wildcards */
    struct span root;    /* absolute */
    struct span index;   /* '\n'-separated */
    uint32_t access_log; /* LOG id or MSG_NONE */
    uint32_t error_log;  /* likewise */
    uint32_t pool;       /* POOL id or MSG_NONE: no PHP */
    uint8_t by_default;  /* answers names that no vhost has */
    uint8_t autoindex;   /* 0, 1 */
    uint8_t compress;    /* 0, 1 */
    uint8_t stream;      /* 0, 1 */
    uint8_t symlinks;    /* enum msg_symlinks */
    uint64_t compress_min;
    struct span fallback;    /* begins with '/'; empty: none */
    uint32_t conns_max;      /* 0 = no limit */
    uint16_t https_port;     /* requests without TLS are sent there; 0: they are not */
    uint32_t hsts_seconds;   /* MSG_NONE: no such header */
    uint8_t hsts_subdomains; /* 0, 1 */
    uint8_t acme;            /* 1: answers ACME's challenges, whatever the host */
    struct span log_format;  /* of access lines; <= MSG_FORMAT_MAX; empty: combined */
    uint32_t rate, burst;    /* requests a second of one address; rate 0 = no limit */
    uint64_t bandwidth, bandwidth_burst; /* bytes (a second) of a connection; 0 = no limit */
};
enum msg_symlinks { MSG_SYMLINKS_FOLLOW, MSG_SYMLINKS_OWNER, MSG_SYMLINKS_OFF };
void msg_vhost_put(struct writer *w, const struct msg_vhost *m);
int msg_vhost_get(struct reader *r, struct msg_vhost *m);

/*
 * TLS: the certificate of a VHOST + its chain and its key, PEM, each in a sealed memfd. No
 * process but the receiver ever maps them. At the start it is that of the VHOST sent last;
 * later, another one for a vhost that has been sent with one: for handshakes from now on.
 */
struct msg_tls {
    uint32_t vhost;      /* 0 is the first VHOST that was sent */
    uint8_t version_min; /* 12, 13 */
};
void msg_tls_put(struct writer *w, const struct msg_tls *m);
int msg_tls_get(struct reader *r, struct msg_tls *m);

/*
 * TICKETS: the keys that the session tickets of this user are sealed with, the newest first;
 * before the first TLS, and whenever they change. Only workers that are told of TLS get any.
 */
#define MSG_TICKET_BYTES 80
#define MSG_TICKETS_MAX  3

struct msg_tickets {
    uint8_t kernel;   /* 1: let the kernel encrypt */
    struct span keys; /* 1..MSG_TICKETS_MAX of MSG_TICKET_BYTES */
};
void msg_tickets_put(struct writer *w, const struct msg_tickets *m);
int msg_tickets_get(struct reader *r, struct msg_tickets *m);

/*
 * RULE: one rule of the VHOST that was sent last; rules of one kind come in their order. What
 * a kind does not use is 0 or empty; nothing but a net may hold a NUL.
 *
 *   kind             op             a, b                match        name    value
 *   RULE_HEADER      msg_header_op  statuses, a <= b    path or ""   header  value
 *   RULE_EXPIRES                    a: seconds          media type
 *   RULE_REDIRECT                   a: status           path                 path or URL
 *   RULE_ERROR_PAGE                 statuses, a <= b                         path
 *   RULE_AUTH                                           path or ""   realm   file
 *   RULE_ACCESS      1 = allow      a: bits             16 bytes
 *   RULE_PATH        msg_serve      a: 1 = of files     path                 directory or ""
 *   RULE_REWRITE                                        path                 path, query
 *   RULE_PARAM                                                      name     value
 *   RULE_FASTCGI                    a: connections,     path or ""           socket
 *                                   b: timeout, ms
 *   RULE_ROOT        0 = to send from, 1 = of links                          directory
 */
enum msg_rule_kind {
    RULE_HEADER,
    RULE_EXPIRES,
    RULE_REDIRECT,
    RULE_ERROR_PAGE,
    RULE_AUTH,
    RULE_ACCESS,
    RULE_PATH,
    RULE_REWRITE,
    RULE_PARAM,
    RULE_ROOT,
    RULE_FASTCGI,
    RULE_KINDS
};
enum msg_header_op { MSG_HEADER_SET, MSG_HEADER_ADD, MSG_HEADER_REMOVE };
enum msg_serve {
    MSG_SERVE_ALL,
    MSG_SERVE_STATIC,
    MSG_SERVE_INTERNAL,
    MSG_SERVE_NOTHING,
    MSG_SERVE_FORBIDDEN
};

struct msg_rule {
    uint8_t kind;
    uint8_t op;
    uint32_t a, b;
    struct span match; /* <= MSG_PATH_MAX */
    struct span name;  /* <= MSG_NAME_MAX */
    struct span value; /* <= MSG_VALUE_MAX */
};
void msg_rule_put(struct writer *w, const struct msg_rule *m);
int msg_rule_get(struct reader *r, struct msg_rule *m);

/*
 * POOL_WANT, POOL_RELEASE, POOL_BROKEN (connects refused: please look), POOL_RENEW (a file of
 * restart_on changed: another generation, please), POOL_FAILED, POOL_READY.
 */
struct msg_pool_state {
    uint32_t pool;
    uint32_t generation; /* READY, RELEASE, BROKEN, RENEW; else 0 */
    uint32_t retry_ms;   /* FAILED; else 0 */
    struct span socket;  /* READY: file name in the worker's working directory; else empty */
};
void msg_pool_state_put(struct writer *w, const struct msg_pool_state *m);
int msg_pool_state_get(struct reader *r, struct msg_pool_state *m);

/* POOL_STUCK: the script behind one of our connections has run for too long. */
struct msg_pool_stuck {
    uint32_t pool;
    uint32_t generation;
    uint64_t inode; /* of our end's socket */
};
void msg_pool_stuck_put(struct writer *w, const struct msg_pool_stuck *m);
int msg_pool_stuck_get(struct reader *r, struct msg_pool_stuck *m);

/* What an acceptor knows of a connection. */
#define CONN_BY_DEFAULT 1  /* its first Host is in no vhost: for the user's default vhost */
#define CONN_RETURNED   2  /* it was handed back once */
#define CONN_TLS        4  /* it came to a listener of TLS: never handed back */
#define CONN_PROXIED    8  /* a proxy's header stood before it */
#define CONN_SECURE     16 /* with it: the visitor speaks TLS with the proxy */
#define CONN_ALONE      32 /* to a listener of one user's own: one ACME challenge, then it ends */
#define CONN_FLAGS                                                                             \
    (CONN_BY_DEFAULT | CONN_RETURNED | CONN_TLS | CONN_PROXIED | CONN_SECURE | CONN_ALONE)
#define CONN_BACK_FLAGS (CONN_PROXIED | CONN_SECURE | CONN_ALONE) /* what a worker may say */

struct msg_visitor {
    uint8_t flags;
    uint8_t ip[MSG_NET_BYTES]; /* his address: accept4() has said it, no call asks again */
    uint16_t port;
    /*
     * CONN_PROXIED only: what he connected to, as the proxy says, and the acceptors' seal on
     * all of it, which comes back with the connection: the socket knows nothing of the visitor,
     * and a worker's word is worth nothing.
     */
    uint8_t to_ip[MSG_NET_BYTES];
    uint16_t to_port; /* 0: ask the socket */
    uint64_t seal;
};

/* out  v  ip and port; 0 for what is no internet address */
void msg_visitor_from(struct msg_visitor *v, const struct sockaddr_storage *addr);
/* out  addr  of AF_INET6; IPv4 as ::ffff:a.b.c.d */
void msg_visitor_to(const struct msg_visitor *v, struct sockaddr_storage *addr);

/* CONN: a visitor a descriptor. */
struct msg_conn {
    unsigned n; /* 1..IPC_FDS_MAX */
    struct msg_visitor visitors[IPC_FDS_MAX];
};
void msg_conn_put(struct writer *w, const struct msg_conn *m);
int msg_conn_get(struct reader *r, struct msg_conn *m);

/* CONN_PREFIX: a connection and what was read of it already. */
struct msg_conn_prefix {
    struct msg_visitor visitor;
    struct span prefix; /* 1..MSG_PREFIX_MAX bytes, begins with a request head */
};
void msg_conn_prefix_put(struct writer *w, const struct msg_conn_prefix *m);
int msg_conn_prefix_get(struct reader *r, struct msg_conn_prefix *m);

/*
 * CONN_BACK: the same. What a worker says of a visitor is not believed: it is the acceptors'
 * own word, with their seal, or it is not looked at.
 */
struct msg_conn_back {
    struct msg_visitor visitor; /* as it came, where that was CONN_PROXIED; else all 0 */
    struct span prefix;         /* likewise; empty: all of the request is still in the socket */
};
void msg_conn_back_put(struct writer *w, const struct msg_conn_back *m);
int msg_conn_back_get(struct reader *r, struct msg_conn_back *m);

/* EXAMINE + chain and key, PEM, each in a sealed memfd: is it a pair, and good for these names?
 */
struct msg_examine {
    uint32_t version;  /* IPC_VERSION: the two executables must be of one build */
    uint32_t id;       /* comes back with the answer */
    struct span names; /* '\n'-separated; <= MSG_NAMES_MAX */
};
void msg_examine_put(struct writer *w, const struct msg_examine *m);
int msg_examine_get(struct reader *r, struct msg_examine *m);

/*
 * EXAMINED. Each line of found says one thing; its first byte how bad that is: 'W' a warning,
 * 'E' an error, 'R' it cannot be served.
 */
#define MSG_FOUND_MAX 16384

struct msg_examined {
    uint32_t id;
    struct span found;   /* '\n'-separated; empty: nothing is wrong */
    struct span covered; /* the certificate's DNS names, '\n'-separated; <= MSG_NAMES_MAX */
    uint64_t until;      /* its end, seconds of the epoch; 0: it has no readable one */
};
void msg_examined_put(struct writer *w, const struct msg_examined *m);
int msg_examined_get(struct reader *r, struct msg_examined *m);

/* MAKE: a self-signed certificate for these names. MADE: it, and its key. */
#define MSG_PEM_MAX 16384

struct msg_make {
    uint32_t version;
    uint32_t days; /* 1..36500 */
    struct span names;
};
void msg_make_put(struct writer *w, const struct msg_make *m);
int msg_make_get(struct reader *r, struct msg_make *m);

struct msg_made {
    struct span certificate, key; /* PEM, 1..MSG_PEM_MAX each */
};
void msg_made_put(struct writer *w, const struct msg_made *m);
int msg_made_get(struct reader *r, struct msg_made *m);

#endif
