/*
 * The life of one HTTP/1 connection. Floor 6; worker.
 *
 *    adopt -- TLS: SHAKE ----------------------------------------------> GONE
 *      |        |
 *      v        v        a host of another user, not with TLS
 *    HEAD ------------------------------------------> BACK ---+
 *    ^ |  \                                                   |
 *    | |   \-- no head comes, or no good one --+              |
 *    | v                                       |              |
 *    | ANSWER  the answerer works; its body    |              |
 *    | |       comes, its answer goes          |              |
 *    | v                                       |              |
 *    | REST    what it left of the body is     |              |
 *    | |       read and dropped                |              |
 *    | v                                       v              v
 *    +-LEAVE   the answer leaves; log line --> LINGER -----> GONE
 *
 * HTTP/2 is one state beside these (h2.c), which ends in LINGER or GONE.
 *
 * A step returns the next state, or its own to wait for an event. Output is only queued by the
 * steps and flushed when the turn ends, so that answers to pipelined requests leave together.
 */
#include "conn.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/http/h1.h"

#include <assert.h>
#include <errno.h>

#define BATCH_BYTES  (32 * 1024)  /* of small answers that wait for each other */
#define LINGER_BYTES (256 * 1024) /* read from a visitor who does not stop talking */
#define TURN_NS      2000000      /* of one connection's work; then the others' turn */

/* --- a round that ends early ------------------------------------------------------------ */

enum conn_state
conn_refuse(struct conn *c, unsigned status)
{
    struct round *r = c->round ? c->round : conn_round_start(c);

    r->chunks = false;
    r->close = true;
    round_refuse(r, status);
    if (r->ended)
        return CONN_LEAVE;
    r->body_unwanted = true;
    return r->x.answerer ? CONN_ANSWER : CONN_GONE; /* the site's own page, or it broke */
}

enum conn_state
conn_give_up(struct conn *c, unsigned status)
{
    if (c->round->status == 0)
        return conn_refuse(c, status);
    round_drop_answerer(c->round);
    c->abort = c->round->cut_shows;
    /* what is there goes out: an answer that is cut is not taken for none, and asked for anew
     */
    if (!c->stream.error)
        (void)conn_output_out(c);
    return CONN_GONE;
}

static bool
is_out(struct conn *c, int rc)
{
    c->blocked = rc == -EAGAIN;
    return rc == 0;
}

bool
conn_output_out(struct conn *c)
{
    return is_out(c, stream_flush(&c->stream));
}

bool
conn_turn_is_over(const struct conn *c)
{
    uint64_t now_ns = uv_hrtime();

    if (c->all->turn_ns == 0) /* its clock starts with the first look: most turns need none */
        c->all->turn_ns = now_ns;
    return now_ns - c->all->turn_ns > TURN_NS;
}

/* --- SHAKE ------------------------------------------------------------------------------ */

#define SHAKES_SAID_MAX 5 /* lines a second: anybody can make a handshake fail */

static void
say_failed(struct conn *c)
{
    struct conns *all = c->all;
    const char *why = all->tls_ops->why(&c->stream);
    uint64_t now_ms = uv_now(all->loop);

    if (!*why)
        return; /* he has hung up */
    if (now_ms - all->shake_said_ms >= 1000) {
        if (all->shakes_unsaid)
            log_notice("%u more TLS handshakes failed", all->shakes_unsaid);
        all->shake_said_ms = now_ms;
        all->shakes_said = all->shakes_unsaid = 0;
    }
    if (all->shakes_said == SHAKES_SAID_MAX) {
        all->shakes_unsaid++;
        return;
    }
    all->shakes_said++;
    log_notice("TLS handshake with %s failed: %s", c->visitor.addr, why);
}

