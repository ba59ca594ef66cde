/* The Range field. Pure. Floor 4; worker. */
#ifndef HOSTEL_HTTP_RANGE_H
#define HOSTEL_HTTP_RANGE_H

#include "hostel/base/span.h"

#include <stdint.h>

#define RANGE_MAX 16 /* more than any viewer asks for; a request with more is served whole */

struct range {
    uint64_t first, last; /* byte positions, both inclusive, last < size */
};

/*
 * Parse one Range field value against a file.
 *
 * in   value  bytes after "Range:", lent
 * in   size   file size, bytes
 * out  r      1..RANGE_MAX ranges in the order asked, unsatisfiable ones left out, not
 *             coalesced; untouched unless > 0 is returned
 * ret  how many; 0 = ignore the field, serve 200; -ERANGE = serve 416
 * src  RFC 9110 14.1.2, 14.2
 */
int range_parse(struct span value, uint64_t size, struct range r[static RANGE_MAX]);

/*
 * Make one range of those that overlap or follow each other without a gap; it stands where the
 * first of them stood, the others keep their order. No byte is in two ranges then, so that all
 * together are never longer than the file.
 *
 * in   n  how many, <= RANGE_MAX
 * ret  how many are left, >= 1 when n was
 * src  RFC 9110 14.2, 15.3.7.2
 */
unsigned range_coalesce(struct range *r, unsigned n);

#endif
