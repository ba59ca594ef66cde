/*
 * The head of a CGI response, as php-cgi sends it. The program is the user's: nothing it says
 * about framing or the connection is passed on. Pure. Floor 4; worker.
 */
#ifndef HOSTEL_HTTP_CGIHEAD_H
#define HOSTEL_HTTP_CGIHEAD_H

#include "hostel/peek/field.h"

#include <stdint.h>
#include <sys/types.h>

#define CGIHEAD_BYTES_MAX 65536
#define CGIHEAD_LINES_MAX 100

struct cgihead {
    unsigned status;    /* 200-599; 200 or, with a Location, 302 when none was given */
    struct span reason; /* maybe empty */
    bool has_length;
    uint64_t length;  /* Content-Length, when has_length */
    unsigned nfields; /* in the order sent, every Set-Cookie; without Status, Content-Length,
                         Date, Server and all that is hop-by-hop */
    struct field fields[CGIHEAD_LINES_MAX];
};

/*
 * Parse the head at the start of what the program wrote. Lines end with LF or CR LF.
 *
 * in      bytes  all that came so far, lent; h's spans point into it
 * in/out  seen   how much an earlier call has looked through, 0 at first
 * out     h      means something when > 0 is returned, is scratch before
 * out     why    static text for the error log, set when < 0 is returned
 * ret     bytes of the head with its empty line: the body begins there; 0 = need more;
 *         -EBADMSG = answer 502; -EMSGSIZE = too long, answer 502
 * src     RFC 3875 6.2, 6.3
 */
ssize_t cgihead_parse(struct span bytes, size_t *seen, struct cgihead *h, const char **why);

#endif
