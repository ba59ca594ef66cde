/* The sink of an HTTP/1 connection: answers into its stream. Floor 6; worker. */
#include "conn.h"
#include "hostel/http/h1.h"

#include <errno.h>

static struct conn *
conn_of(struct sink *s)
{
    return round_of(s)->x.owner;
}

/* An unread body that is too much to read on, or that may never come: nothing after it. */
static bool
body_in_the_way(const struct round *r)
{
    if (r->body_done)
        return false;
    if (r->x.req.expect_continue && !r->continued)
        return true;
    return r->x.req.framing == BODY_LENGTH && r->body_left > ROUND_REST_MAX;
}

static enum sink_flow
flow(struct conn *c)
{
    if (c->stream.error || !c->round || c->round->failed)
        return SINK_GONE;
    if (c->stream.memory_bytes < STREAM_HIGH_BYTES)
        return SINK_MORE;
    c->round->full = true;
    return SINK_FULL;
}

static void
fail(struct conn *c)
{
    c->round->failed = true;
    conn_ready(c);
}

/* How the end of the answer will be told; which of those ends the connection. */
static unsigned
framing(const struct conn *c, struct round *r, const struct response *res)
{
    const struct request *req = &r->x.req;
    unsigned flags = 0;

    r->close = r->close || res->close || !req->keep_alive || c->all->stopping ||
               c->all->settings.keepalive_ms == 0 || body_in_the_way(r) ||
               (c->trusted && c->all->settings.trusted_close) || c->alone;
    if (res->length == RESPONSE_LENGTH_UNKNOWN && !res->bodiless) {
        r->chunks = req->version >= 11;
        r->cut_shows = !r->chunks;
        r->close = r->close || !r->chunks;
    }
    if (r->chunks)
        flags |= H1_CHUNKED;
    if (r->close)
        flags |= H1_CLOSE;
    else if (req->version < 11)
        flags |= H1_KEEP_ALIVE;
    return flags;
}

static enum sink_flow
sink_head(struct sink *s, const struct response *res)
{
    struct conn *c = conn_of(s);
    struct round *r = c->round;
    struct buf *out = &c->all->head_out;
    unsigned flags;

    if (flow(c) == SINK_GONE)
        return SINK_GONE;
    flags = framing(c, r, res);
    out->start = out->len = 0; /* emptied, not given back: every answer needs it */
    if (h1_write_head(out, res, flags) < 0) {
        fail(c);
        return SINK_GONE;
    }
    round_head(r, res);
    stream_copy(&c->stream, buf_span(out));
    r->body_mark = c->stream.put_bytes;
    conn_ready(c);
    return flow(c);
}

static bool
body_fits(struct conn *c, uint64_t n)
{
    int rc = round_body(c->round, n);

    if (rc == -EMSGSIZE)
        fail(c);
    return rc == 0;
}

static void
chunk_begin(struct conn *c, uint64_t n)
{
    char text[H1_CHUNK_HEADER_MAX];

    if (c->round->chunks)
        stream_copy(&c->stream, span_of(text, h1_chunk_header(text, n)));
}

static void
chunk_end(struct conn *c)
{
    if (c->round->chunks)
        stream_copy(&c->stream, SPAN("\r\n"));
    conn_ready(c);
}

static enum sink_flow
sink_copy(struct sink *s, struct span bytes)
{
    struct conn *c = conn_of(s);

    if (flow(c) != SINK_GONE && body_fits(c, bytes.n)) {
        chunk_begin(c, bytes.n);
        stream_copy(&c->stream, bytes);
        chunk_end(c);
    }
    return flow(c);
}

static enum sink_flow
sink_lend(struct sink *s, const struct piece *p)
{
    struct conn *c = conn_of(s);
    struct segment seg = {p->bytes, p->fd, p->offset, p->length, p->release, p->owner};
    uint64_t n = p->fd < 0 ? p->bytes.n : p->length;

    if (flow(c) != SINK_GONE && body_fits(c, n)) {
        chunk_begin(c, n);
        stream_lend(&c->stream, &seg);
        chunk_end(c);
    } else if (p->release) {
        p->release(p->owner);
    }
    return flow(c);
}

static void
sink_flush(struct sink *s)
{
    conn_ready(conn_of(s)); /* all that is queued goes out when the turn ends */
}

static void
sink_end(struct sink *s)
{
    struct conn *c = conn_of(s);
    struct round *r = c->round;

    r->x.answerer = NULL;
    if (round_short(r)) {
        fail(c);
        return;
    }
    if (r->chunks)
        stream_copy(&c->stream, H1_LAST_CHUNK);
    r->ended = true;
    conn_ready(c);
}

static void
sink_fail(struct sink *s)
{
    struct conn *c = conn_of(s);

    c->round->x.answerer = NULL;
    fail(c);
}

const struct sink_ops conn_sink_ops = {
    .head = sink_head,
    .copy = sink_copy,
    .lend = sink_lend,
    .flush = sink_flush,
    .end = sink_end,
    .fail = sink_fail,
};

uint64_t
answer_sent(const struct conn *c)
{
    const struct round *r = c->round;
    uint64_t past;

    if (r->batched)
        return r->body_bytes;
    if (c->stream.sent_bytes <= r->body_mark)
        return 0;
    past = c->stream.sent_bytes - r->body_mark;
    return past < r->body_bytes ? past : r->body_bytes;
}
