/* Which representation of a file does a request get? Floor 5; worker. */
#ifndef SERVE_VARIANT_H
#define SERVE_VARIANT_H

#include "filecache.h"

/*
 * A compressed neighbour goes before what is compressed here; where the request is about a
 * range nothing is compressed here, since such bytes cannot be promised to be the same the next
 * time.
 *
 * in   f  from the cache, held by the caller; its vary is set
 * ret  f, or one of its variants, lent as f is; one that is made here may have no bytes yet.
 *      NULL: what there is is not acceptable, answer 406
 * src  RFC 9110 12.5.3
 */
struct cached_file *variant_pick(struct exchange *x, struct cached_file *f);

#endif
