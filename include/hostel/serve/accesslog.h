/* The line that an answered request leaves in its site's access log. Floor 5; worker. */
#ifndef HOSTEL_SERVE_ACCESSLOG_H
#define HOSTEL_SERVE_ACCESSLOG_H

#include "hostel/base/buf.h"
#include "hostel/serve/exchange.h"

#include <time.h>

#define ACCESSLOG_LINE_MAX 8192 /* bytes, escapes and '\n' included; longer fields are cut */

struct answered { /* how it went */
    unsigned status;
    uint64_t bytes; /* of the body that were sent */
    uint64_t took_ns;
};

/*
 * Combined log format: host ident authuser [date] "request line" status bytes "referer"
 * "user-agent". Every control character, quote and byte above 0x7e is escaped as \xHH.
 *
 * in   bytes  of the body that were sent
 * out  line   appended; ACCESSLOG_LINE_MAX always suffices
 */
void accesslog_format(const struct exchange *x, unsigned status, uint64_t bytes, time_t now,
                      struct buf *line);

/* The same in the form that x's site has its lines in. */
void accesslog_form(struct exchange *x, const struct answered *a, struct buf *line);

/* Forms the line and puts it into the log of x's site; nothing when that is off. */
void accesslog_line(struct exchange *x, const struct answered *a);

/* The answer's head is going out: keep what its line will have of it. */
void accesslog_head(struct exchange *x, const struct response *res);

/*
 * The answer is whole, and x's request lives on its own: give back all that its line does not
 * want. It may still be long until it is out.
 */
void accesslog_shed(struct exchange *x);

#endif
