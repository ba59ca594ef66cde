/* CGI response heads: whole or in pieces the same; what is taken can be written. */
#include "fuzz.h"
#include "hostel/http/cgihead.h"
#include "hostel/http/h1.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cgihead whole, pieces;
    static struct response r;
    struct span bytes = input(data, size);
    const char *why = NULL;
    size_t seen = 0, n = 0;
    ssize_t v, w = 0;
    struct buf out;

    v = cgihead_parse(bytes, &seen, &whole, &why);
    must(v >= 0 || why);
    seen = 0;
    do {
        n = piece_end(data, size, n, bytes.n);
        w = cgihead_parse(span_of(bytes.p, n), &seen, &pieces, &why);
    } while (w == 0 && n < bytes.n);
    must(v == w);
    if (v <= 0)
        return 0;
    r = (struct response){
        .status = whole.status, .reason = whole.reason, .length = whole.length};
    for (unsigned i = 0; i < whole.nfields; i++)
        response_add(&r, whole.fields[i].name, whole.fields[i].value);
    buf_init(&out, 1 << 20);
    must(h1_write_head(&out, &r, 0) == 0);
    buf_done(&out);
    return 0;
}
