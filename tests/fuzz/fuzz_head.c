/*
 * Request heads: read whole or in pieces they must read the same, and what was taken must hold
 * what RFC 9112 2.2 promises. The rest of what a head goes through follows: path, conditions,
 * range.
 */
#include "fuzz.h"
#include "hostel/http/cond.h"
#include "hostel/http/path.h"
#include "hostel/http/range.h"
#include "hostel/peek/head.h"

static void
use(struct head *h, struct span bytes)
{
    struct cond_state state = {SPAN("\"a\""), 784111777, 784111999};
    struct range ranges[RANGE_MAX];
    char path[HEAD_TARGET_MAX + 2];
    struct request r;
    ssize_t n;

    request_from_head(&r, h, bytes);
    request_own(&r);
    n = path_decode(r.path, path, sizeof(path));
    must(n < 0 || (path[0] == '/' && strlen(path) == (size_t)n && !strstr(path, "/../") &&
                   !strstr(path, "//")));
    (void)cond_evaluate(&r, &state);
    (void)cond_range_allowed(&r, &state);
    for (int i = range_parse(request_field(&r, SPAN("range")), 100, ranges); i > 0; i--)
        must(ranges[i - 1].first <= ranges[i - 1].last && ranges[i - 1].last < 100);
    request_done(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct head whole, pieces;
    struct span bytes = input(data, size);
    enum head_verdict v, w = HEAD_MORE;
    size_t seen = 0, n = 0;

    v = head_parse(bytes, &seen, &whole);
    seen = 0;
    do {
        n = piece_end(data, size, n, bytes.n);
        w = head_parse(span_of(bytes.p, n), &seen, &pieces);
    } while (w == HEAD_MORE && n < bytes.n);
    must((v == HEAD_OK) == (w == HEAD_OK) && (v == HEAD_MORE) == (w == HEAD_MORE));
    if (v != HEAD_OK)
        return 0;
    must(whole.bytes <= bytes.n && whole.bytes == pieces.bytes);
    must(whole.nfields == pieces.nfields && !strcmp(whole.host_name, pieces.host_name));
    for (size_t i = 0; i < whole.bytes; i++)
        must(bytes.p[i] == '\n'   ? bytes.p[i - 1] == '\r'
             : bytes.p[i] == '\r' ? bytes.p[i + 1] == '\n'
                                  : bytes.p[i] == '\t' || (unsigned char)bytes.p[i] >= 0x20);
    use(&whole, bytes);
    return 0;
}
