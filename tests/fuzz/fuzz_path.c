/* Paths: what is decoded is a clean path, and encoded and decoded again it is the same. */
#include "fuzz.h"
#include "hostel/http/path.h"
#include "hostel/peek/chars.h"

#include <errno.h>

static void
clean(struct span path)
{
    struct span rest = span_skip(path, 1), segment;

    must(path.n > 0 && path.p[0] == '/');
    for (size_t i = 0; i < path.n; i++)
        must((unsigned char)path.p[i] >= 0x20 && path.p[i] != 0x7f);
    while (rest.n) {
        size_t n = span_find(rest, '/');

        segment = span_of(rest.p, n);
        must(n > 0 && (segment.p[0] != '.' || span_eq(segment, SPAN(".well-known"))));
        rest = span_skip(rest, n + 1);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span path = input(data, size);
    size_t cap = path.n + 2;
    char *out = malloc(cap), *again;
    struct buf encoded;
    ssize_t n, m;

    n = path_decode(path, out, cap);
    must(n != -ENAMETOOLONG); /* so much always suffices */
    if (n >= 0) {
        must((size_t)n < cap && strlen(out) == (size_t)n);
        clean(span_of(out, (size_t)n));
        buf_init(&encoded, 1 << 16);
        must(path_encode(&encoded, span_of(out, (size_t)n)) == 0);
        must(chars_all(span_of(encoded.data, 1), CHARS_PATH));
        again = malloc(encoded.len + 2);
        m = path_decode(buf_span(&encoded), again, encoded.len + 2);
        must(m == n && memcmp(again, out, (size_t)n) == 0);
        free(again);
        buf_done(&encoded);
        must(path_decode(path, out, size ? data[0] % cap : 0) <= n); /* too little room */
    }
    free(out);
    return 0;
}
