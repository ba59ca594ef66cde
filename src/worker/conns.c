/* All connections of a worker: their rounds, ends, deadlines. Floor 6; worker. */
#include "conn.h"
#include "hostel/base/counters.h"
#include "hostel/base/mem.h"
#include "hostel/ipc/message.h"

#include <stddef.h>
#include <stdlib.h>

#define STALL_MS     50           /* a fast visitor takes something in that time */
#define HEAD_OUT_MAX (128 * 1024) /* a response head: twice what a PHP program may send */

/* --- a round ---------------------------------------------------------------------------- */

struct round *
conn_round_start(struct conn *c)
{
    struct round *r = SLIST_FIRST(&c->all->spare);

    if (r)
        SLIST_REMOVE_HEAD(&c->all->spare, spare);
    else
        r = mem_new(sizeof(*r));
    round_init(r, c, c->site, &conn_sink_ops);
    r->x.owner = c;
    c->round = r;
    return r;
}

static void
round_give_back(struct conn *c)
{
    struct round *r = c->round;

    c->round = NULL;
    if (SLIST_EMPTY(&c->all->spare))
        SLIST_INSERT_HEAD(&c->all->spare, r, spare);
    else
        free(r);
}

void
conn_round_end(struct conn *c)
{
    round_done(c->round, c->all, answer_sent(c));
    round_give_back(c);
}

/* --- the end ---------------------------------------------------------------------------- */

static void
conn_free(struct conn *c)
{
    TAILQ_REMOVE(&c->all->list, c, entry);
    buf_done(&c->in);
    free(c->default_host);
    free(c->origin);
    free(c);
}

void
conns_left(struct conns *all)
{
    all->count--;
    limits_count(all);
    count_level(COUNT_CONNECTIONS, -1);
    all->ops->left(all->data);
}

static void
on_stream_closed(struct stream *s)
{
    struct conn *c = (struct conn *)((char *)s - offsetof(struct conn, stream));
    struct conns *all = c->all;

    conn_free(c);
    conns_left(all);
}

/* Nothing calls c any more but its stream, once. */
static void
conn_leave(struct conn *c)
{
    turns_remove(&c->turn);
    deadline_clear(&c->deadline);
    if (c->is_ready)
        TAILQ_REMOVE(&c->all->ready, c, ready);
    c->is_ready = false;
}

void
conn_end(struct conn *c)
{
    if (c->round) {
        round_drop_answerer(c->round);
        conn_round_end(c);
    }
    if (c->h2)
        c->all->settings.http2->end(c);
    conn_leave(c);
    limits_leave(c);
    stream_close(&c->stream, c->abort, on_stream_closed);
}

static void
on_stream_detached(struct stream *s)
{
    conn_free((struct conn *)((char *)s - offsetof(struct conn, stream)));
}

int
conn_lay_down(struct conn *c)
{
    conn_leave(c);
    return stream_detach(&c->stream, on_stream_detached);
}

int
conn_lay_down_sending(struct conn *c, struct sending *sending)
{
    sending->pace = c->pace;
    round_lay_down(c->round, &sending->rest);
    round_give_back(c);
    conn_leave(c);
    return stream_lay_down(&c->stream, &sending->queue, on_stream_detached);
}

/* --- outside of its own turn ------------------------------------------------------------ */

void
conn_ready(struct conn *c)
{
    if (c->running || c->is_ready)
        return;
    c->is_ready = true;
    TAILQ_INSERT_TAIL(&c->all->ready, c, ready);
}

static void
on_prepare(uv_prepare_t *prepare)
{
    struct conns *all = prepare->data;
    struct conn *c;

    while ((c = TAILQ_FIRST(&all->ready))) {
        TAILQ_REMOVE(&all->ready, c, ready);
        c->is_ready = false;
        conn_run(c, false);
    }
}

static void
on_stream_ready(struct stream *s)
{
    conn_run((struct conn *)((char *)s - offsetof(struct conn, stream)), true);
}

static void
on_turn(struct turn *t)
{
    conn_run((struct conn *)((char *)t - offsetof(struct conn, turn)), true);
}

/* --- deadlines -------------------------------------------------------------------------- */

static struct conn *
conn_of(struct deadline *d)
{
    return (struct conn *)((char *)d - offsetof(struct conn, deadline));
}

static void
go_on(struct conn *c, enum conn_state state)
{
    c->state = state;
    conn_run(c, false);
}

static void
h2_late(struct conn *c)
{
    c->all->settings.http2->leave(c);
    go_on(c, CONN_H2);
}

/* Half a head: say so; nothing at all: go quietly, browsers open connections ahead. */
static void
on_head_late(struct deadline *d)
{
    struct conn *c = conn_of(d);

    if (c->state == CONN_H2)
        h2_late(c);
    else
        go_on(c, c->in.len > 0 || c->glanced > 0 ? conn_refuse(c, 408) : CONN_GONE);
}

static void
on_over(struct deadline *d)
{
    struct conn *c = conn_of(d);

    if (c->state == CONN_H2)
        h2_late(c);
    else
        go_on(c, CONN_GONE);
}

