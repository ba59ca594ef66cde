/*
 * The rounds of an HTTP/2 connection: from the session, and the sink that answers into it.
 * Floor 6; worker.
 *
 *    on_request -> round_answer -> sink: head -> session
 *    on_body ----> answerer        sink: body -> pieces -> body_ready, body_out -> the stream
 *    on_closed: whatever it was at, its log line and the end
 *
 * All of on_* runs within the session's calls; the sink also outside of the connection's turn.
 */
#include "h2.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUND_HIGH (64 * 1024) /* of an answer in memory: the answerer waits over it, until */
#define ROUND_LOW  (16 * 1024) /* no more than this is left */
#define CONN_HIGH                                                                              \
    (1024 * 1024) /* of all answers of a connection: over it each has less room                \
                   */
#define ROUND_LESS  (8 * 1024)
#define PIECE_BYTES 2000 /* a copied piece that is kept for the next; bigger ones are not */
#define SPARE_MAX   64
#define SHARE_FROM                                                                             \
    (1024 * 1024) /* sent of one answer, before it waits its turn among others                 \
                   */

/* Rounds come and go by the dozen: the ones that were just used are the warmest memory. */
static SLIST_HEAD(, h2_round) spare = SLIST_HEAD_INITIALIZER(spare);
static unsigned nspare;

static struct h2_round *
round_of_stream(struct h2_stream *s)
{
    return (struct h2_round *)((char *)s - offsetof(struct h2_round, stream));
}

static struct h2_round *
round_of_sink(struct sink *s)
{
    return round_of(s)->x.owner;
}

/* --- the body on its way out ------------------------------------------------------------ */

/* Pieces, too, come and go by the dozen. */
static STAILQ_HEAD(, h2_piece) spare_pieces = STAILQ_HEAD_INITIALIZER(spare_pieces);
static unsigned nspare_pieces;

/* in  n  bytes that it will hold itself */
static struct h2_piece *
piece_new(size_t n)
{
    struct h2_piece *piece = n <= PIECE_BYTES ? STAILQ_FIRST(&spare_pieces) : NULL;

    if (piece) {
        STAILQ_REMOVE_HEAD(&spare_pieces, next);
        nspare_pieces--;
    } else {
        piece = mem_raw(sizeof(*piece) + (n < PIECE_BYTES ? PIECE_BYTES : n));
    }
    piece->spare = n <= PIECE_BYTES;
    return piece;
}

static void
piece_free(struct h2_round *s, struct h2_piece *piece)
{
    STAILQ_REMOVE_HEAD(&s->out, next);
    if (piece->p.release)
        piece->p.release(piece->p.owner);
    if (piece->spare && nspare_pieces < SPARE_MAX) {
        STAILQ_INSERT_HEAD(&spare_pieces, piece, next);
        nspare_pieces++;
    } else {
        free(piece);
    }
}

static void
drop_pieces(struct h2_round *s)
{
    struct h2_piece *piece;

    while ((piece = STAILQ_FIRST(&s->out)))
        piece_free(s, piece);
    s->h->memory_bytes -= s->memory_bytes;
    s->out_bytes = s->memory_bytes = 0;
}

static void
add_piece(struct h2_round *s, struct h2_piece *piece)
{
    bool memory = piece->p.fd < 0;

    STAILQ_INSERT_TAIL(&s->out, piece, next);
    s->out_bytes += memory ? piece->p.bytes.n : piece->p.length;
    if (memory) {
        s->memory_bytes += piece->p.bytes.n;
        s->h->memory_bytes += piece->p.bytes.n;
    }
}

/* n bytes of the memory pieces at the front are out. */
static void
memory_out(struct h2_round *s, size_t n, struct stream *to)
{
    s->memory_bytes -= n;
    s->h->memory_bytes -= n;
    while (n > 0) {
        struct h2_piece *piece = STAILQ_FIRST(&s->out);
        size_t some = piece->p.bytes.n < n ? piece->p.bytes.n : n;

        stream_copy(to, span_of(piece->p.bytes.p, some));
        piece->p.bytes = span_skip(piece->p.bytes, some);
        n -= some;
        if (piece->p.bytes.n == 0)
            piece_free(s, piece);
    }
}

/* What body_ready() has read of a file, for body_out() right behind it. */
static char frame_bytes[H2_FRAME_BYTES];

