/*
 * What a connection has read and not consumed. While a connection runs, that lies in the one
 * scratch buffer of the worker; between turns only what is left over costs memory. Floor 6;
 * worker.
 */
#include "conn.h"

#include <errno.h>

#define TURN_READS 4 /* reads in one turn, so that one flooding visitor cannot own the loop */

void
input_load(struct conn *c)
{
    if (c->loaded)
        return;
    c->loaded = true;
    c->input = span_of(c->all->scratch, c->in.len);
    if (c->in.len > 0) {
        memcpy(c->all->scratch, c->in.data + c->in.start, c->in.len);
        buf_done(&c->in);
    }
}

void
input_store(struct conn *c)
{
    if (!c->loaded)
        return;
    c->loaded = false;
    (void)buf_add_span(&c->in, c->input); /* never more than the cap: the scratch is as big */
    c->input = (struct span){NULL, 0};
}

ssize_t
input_read(struct conn *c)
{
    char *scratch = c->all->scratch;
    size_t end;
    ssize_t n;

    if (c->eof)
        return 0;
    if (c->drained || c->reads >= TURN_READS)
        return -EAGAIN;
    if (c->input.n == CONN_INPUT_MAX)
        return -ENOBUFS;
    if (c->input.n == 0)
        c->input.p = scratch;
    end = (size_t)(c->input.p - scratch) + c->input.n;
    if (end == CONN_INPUT_MAX) {
        memmove(scratch, c->input.p, c->input.n);
        c->input.p = scratch;
        end = c->input.n;
    }
    c->reads++;
    n = stream_read(&c->stream, scratch + end, CONN_INPUT_MAX - end);
    if (n < 0) {
        c->drained = true;
        return n;
    }
    c->eof = n == 0;
    c->got = c->got || n > 0;
    c->read_bytes += (uint64_t)n;
    c->drained = (size_t)n < CONN_INPUT_MAX - end;
    c->input.n += (size_t)n;
    return n;
}

static int
body_of_length(struct conn *c, struct span *piece)
{
    struct round *r = c->round;
    size_t n = c->input.n < r->body_left ? c->input.n : (size_t)r->body_left;

    if (n == 0)
        return 0;
    *piece = span_of(c->input.p, n);
    c->input = span_skip(c->input, n);
    r->body_left -= n;
    r->body_done = r->body_left == 0;
    return 1;
}

static int
body_of_chunks(struct conn *c, struct span *piece)
{
    struct round *r = c->round;
    enum chunked_verdict verdict = chunked_next(&r->chunked, &c->input, piece);

    switch (verdict) {
    case CHUNKED_DATA:
        return 1;
    case CHUNKED_MORE:
        return 0;
    case CHUNKED_DONE:
        r->body_done = true;
        *piece = (struct span){NULL, 0};
        return 1;
    case CHUNKED_BAD:
    case CHUNKED_TRAILERS_LONG:
        break;
    }
    return (int)verdict;
}

int
input_body(struct conn *c, struct span *piece)
{
    int rc;

    input_load(c);
    rc = c->round->x.req.framing == BODY_CHUNKED ? body_of_chunks(c, piece)
                                                 : body_of_length(c, piece);
    return rc == 0 && c->eof ? -EPIPE : rc;
}
