/* Combined log format, and which other one it is. Floor 5; worker. */
#include "hostel/serve/accesslog.h"
#include "fields.h"
#include "logparts.h"
#include "hostel/base/date.h"
#include "hostel/base/log.h"
#include "hostel/base/logformat.h"
#include "hostel/base/text.h"
#include "hostel/serve/logfile.h"

#include <stdlib.h>

#define DATE_ROOM 32 /* "31/Jan/2026:12:00:00 +0000" */

/* How far into the line a field may reach: later fields always have room. */
#define USER_REACH    256
#define REQUEST_REACH 4352
#define REFERER_REACH 6144
#define AGENT_REACH   (ACCESSLOG_LINE_MAX - 2)

#define HEAD_FIELDS_MAX 16   /* of an answer, kept for its line */
#define HEAD_VALUE_MAX  1024 /* bytes of each */

struct span
logparts_date(time_t now)
{
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static char text[DATE_ROOM];
    static time_t of = -1;
    static size_t n;
    struct tm tm;

    if (now != of && gmtime_r(&now, &tm)) {
        of = now;
        n = strftime(text, sizeof(text), "%d/Mmm/%Y:%H:%M:%S +0000", &tm);
        memcpy(text + 3, months[tm.tm_mon], 3); /* English, whatever the locale */
    }
    return span_of(text, n);
}

void
logparts_field(struct buf *line, struct span s, size_t reach)
{
    size_t max = line->max;

    if (line->len >= reach)
        return;
    line->max = reach < max ? reach : max;
    if (s.n)
        log_escape(line, s);
    else
        (void)buf_add_str(line, "-");
    line->max = max;
}

struct span
logparts_version(const struct request *r)
{
    static const struct span versions[] = {SPAN(" HTTP/1.0"), SPAN(" HTTP/1.1"),
                                           SPAN(" HTTP/2.0")};

    return versions[r->version >= 20 ? 2 : r->version >= 11 ? 1 : 0];
}

void
logparts_request(struct buf *line, const struct request *r, size_t reach)
{
    if (r->method_text.n == 0) { /* nothing could be read of it */
        (void)buf_add_str(line, "-");
        return;
    }
    logparts_field(line, r->method_text, reach);
    (void)buf_add_str(line, " ");
    logparts_field(line, r->target, reach);
    (void)buf_add_span(line, logparts_version(r));
}

void
logparts_number(struct buf *line, uint64_t n)
{
    char digits[TEXT_DIGITS_MAX];

    (void)buf_add_span(line, text_digits(n, digits));
}

void
accesslog_format(const struct exchange *x, unsigned status, uint64_t bytes, time_t now,
                 struct buf *line)
{
    (void)buf_add_str(line, x->visitor->addr);
    (void)buf_add_str(line, " - ");
    logparts_field(line, span_str(x->remote_user), USER_REACH);
    (void)buf_add_str(line, " [");
    (void)buf_add_span(line, logparts_date(now));
    (void)buf_add_str(line, "] \"");
    logparts_request(line, &x->req, REQUEST_REACH);
    (void)buf_add_str(line, "\" ");
    logparts_number(line, status);
    (void)buf_add_str(line, " ");
    if (bytes)
        logparts_number(line, bytes);
    else
        (void)buf_add_str(line, "-");
    (void)buf_add_str(line, " \"");
    logparts_field(line, request_field(&x->req, SPAN("referer")), REFERER_REACH);
    (void)buf_add_str(line, "\" \"");
    logparts_field(line, request_field(&x->req, SPAN("user-agent")), AGENT_REACH);
    (void)buf_add_str(line, "\"\n");
}

void
accesslog_form(struct exchange *x, const struct answered *a, struct buf *line)
{
    const struct logformat *f = x->site ? x->site->log_format : NULL;

    if (!f || f->kind == LOGFORMAT_COMBINED)
        accesslog_format(x, a->status, a->bytes, time(NULL), line);
    else if (f->kind == LOGFORMAT_JSON)
        logjson_line(x, a, line);
    else
        logline_items(x, a, line);
}

void
accesslog_line(struct exchange *x, const struct answered *a)
{
    char text[ACCESSLOG_LINE_MAX];
    /* backed by the stack: at its cap already, it never allocates */
    struct buf line = {.data = text, .cap = sizeof(text), .max = sizeof(text)};

    if (!x->site || !x->site->access_log)
        return;
    accesslog_form(x, a, &line);
    logfile_add(x->site->access_log, buf_span(&line));
}

void
accesslog_shed(struct exchange *x)
{
    static const struct span usual[] = {SPAN("referer"), SPAN("user-agent")};
    const struct logformat *f = x->site ? x->site->log_format : NULL;
    struct span names[REQUEST_FIELDS_MAX];
    unsigned n = 0;

    free(x->error_fields);
    free(x->kept_fields);
    x->error_fields = x->kept_fields = NULL;
    x->nerror_fields = x->nkept_fields = 0;
    if (!f || f->kind != LOGFORMAT_ITEMS) {
        request_shed(&x->req, usual, sizeof(usual) / sizeof(usual[0]));
        return;
    }
    for (unsigned i = 0; i < f->nitems && n < REQUEST_FIELDS_MAX; i++)
        if (f->items[i].what == LOG_FIELD)
            names[n++] = f->items[i].arg;
    request_shed(&x->req, names, n);
}

/* --- what has to be kept of the answer's head --------------------------------------------- */

static bool
is_asked_for(const struct logformat *f, struct span name)
{
    for (unsigned i = 0; i < f->nitems; i++)
        if (f->items[i].what == LOG_ANSWER_FIELD && span_ieq(f->items[i].arg, name))
            return true;
    return false;
}

void
accesslog_head(struct exchange *x, const struct response *res)
{
    struct field kept[HEAD_FIELDS_MAX];
    unsigned n = 0;

    if (!x->site || !x->site->log_format || !x->site->log_format->answer_fields ||
        x->logged_fields)
        return;
    for (unsigned i = 0; i < res->nfields && n < HEAD_FIELDS_MAX; i++) {
        struct field f = res->fields[i];

        if (!is_asked_for(x->site->log_format, f.name))
            continue;
        if (f.value.n > HEAD_VALUE_MAX)
            f.value.n = HEAD_VALUE_MAX;
        kept[n++] = f;
    }
    if (n > 0)
        x->logged_fields = fields_copy(kept, n);
    x->nlogged_fields = n;
}
