/* A listing as text: HTML or JSON. Pure. Floor 5; worker. */
#ifndef SERVE_AUTOINDEX_PAGE_H
#define SERVE_AUTOINDEX_PAGE_H

#include "hostel/base/buf.h"
#include "listing.h"

#define AUTOINDEX_PAGE_MAX (8 * 1024 * 1024) /* bytes; 10,000 usual names need 2 MiB */

/*
 * A page that would grow too long ends early, and says so as it does when the listing was cut.
 *
 * in   path  decoded, ends with "/"
 * out  page  appended; its cap is AUTOINDEX_PAGE_MAX
 */
void autoindex_html(struct buf *page, const struct listing *l, struct span path,
                    enum listing_key key, bool descending);

/*
 * ret  true when all of the listing is in it: an array cannot say that something is missing
 */
bool autoindex_json(struct buf *page, const struct listing *l);

#endif
