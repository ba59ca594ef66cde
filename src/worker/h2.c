/*
 * The life of an HTTP/2 connection: one state of conn.c's graph. Floor 6; worker.
 *
 *    input -> session -> requests, bodies
 *                ^
 *                |        answers: heads at once, bodies as windows and urgency allow
 *    output <- session
 *
 * A turn reads, has the session act, and puts out what it gives until as much is queued as a
 * socket needs not to run dry: what is queued there is in its order for good, and a style sheet
 * that is asked for now should not stand behind it. While the visitor takes no output, no input
 * is read.
 */
#include "h2.h"
#include "hostel/base/mem.h"
#include "hostel/worker/run.h"

#include <stdlib.h>

static enum conn_state
begin(struct conn *c)
{
    struct h2_conn *h = mem_new(sizeof(*h));

    LIST_INIT(&h->rounds);
    h->c = c;
    c->h2 = h;
    h->session = h2_new(&h2_stream_ops, h, uv_now(c->all->loop));
    return h->session ? CONN_H2 : CONN_GONE;
}

static void
end(struct conn *c)
{
    h2_rounds_end(c->h2);
    h2_free(&c->h2->session);
    free(c->h2);
    c->h2 = NULL;
}

static void
leave(struct conn *c)
{
    if (!c->h2->leaving)
        h2_goodbye(c->h2->session, H2_NO_ERROR);
    c->h2->leaving = true;
}

static struct deadline_class *
deadline(const struct conn *c)
{
    struct conns *all = c->all;

    if (h2_in_head(c->h2->session) || c->first)
        return &all->head;
    if (!LIST_EMPTY(&c->h2->rounds))
        return NULL;
    if (all->stopping || c->h2->leaving)
        return &all->linger;
    /* its time runs from its last answer on, whatever it says that is no request */
    return c->deadline.class == &all->kept && !c->h2->fresh ? &all->kept : &all->idle;
}

static bool
wants_input(const struct conn *c)
{
    /* who is going away still listens: his visitors open windows */
    return !h2_over(c->h2->session) && c->stream.memory_bytes < STREAM_LOW_BYTES;
}

/*
 * Put out what the session has to give, until enough of it is queued.
 *
 * ret  false: the session is over
 */
static bool
put_out(struct h2_conn *h)
{
    struct stream *s = &h->c->stream;
    int rc = 1;

    while (rc > 0 && s->memory_bytes < H2_OUT_BYTES) {
        struct span bytes;

        rc = h2_give(h->session, &bytes);
        if (rc > 0)
            stream_copy(s, bytes);
    }
    return rc >= 0;
}

/* The same, with the socket's help, as long as both go on and the turn is not over. */
static bool
put_all_out(struct h2_conn *h)
{
    struct conn *c = h->c;

    for (;;) {
        bool more;

        if (!put_out(h))
            return false;
        more = c->stream.memory_bytes >= H2_OUT_BYTES;
        if (!more || !conn_output_out(c))
            return !c->stream.error;
        if (conn_turn_is_over(c)) {
            c->tired = true;
            return true;
        }
    }
}

/* ret  false: it has ended, or is broken */
static bool
take_in(struct h2_conn *h)
{
    struct conn *c = h->c;
    ssize_t n = 1;

    while (n > 0 && wants_input(c) && !conn_turn_is_over(c)) {
        input_load(c);
        n = c->input.n > 0 ? (ssize_t)c->input.n : input_read(c);
        if (n == 0 || (n < 0 && n != -EAGAIN))
            return false;
        if (n > 0 && h2_take(h->session, c->input, uv_now(c->all->loop)) < 0)
            h->leaving = true;
        c->input.n = 0;
        h2_rounds_look(h);
        (void)put_out(h);
    }
    c->tired = n > 0 && wants_input(c); /* stopped by the end of the turn only */
    return true;
}

/* Nobody is being answered, and nobody shall come any more. */
static bool
may_leave(const struct h2_conn *h)
{
    const struct conns *all = h->c->all;

    return LIST_EMPTY(&h->rounds) && !h->c->first &&
           (all->settings.keepalive_ms == 0 || h->c->refusal ||
            (h->c->trusted && all->settings.trusted_close));
}

static enum conn_state
step(struct conn *c)
{
    struct h2_conn *h = c->h2;

    if (c->all->stopping)
        h2_drain(h->session);
    h->fresh = false;
    if (c->stream.error || !take_in(h))
        return CONN_GONE;
    if (may_leave(h))
        leave(c);
    do {
        h2_rounds_look(h);
        if (!put_all_out(h))
            return CONN_GONE;
    } while (h->look && !c->tired && !c->blocked);
    c->tired = c->tired || (h->look && !c->blocked);
    c->got = h->fresh;
    if (h2_over(h->session) || (h->leaving && LIST_EMPTY(&h->rounds))) {
        if (!conn_output_out(c))
            return c->stream.error ? CONN_GONE : CONN_H2;
        return conn_farewell(c, true);
    }
    h2_rounds_settle(h);
    return CONN_H2;
}

const struct http2_ops worker_http2 = {
    .begin = begin,
    .step = step,
    .end = end,
    .leave = leave,
    .wants_input = wants_input,
    .deadline = deadline,
    .body_late = h2_on_body_late,
    .send_late = h2_on_send_late,
};
