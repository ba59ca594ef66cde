/*
 * Writes what workers have put into their rings (base/logring.h), in a thread of its own: a
 * disk that is slow, full or gone delays nobody, neither who serves nor the supervisor. A user
 * who writes without end has his share of the thread, and others' lines come in time. Floor 6,
 * hostel.
 *
 *   a worker puts lines, says LOG_LINES ──> log_source_wake() ──> the thread: write, take
 *   it is gone                          ──> log_source_free() ──> the same once more, and freed
 */
#ifndef SUPERVISOR_LOGWRITER_H
#define SUPERVISOR_LOGWRITER_H

#include "generation.h"

#include <stdint.h>

struct log_source;  /* one ring, and where its lines go */
struct log_account; /* of one user: what his rings write and lose is counted together */

struct log_account *log_account_new(void);
struct log_account *log_account_hold(struct log_account *a);
/* Accepts NULL inside; leaves NULL. */
void log_account_drop(struct log_account **a);
/* Bytes of his lines that were lost, so far; NULL has lost none. */
uint64_t log_account_lost(const struct log_account *a);

/*
 * A ring for a target. The thread is started with the first one: after capabilities were
 * trimmed, since each thread has its own.
 *
 * in   target  held
 * in   account held
 * out  fd      for the worker; owned by the caller
 * ret  0 or -errno
 */
int log_source_new(struct log_target *target, struct log_account *account, size_t bytes,
                   int *fd, struct log_source **src);

/* Lines may wait there. */
void log_source_wake(struct log_source *src);

/* Its worker is gone: what waits is written, then it goes. Leaves NULL. */
void log_source_free(struct log_source **src);

/* Has a target got into trouble, or out of it, since this was asked? */
bool logwriter_news(void);

/* Now and then: where a write hangs, another thread goes on with the other logs. */
void logwriter_sweep(void);

/* Write all that waits and end the thread; a disk that hangs is given up after a while. */
void logwriter_stop(void);

#endif
