/* Redirects that a site's rules ask for. Floor 5; worker. */
#ifndef SERVE_REDIRECT_H
#define SERVE_REDIRECT_H

#include "hostel/base/buf.h"
#include "hostel/serve/exchange.h"

#define REDIRECT_LOCATION_MAX (32 * 1024) /* bytes: every octet of a path can become three */

/*
 * Where a rule sends a path. What the visitor wrote never decides about the host: captures are
 * percent-encoded, a path-only target begins with exactly one "/", and behind a host a capture
 * begins the path.
 *
 * in   captures  of the path, decoded
 * in   query     of the request, appended when to has none; p NULL = there is none
 * out  out       the Location is appended
 * ret  0; -ENOBUFS: it is too long, out is scratch
 * src  RFC 9110 10.2.2, RFC 3986 3.2-3.4
 */
int redirect_target(struct buf *out, const char *to, const struct span *captures,
                    unsigned ncaptures, struct span query);

/*
 * Answer with the first redirect that fits.
 *
 * in   path  decoded
 * ret  true: the exchange is answered; false: no rule fits
 */
bool redirect_answer(struct exchange *x, struct span path);

/*
 * Send a request without TLS to the same address with https, where its site wants that.
 *
 * in   path  decoded; an ACME challenge stays
 * ret  true: the exchange is answered
 */
bool redirect_to_https(struct exchange *x, struct span path);

#endif