static enum conn_state
step_shake(struct conn *c)
{
    int rc;

    if (c->refusal) { /* one too many: no work is done to tell him so */
        limits_refused(c);
        return CONN_GONE;
    }
    rc = stream_handshake(&c->stream);
    if (rc == -EAGAIN)
        return CONN_SHAKE;
    if (rc < 0) {
        say_failed(c);
        return CONN_GONE;
    }
    c->drained = c->stream.dry && !c->stream.buffered;
    c->visitor.tls = stream_tls_version(&c->stream);
    return stream_alpn(&c->stream) == STREAM_HTTP2 ? c->all->settings.http2->begin(c)
                                                   : CONN_HEAD;
}

static enum conn_state
step_http2(struct conn *c)
{
    return c->all->settings.http2->step(c);
}

/* --- HEAD ------------------------------------------------------------------------------- */

const struct site *
conn_route(struct conn *c, struct span host)
{
    const struct site *site = sites_find(c->all->sites, host);

    if (site)
        return c->tls && !site->tls ? NULL : site;
    if (c->own && !c->tls) /* nobody else's sites are to be had here */
        return sites_default(c->all->sites);
    if (!c->by_default)
        return NULL;
    if (c->first && !c->default_host)
        c->default_host = mem_str_span(host);
    if (!c->default_host || !span_eq(host, span_str(c->default_host)))
        return NULL;
    return sites_default(c->all->sites);
}

static void
take_request(struct conn *c, const struct site *site)
{
    struct head *head = &c->all->parsed;
    struct round *r;

    c->site = site;
    limits_bandwidth(c, site);
    r = conn_round_start(c);
    request_from_head(&r->x.req, head, span_of(c->input.p, head->bytes));
    c->input = span_skip(c->input, head->bytes);
    r->body_left = r->x.req.body_bytes;
    r->body_done =
        r->x.req.framing == BODY_NONE || (r->x.req.framing == BODY_LENGTH && r->body_left == 0);
    if (r->x.req.framing == BODY_CHUNKED)
        chunked_init(&r->chunked);
}

/* Challenges of ACME are not the host's to answer, where somebody does it for all. */
static bool
is_challenge(const struct conn *c, const struct head *head, bool again)
{
    return c->all->settings.acme && !c->tls && head_is_acme(head->path) &&
           (sites_acme(c->all->sites) || !again);
}

const struct site *
conn_site(struct conn *c, const struct head *head, bool again)
{
    return is_challenge(c, head, again) ? sites_acme(c->all->sites)
                                        : conn_route(c, span_str(head->host_name));
}

static enum conn_state
on_head(struct conn *c)
{
    struct head *head = &c->all->parsed;
    bool first = c->first, again = first && c->returned;
    const struct site *site = conn_site(c, head, again);
    unsigned status;

    c->first = false;
    c->seen = 0;
    deadline_clear(&c->deadline); /* it waits for no head, so it is not who makes room below */
    limits_head_whole(c);
    c->alone = c->alone || (!site && c->own && is_challenge(c, head, again));
    if (!site && !again && !c->tls && (!c->own || c->alone))
        return CONN_BACK;
    take_request(c, site);
    if (!first && site && site->php)
        visitor_know_end(&c->visitor);
    status = round_answer(c->round, c, head->expect_other);
    return status ? conn_refuse(c, status) : CONN_ANSWER;
}

static enum conn_state
step_head(struct conn *c)
{
    enum head_verdict verdict = HEAD_MORE;
    ssize_t n;

    /* output first: whoever does not read his answers gets no new ones */
    if (c->stream.memory_bytes >= BATCH_BYTES && !conn_output_out(c))
        return c->stream.error ? CONN_GONE : CONN_HEAD;
    input_load(c);
    if (c->trusted && !c->tls && !c->own && !c->first && c->input.n == 0) {
        enum glance glance = glance_at(c);

        if (glance == GLANCE_OTHERS)
            deadline_clear(&c->deadline);
        if (glance != GLANCE_READ)
            return glance == GLANCE_OTHERS ? CONN_BACK : CONN_HEAD;
    }
    for (;;) {
        c->tired = c->input.n > 0 && c->answered && conn_turn_is_over(c);
        if (c->tired)
            return CONN_HEAD;
        if (c->input.n > 0)
            verdict = head_parse(c->input, &c->seen, &c->all->parsed);
        if (verdict != HEAD_MORE)
            break;
        n = input_read(c);
        if (n == -EAGAIN)
            limits_head_waits(c);
        if (n == -EAGAIN && c->refusal)
            return conn_refuse(c, c->refusal); /* who is one too many is not waited for */
        if (n == -EAGAIN &&
            (c->all->patient || !c->all->stopping || c->input.n > 0 || c->first))
            return CONN_HEAD;
        if (n == -ENOBUFS)
            return conn_refuse(c, HEAD_FIELDS_LONG);
        if (n <= 0) /* half a head and then the end says nothing that could be answered */
            return conn_output_out(c) || c->stream.error ? CONN_GONE : CONN_HEAD;
    }
    return verdict == HEAD_OK ? on_head(c) : conn_refuse(c, (unsigned)verdict);
}

