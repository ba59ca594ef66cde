/*
 * PROXY headers: read whole or in pieces they read the same, a header is never longer than what
 * came, and what stands behind it changes nothing.
 */
#include "fuzz.h"
#include "hostel/peek/proxy.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = input(data, size);
    struct proxy whole, pieces;
    enum proxy_verdict v = proxy_find(bytes, &whole), w;
    size_t n = 0;

    do {
        n = piece_end(data, size, n, bytes.n);
        w = proxy_find(span_of(bytes.p, n), &pieces);
    } while (w == PROXY_MORE && n < bytes.n);
    must(v == w);
    if (v != PROXY_OK)
        return 0;
    must(whole.bytes > 0 && whole.bytes <= n && whole.bytes <= PROXY_BYTES_MAX);
    must(whole.bytes == pieces.bytes && whole.known == pieces.known && whole.tls == pieces.tls);
    if (whole.known)
        must(memcmp(whole.from, pieces.from, sizeof(whole.from)) == 0 &&
             memcmp(whole.to, pieces.to, sizeof(whole.to)) == 0 &&
             whole.from_port == pieces.from_port && whole.to_port == pieces.to_port);
    must(proxy_find(span_of(bytes.p, whole.bytes - 1), &pieces) == PROXY_MORE);
    return 0;
}
