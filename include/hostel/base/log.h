/*
 * The process's own error log: one line an event, to descriptor 2 unless told otherwise.
 *
 *     2026-01-31T12:00:00Z hostel-worker[4711] alice: error: what is wrong
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

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Append s with control characters, DEL, backslash, double quote and bytes above 0x7e as \xHH.
 * What does not fit b's cap is dropped at a whole escape.
 */
void log_escape(struct buf *b, struct span s);

#endif
