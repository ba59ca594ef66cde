/*
 * A glance at the next request of a kept connection, before it is read. Floor 6; worker.
 *
 * A request of a trusted proxy says who it is from, and is believed. One that is for another
 * user's site goes back with every byte still in the socket, where no worker can have changed
 * it: acceptors take none of a worker's reading from such connections.
 */
#include "conn.h"

#include <errno.h>
#include <limits.h>

/* What was peeked at is there for good: wake up for more than that. */
static enum glance
wait_for_more(struct conn *c, size_t n)
{
    if (stream_mark(&c->stream, (int)n + 1) < 0)
        return GLANCE_READ;
    c->glanced = n;
    c->drained = true;
    return GLANCE_MORE;
}

enum glance
glance_at(struct conn *c)
{
    struct head *head = &c->all->parsed;
    enum head_verdict verdict = HEAD_BAD;
    size_t before = c->glanced, seen = 0;
    ssize_t n;

    if (c->drained || c->eof)
        return before ? GLANCE_MORE : GLANCE_READ;
    n = stream_peek(&c->stream, c->all->scratch, CONN_INPUT_MAX);
    /* woken without more than there was: its end, or memory is short. Reading knows what to do
     */
    if (n > 0 && (size_t)n > before)
        verdict = head_parse(span_of(c->all->scratch, (size_t)n), &seen, head);
    if (verdict == HEAD_MORE)
        return wait_for_more(c, (size_t)n);
    if (before)
        (void)stream_mark(&c->stream, 1);
    c->glanced = 0;
    if (n == -EAGAIN)
        c->drained = true;
    return verdict == HEAD_OK && !conn_site(c, head, false) ? GLANCE_OTHERS : GLANCE_READ;
}
