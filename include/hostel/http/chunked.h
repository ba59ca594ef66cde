/*
 * The chunked transfer coding, decoded strictly as it streams by. Pure. Floor 4; worker.
 * Source: RFC 9112 7.1.
 */
#ifndef HOSTEL_HTTP_CHUNKED_H
#define HOSTEL_HTTP_CHUNKED_H

#include "hostel/base/span.h"

#include <stdint.h>

#define CHUNKED_EXT_MAX      256  /* bytes of extensions of one chunk */
#define CHUNKED_EXT_ALL_MAX  4096 /* of all chunks of one body: they carry nothing we want */
#define CHUNKED_TRAILERS_MAX 8192 /* bytes of the trailer section */

struct chunked {
    uint8_t state;
    uint8_t digits;     /* of the current size */
    uint64_t left;      /* data bytes of the current chunk still to come */
    uint32_t ext_bytes; /* of the current chunk */
    uint32_t ext_all;
    uint32_t trailer_bytes;
};

enum chunked_verdict {
    CHUNKED_MORE = 0,            /* rest is empty: feed more */
    CHUNKED_DATA = 1,            /* data holds a piece: take it, call again */
    CHUNKED_DONE = 2,            /* rest is what follows the body */
    CHUNKED_BAD = 400,           /* not chunked: answer this and close */
    CHUNKED_TRAILERS_LONG = 431, /* likewise */
};

void chunked_init(struct chunked *c);

/*
 * Decode up to the next piece of data. Trailers are checked and dropped.
 *
 * in/out  rest  what has arrived, lent; what was read is cut off its front
 * out     data  on CHUNKED_DATA: 1 or more bytes of rest's
 * ret     see enum; after DONE or an error c is used no more
 */
enum chunked_verdict chunked_next(struct chunked *c, struct span *rest, struct span *data);

#endif
