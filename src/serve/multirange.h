/*
 * The wrapping of several ranges of one file: multipart/byteranges. Pure but for the random
 * boundary. Floor 5; worker.
 */
#ifndef SERVE_MULTIRANGE_H
#define SERVE_MULTIRANGE_H

#include "hostel/http/range.h"

#define MULTIRANGE_PART_MAX 512 /* one part's head: a media type has 144 bytes at most */
#define MULTIRANGE_TYPE     "multipart/byteranges; boundary="
#define MULTIRANGE_BOUNDARY 32 /* hex digits, of 16 random bytes: no file holds them */

struct multirange {
    struct span type; /* of the file, lent */
    uint64_t size;    /* of the file, bytes */
    unsigned n;       /* parts, >= 2 */
    struct range parts[RANGE_MAX];
    char content_type[sizeof(MULTIRANGE_TYPE) + MULTIRANGE_BOUNDARY];
    const char *boundary; /* in content_type */
};

/*
 * in   parts  n of them, coalesced; copied
 * ret  0; -EIO: no random bytes
 */
int multirange_init(struct multirange *m, const struct range *parts, unsigned n, uint64_t size,
                    struct span type);

/*
 * What stands before the bytes of part i; for i == n what stands behind the last part.
 *
 * ret  bytes; text is NUL-ended too
 * src  RFC 9110 14.6, 15.3.7.2; RFC 2046 5.1.1
 */
size_t
multirange_part(const struct multirange *m, unsigned i, char text[static MULTIRANGE_PART_MAX]);

/* Bytes of all parts and what stands around them: Content-Length. */
uint64_t multirange_length(const struct multirange *m);

#endif
