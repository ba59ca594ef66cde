/*
 * The filter of response heads. Floor 5; worker.
 *
 *   answerer -> head: error page's status and fields, or a script's -> expires -> headers ->
 * HSTS -> the next sink; body, flush, end, fail: passed on
 */
#include "headers.h"
#include "hostel/base/date.h"
#include "hostel/http/path.h"
#include "hostel/peek/chars.h"
#include "hostel/peek/head.h"
#include "hostel/serve/response.h"

#include <stddef.h>
#include <stdio.h>

/* Written by the connection, once. RFC 9112 6, RFC 9110 6.6.1, 7.6.1, 10.2.4 */
static const struct span framing[] = {
    SPAN("Content-Length"), SPAN("Transfer-Encoding"), SPAN("Connection"), SPAN("Date"),
    SPAN("Server"),         SPAN("Keep-Alive"),        SPAN("Trailer"),    SPAN("Upgrade"),
};

/* No lists: a second one makes the message invalid, or means whatever its reader likes. */
static const struct span single[] = {
    SPAN("Content-Type"), SPAN("Content-Range"), SPAN("Content-Location"),
    SPAN("ETag"),         SPAN("Last-Modified"), SPAN("Location"),
    SPAN("Expires"),      SPAN("Retry-After"),   SPAN("Age"),
};

/* What names one version of a file says nothing of a page that is shown in its place. */
static const struct span validators[] = {
    SPAN("ETag"),
    SPAN("Last-Modified"),
    SPAN("Accept-Ranges"),
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool
is_in(struct span name, const struct span *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_ieq(name, list[i]))
            return true;
    return false;
}

static const struct field *
find(const struct response *r, struct span name)
{
    for (unsigned i = 0; i < r->nfields; i++)
        if (span_ieq(r->fields[i].name, name))
            return &r->fields[i];
    return NULL;
}

static void
drop(struct response *r, struct span name)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < r->nfields; i++)
        if (!span_ieq(r->fields[i].name, name))
            r->fields[kept++] = r->fields[i];
    r->nfields = kept;
}

void
headers_apply(const struct site_rules *rules, struct span path, struct response *r)
{
    for (const struct header_rule *h = rules->headers; h < rules->headers + rules->nheaders;
         h++) {
        struct span name = span_str(h->name), value = span_str(h->value);

        if (r->status < h->status_min || r->status > h->status_max ||
            !rules_path_matches(h->path, path) || is_in(name, framing, COUNT(framing)) ||
            name.n == 0 || !chars_all(name, CHARS_TOKEN) || !chars_all(value, CHARS_VALUE))
            continue;
        if (h->op != HEADER_ADD || is_in(name, single, COUNT(single)))
            drop(r, name);
        if (h->op != HEADER_REMOVE)
            response_add(r, name, value);
    }
}

/* Without its parameters. */
static struct span
type_of(const struct response *r)
{
    const struct field *f = find(r, SPAN("Content-Type"));
    struct span rest = f ? f->value : SPAN(""), type = SPAN("");

    (void)span_cut(&rest, ';', &type);
    return type;
}

void
headers_expire(const struct site_rules *rules, struct span type, struct response *r,
               char text[static HEADERS_EXPIRES_ROOM])
{
    const struct expires_rule *rule;
    struct span rest = type;
    int n;

    if (r->status != 200 && r->status != 206 && r->status != 304)
        return;
    if (find(r, SPAN("Cache-Control")) || find(r, SPAN("Expires")) ||
        find(r, SPAN("Set-Cookie")))
        return;
    if (type.n)
        (void)span_cut(&rest, ';', &type);
    else
        type = type_of(r);
    rule = type.n ? rules_expires(rules, type) : NULL;
    if (!rule)
        return;
    if (rule->seconds == 0) {
        response_add(r, SPAN("Cache-Control"), SPAN("no-cache"));
        return;
    }
    n = snprintf(text, HEADERS_EXPIRES_ROOM - DATE_LEN - 1, "max-age=%u", rule->seconds);
    response_add(r, SPAN("Cache-Control"), span_of(text, (size_t)n));
    text += n;
    date_format(time(NULL) + (time_t)rule->seconds, text);
    response_add(r, SPAN("Expires"), span_of(text, DATE_LEN));
}

