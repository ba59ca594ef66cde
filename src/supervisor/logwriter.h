/*
 * Writes what workers have put into their rings (base/logring.h), in a thread of its own: a
 * disk that is slow, full or gone delays nobody, neither who serves nor the supervisor. It
 * reads no byte of a line. Floor 6, hostel.
 *
 *   a worker puts lines, says LOG_LINES ──> log_source_wake() ──> the thread: write, take
 *   it is gone                          ──> log_source_free() ──> the same once more, and freed
 */
#ifndef SUPERVISOR_LOGWRITER_H
#define SUPERVISOR_LOGWRITER_H

#include "generation.h"

#include <stdint.h>

struct log_source; /* one ring, and where its lines go */

/*
 * A ring for a target. The thread is started with the first one: after capabilities were
 * trimmed, since each thread has its own.
 *
 * in   target  held
 * out  fd      for the worker; owned by the caller
 * ret  0 or -errno
 */
int log_source_new(struct log_target *target, size_t bytes, int *fd, struct log_source **src);

/* Lines may wait there. */
void log_source_wake(struct log_source *src);

/* Its worker is gone: what waits is written, then it goes. Leaves NULL. */
void log_source_free(struct log_source **src);

/* Has a target got into trouble, or out of it, since this was asked? */
bool logwriter_news(void);

/* Write all that waits and end the thread; a disk that hangs is given up after a while. */
void logwriter_stop(void);

#endif
