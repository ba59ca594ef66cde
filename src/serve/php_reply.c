/*
 * PHP's answer on its way to the sink: CGI head, body, error output. Floor 5; worker.
 *
 *     STDOUT ─► head (until whole) ─► body ─► filter ─► sink
 *                                          └ full ─► spool ─ full ─► PHP has to wait
 *     STDERR ─► lines ─► the site's error log
 */
#include "php_request.h"
#include "hostel/http/cgihead.h"
#include "hostel/serve/response.h"
#include "sendfile.h"

#include <stdio.h>

#define ANSWER_MEMORY_MAX (256 * 1024)          /* waits for a slow visitor in memory, */
#define ANSWER_FILE_MAX   (64ull * 1024 * 1024) /* then in a file; then PHP has to wait */
#define PUSH_BYTES        65536                 /* one piece from the spool to the sink */
#define LINE_BYTES_MAX    2048                  /* of one line into the error log */
#define LOGGED_MAX        (64 * 1024)           /* of one request's lines */

void
php_reply_init(struct php_request *r)
{
    struct php_reply *a = &r->reply;

    *a = (struct php_reply){0};
    /* a record that brings the end of the head brings body too */
    buf_init(&a->head, CGIHEAD_BYTES_MAX + FCGI_MAX_LENGTH);
    buf_init(&a->line, LINE_BYTES_MAX);
    spool_init(&a->spool, ANSWER_MEMORY_MAX, ANSWER_FILE_MAX, r->pool->limits.spool_dirs);
}

void
php_reply_done(struct php_request *r)
{
    buf_done(&r->reply.head);
    buf_done(&r->reply.line);
    spool_done(&r->reply.spool);
    compress_done(&r->reply.out);
}

bool
php_reply_full(const struct php_request *r)
{
    return r->x && spool_full(&r->reply.spool);
}

static void
flow(struct php_request *r, enum sink_flow flow)
{
    r->reply.given = true;
    if (flow == SINK_FULL)
        r->reply.full = true;
    else if (flow == SINK_GONE)
        php_request_gone(r);
}

/* The visitor has the whole answer. PHP may still be at work: it keeps its slot a while. */
static void
visitor_served(struct php_request *r)
{
    (void)php_request_part(r);
    if (r->link)
        php_link_resume(r);
    else
        php_request_over(r); /* it is held by whoever called */
    r->reply.out.sink.ops->end(&r->reply.out.sink);
}

/* Is there anything still to come for the visitor? */
static void
settle(struct php_request *r)
{
    const struct php_reply *a = &r->reply;

    if (!r->x || !a->begun || spool_bytes(&a->spool) > 0)
        return;
    if (a->full && compress_holds(&a->out))
        return;
    if (a->bodiless || (a->has_length ? a->left == 0 : a->done))
        visitor_served(r);
    else if (a->done)
        php_request_fail(r, 502, "PHP sent less than its Content-Length");
}

/* To the sink, or behind what waits for it. */
static void
give(struct php_request *r, struct span bytes)
{
    struct php_reply *a = &r->reply;

    if (bytes.n == 0)
        return;
    if (!a->full && spool_bytes(&a->spool) == 0)
        flow(r, a->out.sink.ops->copy(&a->out.sink, bytes));
    else if (spool_add(&a->spool, bytes) < 0)
        php_request_fail(r, 502, "PHP's answer could not be kept");
}

static void
body_out(struct php_request *r, struct span bytes)
{
    struct php_reply *a = &r->reply;
    bool excess = false;

    if (!r->x || a->bodiless)
        return;
    if (a->has_length) {
        excess = bytes.n > a->left;
        bytes.n = excess ? (size_t)a->left : bytes.n;
        a->left -= bytes.n;
    }
    give(r, bytes);
    if (excess && r->link) {
        php_request_error(r, SPAN("PHP sent more than its Content-Length"));
        php_link_leave(r);
    }
}

/* PHP has the server send a file: what it writes beside is dropped, and it may finish. */
static void
send_file(struct php_request *r, const struct cgihead *h, const struct field *by)
{
    struct exchange *x = php_request_part(r);

    if (r->link)
        php_link_resume(r);
    else
        php_request_over(r);
    sendfile_answer(x, by, h->fields, h->nfields);
}

/* "no": PHP waits for the visitor, and nothing of its answer for anybody. */
static void
judge_buffering(struct php_reply *a, struct response *resp, const struct field *f)
{
    if (!span_ieq(f->name, SPAN("X-Accel-Buffering")) || !span_ieq(f->value, SPAN("no")))
        return;
    a->spool.memory_max = a->spool.file_max = 0;
    resp->unbuffered = true;
}

