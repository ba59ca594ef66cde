/*
 * The logs of a worker: lines are gathered in memory that the supervisor has as well, and it
 * writes them (base/logring.h). So a log that cannot be written never holds serving up, and no
 * system call is made for a line; the supervisor is told that some wait. Floor 5; worker.
 */
#ifndef HOSTEL_SERVE_LOGFILE_H
#define HOSTEL_SERVE_LOGFILE_H

#include "hostel/base/span.h"

#include <stdbool.h>
#include <uv.h>

/*
 * The supervisor is told so long after the first line, unless it looks by itself, as it does
 * at a log that lines have just come to: whoever is busy wakes nobody.
 */
#define LOGFILE_GATHER_MS 250

struct logfiles; /* all of them */
struct logfile;  /* one */

/*
 * in   ask   tells the supervisor that lines wait; ret  false: not now, it is called again
 * in   data  for ask, lent
 * ret  owned by the caller, logfiles_free()
 */
struct logfiles *logfiles_new(uv_loop_t *loop, bool (*ask)(void *data), void *data);

/* Their lines stay where the supervisor finds them. The loop turns once more; leaves NULL. */
void logfiles_free(struct logfiles **all);

/*
 * in   fd  the ring's memory, lent
 * ret  owned by all; NULL: it is none, or there is no room for it
 */
struct logfile *logfile_new(struct logfiles *all, int fd);

/* Add one whole line, its '\n' included; copies. One that finds no room is lost. */
void logfile_add(struct logfile *log, struct span line);

#endif
