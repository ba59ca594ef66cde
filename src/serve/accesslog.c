/* Combined log format. Floor 5; worker. */
#include "hostel/serve/accesslog.h"
#include "hostel/base/date.h"
#include "hostel/base/log.h"
#include "hostel/serve/logfile.h"

#define DATE_ROOM 32 /* "31/Jan/2026:12:00:00 +0000" */

/* How far into the line a field may reach: later fields always have room. */
#define USER_REACH    256
#define REQUEST_REACH 4352
#define REFERER_REACH 6144
#define AGENT_REACH   (ACCESSLOG_LINE_MAX - 2)

static struct span
date_text(time_t now)
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

/* Append escaped, but not beyond reach bytes of the line. */
static void
add_field(struct buf *line, struct span s, size_t reach)
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

static void
add_request_line(struct buf *line, const struct request *r)
{
    static const char *const versions[] = {" HTTP/1.0", " HTTP/1.1", " HTTP/2.0"};
    unsigned version = r->version >= 20 ? 2 : r->version >= 11 ? 1 : 0;

    if (r->method_text.n == 0) { /* nothing could be read of it */
        (void)buf_add_str(line, "-");
        return;
    }
    add_field(line, r->method_text, REQUEST_REACH);
    (void)buf_add_str(line, " ");
    add_field(line, r->target, REQUEST_REACH);
    (void)buf_add_str(line, versions[version]);
}

static void
add_number(struct buf *line, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    (void)buf_add(line, digits + at, sizeof(digits) - at);
}

void
accesslog_format(const struct exchange *x, unsigned status, uint64_t bytes, time_t now,
                 struct buf *line)
{
    (void)buf_add_str(line, x->visitor->addr);
    (void)buf_add_str(line, " - ");
    add_field(line, span_str(x->remote_user), USER_REACH);
    (void)buf_add_str(line, " [");
    (void)buf_add_span(line, date_text(now));
    (void)buf_add_str(line, "] \"");
    add_request_line(line, &x->req);
    (void)buf_add_str(line, "\" ");
    add_number(line, status);
    (void)buf_add_str(line, " ");
    if (bytes)
        add_number(line, bytes);
    else
        (void)buf_add_str(line, "-");
    (void)buf_add_str(line, " \"");
    add_field(line, request_field(&x->req, SPAN("referer")), REFERER_REACH);
    (void)buf_add_str(line, "\" \"");
    add_field(line, request_field(&x->req, SPAN("user-agent")), AGENT_REACH);
    (void)buf_add_str(line, "\"\n");
}

void
accesslog_line(const struct exchange *x, unsigned status, uint64_t bytes)
{
    char text[ACCESSLOG_LINE_MAX];
    /* backed by the stack: at its cap already, it never allocates */
    struct buf line = {.data = text, .cap = sizeof(text), .max = sizeof(text)};

    if (!x->site || !x->site->access_log)
        return;
    accesslog_format(x, status, bytes, time(NULL), &line);
    logfile_add(x->site->access_log, buf_span(&line));
}
