/* Answers that are coded on their way out. Floor 5; worker. */
#include "compress.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static struct compress *
compress_of(struct sink *s)
{
    return (struct compress *)s;
}

/* ret  the coding of the answer; CODING_IDENTITY when it stays as it is */
static enum coding
begin(struct compress *c, const struct response *r)
{
    struct encoding_wish wish;
    enum coding coding;

    encoding_wish(&c->x->req, &wish);
    coding = encoding_choose(&wish, CODING_BIT(CODINGS) - 1);
    if (coding == CODINGS) /* the program has run: its answer as it is beats none */
        return CODING_IDENTITY;
    if (coding == CODING_IDENTITY || r->bodiless)
        return coding;
    c->encoder = encoder_new(coding, r->length);
    return c->encoder ? coding : CODING_IDENTITY;
}

static enum sink_flow
filter_head(struct sink *s, const struct response *r)
{
    struct compress *c = compress_of(s);
    struct encoding_room room;
    struct response said;
    enum coding coding;

    if (!c->x->site->compress || !encoding_allowed(r, c->x->site->compress_min))
        return c->next->ops->head(c->next, r);
    said = *r;
    coding = begin(c, r);
    if (coding == CODING_IDENTITY)
        encoding_vary(&said, &room);
    else
        encoding_apply(&said, coding, &room);
    return c->next->ops->head(c->next, &said);
}

/* Feed one piece. The encoder is at rest before the next sink is called: that may call back. */
static enum sink_flow
give(struct compress *c, struct span bytes, enum encoder_op op)
{
    enum sink_flow flow = SINK_GONE;
    struct buf out;

    buf_init(&out, ENCODER_OUT_MAX);
    c->broken = c->broken || encoder_feed(c->encoder, bytes, op, &out) < 0;
    if (!c->broken)
        flow =
            c->next->ops->copy(c->next, buf_span(&out)); /* nothing, too: it says how it is */
    else if (op != ENCODER_FLUSH) /* flush() cannot tell the answerer that all is over */
        c->next->ops->fail(c->next);
    buf_done(&out);
    return flow;
}

static enum sink_flow
filter_copy(struct sink *s, struct span bytes)
{
    struct compress *c = compress_of(s);
    enum sink_flow flow = SINK_MORE;

    if (!c->encoder)
        return c->next->ops->copy(c->next, bytes);
    while (bytes.n > 0 && flow != SINK_GONE) {
        size_t n = bytes.n < ENCODER_PIECE ? bytes.n : ENCODER_PIECE;

        flow = give(c, span_of(bytes.p, n), ENCODER_MORE);
        bytes = span_skip(bytes, n);
    }
    return flow;
}

/* A lent file is read here and now: bounded by what the answerer lends at once. */
static enum sink_flow
copy_file(struct compress *c, const struct piece *p)
{
    enum sink_flow flow = SINK_MORE;
    char *room = mem_new(ENCODER_PIECE);
    uint64_t at = 0;

    while (at < p->length && flow != SINK_GONE) {
        size_t want = p->length - at < ENCODER_PIECE ? (size_t)(p->length - at) : ENCODER_PIECE;
        ssize_t n = pread(p->fd, room, want, (off_t)(p->offset + at));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) { /* it shrank: cut, never padded */
            c->next->ops->fail(c->next);
            flow = SINK_GONE;
        } else {
            flow = give(c, span_of(room, (size_t)n), ENCODER_MORE);
            at += (uint64_t)n;
        }
    }
    free(room);
    return flow;
}

static enum sink_flow
filter_lend(struct sink *s, const struct piece *p)
{
    struct compress *c = compress_of(s);
    enum sink_flow flow;

    if (!c->encoder)
        return c->next->ops->lend(c->next, p);
    flow = p->fd < 0 ? filter_copy(s, p->bytes) : copy_file(c, p);
    if (p->release)
        p->release(p->owner);
    return flow;
}

static void
filter_flush(struct sink *s)
{
    struct compress *c = compress_of(s);

    if (!c->encoder || give(c, span_of(NULL, 0), ENCODER_FLUSH) != SINK_GONE)
        c->next->ops->flush(c->next);
}

static void
filter_end(struct sink *s)
{
    struct compress *c = compress_of(s);

    if (!c->encoder || give(c, span_of(NULL, 0), ENCODER_END) != SINK_GONE)
        c->next->ops->end(c->next);
}

static void
filter_fail(struct sink *s)
{
    struct compress *c = compress_of(s);

    c->next->ops->fail(c->next);
}

static const struct sink_ops filter_ops = {
    .head = filter_head,
    .copy = filter_copy,
    .lend = filter_lend,
    .flush = filter_flush,
    .end = filter_end,
    .fail = filter_fail,
};

void
compress_init(struct compress *c, const struct exchange *x)
{
    *c = (struct compress){.sink = {&filter_ops}, .x = x, .next = x->sink};
}

bool
compress_holds(const struct compress *c)
{
    return c->encoder;
}

void
compress_done(struct compress *c)
{
    encoder_free(&c->encoder);
}