/* The end of HTTP/2: who still takes what lies in the socket is waited for. */
static void
on_linger_late(struct deadline *d)
{
    struct conn *c = conn_of(d);

    if (c->state == CONN_LINGER && c->h2 &&
        !pace_late(&c->pace, c->all, stream_taken(&c->stream), CONN_LINGER_MS))
        deadline_set(d, &c->all->linger);
    else
        on_over(d);
}

static void
on_soon_over(struct deadline *d)
{
    struct conn *c = conn_of(d);

    c->slow = true;
    conn_run(c, false);
}

/* Is what would have to be remembered of the connection itself all that struct parked has? */
static bool
is_simple(const struct conn *c)
{
    return c->in.len == 0 && c->glanced == 0 && !c->eof && (c->addr || c->trusted) &&
           !c->refusal && !c->default_host && !c->stream.shared && !c->tls && !c->is_ready &&
           !c->turn.waiting;
}

static bool
can_be_parked(struct conn *c)
{
    return c->state == CONN_HEAD && !c->round && is_simple(c) && !stream_pending(&c->stream) &&
           stream_is_unspent(&c->stream);
}

bool
conn_may_stall(const struct conn *c)
{
    return c->all->stall.after_ms > 0 && c->state == CONN_LEAVE && c->round->body_done &&
           c->round->x.visitor == &c->visitor && !c->stream.throttle && is_simple(c);
}

static void
on_idle(struct deadline *d)
{
    struct conn *c = conn_of(d);

    if (c->all->kept.after_ms == 0) /* it was its whole time */
        on_over(d);
    else if (!can_be_parked(c) || !park_take(&c->all->park, c))
        deadline_set(d, &c->all->kept);
}

static void
on_body_late(struct deadline *d)
{
    struct conn *c = conn_of(d);

    if (c->state == CONN_ANSWER) {
        go_on(c, conn_give_up(c, 408));
        return;
    }
    c->round->close = true; /* answered already; it is only the rest that does not come */
    go_on(c, c->state);
}

/* ret  true: c was, in the window that has just passed, and is gone */
static bool
was_slow(struct conn *c)
{
    if (!pace_late(&c->pace, c->all, stream_taken(&c->stream), c->all->send.after_ms))
        return false;
    c->abort = true;
    go_on(c, CONN_GONE);
    return true;
}

static void
on_send_late(struct deadline *d)
{
    struct conn *c = conn_of(d);

    if (!was_slow(c))
        deadline_set(d, &c->all->send);
}

/* Where nothing has moved for so long it is laid down until something does. */
static void
on_stall(struct deadline *d)
{
    struct conn *c = conn_of(d);
    bool moves = c->stream.sent_bytes != c->stall_bytes;

    c->stall_bytes = c->stream.sent_bytes;
    if (uv_now(c->all->loop) - c->pace.since_ms >= c->all->send.after_ms && was_slow(c))
        return;
    if (moves || !conn_may_stall(c) || !park_take(&c->all->park, c))
        deadline_set(d, &c->all->stall);
}

static void
on_hold_over(struct deadline *d)
{
    struct stream *s = stream_of_wake(d);

    conn_run((struct conn *)((char *)s - offsetof(struct conn, stream)), false);
}

/* --- all of them ------------------------------------------------------------------------ */

int
conns_init(struct conns *all, uv_loop_t *loop, const struct sites *sites,
           const struct conns_settings *settings, const struct conns_ops *ops, void *data)
{
    int rc;

    memset(all, 0, offsetof(struct conns, scratch));
    all->loop = loop;
    all->settings = *settings;
    all->sites = sites;
    all->ops = ops;
    all->data = data;
    all->files = filecache_new();
    all->auth = auth_new(loop);
    TAILQ_INIT(&all->list);
    TAILQ_INIT(&all->ready);
    SLIST_INIT(&all->spare);
    buf_init(&all->head_out, HEAD_OUT_MAX);
    deadlines_init(&all->deadlines, loop);
    deadline_class_add(&all->deadlines, &all->head, settings->head_ms, on_head_late);
    park_init(&all->park, all);
    deadline_class_add(&all->deadlines, &all->idle,
                       all->park.closed ? settings->keepalive_ms : PARK_MS, on_idle);
    deadline_class_add(&all->deadlines, &all->kept,
                       all->park.closed ? 0 : settings->keepalive_ms - PARK_MS, on_over);
    deadline_class_add(&all->deadlines, &all->body, settings->body_ms, on_body_late);
    deadline_class_add(&all->deadlines, &all->send, settings->send_ms, on_send_late);
    deadline_class_add(&all->deadlines, &all->stall, all->park.closed ? 0 : STALL_MS, on_stall);
    deadline_class_add(&all->deadlines, &all->hold, STREAM_HOLD_MS, on_hold_over);
    deadline_class_add(&all->deadlines, &all->linger, CONN_LINGER_MS, on_linger_late);
    deadline_class_add(&all->deadlines, &all->soon, CONN_SOON_MS, on_soon_over);
    if (settings->http2) {
        deadline_class_add(&all->deadlines, &all->h2_body, settings->body_ms,
                           settings->http2->body_late);
        deadline_class_add(&all->deadlines, &all->h2_send, settings->send_ms,
                           settings->http2->send_late);
    }
    uv_prepare_init(loop, &all->prepare);
    all->prepare.data = all;
    uv_prepare_start(&all->prepare, on_prepare);
    rc = tally_init(&all->addrs);
    rc = rc < 0 ? rc : tally_init(&all->heads);
    return rc < 0 ? rc : tally_init(&all->seats);
}

