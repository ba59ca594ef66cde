/*
 * What a site's rules do to every answer: one filter between the answerers and the connection's
 * sink, which looks at heads only. Floor 5; worker.
 */
#ifndef SERVE_HEADERS_H
#define SERVE_HEADERS_H

#include "hostel/serve/exchange.h"

#define HEADERS_EXPIRES_ROOM 64 /* "max-age=4294967295" and a date */

/*
 * Put the filter in front of x's sink, once; nothing to do for a site without such rules.
 *
 * in  always  also without rules: the answer has fields that were kept for it
 */
void headers_start(struct exchange *x, bool always);

/*
 * How long an answer stays fresh, as the site says of its media type: Cache-Control and Expires
 * for 200, 206 and 304, unless the answer has one of them already, or sets a cookie, which is
 * one visitor's own.
 *
 * in      type  of the answer, "" = what its Content-Type says
 * in/out  r     fields are added
 * out     text  what they lend
 * src     RFC 9111 5.2.2, 5.3
 */
void headers_expire(const struct site_rules *rules, struct span type, struct response *r,
                    char text[static HEADERS_EXPIRES_ROOM]);

/*
 * Set, add and remove, in the order of the configuration. Fields that frame the message or are
 * the server's own are left alone, and what can stand only once never stands twice.
 *
 * in  path  decoded, or "" when it is none
 */
void headers_apply(const struct site_rules *rules, struct span path, struct response *r);

#endif