static ssize_t
read_file(const struct piece *p, size_t max)
{
    size_t want = p->length < max ? (size_t)p->length : max;
    ssize_t n;

    do
        n = pread(p->fd, frame_bytes, want, (off_t)p->offset);
    while (n < 0 && errno == EINTR);
    return n > 0 ? n : -EIO; /* the file shrank: cut, never pad */
}

/* Memory pieces at the front, up to max. */
static size_t
memory_ready(const struct h2_round *s, size_t max)
{
    const struct h2_piece *piece;
    size_t n = 0;

    STAILQ_FOREACH(piece, &s->out, next)
    {
        if (piece->p.fd >= 0 || n >= max)
            break;
        n += piece->p.bytes.n;
    }
    return n < max ? n : max;
}

static ssize_t
body_ready(struct h2_stream *stream, size_t max, bool *last)
{
    struct h2_round *s = round_of_stream(stream);
    const struct h2_piece *first = STAILQ_FIRST(&s->out);
    ssize_t n = 0;

    if (max > sizeof(frame_bytes))
        max = sizeof(frame_bytes);
    if (first)
        n = first->p.fd < 0 ? (ssize_t)memory_ready(s, max) : read_file(&first->p, max);
    if (n < 0)
        return n;
    *last = s->r.ended && (uint64_t)n == s->out_bytes;
    s->last = *last;
    s->asleep = n == 0 && !*last;
    return n;
}

static void
file_out(struct h2_round *s, size_t n, struct stream *to)
{
    struct h2_piece *piece = STAILQ_FIRST(&s->out);

    stream_copy(to, span_of(frame_bytes, n));
    piece->p.offset += n;
    piece->p.length -= n;
    if (piece->p.length == 0)
        piece_free(s, piece);
}

/*
 * A body that nobody wants and that is still to come: the answer is whole without it. Some of
 * it is let in first, as in HTTP/1: there are clients that lose an answer when a reset comes
 * right behind it. RFC 9113 8.1
 */
static void
cut_body(struct h2_round *s)
{
    if (s->last && !s->r.body_done && s->r.rest_bytes > ROUND_REST_MAX)
        h2_reset(s->h->session, &s->stream, H2_NO_ERROR);
}

static bool
body_out(struct h2_stream *stream, struct span frame, size_t n)
{
    struct h2_round *s = round_of_stream(stream);
    const struct h2_piece *first = STAILQ_FIRST(&s->out);
    struct stream *to = &s->h->c->stream;

    stream_copy(to, frame);
    if (n > 0 && first->p.fd >= 0)
        file_out(s, n, to);
    else
        memory_out(s, n, to);
    s->out_bytes -= n;
    s->sent_bytes += n;
    if (!stream->shares && s->sent_bytes > SHARE_FROM)
        h2_share(s->h->session, stream);
    if (s->r.full && s->memory_bytes <= ROUND_LOW)
        s->h->look = true;
    cut_body(s);
    return to->memory_bytes < H2_OUT_BYTES;
}

/* --- the sink --------------------------------------------------------------------------- */

static enum sink_flow
flow(struct h2_round *s)
{
    size_t high = s->h->memory_bytes > CONN_HIGH ? ROUND_LESS : ROUND_HIGH;

    if (s->h->c->stream.error || s->r.failed)
        return SINK_GONE;
    if (s->memory_bytes < high)
        return SINK_MORE;
    s->r.full = true;
    return SINK_FULL;
}

static void
fail(struct h2_round *s)
{
    s->r.failed = true;
    s->h->look = true;
    conn_ready(s->h->c);
}

/* There is something to give again. */
static void
wake(struct h2_round *s)
{
    if (s->asleep)
        h2_more(s->h->session, &s->stream);
    s->asleep = false;
    conn_ready(s->h->c);
}

static enum sink_flow
sink_head(struct sink *sink, const struct response *res)
{
    struct h2_round *s = round_of_sink(sink);

    if (flow(s) == SINK_GONE)
        return SINK_GONE;
    s->framed = !res->bodiless && res->length != 0;
    if (h2_answer(s->h->session, &s->stream, res, s->framed) < 0) {
        fail(s);
        return SINK_GONE;
    }
    round_head(&s->r, res);
    s->last = !s->framed;
    cut_body(s);
    conn_ready(s->h->c);
    return flow(s);
}

