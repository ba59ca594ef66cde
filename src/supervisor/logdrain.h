/*
 * One ring, and its turn at the log that its lines go to. Floor 6, hostel, the thread that
 * writes logs (logwriter.h).
 */
#ifndef SUPERVISOR_LOGDRAIN_H
#define SUPERVISOR_LOGDRAIN_H

#include "generation.h"
#include "hostel/base/logring.h"

#include <sys/queue.h>

struct log_source {
    STAILQ_ENTRY(log_source) entry;
    struct logring *ring;
    struct log_target *target; /* held */
    uint64_t lost;             /* of the ring, already counted */
    unsigned waited;           /* times, since its worker is gone */
    bool queued;
    bool last; /* freed once it is empty */
};

enum drained {
    DRAINED, /* nothing waits there */
    MORE,
    WAITS, /* the log takes nothing now, or another ring has a line open there */
};

/* Write what waits, but not for long. */
enum drained logdrain_turn(struct log_source *src);

/* Its last turn is over: what still waits is lost, and counted. Leaves NULL. */
void logdrain_free(struct log_source **src);

/* Has a target got into trouble, or out of it, since this was asked? */
bool logdrain_news(void);

#endif
