/*
 * HTTP/2 through a session: whatever comes, in whatever pieces, every request that was taken on
 * is closed once, its answer is given in whole frames, and what a session holds is bounded.
 */
#include "fuzz.h"
#include "hostel/http/h2.h"

#define STREAMS 512

struct asked {
    struct h2_stream s;
    struct fuzz_session *in;
    unsigned left; /* of the answer's body */
    bool open, answered;
};

struct fuzz_session {
    struct h2 *h;
    struct asked all[STREAMS];
    unsigned n, open;
    uint64_t out_bytes;
};

static struct asked *
asked_of(struct h2_stream *s)
{
    struct asked *a = (struct asked *)s;

    must(a->open);
    return a;
}

static void
on_request(void *data, const struct h2_stream *as, struct request *r,
           const struct h2_head *head)
{
    struct fuzz_session *f = data;
    struct response res = {.status = 200, .length = RESPONSE_LENGTH_UNKNOWN};
    struct asked *a = &f->all[f->n < STREAMS ? f->n++ : STREAMS - 1];

    must(f->n < STREAMS); /* the input is not that long */
    *a = (struct asked){.s = *as, .in = f, .open = true};
    f->open++;
    must(f->open <= H2_STREAMS_MAX);
    h2_own(f->h, &a->s);
    must(r->version == 20 && r->nfields <= REQUEST_FIELDS_MAX);
    must(head->verdict || r->method_text.n > 0);
    must(head->verdict || r->host_name.n || r->host.n);
    for (unsigned i = 0; i < r->nfields; i++) {
        must(r->fields[i].name.n > 0 && r->fields[i].name.p[0] != ':');
        for (size_t j = 0; j < r->fields[i].value.n; j++)
            must(r->fields[i].value.p[j] != '\n' && r->fields[i].value.p[j] != '\r' &&
                 r->fields[i].value.p[j] != '\0');
    }
    request_own(r);
    request_done(r);
    a->left = as->id % 7 * 9000;
    if (as->id % 5 == 0)
        h2_continue(f->h, &a->s);
    if (as->id % 11 == 0) {
        h2_reset(f->h, &a->s, H2_CANCEL);
        return;
    }
    a->answered = true;
    must(h2_answer(f->h, &a->s, &res, a->left > 0) == 0);
}

static void
on_body(struct h2_stream *s, struct span bytes)
{
    struct asked *a = asked_of(s);

    if (s->id % 3)
        h2_used(a->in->h, s, bytes.n);
    else
        h2_dropped(a->in->h, bytes.n);
}

static void
on_body_end(struct h2_stream *s)
{
    (void)asked_of(s);
}

static ssize_t
body_ready(struct h2_stream *s, size_t max, bool *last)
{
    struct asked *a = asked_of(s);
    size_t n = a->left < max ? a->left : max;

    *last = n == a->left;
    return (ssize_t)n;
}

static bool
body_out(struct h2_stream *s, struct span frame, size_t n)
{
    struct asked *a = asked_of(s);

    must(n <= a->left && frame.n == H2_FRAME_HEAD);
    must(((size_t)(unsigned char)frame.p[0] << 16 | (size_t)(unsigned char)frame.p[1] << 8 |
          (unsigned char)frame.p[2]) == n);
    a->left -= (unsigned)n;
    a->in->out_bytes += n + frame.n;
    return s->id % 2;
}

static void
on_closed(struct h2_stream *s)
{
    struct asked *a = asked_of(s);

    a->open = false;
    a->in->open--;
}

static void
on_drained(void *data)
{
    struct fuzz_session *f = data;

    h2_goodbye(f->h, H2_NO_ERROR);
}

static void
give(struct fuzz_session *f)
{
    struct span bytes;
    unsigned turns = 0;

    while (h2_give(f->h, &bytes) > 0) {
        f->out_bytes += bytes.n;
        must(turns++ < 10000);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct h2_ops ops = {on_request, on_body,   on_body_end, body_ready,
                                      body_out,   on_closed, on_drained};
    static const char start[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    static struct fuzz_session f;
    struct span bytes = input(data, size);
    size_t at = 0, end = 0;
    uint64_t now_ms = 1000;

    f.n = f.open = 0;
    f.out_bytes = 0;
    f.h = h2_new(&ops, &f, now_ms);
    must(f.h);
    if (h2_take(f.h, span_of(start, sizeof(start) - 1), now_ms) == 0) {
        do {
            end = piece_end(data, size, end, bytes.n);
            if (h2_take(f.h, span_of(bytes.p + at, end - at), now_ms++) < 0)
                break;
            at = end;
            give(&f);
        } while (end < bytes.n);
        if (size % 3 == 0)
            h2_drain(f.h);
        give(&f);
        (void)h2_over(f.h);
        must(h2_streams(f.h) == f.open);
    }
    h2_free(&f.h);
    return 0;
}