/* May n more bytes of body go out? Never more than the head has promised. */
static bool
body_fits(struct h2_round *s, uint64_t n)
{
    int rc;

    if (flow(s) == SINK_GONE)
        return false;
    rc = round_body(&s->r, n);
    if (rc == -EMSGSIZE)
        fail(s);
    return rc == 0;
}

static enum sink_flow
sink_copy(struct sink *sink, struct span bytes)
{
    struct h2_round *s = round_of_sink(sink);

    if (body_fits(s, bytes.n)) {
        struct h2_piece *piece = piece_new(bytes.n);

        memcpy(piece->bytes, bytes.p, bytes.n);
        piece->p = (struct piece){.bytes = {piece->bytes, bytes.n}, .fd = -1};
        add_piece(s, piece);
        wake(s);
    }
    return flow(s);
}

static enum sink_flow
sink_lend(struct sink *sink, const struct piece *p)
{
    struct h2_round *s = round_of_sink(sink);

    if (body_fits(s, p->fd < 0 ? p->bytes.n : p->length)) {
        struct h2_piece *piece = piece_new(0);

        piece->p = *p;
        add_piece(s, piece);
        wake(s);
    } else if (p->release) {
        p->release(p->owner);
    }
    return flow(s);
}

static void
sink_flush(struct sink *sink)
{
    conn_ready(round_of_sink(sink)->h->c);
}

static void
sink_end(struct sink *sink)
{
    struct h2_round *s = round_of_sink(sink);

    s->r.x.answerer = NULL;
    if (round_short(&s->r)) {
        fail(s);
        return;
    }
    s->r.ended = true;
    wake(s);
}

static void
sink_fail(struct sink *sink)
{
    struct h2_round *s = round_of_sink(sink);

    s->r.x.answerer = NULL;
    fail(s);
}

static const struct sink_ops sink_ops = {
    .head = sink_head,
    .copy = sink_copy,
    .lend = sink_lend,
    .flush = sink_flush,
    .end = sink_end,
    .fail = sink_fail,
};

/* --- rounds that end early -------------------------------------------------------------- */

static void
refuse(struct h2_round *s, unsigned status)
{
    round_refuse(&s->r, status);
    s->r.body_unwanted = true;
    if (!s->r.ended && !s->r.x.answerer)
        h2_reset(s->h->session, &s->stream, H2_INTERNAL_ERROR);
}

/* As an answer, where none has begun; else it is cut, and the visitor can tell. */
static void
give_up(struct h2_round *s, unsigned status, enum h2_error code)
{
    if (s->r.status == 0) {
        refuse(s, status);
        return;
    }
    round_drop_answerer(&s->r);
    h2_reset(s->h->session, &s->stream, code);
}

/* --- the session's calls ---------------------------------------------------------------- */

static struct h2_round *
round_new(struct h2_conn *h, const struct h2_stream *as, const struct site *site)
{
    struct h2_round *s = SLIST_FIRST(&spare);

    if (s) {
        SLIST_REMOVE_HEAD(&spare, spare);
        nspare--;
    } else {
        s = mem_raw(sizeof(*s));
    }
    memset((char *)s + sizeof(s->r), 0, sizeof(*s) - sizeof(s->r));
    round_init(&s->r, h->c, site, &sink_ops);
    s->r.x.owner = s;
    s->stream = *as;
    s->h = h;
    STAILQ_INIT(&s->out);
    LIST_INSERT_HEAD(&h->rounds, s, entry);
    h2_own(h->session, &s->stream);
    return s;
}

static void
on_request(void *data, const struct h2_stream *as, struct request *req,
           const struct h2_head *head)
{
    struct h2_conn *h = data;
    struct conn *c = h->c;
    struct h2_round *s = round_new(h, as, conn_route(c, req->host_name));
    unsigned status = head->verdict;

    limits_bandwidth(c, s->r.x.site);
    c->first = false;
    h->fresh = true;
    s->r.x.req = *req;
    s->r.body_done = !head->has_body;
    s->r.body_left = req->body_bytes;
    if (!status)
        status = round_answer(&s->r, c, head->expect_other);
    if (status)
        refuse(s, status);
    request_own(&s->r.x.req);
    if (req->expect_continue && round_takes_body(&s->r)) {
        s->r.continued = true;
        h2_continue(h->session, &s->stream);
    }
}

