/* One request on its way, whatever version it came in. Floor 6; worker. */
#include "conn.h"
#include "hostel/base/counters.h"
#include "hostel/serve/accesslog.h"

#include <errno.h>
#include <stdio.h>
#include <uv.h>

void
round_init(struct round *r, struct conn *c, const struct site *site, const struct sink_ops *ops)
{
    memset(r, 0, sizeof(*r));
    r->sink.ops = ops;
    r->x.visitor = &c->visitor;
    r->x.sink = &r->sink;
    r->x.site = site;
    r->x.auth = c->all->auth;
    r->body_done = true;
    r->began_ns = uv_hrtime();
}

static void
count_answer(const struct round *r, uint64_t sent, uint64_t took_ns)
{
    unsigned class = r->status / 100;

    count(COUNT_REQUESTS, 1);
    count(COUNT_BYTES, sent);
    if (class >= 1 && class <= 5)
        count((enum counter)(COUNT_ANSWERS_1XX + class - 1), 1);
    count_time(took_ns);
}

void
round_done(struct round *r, struct conns *all, uint64_t sent)
{
    if (r->status) {
        const struct answered a = {r->status, sent, uv_hrtime() - r->began_ns};

        accesslog_line(&r->x, &a);
        count_answer(r, sent, a.took_ns);
    }
    exchange_done(&r->x);
    tally_drop(&all->seats, &r->seat);
    tally_drop(&all->addrs, &r->guest);
}

void
round_lay_down(struct round *r, struct round_rest *rest)
{
    *rest = (struct round_rest){.x = r->x,
                                .guest = r->guest,
                                .seat = r->seat,
                                .body_bytes = r->body_bytes,
                                .body_mark = r->body_mark,
                                .began_ns = r->began_ns,
                                .status = r->status,
                                .close = r->close};
    accesslog_shed(&rest->x);
}

void
round_take_up(struct round *r, struct conn *c, struct round_rest *rest)
{
    r->x = rest->x;
    r->x.visitor = &c->visitor;
    r->x.sink = &r->sink;
    r->x.owner = c;
    r->guest = rest->guest;
    r->seat = rest->seat;
    r->body_bytes = rest->body_bytes;
    r->body_mark = rest->body_mark;
    r->began_ns = rest->began_ns;
    r->status = rest->status;
    r->close = rest->close;
    r->ended = true;
    *rest = (struct round_rest){.status = 0};
}

unsigned
round_answer(struct round *r, struct conn *c, bool expect_other)
{
    unsigned status = c->trusted ? visitor_told(r, c->all) : 0;

    if (!r->x.site)
        return c->own && !c->tls ? 404 : 421;
    if (status)
        return status;
    if (c->refusal) {
        limits_refused(c);
        return c->refusal;
    }
    if (r->x.site->bounded) {
        int rc = limits_request(c->all, r);

        if (rc < 0)
            count(COUNT_LIMITED, 1);
        if (rc == -EBUSY) {
            count(COUNT_LIMITED_SITE, 1);
            return 503;
        }
        if (rc == -EAGAIN) { /* the next one may be in time: the connection stays */
            count(COUNT_LIMITED_REQUESTS, 1);
            round_refuse(r, 429);
            return 0;
        }
    }
    if (expect_other)
        return 417;
    exchange_answer(&r->x, c->all->files);
    return 0;
}

void
round_refuse(struct round *r, unsigned status)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%u", r->wait_s ? r->wait_s : 5);
    const struct field again = {SPAN("Retry-After"), span_of(text, (size_t)n)};

    round_drop_answerer(r);
    r->failed = false;
    errorpage_answer(&r->x, status, &again, status == 429 || status == 503);
}

void
round_drop_answerer(struct round *r)
{
    const struct answerer_ops *answerer = r->x.answerer;

    r->x.answerer = NULL;
    if (answerer && answerer->on_gone)
        answerer->on_gone(r->x.answerer_data);
}

bool
round_takes_body(const struct round *r)
{
    return !r->body_done && r->x.answerer && r->x.answerer->body.data &&
           r->rest_bytes <= ROUND_REST_MAX;
}

void
round_feed(struct round *r, struct span piece)
{
    const struct answerer_ops *answerer = r->x.answerer;

    if (!answerer || !answerer->body.data || r->body_unwanted) {
        r->rest_bytes += piece.n;
        return;
    }
    if (piece.n > 0 && answerer->body.data(r->x.answerer_data, piece) < 0) {
        r->body_unwanted = true;
        return;
    }
    if (r->body_done && r->x.answerer)
        answerer->body.end(r->x.answerer_data);
}

void
round_head(struct round *r, const struct response *res)
{
    r->status = res->status;
    r->bodiless = res->bodiless;
    r->answer_left = res->length;
    accesslog_head(&r->x, res);
}

int
round_body(struct round *r, uint64_t n)
{
    if (r->bodiless || n == 0)
        return -ENODATA;
    if (r->answer_left != RESPONSE_LENGTH_UNKNOWN) {
        if (n > r->answer_left)
            return -EMSGSIZE;
        r->answer_left -= n;
    }
    r->body_bytes += n;
    return 0;
}

bool
round_short(const struct round *r)
{
    return !r->bodiless && r->answer_left != RESPONSE_LENGTH_UNKNOWN && r->answer_left > 0;
}
