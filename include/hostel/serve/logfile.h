/*
 * One log file of a site: lines are gathered and written together, so that a busy site pays
 * one write() for hundreds of them. A log that cannot be written never holds serving up:
 * what does not fit is dropped and counted. Floor 5; worker.
 */
#ifndef HOSTEL_SERVE_LOGFILE_H
#define HOSTEL_SERVE_LOGFILE_H

#include "hostel/base/span.h"

#include <stdint.h>
#include <uv.h>

#define LOGFILE_GATHER_BYTES (32 * 1024) /* written when so much has come together ... */
#define LOGFILE_GATHER_MS    250         /* ... or this long after the first line */

struct logfile;

/*
 * in   fd  takes; append-only
 * ret  owned by the caller, logfile_free()
 */
struct logfile *logfile_new(uv_loop_t *loop, int fd);

/* What was gathered goes to the old descriptor, which is closed. in  fd  takes */
void logfile_reopen(struct logfile *log, int fd);

/* Writes what is gathered, closes the descriptor; memory goes when the loop turns again. */
void logfile_free(struct logfile **log);

/* Add one whole line, its '\n' included; copies. */
void logfile_add(struct logfile *log, struct span line);

/* Write what is gathered now. */
void logfile_flush(struct logfile *log);

/* Bytes that could not be written so far. */
uint64_t logfile_dropped(const struct logfile *log);

#endif
