/*
 * Request paths: decoded once, here, and never again; and encoded for redirects. Pure.
 * Floor 4; worker.
 */
#ifndef HOSTEL_HTTP_PATH_H
#define HOSTEL_HTTP_PATH_H

#include "hostel/base/buf.h"

#include <sys/types.h>

/*
 * Decode an origin-form path and remove its dot segments. Empty segments are collapsed; a
 * backslash is an ordinary byte; a last "/" stays (also that of "/a/." and "/a/b/..").
 * What comes out begins with "/", has no "//", no "." or ".." segment and no control byte;
 * behind its first byte it is a path for openat2().
 *
 * in   path  still encoded, without the query
 * out  out   the path and a NUL; path.n + 2 bytes always suffice; scratch on failure
 * ret  bytes without the NUL, >= 1
 *      -EINVAL        answer 400: no leading "/", bad escape, encoded "/", NUL or another
 *                     control byte, ".." above the root
 *      -ENOENT        answer 404: a segment that begins with "." and is not ".well-known"
 *      -ENAMETOOLONG  answer 414: does not fit cap
 * src  RFC 3986 2.1, 5.2.4; RFC 8615
 */
ssize_t path_decode(struct span path, char *out, size_t cap);

/*
 * Append a decoded path as it may stand in a Location field.
 *
 * ret  0 or -ENOBUFS, and nothing was appended
 * src  RFC 3986 3.3
 */
int path_encode(struct buf *out, struct span path);

#endif