/* --- ANSWER ----------------------------------------------------------------------------- */

static void
say_continue(struct conn *c)
{
    struct round *r = c->round;

    if (r->continued)
        return;
    r->continued = true;
    if (r->x.req.expect_continue && r->x.req.version >= 11 && c->input.n == 0)
        stream_copy(&c->stream, H1_CONTINUE);
}

/*
 * Read the body as far as it is there.
 *
 * ret  0; or the status to give up with
 */
static unsigned
read_body(struct conn *c)
{
    struct round *r = c->round;

    while (round_takes_body(r) && !r->ended && !r->failed) {
        struct span piece;
        int rc = input_body(c, &piece);
        ssize_t n;

        if (rc == 1) {
            r->continued = true;
            round_feed(r, piece);
            continue;
        }
        if (rc != 0)
            return rc < 0 ? 400 : (unsigned)rc;
        say_continue(c);
        n = input_read(c);
        if (n == -EAGAIN)
            return 0;
        if (n < 0)
            return 400;
    }
    return 0;
}

/* It has come on in this turn, but not as fast as it should. */
static bool
body_late(struct conn *c)
{
    return c->got && !c->round->body_done && c->deadline.class == &c->all->body &&
           pace_late(&c->pace, c->all, c->read_bytes, c->all->body.after_ms);
}

/* While PHP works nothing is expected; but an end, or a next request, may come. */
static void
listen_on(struct conn *c)
{
    if (c->round->body_done && !c->drained && c->in.len == 0) {
        input_load(c);
        if (c->input.n == 0)
            (void)input_read(c);
    }
}

static void
give_room(struct conn *c)
{
    struct round *r = c->round;

    if (!r->full)
        return;
    if (!conn_output_out(c) && c->stream.memory_bytes > STREAM_LOW_BYTES)
        return;
    c->blocked = false;
    r->full = false;
    if (r->x.answerer && r->x.answerer->on_room)
        r->x.answerer->on_room(r->x.answerer_data);
}

static enum conn_state
step_answer(struct conn *c)
{
    struct round *r = c->round;
    unsigned status;

    if (c->stream.error)
        return CONN_GONE;
    status = read_body(c);
    if (!status && body_late(c))
        status = 408;
    if (status && !r->ended)
        return conn_give_up(c, status);
    do
        give_room(c);
    while (r->full && !c->blocked && !c->stream.error && !conn_turn_is_over(c));
    c->tired = r->full && !c->blocked;
    if (c->stream.error)
        return CONN_GONE;
    if (r->failed)
        return address_gone(c->stream.fd) ? CONN_GONE : conn_give_up(c, 502);
    if (r->ended)
        return CONN_REST;
    assert(r->x.answerer); /* it has taken the exchange on, or answered */
    listen_on(c);
    return c->stream.error ? CONN_GONE : CONN_ANSWER;
}

/* --- REST ------------------------------------------------------------------------------- */

static enum conn_state
step_rest(struct conn *c)
{
    struct round *r = c->round;

    while (!r->body_done && !r->close) {
        struct span piece;
        int rc = input_body(c, &piece);
        ssize_t n;

        if (rc == 1) {
            r->rest_bytes += piece.n;
            r->close = r->rest_bytes > ROUND_REST_MAX;
            continue;
        }
        n = rc == 0 ? input_read(c) : -EPIPE;
        if (n == -EAGAIN && !body_late(c))
            return c->stream.error ? CONN_GONE : CONN_REST;
        if (n < 0)
            r->close = true;
    }
    return CONN_LEAVE;
}

