/* What a connection does when its turn is over and it lives on. Floor 6; worker. */
#include "conn.h"

static bool
is_sending(const struct conns *all, const struct deadline_class *class)
{
    return class == &all->send || class == &all->stall;
}

/*
 * An answer is being made, and the visitor has nothing to say until he has it: most are there
 * before it would have been worth to have the kernel watch the socket, and then let go of it.
 */
static bool
is_soon(const struct conn *c)
{
    return c->state == CONN_ANSWER && c->round->body_done && !c->slow && !c->stream.polled &&
           !c->stream.held && !stream_pending(&c->stream);
}

/* What is it waiting for, and how long may that take? */
static void
set_deadline(struct conn *c)
{
    struct conns *all = c->all;
    struct deadline_class *class = NULL;

    if (c->state == CONN_LINGER)
        return; /* its time runs from its beginning */
    if (c->state == CONN_SHAKE)
        class = &all->head;
    else if (is_soon(c))
        class = &all->soon;
    else if (c->stream.held)
        class = NULL; /* it is not the visitor who is slow */
    else if (stream_pending(&c->stream))
        class = conn_may_stall(c) ? &all->stall : &all->send;
    else if (c->state == CONN_H2)
        class = all->settings.http2->deadline(c);
    else if (c->state == CONN_HEAD && (!c->tired || c->deadline.class == &all->head))
        class = c->in.len > 0 || c->glanced > 0 || c->first ? &all->head : &all->idle;
    else if (c->state == CONN_REST || (c->state == CONN_ANSWER && round_takes_body(c->round)))
        class = &all->body;
    if (!class) {
        deadline_clear(&c->deadline);
        return;
    }
    if (class == &all->stall && class != c->deadline.class)
        c->stall_bytes = c->stream.sent_bytes;
    if (is_sending(all, class) && !is_sending(all, c->deadline.class))
        pace_start(&c->pace, all, stream_taken(&c->stream));
    else if (class != c->deadline.class && class == &all->body)
        pace_start(&c->pace, all, c->read_bytes);
    /* a head has its time from its first byte on, output its window */
    if (c->got && (class == &all->body || class == &all->idle))
        deadline_set(&c->deadline, class);
    else
        deadline_keep(&c->deadline, class);
}

static bool
wants_input(const struct conn *c)
{
    if (c->eof)
        return false;
    switch (c->state) {
    case CONN_HEAD: /* no new request while the visitor does not read his answers */
        return !stream_pending(&c->stream) && !c->tired;
    case CONN_ANSWER:
        return c->round->body_done ? c->in.len == 0 : round_takes_body(c->round);
    case CONN_H2:
        return c->all->settings.http2->wants_input(c) && !c->tired;
    case CONN_SHAKE:
    case CONN_REST:
    case CONN_LINGER:
        return true;
    default:
        return false;
    }
}

bool
conn_settle(struct conn *c)
{
    /* who is blocked has just tried: a second try that went through would wake nobody */
    if (!c->blocked && stream_flush(&c->stream) < 0 && c->stream.error)
        return false;
    if (c->round && !c->round->x.req.owned)
        request_own(&c->round->x.req);
    input_store(c);
    set_deadline(c);
    if (c->tired)
        turns_add(&c->turn);
    if (!is_soon(c))
        stream_watch(&c->stream, wants_input(c));
    return !c->stream.error;
}
