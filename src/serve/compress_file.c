/*
 * Compressing files. Floor 5; worker.
 *
 *    compress_file -- small ---> at one go ---> kept, sent by the caller
 *        \-- big --> head, then a slice --> the sink is full: on_room --+
 *                       ^      \--> more to come ----------------------+|
 *                       +------------------- its next turn <------------+
 *                              \--> whole --> kept, end
 */
#include "compress_file.h"
#include "encoder.h"
#include "hostel/base/mem.h"
#include "hostel/serve/response.h"
#include "hostel/serve/turns.h"
#include "static.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

struct job {
    struct turn turn;
    struct exchange *x; /* NULL: answered, or the visitor is gone */
    struct filecache *files;
    struct cached_file *f, *v; /* held */
    struct encoder *encoder;
    struct buf kept; /* what came out so far, of a file that is not too big */
    uint64_t at;     /* bytes of the file that were read */
    bool full;       /* the sink asked to wait */
    bool running;    /* inside run(): freed at its end */
};

/* Bytes of one file never share this with another's: it is used up before a sink is called. */
static char piece[ENCODER_PIECE];

/*
 * The next piece of f.
 *
 * ret  its bytes, lent until the next call; none: it cannot be read, or it shrank
 */
static struct span
read_piece(const struct cached_file *f, uint64_t at)
{
    uint64_t left = f->size - at;
    size_t want = left < sizeof(piece) ? (size_t)left : sizeof(piece);
    ssize_t n;

    if (f->body)
        return span_of(f->body + at, want);
    do
        n = pread(f->fd, piece, want, (off_t)at);
    while (n < 0 && errno == EINTR);
    return span_of(piece, n > 0 ? (size_t)n : 0);
}

/* --- at one go ---------------------------------------------------------------------------- */

static enum compress_verdict
make_at_once(struct filecache *files, struct cached_file *f, struct cached_file *v)
{
    struct encoder *e = encoder_new(v->coding, f->size);
    enum compress_verdict verdict = COMPRESS_NOT;
    struct buf out;
    uint64_t at = 0;

    if (!e)
        return COMPRESS_NOT;
    buf_init(&out, ENCODER_OUT_MAX);
    while (at < f->size) {
        struct span bytes = read_piece(f, at);

        at += bytes.n;
        if (bytes.n == 0 ||
            encoder_feed(e, bytes, at < f->size ? ENCODER_MORE : ENCODER_END, &out) < 0)
            break;
    }
    if (at == f->size && out.len > 0 && cached_file_current(f)) {
        filecache_keep(files, f, v, buf_span(&out));
        verdict = COMPRESS_READY;
    }
    buf_done(&out);
    encoder_free(&e);
    return verdict;
}

/* --- streamed ----------------------------------------------------------------------------- */

static void
job_free(struct job *j)
{
    turns_remove(&j->turn);
    encoder_free(&j->encoder);
    buf_done(&j->kept);
    cached_file_release(j->v);
    cached_file_release(j->f);
    free(j);
}

/* The exchange, which is the job's no more: for the last call on its sink. */
static struct sink *
part(struct job *j)
{
    struct sink *s = j->x->sink;

    j->x->answerer_data = NULL;
    j->x = NULL;
    return s;
}

static void
give_up(struct job *j)
{
    struct sink *s = part(j);

    s->ops->fail(s);
}

static void
finish(struct job *j)
{
    struct sink *s;

    if (!cached_file_current(j->f)) { /* half of it may be of another version */
        give_up(j);
        return;
    }
    if (j->kept.len > 0)
        filecache_keep(j->files, j->f, j->v, buf_span(&j->kept));
    s = part(j);
    s->ops->end(s);
}

static void
keep(struct job *j, struct span bytes)
{
    if (j->f->size > COMPRESS_KEEP_MAX || buf_add_span(&j->kept, bytes) == 0)
        return;
    buf_done(&j->kept); /* it grew by being compressed */
    j->kept.max = 0;
}

/* Read, encode and send one piece. */
static void
step(struct job *j)
{
    struct span bytes = read_piece(j->f, j->at);
    enum sink_flow flow = SINK_MORE;
    enum encoder_op op;
    struct buf out;

    j->at += bytes.n;
    op = j->at < j->f->size ? ENCODER_MORE : ENCODER_END;
    buf_init(&out, ENCODER_OUT_MAX);
    if (bytes.n == 0 || encoder_feed(j->encoder, bytes, op, &out) < 0) {
        give_up(j);
    } else if (out.len > 0) {
        keep(j, buf_span(&out));
        flow = j->x->sink->ops->copy(j->x->sink, buf_span(&out));
    }
    buf_done(&out);
    if (j->x && flow == SINK_GONE)
        (void)part(j);
    else if (j->x && op == ENCODER_END)
        finish(j);
    else
        j->full = flow == SINK_FULL;
}

static void
run(struct turn *t)
{
    struct job *j = (struct job *)((char *)t - offsetof(struct job, turn));
    uint64_t until = j->at + COMPRESS_SLICE;

    j->running = true;
    while (j->x && !j->full && j->at < until)
        step(j);
    j->running = false;
    if (!j->x)
        job_free(j);
    else if (!j->full)
        turns_add(&j->turn);
}

static void
on_room(void *answerer)
{
    struct job *j = answerer;

    if (!j)
        return;
    j->full = false;
    if (!j->running)
        turns_add(&j->turn);
}

static void
on_gone(void *answerer)
{
    struct job *j = answerer;

    if (!j)
        return;
    (void)part(j);
    if (!j->running)
        job_free(j);
}

/* The answerer is NULL once the exchange was parted from its job. */
static const struct answerer_ops job_ops = {
    .name = "compress",
    .on_room = on_room,
    .on_gone = on_gone,
};

static enum compress_verdict
stream(struct exchange *x, struct cached_file *f, struct cached_file *v)
{
    struct encoder *e = encoder_new(v->coding, f->size);
    struct job *j;

    if (!e)
        return COMPRESS_NOT;
    j = mem_new(sizeof(*j));
    j->turn.run = run;
    j->x = x;
    j->files = x->files;
    j->f = f;
    j->v = v;
    j->encoder = e;
    cached_file_hold(f);
    cached_file_hold(v);
    buf_init(&j->kept, COMPRESS_KEEP_MAX);
    x->answerer = &job_ops;
    x->answerer_data = j;
    j->running = true;
    switch (static_head(x, v, RESPONSE_LENGTH_UNKNOWN)) {
    case SINK_MORE:
        break;
    case SINK_FULL:
        j->full = true;
        break;
    case SINK_GONE:
        if (j->x)
            (void)part(j);
        break;
    }
    run(&j->turn);
    return COMPRESS_TAKEN;
}

enum compress_verdict
compress_file(struct exchange *x, struct cached_file *f, struct cached_file *v)
{
    if (f->size <= COMPRESS_SLICE)
        return make_at_once(x->files, f, v);
    if (x->req.method != METHOD_HEAD)
        return stream(x, f, v);
    /* as GET would be answered, whose length nobody knows before it is sent */
    if (static_head(x, v, RESPONSE_LENGTH_UNKNOWN) != SINK_GONE)
        x->sink->ops->end(x->sink);
    return COMPRESS_TAKEN;
}