void
conns_done(struct conns *all)
{
    struct conn *c, *next;
    struct round *r;

    for (c = TAILQ_FIRST(&all->list); c; c = next) {
        next = TAILQ_NEXT(c, entry);
        if (c->stream.fd >= 0)
            conn_end(c);
    }
    park_done(&all->park);
    while ((r = SLIST_FIRST(&all->spare))) {
        SLIST_REMOVE_HEAD(&all->spare, spare);
        free(r);
    }
    filecache_free(&all->files);
    auth_free(&all->auth);
    buf_done(&all->head_out);
    tally_done(&all->addrs);
    tally_done(&all->heads);
    tally_done(&all->seats);
    deadlines_done(&all->deadlines);
    uv_close((uv_handle_t *)&all->prepare, NULL);
}

/* Who is idle in this state hears of it; a request that is there already is still answered. */
static void
run_all(struct conns *all, enum conn_state state)
{
    struct conn *c, *next;

    for (c = TAILQ_FIRST(&all->list); c; c = next) {
        next = TAILQ_NEXT(c, entry);
        if (c->state == state && c->stream.fd >= 0)
            conn_run(c, true);
    }
}

void
conns_drain(struct conns *all)
{
    all->stopping = true;
    all->patient = true;
    run_all(all, CONN_H2); /* GOAWAY loses nothing: HTTP/1 has no such word */
}

void
conns_stop(struct conns *all)
{
    all->stopping = true;
    all->patient = false;
    run_all(all, CONN_HEAD);
    run_all(all, CONN_H2);
    park_wake_all(&all->park);
}

static struct conn *
conn_new(struct conns *all, int fd)
{
    struct conn *c = mem_new(sizeof(*c));

    c->turn.run = on_turn;
    stream_init(&c->stream, all->loop, fd, on_stream_ready);
    buf_init(&c->in, CONN_INPUT_MAX);
    c->all = all;
    TAILQ_INSERT_TAIL(&all->list, c, entry);
    return c;
}

static void
go_on_sending(struct conn *c, struct sending *sending)
{
    round_take_up(conn_round_start(c), c, &sending->rest);
    stream_take_up(&c->stream, &sending->queue);
    c->state = CONN_LEAVE;
    c->pace = sending->pace;
    c->stall_bytes = c->stream.sent_bytes;
    deadline_set(&c->deadline, &c->all->stall); /* its window goes on */
}

struct conn *
conn_wake(struct conns *all, const struct visitor *visitor, struct tally_row *addr,
          struct msg_visitor *origin, const struct site *site, unsigned flags,
          struct sending *sending)
{
    struct conn *c = conn_new(all, visitor->fd);

    c->visitor = *visitor;
    c->origin = origin;
    c->addr = addr;
    c->site = site;
    c->by_default = flags & CONN_BY_DEFAULT;
    c->own = flags & CONN_OWN;
    c->trusted = flags & CONN_TRUSTED;
    if (sending)
        go_on_sending(c, sending);
    return c;
}

void
conn_adopt(struct conns *all, int fd, const struct msg_visitor *from, bool own,
           struct span prefix)
{
    struct conn *c = conn_new(all, fd);
    unsigned flags = from->flags;

    visitor_from(&c->visitor, from, fd);
    if (flags & CONN_PROXIED) {
        c->origin = mem_new(sizeof(*c->origin));
        *c->origin = *from;
    }
    (void)buf_add_span(&c->in, prefix);
    c->first = true;
    c->by_default = flags & CONN_BY_DEFAULT;
    c->returned = flags & CONN_RETURNED;
    c->alone = flags & CONN_ALONE;
    c->own = own;
    c->unheard = c->own && !(flags & CONN_TLS);
    c->stream.shared = c->returned;
    c->tls = flags & CONN_TLS;
    c->trusted = nets_have(&all->settings.trusted, from->ip);
    c->state = flags & CONN_TLS ? CONN_SHAKE : CONN_HEAD;
    all->count++;
    limits_count(all);
    count_level(COUNT_CONNECTIONS, 1);
    count(COUNT_ADOPTED, 1);
    if (c->unheard)
        c->net = tally_ip(from->ip);
    else
        limits_admit(c, tally_ip(from->ip));
    if (c->state == CONN_SHAKE &&
        (!all->tls || prefix.n > 0 || all->tls_ops->start(all->tls, &c->stream) < 0))
        c->state = CONN_GONE;
    conn_run(c, true);
}
