/* The decoders of the three codings, for the tests of what was coded. */
#ifndef TEST_DECODE_H
#define TEST_DECODE_H

#include "hostel/base/buf.h"
#include "hostel/http/encoding.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#define DECODE_ROOM (16u << 20)

/* ret  1: it is whole; 0: what there is of it was decoded; -1: that is no such coding */
static inline int
decode_br(struct span in, struct buf *out)
{
    BrotliDecoderState *s = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    const uint8_t *next = (const uint8_t *)in.p;
    uint8_t *to = (uint8_t *)buf_reserve(out, DECODE_ROOM);
    size_t left = in.n, room = DECODE_ROOM;
    BrotliDecoderResult rc = BrotliDecoderDecompressStream(s, &left, &next, &room, &to, NULL);

    BrotliDecoderDestroyInstance(s);
    buf_claim(out, DECODE_ROOM - room);
    if (rc == BROTLI_DECODER_RESULT_SUCCESS)
        return left == 0 ? 1 : -1;
    return rc == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT ? 0 : -1;
}

static inline int
decode_zstd(struct span in, struct buf *out)
{
    ZSTD_DCtx *d = ZSTD_createDCtx();
    ZSTD_inBuffer from = {in.p, in.n, 0};
    ZSTD_outBuffer to = {buf_reserve(out, DECODE_ROOM), DECODE_ROOM, 0};
    size_t rc = 1;

    while (from.pos < from.size && !ZSTD_isError(rc) && rc != 0)
        rc = ZSTD_decompressStream(d, &to, &from);
    ZSTD_freeDCtx(d);
    buf_claim(out, to.pos);
    return ZSTD_isError(rc) || (rc == 0 && from.pos < from.size) ? -1 : rc == 0;
}

static inline int
decode_gzip(struct span in, struct buf *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.n};
    int rc;

    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return -1;
    z.next_out = (Bytef *)buf_reserve(out, DECODE_ROOM);
    z.avail_out = DECODE_ROOM;
    rc = inflate(&z, Z_SYNC_FLUSH);
    buf_claim(out, DECODE_ROOM - z.avail_out);
    (void)inflateEnd(&z);
    if (rc == Z_STREAM_END)
        return z.avail_in == 0 ? 1 : -1;
    return rc == Z_OK || rc == Z_BUF_ERROR ? 0 : -1;
}

static inline int
decode(enum coding c, struct span in, struct buf *out)
{
    buf_init(out, DECODE_ROOM);
    return c == CODING_BR     ? decode_br(in, out)
           : c == CODING_ZSTD ? decode_zstd(in, out)
           : c == CODING_GZIP ? decode_gzip(in, out)
                              : -1;
}

#endif
