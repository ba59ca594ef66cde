/*
 * What the supervisor knows of everybody, as fixed integers: taken in one go, sealed in a
 * memfd, read by the process that serves `metrics_listen`. Names are bytes as the configuration
 * has them; all text is made by the reader. Floor 2.
 *
 *     the server | users, an end | certificates, an end
 */
#ifndef HOSTEL_IPC_FIGURES_H
#define HOSTEL_IPC_FIGURES_H

#include "hostel/base/counters.h"
#include "hostel/ipc/wire.h"

#define FIGURES_ROWS_MAX  10000 /* of users, and of certificates: with one for all others */
#define FIGURES_NAME_MAX  255   /* bytes of a user's or a host's name */
#define FIGURES_BYTES_MAX (64 * 1024 * 1024)

enum server_figure {
    FIGURE_START_TIME_S, /* since 1970 */
    FIGURE_GENERATION,
    FIGURE_USERS,
    FIGURE_VHOSTS,
    FIGURE_ERRORS,       /* in files: what is not in effect */
    FIGURE_BROKEN_FILES, /* that hold them */
    FIGURE_ACCEPTORS,    /* that serve */
    FIGURE_ACCEPTOR_RESTARTS,
    FIGURE_WAITING, /* connections at acceptors, for the name they ask for */
    FIGURE_ROUTED,
    FIGURE_REFUSED,
    SERVER_FIGURES
};

enum user_figure {
    FIGURE_WORKERS, /* that serve */
    FIGURE_WORKER_STARTS,
    FIGURE_WORKER_CRASHES,
    FIGURE_WORKER_MEMORY, /* resident bytes */
    FIGURE_DOWN,          /* 1: his workers crash too often */
    FIGURE_PHP_POOLS,     /* that run */
    FIGURE_PHP_PROCESSES, /* that they may have */
    FIGURE_PHP_STARTS,    /* of pools */
    FIGURE_PHP_RESTARTS,  /* of them, while they were in use */
    FIGURE_LOG_LOST,      /* bytes of lines */
    USER_FIGURES
};

struct figures_user {
    struct span name; /* empty: all those that have no row of their own */
    uint32_t gid;
    bool twin; /* the reader's: another row has this name, and another gid */
    uint64_t value[USER_FIGURES];
    struct counters counters; /* of his workers, also those that have ended */
};

struct figures_certificate {
    struct span vhost, user; /* empty: the first to expire of those without a row */
    uint64_t until;          /* seconds since 1970 */
};

struct figures_server {
    uint64_t value[SERVER_FIGURES];
};

void figures_put_server(struct writer *w, const struct figures_server *f);
void figures_put_user(struct writer *w, const struct figures_user *f);
void figures_put_certificate(struct writer *w, const struct figures_certificate *f);
void figures_put_end(struct writer *w); /* of the users, of the certificates */

/*
 * Close it up.
 *
 * out  memfd  sealed against every change; owned by the caller
 * ret  0 or -errno
 */
int figures_seal(const struct buf *b, int *memfd);

struct figures {
    struct span map; /* of the memfd */
    struct figures_server server;
    struct figures_user *users;
    uint32_t nusers;
    struct figures_certificate *certificates;
    uint32_t ncertificates;
};

/*
 * in   memfd  lent
 * out  f      figures_close(); untouched on failure
 * ret  0; -EBADMSG it is not sealed, or not what it should be; or -errno
 */
int figures_open(int memfd, struct figures **f);
/* Accepts NULL inside; leaves NULL. */
void figures_close(struct figures **f);

#endif
