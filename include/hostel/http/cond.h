/* Conditional requests. Pure. Floor 4; worker. */
#ifndef HOSTEL_HTTP_COND_H
#define HOSTEL_HTTP_COND_H

#include "hostel/http/request.h"

#include <time.h>

#define COND_NO_MTIME ((time_t)-1)

/* What is known of the thing asked for. */
struct cond_state {
    struct span etag; /* with quotes, maybe W/ before; empty = none */
    time_t mtime;     /* what Last-Modified says; COND_NO_MTIME = none */
    time_t now;       /* for two-digit years and for the strength of mtime */
};

enum cond_verdict {
    COND_SERVE = 200,
    COND_NOT_MODIFIED = 304,
    COND_FAILED = 412,
};

/*
 * If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, in the order of
 * RFC 9110 13.2.2, for a thing that exists. A date that is none, or is given twice, is
 * ignored; an ETag list ends at its first syntax error. The work is linear in the head.
 */
enum cond_verdict cond_evaluate(const struct request *r, const struct cond_state *state);

/*
 * Does If-Range, if there is one, allow the Range field to be looked at?
 *
 * ret  true without an If-Range, or when it names exactly this version: a strong ETag, or
 *      the very Last-Modified when that is strong (a second old)
 * src  RFC 9110 13.1.5, 8.8.2.2
 */
bool cond_range_allowed(const struct request *r, const struct cond_state *state);

#endif
