/* What serves a path that is no file, as a site's rules say. Floor 5; worker. */
#ifndef SERVE_REWRITE_H
#define SERVE_REWRITE_H

#include "hostel/base/buf.h"
#include "hostel/serve/exchange.h"

#include <limits.h>

#define REWRITE_PATH_ROOM 8194 /* as much as a request's own path may have, decoded */

/* A path of the site and a query; rewrite_done() frees. */
struct rewrite {
    char path[REWRITE_PATH_ROOM];
    size_t path_n;
    bool has_query;
    struct span query; /* the rule's, then the request's; still encoded; lent from this */
    struct buf bytes;
};

/*
 * Where a rule leads for a path. What a visitor wrote is decoded, looked at and brought into
 * one form again like any path of a request: it leads no further than one.
 *
 * in   path  decoded
 * out  out   untouched unless true is returned
 * ret  false: the rule does not fit, or what comes of it is no path
 */
bool rewrite_fits(const struct rewrite_rule *rule, const struct request *req, struct span path,
                  struct rewrite *out);

void rewrite_done(struct rewrite *r);

#endif