/* The head is whole: pass it on. */
static void
head_out(struct php_request *r, const struct cgihead *h)
{
    struct php_reply *a = &r->reply;
    const struct field *by = sendfile_field(h->fields, h->nfields);
    struct response resp;

    if (by && !r->x->error_status) {
        send_file(r, h, by);
        return;
    }
    response_start(&resp, h->status);
    resp.reason = h->reason;
    resp.length = h->has_length ? h->length : RESPONSE_LENGTH_UNKNOWN;
    if (h->status == 205) /* no content, and framed as such: RFC 9110 15.3.6 */
        resp.length = 0;
    resp.bodiless = r->head_only || h->status == 204 || h->status == 205 || h->status == 304;
    for (unsigned i = 0; i < h->nfields; i++) {
        if (sendfile_is_for_us(h->fields[i].name))
            judge_buffering(a, &resp, &h->fields[i]);
        else
            response_add(&resp, h->fields[i].name, h->fields[i].value);
    }
    a->begun = true;
    a->bodiless = resp.bodiless;
    a->has_length = h->has_length && h->status != 205;
    a->left = a->has_length ? h->length : 0;
    compress_init(&a->out, r->x);
    flow(r, a->out.sink.ops->head(&a->out.sink, &resp));
}

static void
head_bytes(struct php_request *r, struct span bytes)
{
    struct php_reply *a = &r->reply;
    bool kept = a->head.len > 0;
    const char *why = "its head is too long";
    char text[160];
    struct cgihead h;
    ssize_t n = -EMSGSIZE;

    if (!kept || buf_add_span(&a->head, bytes) == 0)
        n = cgihead_parse(kept ? buf_span(&a->head) : bytes, &a->head_seen, &h, &why);
    if (n < 0) {
        snprintf(text, sizeof(text), "PHP sent no usable answer: %s", why);
        php_request_fail(r, 502, text);
        return;
    }
    if (n == 0) {
        if (!kept)
            (void)buf_add_span(&a->head, bytes); /* a record always fits an empty one */
        return;
    }
    head_out(r, &h);
    body_out(r, span_skip(kept ? buf_span(&a->head) : bytes, (size_t)n));
    buf_done(&a->head);
}

void
php_reply_out(struct php_request *r, struct span bytes)
{
    if (!r->x)
        return;
    if (r->reply.begun)
        body_out(r, bytes);
    else
        head_bytes(r, bytes);
    settle(r);
}

void
php_reply_end(struct php_request *r, unsigned protocol_status)
{
    struct php_reply *a = &r->reply;

    php_link_done(r);
    if (protocol_status != FCGI_REQUEST_COMPLETE) {
        php_request_fail(r, protocol_status == FCGI_OVERLOADED ? 503 : 502,
                         "PHP refused the request");
        return;
    }
    if (r->x && !a->begun) {
        php_request_fail(r, 502, "PHP ended before the head of its answer was whole");
        return;
    }
    a->done = true;
    if (!r->x)
        php_request_over(r);
    else
        settle(r);
}

/* Bytes of one request never share this with another's: it is used up before the sink returns.
 */
static char push_scratch[PUSH_BYTES];

void
php_reply_push(struct php_request *r)
{
    struct php_reply *a = &r->reply;

    while (r->x && !a->full && spool_bytes(&a->spool) > 0) {
        ssize_t n = spool_take(&a->spool, push_scratch, sizeof(push_scratch));

        if (n < 0) {
            php_request_fail(r, 502, "the spooled answer could not be read");
            return;
        }
        flow(r, a->out.sink.ops->copy(&a->out.sink, span_of(push_scratch, (size_t)n)));
    }
    settle(r);
    php_reply_flush(r); /* the filter may hold some back, and PHP may pause now */
}

void
php_reply_flush(struct php_request *r)
{
    struct php_reply *a = &r->reply;

    if (!r->x || !a->given || a->full)
        return;
    a->given = false;
    a->out.sink.ops->flush(&a->out.sink);
}

static void
log_line(struct php_request *r)
{
    const struct site_client who = {r->client, r->id};
    struct php_reply *a = &r->reply;

    if (a->line.len == 0)
        return;
    a->logged_bytes += a->line.len;
    site_program(r->site, r->pool->foreign ? "fastcgi" : "php", &who, buf_span(&a->line));
    if (a->logged_bytes >= LOGGED_MAX)
        php_request_error(r, SPAN("PHP has more to say; the rest is dropped"));
    buf_done(&a->line);
}

void
php_reply_err(struct php_request *r, struct span bytes)
{
    struct php_reply *a = &r->reply;

    while (bytes.n > 0 && a->logged_bytes < LOGGED_MAX) {
        size_t end = span_find(bytes, '\n'), room = LINE_BYTES_MAX - a->line.len;
        size_t n = end < room ? end : room;
        bool whole = end < bytes.n && end <= room;

        (void)buf_add(&a->line, bytes.p, n); /* n fits */
        bytes = span_skip(bytes, whole ? n + 1 : n);
        if (whole || a->line.len == LINE_BYTES_MAX)
            log_line(r);
    }
}
