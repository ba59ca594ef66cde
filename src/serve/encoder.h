/*
 * Brotli, zstd and gzip behind one face. An encoder is made when a body is to be coded and
 * freed with it; between bodies there is none. Floor 5; worker.
 */
#ifndef SERVE_ENCODER_H
#define SERVE_ENCODER_H

#include "hostel/base/buf.h"
#include "hostel/http/encoding.h"

/* At once, in one worker: a brotli encoder is 2 MiB at its largest, zstd's 1.6, gzip's 0.3. */
#define ENCODERS_MAX 32

/*
 * What one piece of ENCODER_PIECE bytes, and all that was held back before it, can come to: at
 * most two windows of bytes that do not compress.
 */
#define ENCODER_PIECE   65536
#define ENCODER_OUT_MAX (1u << 20)

enum encoder_op {
    ENCODER_MORE,  /* more comes: it may be held back */
    ENCODER_FLUSH, /* all that was fed can be decoded from what has come out */
    ENCODER_END,   /* that was the last; feed no more */
};

struct encoder;

/*
 * in   size  bytes to come, or RESPONSE_LENGTH_UNKNOWN: a short body gets small tables
 * ret  owned by the caller, encoder_free(); NULL: there are too many, send the body as it is
 */
struct encoder *encoder_new(enum coding c, uint64_t size);
void encoder_free(struct encoder **e);

/*
 * in   in   lent, at most ENCODER_PIECE bytes, maybe none
 * out  out  what came out is appended
 * ret  0; -ENOBUFS out is full; -EIO it failed: the body cannot be completed
 */
int encoder_feed(struct encoder *e, struct span in, enum encoder_op op, struct buf *out);

#endif
