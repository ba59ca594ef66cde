/*
 * The process's own error log: one line an event, to descriptor 2 unless told otherwise.
 *
 *     2026-01-31T12:00:00Z hostel-worker[4711] alice: error: what is wrong
 *
 * What happened as it should has no word before it, and one of debugging has "debug". Below the
 * level that is wanted nothing is written.
 *
 * Every byte that could forge a line or move a terminal is escaped as \xHH.
 * Floor 0, every process; floors 0-5 return errors, roles log them once, where they decide.
 */
#ifndef HOSTEL_BASE_LOG_H
#define HOSTEL_BASE_LOG_H

#include "hostel/base/buf.h"

#define LOG_LINE_MAX 4096 /* bytes of one line, escapes included; the rest is cut */

/*
 * in  fd       where lines go, lent for the process's life
 * in  process  e.g. "hostel-worker", lent for the process's life
 * in  user     whose process it is, copied; NULL for none
 */
void log_init(int fd, const char *process, const char *user);

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
#define LOG_LEVELS (LOG_LEVEL_DEBUG + 1)

/* What is written from now on; LOG_LEVEL_INFO until then. */
void log_level_set(enum log_level level);
bool log_wants(enum log_level level);

/*
 * What begins a line: time, process, user, and the word of a level; or word, where one is
 * given. Appended to b.
 */
void log_prefix(struct buf *b, enum log_level level, const char *word);

/*
 * One whole line to a file that others write too; where nobody takes it just now, or its disk
 * is full, it is lost: no one waits for a log.
 */
void log_put(int fd, struct span line);

/* Whole lines of ours go to put instead of a descriptor, from now on; NULL: they do not. */
void log_divert(void (*put)(struct span line));

/* Error, warning, info, debugging. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Append s with control characters, DEL, backslash, double quote and bytes above 0x7e as \xHH.
 * What does not fit b's cap is dropped at a whole escape.
 */
void log_escape(struct buf *b, struct span s);

#endif
