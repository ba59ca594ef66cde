/*
 * PHP through FastCGI: the life of one request. Floor 5; worker.
 *
 *   php_answer
 *      │  variables encoded; 413, 431, or 503 at once
 *      ▼
 *   BODY ─ body_end, or streamed ──────► QUEUED ◄──── refused: the pool is asked for again
 *      │  spooled; 413                      │  │           (PHP has not seen the request)
 *      │                                    │  └ queue full, too long, pool failed: 503
 *      │                                    ▼  a slot is free and the pool is ready
 *      │                                 RUNNING   one connection, one process
 *      │                                    │  ├ silent too long: 504     ┐ or, once the head
 *      │                                    │  ├ dies, garbage, bad head: 502 ┘ is out, a cut
 *      │                                    │  └ the visitor has all: PHP may finish (drain)
 *      │                                    ▼  END_REQUEST
 *      │                                 SENDING   the process is free; the spool empties
 *      ▼                                    ▼
 *    gone (on_gone) ───────────────────► OVER
 *
 * The body is whole before a process is taken, unless the site streams and its length was said;
 * and the answer is taken off PHP as fast as it
 * comes (memory, then an unlinked file), so that a slow visitor holds no process.
 *
 * A visitor who leaves takes his request with him: out of the queue, or the connection to PHP
 * is left (php_link.c); PHP reads no ABORT_REQUEST while a script runs.
 *
 * The sink may call on_gone or on_room while we call it. Whoever calls a sink therefore holds
 * the request (php_request_hold) and looks at r->x and r->link again afterwards. Before end,
 * fail or an error page the exchange is parted from the request: it may be gone on return.
 */
#include "php_request.h"
#include "cgi.h"
#include "hostel/base/mem.h"
#include "hostel/base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BODY_MEMORY_MAX (64 * 1024) /* of one request's body, before it goes to a file */

/* PARAMS, and the first and one more STDIN record behind them. */
#define OUT_MAX (FCGI_PARAMS_MAX + 3 * FCGI_MAX_LENGTH)

void
php_request_hold(struct php_request *r)
{
    r->held++;
}

static void
request_free(struct php_request *r)
{
    php_reply_done(r);
    spool_done(&r->body);
    buf_done(&r->out);
    free(r);
}

void
php_request_drop(struct php_request *r)
{
    assert(r->held > 0);
    if (--r->held == 0 && r->stage == PHP_OVER)
        request_free(r);
}

void
php_request_over(struct php_request *r)
{
    if (r->stage == PHP_OVER)
        return;
    php_request_hold(r);
    r->x = NULL;
    php_link_leave(r);
    deadline_clear(&r->deadline);
    php_pool_move(r->pool, r, PHP_OVER);
    php_request_drop(r);
}

void
php_request_clock(struct php_request *r, bool runs)
{
    uint64_t now_ns = runs || r->sent_ns ? uv_hrtime() : 0;

    if (r->x && r->sent_ns) {
        r->x->upstream = true;
        r->x->upstream_us += (now_ns - r->sent_ns) / 1000;
    }
    r->sent_ns = runs ? now_ns : 0;
}

struct exchange *
php_request_part(struct php_request *r)
{
    struct exchange *x = r->x;

    php_request_clock(r, false);
    if (x)
        x->answerer_data = NULL; /* whatever it is still told, it is not for us */
    r->x = NULL;
    return x;
}

void
php_request_gone(struct php_request *r)
{
    (void)php_request_part(r);
    php_request_over(r);
}

/* A small page instead of an answer; 503 says when to come again. */
static void
refuse(struct exchange *x, const struct php_pool *p, unsigned status)
{
    char seconds[16];
    struct field retry = {SPAN("Retry-After"), {seconds, 0}};

    snprintf(seconds, sizeof(seconds), "%u", php_pool_retry_s(p));
    retry.value = span_str(seconds);
    errorpage_answer(x, status, &retry, status == 503 ? 1 : 0);
}

void
php_request_error(const struct php_request *r, struct span text)
{
    const struct site_client who = {r->client, r->id};

    site_say(r->site, LOG_LEVEL_ERROR, &who, text);
}

void
php_request_fail(struct php_request *r, unsigned status, const char *why)
{
    struct exchange *x;

    if (r->stage == PHP_OVER)
        return;
    php_request_hold(r);
    if (why)
        php_request_error(r, span_str(why));
    x = php_request_part(r);
    php_request_over(r);
    if (x && r->reply.begun)
        x->sink->ops->fail(x->sink);
    else if (x)
        refuse(x, r->pool, status);
    php_request_drop(r);
}

static void
enqueue(struct php_request *r)
{
    struct php_pool *p = r->pool;

    php_request_hold(r);
    php_pool_move(p, r, PHP_QUEUED);
    deadline_set(&r->deadline, &p->queue_wait);
    php_pool_run(p);
    if (r->stage == PHP_QUEUED && p->state == POOL_FAILED)
        php_request_fail(r, 503, NULL);
    else if (r->stage == PHP_QUEUED && p->n[PHP_QUEUED] > p->limits.queue_max)
        php_request_fail(r, 503, "too many requests wait for PHP");
    php_request_drop(r);
}

