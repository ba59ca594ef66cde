/* What the fuzz targets share. The first byte of an input says how it comes in pieces. */
#ifndef HOSTEL_FUZZ_H
#define HOSTEL_FUZZ_H

#include "hostel/base/span.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
must(bool holds)
{
    if (!holds)
        abort();
}

static inline struct span
input(const uint8_t *data, size_t size)
{
    return size ? span_of(data + 1, size - 1) : span_of("", 0);
}

/* Where the piece that begins at `from` ends: 1 to 32 bytes on. */
static inline size_t
piece_end(const uint8_t *data, size_t size, size_t from, size_t n)
{
    size_t step = size ? 1 + data[0] % 32U : 1;

    return n - from < step ? n : from + step;
}

#endif
