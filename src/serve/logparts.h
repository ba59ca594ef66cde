/* Pieces of an access line that all forms share. Floor 5; worker. */
#ifndef SERVE_LOGPARTS_H
#define SERVE_LOGPARTS_H

#include "hostel/base/buf.h"
#include "hostel/serve/accesslog.h"

/* ret  "31/Jan/2026:12:00:00 +0000", in English; lent until the next call */
struct span logparts_date(time_t now);

/* Append s escaped, a hyphen for nothing, but not beyond reach bytes of the line. */
void logparts_field(struct buf *line, struct span s, size_t reach);

/* The same for the whole request line. */
void logparts_request(struct buf *line, const struct request *r, size_t reach);

void logparts_number(struct buf *line, uint64_t n);

/* ret  " HTTP/1.1" and its like */
struct span logparts_version(const struct request *r);

/* logline.c: any form but the combined one, with its '\n'; ACCESSLOG_LINE_MAX suffices. */
void logline_items(struct exchange *x, const struct answered *a, struct buf *line);

/* logjson.c: the same as one object. */
void logjson_line(struct exchange *x, const struct answered *a, struct buf *line);

/* When the line is written, to the microsecond: "2026-01-31T12:00:00.123456Z". */
#define LOGPARTS_ISO_ROOM 32
void logparts_iso(const struct timespec *now, char text[static LOGPARTS_ISO_ROOM]);

#endif
