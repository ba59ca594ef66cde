/* FastCGI records: whole or in pieces, the same output and the same end. */
#include "fcgi.h"
#include "fuzz.h"

struct result {
    enum fcgi_event last;
    uint64_t out, err; /* hashes of what came, in order */
    unsigned status;
};

static uint64_t
hash(uint64_t h, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211U;
    return h;
}

static void
feed(struct fcgi_reader *f, struct span part, struct result *r)
{
    struct span data;

    for (;;) {
        r->last = fcgi_next(f, &part, &data);
        if (r->last == FCGI_EVENT_OUT)
            r->out = hash(r->out, data);
        else if (r->last == FCGI_EVENT_ERR)
            r->err = hash(r->err, data);
        else
            break;
        must(data.n > 0);
    }
    must(r->last != FCGI_EVENT_BAD || f->why);
    must(r->last != FCGI_EVENT_MORE || part.n == 0);
    r->status = r->last == FCGI_EVENT_END ? f->protocol_status : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole = {.last = FCGI_EVENT_MORE}, pieces = {.last = FCGI_EVENT_MORE};
    struct span bytes = input(data, size);
    struct fcgi_reader f;

    fcgi_reader_init(&f);
    feed(&f, bytes, &whole);
    fcgi_reader_init(&f);
    for (size_t n = 0, end; n < bytes.n && pieces.last == FCGI_EVENT_MORE; n = end) {
        end = piece_end(data, size, n, bytes.n);
        feed(&f, span_of(bytes.p + n, end - n), &pieces);
    }
    must(whole.last == pieces.last && whole.out == pieces.out && whole.err == pieces.err &&
         whole.status == pieces.status);
    return 0;
}