static void
on_body(struct h2_stream *stream, struct span bytes)
{
    struct h2_round *s = round_of_stream(stream);

    s->got = true;
    s->got_bytes += bytes.n;
    s->r.body_left -= bytes.n < s->r.body_left ? bytes.n : s->r.body_left;
    s->r.continued = true;
    round_feed(&s->r, bytes);
    if (s->r.rest_bytes <= ROUND_REST_MAX)
        h2_used(s->h->session, stream, bytes.n);
    else
        h2_dropped(s->h->session, bytes.n);
    cut_body(s);
}

static void
on_body_end(struct h2_stream *stream)
{
    struct h2_round *s = round_of_stream(stream);

    s->r.body_done = true;
    round_feed(&s->r, span_of(NULL, 0));
}

static void
on_closed(struct h2_stream *stream)
{
    struct h2_round *s = round_of_stream(stream);

    round_drop_answerer(&s->r);
    drop_pieces(s);
    deadline_clear(&s->deadline);
    LIST_REMOVE(s, entry);
    round_done(&s->r, s->h->c->all, s->sent_bytes);
    if (nspare < SPARE_MAX) {
        SLIST_INSERT_HEAD(&spare, s, spare);
        nspare++;
    } else {
        free(s);
    }
}

static void
on_drained(void *data)
{
    struct h2_conn *h = data;

    h2_goodbye(h->session, H2_NO_ERROR);
}

const struct h2_ops h2_stream_ops = {
    .on_request = on_request,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .body_ready = body_ready,
    .body_out = body_out,
    .on_closed = on_closed,
    .on_drained = on_drained,
};

/* --- in the connection's turn ----------------------------------------------------------- */

static void
look_at(struct h2_round *s)
{
    if (s->r.failed) {
        give_up(s, 502, H2_INTERNAL_ERROR);
    } else if (s->late) {
        s->late = false;
        give_up(s, 408, s->last ? H2_NO_ERROR : H2_CANCEL);
    } else if (s->r.full && s->memory_bytes <= ROUND_LOW) {
        s->r.full = false;
        if (s->r.x.answerer && s->r.x.answerer->on_room)
            s->r.x.answerer->on_room(s->r.x.answerer_data);
    }
}

void
h2_rounds_look(struct h2_conn *h)
{
    struct h2_round *s, *next;

    if (!h->look)
        return;
    h->look = false;
    for (s = LIST_FIRST(&h->rounds); s; s = next) {
        next = LIST_NEXT(s, entry);
        look_at(s);
    }
}

static struct h2_round *
round_of_deadline(struct deadline *d)
{
    return (struct h2_round *)((char *)d - offsetof(struct h2_round, deadline));
}

static void
now_late(struct h2_round *s)
{
    s->late = s->h->look = true;
    conn_ready(s->h->c);
}

void
h2_on_body_late(struct deadline *d)
{
    now_late(round_of_deadline(d));
}

/* Only who keeps his window shut is slow: others wait for their turn. */
void
h2_on_send_late(struct deadline *d)
{
    struct h2_round *s = round_of_deadline(d);
    struct conns *all = s->h->c->all;

    if (h2_stalled(s->h->session, &s->stream) &&
        pace_late(&s->pace, all, s->sent_bytes, all->send.after_ms)) {
        now_late(s);
        return;
    }
    deadline_set(d, &all->h2_send);
}

static void
settle(struct h2_round *s)
{
    struct conns *all = s->h->c->all;
    bool comes = !s->r.body_done && (s->last || round_takes_body(&s->r));
    bool came = s->got;

    s->got = false;
    if (s->out_bytes > 0) {
        if (s->deadline.class != &all->h2_send)
            pace_start(&s->pace, all, s->sent_bytes);
        deadline_keep(&s->deadline, &all->h2_send);
    } else if (!comes) {
        deadline_clear(&s->deadline);
    } else if (s->deadline.class != &all->h2_body) {
        pace_start(&s->pace, all, s->got_bytes);
        deadline_set(&s->deadline, &all->h2_body);
    } else if (came && pace_late(&s->pace, all, s->got_bytes, all->body.after_ms)) {
        now_late(s);
    } else if (came) {
        deadline_set(&s->deadline, &all->h2_body);
    }
}

void
h2_rounds_settle(struct h2_conn *h)
{
    struct h2_round *s;

    LIST_FOREACH(s, &h->rounds, entry)
    settle(s);
}

void
h2_rounds_end(struct h2_conn *h)
{
    struct h2_round *s;

    while ((s = LIST_FIRST(&h->rounds)))
        on_closed(&s->stream);
}
