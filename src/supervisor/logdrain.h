/*
 * One ring, and its turn at the log that its lines go to. Floor 6, hostel, the thread that
 * writes logs (logwriter.h).
 */
#ifndef SUPERVISOR_LOGDRAIN_H
#define SUPERVISOR_LOGDRAIN_H

#include "generation.h"
#include "hostel/base/logring.h"

#include <sys/queue.h>

/* What all rings of one user have together. */
struct log_account {
    atomic_uint refs;
    atomic_uint_least64_t lost; /* bytes of lines, so far */
    uint64_t slice;             /* of time (logwriter.c), that spent is of; under its lock */
    size_t spent;               /* bytes that were written, and what stands for a write */
};

struct log_source {
    STAILQ_ENTRY(log_source) entry;
    struct logring *ring;
    struct log_target *target;   /* held */
    struct log_account *account; /* held */
    atomic_uint_least64_t lost;  /* of the ring, already counted */
    unsigned waited;             /* times, since its worker is gone */
    bool watched;                /* the thread looks for lines by itself: it is on that list */
    unsigned looks;              /* in a row that have found none */
    bool queued;
    bool turn; /* a thread has it, maybe for as long as a disk hangs: it must stay */
    bool more; /* it was woken meanwhile */
    bool last; /* freed once it is empty */
};

enum drained {
    DRAINED, /* nothing waits there */
    MORE,
    WAITS, /* the log takes nothing now, or another ring has a line open there */
};

/*
 * Write what waits, but not for long, and no more than one write beyond a budget.
 *
 * in   budget  bytes; each write counts for a page at least
 * out  spent   of it
 */
enum drained logdrain_turn(struct log_source *src, size_t budget, size_t *spent);

/* A write to it does not come back. */
void logdrain_hangs(struct log_target *t);

/* It has had its last turn: what still waits is lost, and counted. */
void logdrain_give_up(struct log_source *src);

/* Has a target got into trouble, or out of it, since this was asked? */
bool logdrain_news(void);

#endif
