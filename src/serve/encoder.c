/* The three encoders. Floor 5; worker. RFC 7932, 8878, 1952 */
#include "encoder.h"
#include "hostel/base/mem.h"

#include <assert.h>
#include <brotli/encode.h>
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define OUT_STEP 8192 /* bytes of room made at once */

/* Levels where a text is a fourth of its size and a core does some 50 MiB a second. */
#define BROTLI_LEVEL 4
#define ZSTD_LEVEL   3
#define GZIP_LEVEL   5

/* From a whole MiB on, brotli takes 4 MiB for its table: that is more than all else of it. */
#define BROTLI_HINT_MAX ((1u << 20) - 1)

#define WINDOW_BITS 17        /* of brotli and zstd; their own choice would be 2 to 4 MiB */
#define GZIP_BITS   (15 + 16) /* the largest window, and gzip's head around it */
#define GZIP_MEMORY 8

struct encoder {
    enum coding coding;
    union {
        BrotliEncoderState *brotli;
        ZSTD_CCtx *zstd;
        z_stream gzip;
    };
};

static unsigned encoders;

/* --- brotli ------------------------------------------------------------------------------- */

static bool
brotli_open(struct encoder *e, uint64_t size)
{
    e->brotli = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    if (!e->brotli)
        return false;
    if (size != RESPONSE_LENGTH_UNKNOWN)
        (void)BrotliEncoderSetParameter(
            e->brotli, BROTLI_PARAM_SIZE_HINT,
            (uint32_t)(size < BROTLI_HINT_MAX ? size : BROTLI_HINT_MAX));
    return BrotliEncoderSetParameter(e->brotli, BROTLI_PARAM_QUALITY, BROTLI_LEVEL) &&
           BrotliEncoderSetParameter(e->brotli, BROTLI_PARAM_LGWIN, WINDOW_BITS);
}

static int
brotli_feed(struct encoder *e, struct span in, enum encoder_op op, struct buf *out)
{
    static const BrotliEncoderOperation ops[] = {
        [ENCODER_MORE] = BROTLI_OPERATION_PROCESS,
        [ENCODER_FLUSH] = BROTLI_OPERATION_FLUSH,
        [ENCODER_END] = BROTLI_OPERATION_FINISH,
    };
    const uint8_t *next = (const uint8_t *)in.p;
    size_t left = in.n;

    do {
        size_t room = 0, n = 0;
        const uint8_t *bytes;

        if (!BrotliEncoderCompressStream(e->brotli, ops[op], &left, &next, &room, NULL, NULL))
            return -EIO;
        bytes = BrotliEncoderTakeOutput(e->brotli, &n);
        if (buf_add(out, bytes, n) < 0)
            return -ENOBUFS;
    } while (left > 0 || BrotliEncoderHasMoreOutput(e->brotli));
    return 0;
}

static void
brotli_close(struct encoder *e)
{
    if (e->brotli)
        BrotliEncoderDestroyInstance(e->brotli);
}

/* --- zstd --------------------------------------------------------------------------------- */

static bool
zstd_open(struct encoder *e, uint64_t size)
{
    e->zstd = ZSTD_createCCtx();
    if (!e->zstd)
        return false;
    if (size != RESPONSE_LENGTH_UNKNOWN &&
        ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(e->zstd, size)))
        return false;
    return !ZSTD_isError(
               ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_windowLog, WINDOW_BITS));
}

static int
zstd_feed(struct encoder *e, struct span in, enum encoder_op op, struct buf *out)
{
    static const ZSTD_EndDirective ops[] = {
        [ENCODER_MORE] = ZSTD_e_continue,
        [ENCODER_FLUSH] = ZSTD_e_flush,
        [ENCODER_END] = ZSTD_e_end,
    };
    ZSTD_inBuffer from = {in.p, in.n, 0};
    size_t left;

    do {
        ZSTD_outBuffer to = {buf_reserve(out, OUT_STEP), OUT_STEP, 0};

        if (!to.dst)
            return -ENOBUFS;
        left = ZSTD_compressStream2(e->zstd, &to, &from, ops[op]);
        if (ZSTD_isError(left))
            return -EIO;
        buf_claim(out, to.pos);
    } while (from.pos < from.size || (op != ENCODER_MORE && left > 0));
    return 0;
}

static void
zstd_close(struct encoder *e)
{
    (void)ZSTD_freeCCtx(e->zstd);
}

/* --- gzip --------------------------------------------------------------------------------- */

static bool
gzip_open(struct encoder *e, uint64_t size)
{
    (void)size;
    return deflateInit2(&e->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_BITS, GZIP_MEMORY,
                        Z_DEFAULT_STRATEGY) == Z_OK;
}

static int
gzip_feed(struct encoder *e, struct span in, enum encoder_op op, struct buf *out)
{
    static const int ops[] = {
        [ENCODER_MORE] = Z_NO_FLUSH,
        [ENCODER_FLUSH] = Z_SYNC_FLUSH,
        [ENCODER_END] = Z_FINISH,
    };
    z_stream *z = &e->gzip;

    z->next_in = (Bytef *)(uintptr_t)in.p; /* only read */
    z->avail_in = (uInt)in.n;
    do {
        int rc;

        z->next_out = (Bytef *)buf_reserve(out, OUT_STEP);
        z->avail_out = OUT_STEP;
        if (!z->next_out)
            return -ENOBUFS;
        rc = deflate(z, ops[op]);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) /* the last: nothing to do */
            return -EIO;
        buf_claim(out, OUT_STEP - z->avail_out);
    } while (z->avail_out == 0);
    return 0;
}

static void
gzip_close(struct encoder *e)
{
    (void)deflateEnd(&e->gzip);
}

/* --- any of them -------------------------------------------------------------------------- */

static const struct {
    bool (*open)(struct encoder *e, uint64_t size);
    int (*feed)(struct encoder *e, struct span in, enum encoder_op op, struct buf *out);
    void (*close)(struct encoder *e);
} kinds[CODINGS] = {
    [CODING_BR] = {brotli_open, brotli_feed, brotli_close},
    [CODING_ZSTD] = {zstd_open, zstd_feed, zstd_close},
    [CODING_GZIP] = {gzip_open, gzip_feed, gzip_close},
};

struct encoder *
encoder_new(enum coding c, uint64_t size)
{
    struct encoder *e;

    assert(c > CODING_IDENTITY && c < CODINGS);
    if (encoders >= ENCODERS_MAX)
        return NULL;
    e = mem_new(sizeof(*e));
    e->coding = c;
    encoders++;
    if (!kinds[c].open(e, size))
        encoder_free(&e);
    return e;
}

void
encoder_free(struct encoder **e)
{
    if (!*e)
        return;
    kinds[(*e)->coding].close(*e);
    encoders--;
    free(*e);
    *e = NULL;
}

int
encoder_feed(struct encoder *e, struct span in, enum encoder_op op, struct buf *out)
{
    assert(in.n <= ENCODER_PIECE);
    if (in.n == 0 && op == ENCODER_MORE)
        return 0;
    return kinds[e->coding].feed(e, in, op, out);
}