/* --- LEAVE ------------------------------------------------------------------------------ */

enum conn_state
conn_farewell(const struct conn *c, bool body_done)
{
    /* in HTTP/2 who reads an answer also speaks: of windows */
    bool silent = !c->h2 && body_done && c->input.n == 0 && c->in.len == 0 && c->drained;

    return silent || c->eof || limits_crowded(c->all) ? CONN_GONE : CONN_LINGER;
}

static enum conn_state
step_leave(struct conn *c)
{
    struct round *r = c->round;
    uint64_t waiting = c->stream.put_bytes - c->stream.sent_bytes;
    bool close, body_done;

    /* with patience only an answer that has said so is the last */
    r->close = r->close || (c->all->stopping && !c->all->patient);
    if (r->close ? !is_out(c, stream_flush_last(&c->stream))
                 : waiting > BATCH_BYTES && !conn_output_out(c))
        return c->stream.error ? CONN_GONE : CONN_LEAVE;
    r->batched = stream_pending(&c->stream); /* it leaves with this turn's last answer */
    close = r->close;
    body_done = r->body_done;
    c->answered = true;
    conn_round_end(c);
    return close ? conn_farewell(c, body_done) : CONN_HEAD;
}

/* --- BACK ------------------------------------------------------------------------------- */

static enum conn_state
step_back(struct conn *c)
{
    static const struct msg_visitor alone = {.flags = CONN_ALONE};

    if (!conn_output_out(c))
        return c->stream.error ? CONN_GONE : CONN_BACK;
    input_load(c);
    stream_rest(&c->stream); /* out of our epoll before another process has it */
    if (c->all->ops->back(c->all->data, &c->stream.fd, c->alone ? &alone : c->origin,
                          c->input) < 0)
        return conn_refuse(c, 421);
    c->input.n = 0;
    return CONN_GONE;
}

/* --- LINGER ----------------------------------------------------------------------------- */

static enum conn_state
step_linger(struct conn *c)
{
    ssize_t n;

    if (c->deadline.class != &c->all->linger) {
        deadline_set(&c->deadline, &c->all->linger);
        stream_shutdown(&c->stream);
        if (c->h2)
            pace_start(&c->pace, c->all, stream_taken(&c->stream));
        buf_done(&c->in);
    }
    input_load(c);
    do {
        c->input.n = 0;
        n = input_read(c);
        if (n > 0)
            c->linger_bytes += (uint32_t)n;
    } while (n > 0 && c->linger_bytes < LINGER_BYTES);
    c->input.n = 0;
    return n == -EAGAIN ? CONN_LINGER : CONN_GONE;
}

/* --- running ---------------------------------------------------------------------------- */

static enum conn_state (*const steps[CONN_STATES])(struct conn *c) = {
    [CONN_SHAKE] = step_shake,   [CONN_HEAD] = step_head,   [CONN_ANSWER] = step_answer,
    [CONN_REST] = step_rest,     [CONN_LEAVE] = step_leave, [CONN_BACK] = step_back,
    [CONN_LINGER] = step_linger, [CONN_H2] = step_http2,
};

void
conn_run(struct conn *c, bool readable)
{
    enum conn_state next;

    assert(!c->running);
    turns_remove(&c->turn);
    c->running = true;
    c->all->turn_ns = 0;
    c->answered = false;
    c->tired = false;
    c->drained = !readable;
    c->blocked = false;
    c->got = false;
    c->reads = 0;
    while (c->state != CONN_GONE && (next = steps[c->state](c)) != c->state)
        c->state = next;
    if (c->state != CONN_GONE && !conn_settle(c))
        c->state = CONN_GONE;
    c->running = false;
    if (c->state == CONN_GONE)
        conn_end(c);
}
