/*
 * Who a request is from, as the proxies that passed it on say: Forwarded, X-Forwarded-For and
 * their relatives. Pure. Floor 4; worker.
 */
#ifndef HOSTEL_HTTP_FORWARDED_H
#define HOSTEL_HTTP_FORWARDED_H

#include "hostel/base/nets.h"
#include "hostel/peek/field.h"

enum forwarded_scheme { FORWARDED_NO_SCHEME, FORWARDED_HTTP, FORWARDED_HTTPS };

struct forwarded {
    bool found;                   /* an address is said; else ip and port mean nothing */
    uint8_t ip[16];               /* IPv4 as ::ffff:a.b.c.d */
    uint16_t port;                /* 0: not said */
    enum forwarded_scheme scheme; /* that the visitor uses */
    uint16_t to_port;             /* that he connected to; 0: not said */
};

/*
 * Look from the last entry backwards, over several fields of one name as over one: each proxy
 * adds its own at the end, and what stands before the first one that is not trusted may be
 * anybody's invention. So is whatever is malformed before it: it cannot change how the end is
 * read.
 *
 * in   fields   of a request whose sender is trusted
 * in   trusted  proxies, which are passed over
 * out  f        the first other; where nothing but trusted ones stands, the first of them. An
 *               entry that is no address ends the search with the last address that was one,
 *               and may say the scheme.
 * ret  0; -EEXIST: both kinds of fields are there and disagree, and one of them was not made by
 *      the proxy: nobody knows which
 * src  RFC 7239 4, 5.2, 5.4, 6
 */
int forwarded_find(const struct field *fields, unsigned n, const struct nets *trusted,
                   struct forwarded *f);

#endif
