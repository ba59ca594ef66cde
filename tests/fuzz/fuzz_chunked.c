/* Chunked bodies: whole or in pieces, the same data and the same end. */
#include "fuzz.h"
#include "hostel/http/chunked.h"

struct result {
    enum chunked_verdict v;
    uint64_t hash; /* of the data, in order */
};

static void
feed(struct chunked *c, struct span part, struct result *r)
{
    struct span data;

    while ((r->v = chunked_next(c, &part, &data)) == CHUNKED_DATA)
        for (size_t i = 0; i < data.n; i++)
            r->hash = (r->hash ^ (unsigned char)data.p[i]) * 1099511628211U;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = input(data, size);
    struct result whole = {0}, pieces = {0};
    struct chunked c;

    chunked_init(&c);
    feed(&c, bytes, &whole);
    chunked_init(&c);
    for (size_t n = 0, end; n < bytes.n && pieces.v == CHUNKED_MORE; n = end) {
        end = piece_end(data, size, n, bytes.n);
        feed(&c, span_of(bytes.p + n, end - n), &pieces);
    }
    must(whole.v == pieces.v && whole.hash == pieces.hash);
    return 0;
}
