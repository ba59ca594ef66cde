/*
 * Numbers for `metrics_listen`: the process that serves them, and what it is given.
 * Floor 6, hostel.
 *
 *   metrics.c          hostel-metrics: its start, its end, what it asks for
 *   metrics_sockets.c  the sockets that it answers on
 *   figures.c          what everybody has counted, gathered some users at a time
 *
 * hostel-metrics has no privilege and no memory of anybody's: an acceptor's confinement, and
 * snapshots of fixed integers. It makes all text of them.
 */
#ifndef SUPERVISOR_METRICS_H
#define SUPERVISOR_METRICS_H

#include "supervisor.h"
#include "hostel/ipc/figures.h"

/* A set of sockets, by what the configuration says. */
struct metrics_sockets {
    struct {
        char *text; /* owned */
        int fd;
    } at[CONF_METRICS_MAX];
    size_t n;
};

/* Snapshots on their way. */
struct figures_work {
    uv_timer_t timer; /* runs while one is wanted */
    bool begun;
    uint64_t last_ms; /* when the last one was begun; 0: never */
    struct buf out;
    size_t room;                /* where it is */
    uint32_t rows;              /* users that have one of their own */
    struct figures_user others; /* added up so far */
    struct figures_user gone;   /* of them, users that are no more */
};

struct metrics {
    struct child child;
    struct channel *control; /* NULL: not running */
    bool greeted;
    bool told_serving;  /* what it was told last */
    uint64_t served_ms; /* when an acceptor was last seen ready */
    unsigned crashes;   /* in a row */
    uint64_t retry_ms;
    uint64_t end_ms; /* its channel is gone: it is killed then */
    struct metrics_sockets sockets;
    struct figures_work work;
};

/* metrics_sockets.c */
/*
 * Have the sockets of a configuration: those that are there already are shared, others made.
 *
 * out  next  metrics_sockets_close() or metrics_use()
 * out  what  on failure which one; lent from conf
 * ret  0 or -errno
 */
int metrics_sockets_open(struct supervisor *s, const struct conf *conf,
                         struct metrics_sockets *next, const char **what);
void metrics_sockets_close(struct metrics_sockets *sockets);
/* Their names go as well. */
void metrics_sockets_remove(const struct metrics_sockets *sockets);

/* metrics.c */
void metrics_init(struct supervisor *s);
/* Serve on these from now on, takes; another process when they are others. */
void metrics_use(struct supervisor *s, struct metrics_sockets *next);
/* Start it when it should run and does not, tell it how we are. */
void metrics_sweep(struct supervisor *s, uint64_t now_ms);
/* It tells visitors' load balancers to go elsewhere, until metrics_stop(). */
void metrics_stop(struct supervisor *s);

/* figures.c */
int figures_init(struct supervisor *s);
/* It asks for numbers: they will be sent. */
void figures_wanted(struct supervisor *s);
void figures_drop(struct supervisor *s);
/* Files of which something is not in effect. */
uint64_t figures_broken_files(const struct supervisor *s);

#endif
