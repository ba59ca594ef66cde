/* Access lines of a format that the configuration gives. Floor 5; worker. */
#include "logparts.h"
#include "hostel/base/log.h"
#include "hostel/base/logformat.h"

#include <stdio.h>
#include <unistd.h>

#define VERSION_ROOM 16 /* behind the target, and a space */

struct lining {
    struct exchange *x;
    const struct answered *a;
    struct timespec now;
    struct buf *line;
    size_t reach; /* of this item */
};

static void
put_field(struct lining *l, struct span s)
{
    logparts_field(l->line, s, l->reach);
}

static void
put_text(struct lining *l, const char *text)
{
    put_field(l, span_str(text));
}

static void
put_query(struct lining *l)
{
    const struct request *r = &l->x->req;

    if (!r->has_query)
        return;
    (void)buf_add_str(l->line, "?");
    if (r->query.n)
        put_field(l, r->query);
}

/* Seconds and a part of them, as one number. */
static void
put_clock(struct lining *l, long parts, int digits)
{
    if (digits == 0)
        (void)buf_addf(l->line, "%lld", (long long)l->now.tv_sec);
    else
        (void)buf_addf(l->line, "%lld%0*ld", (long long)l->now.tv_sec, digits,
                       l->now.tv_nsec / parts);
}

void
logparts_iso(const struct timespec *now, char text[static LOGPARTS_ISO_ROOM])
{
    struct tm tm;
    size_t n = 0;

    if (gmtime_r(&now->tv_sec, &tm))
        n = strftime(text, LOGPARTS_ISO_ROOM, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, LOGPARTS_ISO_ROOM - n, ".%06ldZ", now->tv_nsec / 1000);
}

static void
put_time_format(struct lining *l, const char *format)
{
    char text[LOGFORMAT_ITEM_MIN];
    struct tm tm;

    if (gmtime_r(&l->now.tv_sec, &tm) && strftime(text, sizeof(text), format, &tm) > 0)
        put_text(l, text);
    else
        put_text(l, "");
}

static void
put_time(struct lining *l, const struct logformat_item *item)
{
    char iso[LOGPARTS_ISO_ROOM];

    if (item->what == LOG_TIME) {
        (void)buf_add_str(l->line, "[");
        (void)buf_add_span(l->line, logparts_date(l->now.tv_sec));
        (void)buf_add_str(l->line, "]");
    } else if (item->what == LOG_TIME_S) {
        put_clock(l, 1, 0);
    } else if (item->what == LOG_TIME_MS) {
        put_clock(l, 1000000, 3);
    } else if (item->what == LOG_TIME_US) {
        put_clock(l, 1000, 6);
    } else if (item->what == LOG_TIME_ISO) {
        logparts_iso(&l->now, iso);
        put_text(l, iso);
    } else {
        put_time_format(l, item->arg.p);
    }
}

static struct span
answer_field(const struct exchange *x, struct span name)
{
    for (unsigned i = 0; i < x->nlogged_fields; i++)
        if (span_ieq(x->logged_fields[i].name, name))
            return x->logged_fields[i].value;
    return span_of(NULL, 0);
}

static void
put_id(struct lining *l)
{
    char id[REQUEST_ID_TEXT];

    exchange_id(l->x, id);
    put_text(l, id);
}

static void
put_upstream(struct lining *l)
{
    if (l->x->upstream)
        logparts_number(l->line, l->x->upstream_us);
    else
        put_text(l, "");
}

static void
put_port(struct lining *l)
{
    const struct visitor *v = l->x->visitor;
    char local[ADDRESS_TEXT];
    uint16_t port = v->local_port;

    if (!port)
        (void)address_local(v->fd, local, &port);
    if (port)
        logparts_number(l->line, port);
    else
        put_text(l, "");
}

/* What it says of how the request went. */
static void
put_outcome(struct lining *l, enum logformat_what what)
{
    const struct answered *a = l->a;

    if (what == LOG_STATUS)
        logparts_number(l->line, a->status);
    else if (what == LOG_BYTES || (what == LOG_BYTES_OR_DASH && a->bytes))
        logparts_number(l->line, a->bytes);
    else if (what == LOG_TOOK_US)
        logparts_number(l->line, a->took_ns / 1000);
    else if (what == LOG_TOOK_MS)
        logparts_number(l->line, a->took_ns / 1000000);
    else if (what == LOG_TOOK_S)
        logparts_number(l->line, a->took_ns / 1000000000);
    else
        put_text(l, "");
}

static void
put_item(struct lining *l, const struct logformat_item *item)
{
    const struct exchange *x = l->x;

    switch (item->what) {
    case LOG_TEXT:
        (void)buf_add_span(l->line, item->arg);
        return;
    case LOG_ADDRESS:
        put_text(l, x->visitor->addr);
        return;
    case LOG_REMOTE_USER:
        put_text(l, x->remote_user);
        return;
    case LOG_TIME:
    case LOG_TIME_S:
    case LOG_TIME_MS:
    case LOG_TIME_US:
    case LOG_TIME_ISO:
    case LOG_TIME_FORMAT:
        put_time(l, item);
        return;
    case LOG_REQUEST:
        logparts_request(l->line, &x->req, l->reach - VERSION_ROOM);
        return;
    case LOG_METHOD:
        put_field(l, x->req.method_text);
        return;
    case LOG_PATH:
        put_field(l, x->req.path);
        return;
    case LOG_QUERY:
        put_query(l);
        return;
    case LOG_PROTOCOL:
        put_field(l, span_skip(logparts_version(&x->req), 1));
        return;
    case LOG_VHOST:
        put_text(l, x->site->names[0]);
        return;
    case LOG_HOST:
        put_field(l, x->req.host_name.n ? x->req.host_name : span_str(x->site->names[0]));
        return;
    case LOG_PORT:
        put_port(l);
        return;
    case LOG_PROCESS:
        logparts_number(l->line, (uint64_t)getpid());
        return;
    case LOG_FIELD:
        put_field(l, request_field(&x->req, item->arg));
        return;
    case LOG_ANSWER_FIELD:
        put_field(l, answer_field(x, item->arg));
        return;
    case LOG_TLS:
        put_text(l, x->visitor->tls);
        return;
    case LOG_USER:
        put_text(l, x->site->user);
        return;
    case LOG_REQUEST_ID:
        put_id(l);
        return;
    case LOG_UPSTREAM_US:
        put_upstream(l);
        return;
    case LOG_STATUS:
    case LOG_BYTES:
    case LOG_BYTES_OR_DASH:
    case LOG_TOOK_US:
    case LOG_TOOK_MS:
    case LOG_TOOK_S:
        put_outcome(l, item->what);
        return;
    }
}

/* Its reach: all but what others may count on; half of that when another one may be long. */
static size_t
reach_of(const struct buf *line, const struct logformat_item *item)
{
    size_t end = ACCESSLOG_LINE_MAX - 1 - item->reserve;

    if (line->len >= end)
        return end;
    return item->more ? line->len + (end - line->len) / 2 : end;
}

void
logline_items(struct exchange *x, const struct answered *a, struct buf *line)
{
    const struct logformat *f = x->site->log_format;
    struct lining l = {.x = x, .a = a, .line = line};

    clock_gettime(CLOCK_REALTIME, &l.now);
    for (unsigned i = 0; i < f->nitems; i++) {
        l.reach = reach_of(line, &f->items[i]);
        put_item(&l, &f->items[i]);
    }
    line->max = ACCESSLOG_LINE_MAX;
    (void)buf_add(line, "\n", 1);
}
