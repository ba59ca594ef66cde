/*
 * Log lines on their way from a worker to the supervisor: a ring in memory that both have, so
 * that no process of a user's holds a log's descriptor, and a worker that is killed loses none
 * of its lines. The worker puts whole lines; the supervisor writes what is there with one call,
 * and reads nothing of it but how much there is. Floor 0; hostel, hostel-worker.
 *
 * What a hostile worker can do with it: spoil lines of its own.
 */
#ifndef HOSTEL_BASE_LOGRING_H
#define HOSTEL_BASE_LOGRING_H

#include "hostel/base/span.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define LOGRING_MIN 65536
#define LOGRING_MAX (16 * 1024 * 1024)

struct logring; /* one end of it */

/* Unmaps this end. Accepts NULL inside; leaves NULL. */
void logring_free(struct logring **r);

/* Bytes that wait; what the other end says, bounded by the size. */
size_t logring_waiting(const struct logring *r);

/* --- the worker's end --- */

/*
 * in   fd  a memfd from logring_make(), lent
 * ret  0 or -errno; -EBADMSG: it is no such thing
 */
int logring_use(int fd, struct logring **r);

/* Put a whole line, its '\n' included; copies. ret  false: no room, and it is counted as lost
 */
bool logring_put(struct logring *r, struct span line);

/*
 * Does the other end look by itself, soon? Asked when a line was put, it holds for that line;
 * else the other end has to be told.
 */
bool logring_watched(const struct logring *r);

/* Should the other end be told, before its time? True once until it has looked. */
bool logring_urgent(struct logring *r);

/* --- the supervisor's end --- */

/*
 * in   bytes  of lines that may wait: a power of two, LOGRING_MIN..LOGRING_MAX
 * out  fd     for the worker; owned by the caller
 * ret  0 or -errno
 */
int logring_make(size_t bytes, int *fd, struct logring **r);

/*
 * What waits, oldest first.
 *
 * out  v    one or two pieces, lent until they are taken; the worker may still change them
 * ret  how many; 0 = nothing waits
 */
int logring_look(struct logring *r, struct iovec v[static 2]);

/* The first n bytes of that are dealt with. */
void logring_take(struct logring *r, size_t n);

/*
 * Say whether lines are looked for without a word. Once that is over there may be one more
 * that nothing was said of: look again.
 */
void logring_watch(struct logring *r, bool watched);

/* Bytes of lines that found no room, so says the worker. */
uint64_t logring_lost(const struct logring *r);

#endif