/* The body's length is known, and is exactly what will be sent, unless the visitor leaves. */
static void
body_known(struct php_request *r, bool has_body, uint64_t bytes)
{
    char length[TEXT_DIGITS_MAX];

    if (has_body)
        fcgi_param(&r->params, SPAN("CONTENT_LENGTH"), text_digits(bytes, length));
    if (fcgi_params_end(&r->params) < 0) {
        php_request_fail(r, 431, NULL);
        return;
    }
    r->out.max = OUT_MAX;
    enqueue(r);
}

/* While it is taken in; one that is streamed, until PHP wants no more of it. */
static bool
takes_body(const struct php_request *r)
{
    if (r->stage == PHP_BODY)
        return true;
    return r->body_open &&
           (r->stage == PHP_QUEUED || (r->stage == PHP_RUNNING && r->link && !r->link->deaf));
}

static int
body_data(void *answerer, struct span bytes)
{
    struct php_request *r = answerer;
    uint64_t max, have;
    char why[128];

    if (!r || !takes_body(r))
        return -ECANCELED;
    max = r->pool->limits.body_max;
    have = spool_bytes(&r->body);
    if (have > max || bytes.n > max - have) {
        php_request_fail(r, 413, NULL);
        return -EFBIG;
    }
    if (spool_add(&r->body, bytes) == 0 && !spool_full(&r->body)) {
        php_link_more(r);
        return 0;
    }
    snprintf(why, sizeof(why), "the request body could not be stored: %s",
             strerror(-r->body.error));
    php_request_fail(r, 500, why);
    return -EIO;
}

static void
body_end(void *answerer)
{
    struct php_request *r = answerer;

    if (!r)
        return;
    if (r->stage == PHP_BODY) {
        body_known(r, true, spool_bytes(&r->body));
    } else if (r->body_open) {
        r->body_open = false;
        php_link_more(r);
    }
}

static void
on_room(void *answerer)
{
    struct php_request *r = answerer;

    if (!r)
        return;
    php_request_hold(r);
    r->reply.full = false;
    php_reply_push(r);
    php_link_resume(r);
    php_request_drop(r);
}

static void
on_gone(void *answerer)
{
    if (answerer)
        php_request_over(answerer);
}

/* A page for an error of ours: a GET of its own, whatever body the visitor still sends. */
static const struct answerer_ops page_ops = {
    .name = "php error page",
    .on_room = on_room,
    .on_gone = on_gone,
};

/* The answerer is NULL once the exchange was parted from its request. */
static const struct answerer_ops php_ops = {
    .name = "php",
    .body = {.data = body_data, .end = body_end},
    .on_room = on_room,
    .on_gone = on_gone,
};

static struct php_request *
request_new(struct exchange *x, struct php_pool *p)
{
    struct php_request *r = mem_new(sizeof(*r));

    r->pool = p;
    r->x = x;
    r->site = x->site;
    memcpy(r->client, x->visitor->addr, sizeof(r->client));
    r->id = exchange_name(x);
    r->head_only = x->req.method == METHOD_HEAD;
    spool_init(&r->body, BODY_MEMORY_MAX, p->limits.body_max, p->limits.spool_dirs);
    buf_init(&r->out, FCGI_PARAMS_MAX + FCGI_MAX_LENGTH);
    php_reply_init(r);
    r->stage = PHP_OVER;
    php_pool_move(p, r, PHP_BODY);
    return r;
}

void
php_answer(struct exchange *x, struct php_pool *p, const struct php_script *script)
{
    const struct request *req = &x->req;
    bool page = x->error_status != 0;
    struct php_request *r;

    if (address_gone(x->visitor->fd)) { /* a program of his would run for nobody */
        x->sink->ops->fail(x->sink);
        return;
    }
    if (!page && req->framing == BODY_LENGTH && req->body_bytes > p->limits.body_max) {
        errorpage_answer(x, 413, NULL, 0);
        return;
    }
    if (p->state == POOL_FAILED) {
        refuse(x, p, 503);
        return;
    }
    php_pool_look(p);
    r = request_new(x, p);
    fcgi_begin(&r->params, &r->out);
    cgi_variables(&r->params, x, script);
    x->answerer = page ? &page_ops : &php_ops;
    x->answerer_data = r;
    if (r->params.error) {
        php_request_fail(r, 431, NULL);
    } else if (page || req->framing == BODY_NONE) {
        body_known(r, false, 0);
    } else if (req->framing == BODY_LENGTH && (req->body_bytes == 0 || x->site->stream)) {
        r->body_open = req->body_bytes > 0;
        body_known(r, true, req->body_bytes);
    } else {
        php_pool_run(p); /* a pool that has to start does so while the body comes */
    }
}
