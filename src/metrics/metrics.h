/*
 * hostel-metrics: numbers for who looks after the server. No privilege, no file, no connection
 * to anybody: an acceptor's confinement. Runs as the acceptor_user. Floor 6.
 *
 *   visit.c ──> control.c ──> the supervisor: FIGURES_WANT
 *      ↑                             │
 *      └───── page.c <── FIGURES ────┘
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include "hostel/ipc/channel.h"
#include "hostel/ipc/figures.h"
#include "hostel/metrics/run.h"
#include "hostel/peek/head.h"

#include <sys/queue.h>
#include <uv.h>

#define LISTENERS_MAX 4
#define VISITS_MAX    32 /* at once; for more the oldest make room */
#define HEAD_MAX      8192
#define PAGE_MAX      (64 * 1024 * 1024)
#define PAGE_MS       1000 /* a page is good for so long */

struct metrics;

struct listener {
    uv_poll_t poll;
    struct metrics *m;
    int fd;
};

/* The text that several visits may be sending at once. */
struct page {
    unsigned users;
    struct buf text;
};

struct visit {
    TAILQ_ENTRY(visit) link;
    struct metrics *m;
    uv_poll_t poll;
    int fd;
    uint64_t end_ms;
    struct buf in, out;
    size_t seen;
    struct page *page; /* sent after out; NULL: none, or it is waited for */
    size_t page_sent;
    bool waits; /* for a page */
    bool bodiless;
    bool lingers; /* all is said; it reads the rest */
};
TAILQ_HEAD(visits, visit);

struct metrics {
    uv_loop_t loop;
    struct channel control;
    uv_timer_t tick;
    struct listener *listeners[LISTENERS_MAX];
    unsigned nlisteners;
    struct visits visits;
    unsigned nvisits;
    bool serving;      /* what /health says */
    bool asked;        /* for a snapshot */
    bool leaving;      /* the supervisor has gone: it ends with the last visit */
    struct page *page; /* the last one; NULL: none yet */
    uint64_t page_ms;  /* when it came */
    int status;
};

/* control.c */
int control_open(struct metrics *m, int fd);
/* Ask for a snapshot, unless that has been done. */
void control_ask(struct metrics *m);

/* visit.c */
/* takes fd. ret  0 or -errno */
int visit_listen(struct metrics *m, int fd);
/* A page has come, for all who wait. */
void visit_page(struct metrics *m);
/* Nobody is let in any more: what waits is another process's. */
void visit_last(struct metrics *m);
void visit_expire(struct metrics *m, uint64_t now_ms);

/* page.c */
/* ret  0; -ENOBUFS it would be over PAGE_MAX */
int page_write(const struct figures *f, bool serving, struct buf *out);
struct page *page_hold(struct page *p);
/* Leaves NULL; NULL is fine. */
void page_drop(struct page **p);

#endif