/* A script that does not say otherwise answers 200; the visitor shall hear what was wrong. */
static void
as_error(const struct exchange *x, struct response *r)
{
    if (r->status == 200) {
        r->status = x->error_status;
        r->reason = span_of(NULL, 0);
    }
    for (size_t i = 0; i < COUNT(validators); i++)
        drop(r, validators[i]);
    for (unsigned i = 0; i < x->nerror_fields; i++)
        if (!find(r, x->error_fields[i].name))
            response_add(r, x->error_fields[i].name, x->error_fields[i].value);
}

/* The script's fields are the file's; an error in its place is another answer. */
static void
as_sent(const struct exchange *x, struct response *r)
{
    if (r->status >= 400)
        return;
    for (unsigned i = 0; i < x->nkept_fields; i++)
        response_add(r, x->kept_fields[i].name, x->kept_fields[i].value);
}

static struct exchange *
exchange_of(struct sink *s)
{
    return (struct exchange *)((char *)s - offsetof(struct exchange, headers.sink));
}

static struct sink *
next_of(struct sink *s)
{
    return exchange_of(s)->headers.next;
}

/* Without TLS it would be ignored, and might have been written by anybody. RFC 6797 7.2 */
static bool
wants_hsts(const struct exchange *x)
{
    return x->visitor->https && x->site->hsts;
}

static enum sink_flow
on_head(struct sink *s, const struct response *given)
{
    const struct exchange *x = exchange_of(s);
    const struct site_rules *rules = &x->site->rules;
    char path[HEAD_TARGET_MAX + 2], expires[HEADERS_EXPIRES_ROOM];
    struct response r;
    ssize_t n;

    response_start(&r, given->status);
    memcpy(&r, given, offsetof(struct response, fields));
    memcpy(r.fields, given->fields, given->nfields * sizeof(r.fields[0]));
    r.nready = 0;
    if (x->error_status)
        as_error(x, &r);
    as_sent(x, &r);
    headers_expire(rules, x->media_type, &r, expires);
    if (rules->nheaders) {
        n = path_decode(x->req.path, path, sizeof(path));
        headers_apply(rules, span_of(path, n < 0 ? 0 : (size_t)n), &r);
    }
    if (wants_hsts(x) && !find(&r, SPAN("Strict-Transport-Security")))
        response_add(&r, SPAN("Strict-Transport-Security"), span_str(x->site->hsts));
    return x->headers.next->ops->head(x->headers.next, &r);
}

static enum sink_flow
on_copy(struct sink *s, struct span bytes)
{
    return next_of(s)->ops->copy(next_of(s), bytes);
}

static enum sink_flow
on_lend(struct sink *s, const struct piece *p)
{
    return next_of(s)->ops->lend(next_of(s), p);
}

static void
on_flush(struct sink *s)
{
    next_of(s)->ops->flush(next_of(s));
}

static void
on_end(struct sink *s)
{
    next_of(s)->ops->end(next_of(s));
}

static void
on_fail(struct sink *s)
{
    next_of(s)->ops->fail(next_of(s));
}

static const struct sink_ops filter_ops = {
    .head = on_head,
    .copy = on_copy,
    .lend = on_lend,
    .flush = on_flush,
    .end = on_end,
    .fail = on_fail,
};

void
headers_start(struct exchange *x, bool always)
{
    const struct site_rules *rules = &x->site->rules;

    if (x->headers.next || !(always || rules->nheaders || rules->nexpires || wants_hsts(x)))
        return;
    x->headers.next = x->sink;
    x->headers.sink.ops = &filter_ops;
    x->sink = &x->headers.sink;
}
