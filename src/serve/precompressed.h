/*
 * A file's compressed neighbours: "page.html.br", ".zst" and ".gz", put there by the user.
 * Floor 5; worker.
 */
#ifndef SERVE_PRECOMPRESSED_H
#define SERVE_PRECOMPRESSED_H

#include "hostel/http/encoding.h"
#include "hostel/serve/site.h"

#include <sys/stat.h>

/*
 * Open the neighbour of a file in one coding. It counts when it is a regular file of that very
 * name, no link, and not older than the file: an older one is of an older version. Where a tool
 * stamped it with a whole second, the second counts.
 *
 * in   root_fd  the site's root
 * in   name     the file's, below the root; one that itself ends as a neighbour's has none
 * in   of       the file
 * out  st       of what is returned
 * ret  a descriptor, owned by the caller; or -1: there is none
 */
int precompressed_open(const struct site *site, int root_fd, struct span name, enum coding c,
                       const struct stat *of, struct stat *st);

#endif
