/* Formats of access lines, taken apart. Floor 0; hostel, hostel-worker. */
#include "hostel/base/logformat.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COMMON "%h %l %u %t \"%r\" %>s %b"

/* A directive: its letter, its argument where it has one, and what that is. */
static const struct directive {
    char letter;
    const char *arg; /* NULL: none */
    enum logformat_what what;
} directives[] = {
    {'h', NULL, LOG_ADDRESS},
    {'a', NULL, LOG_ADDRESS},
    {'u', NULL, LOG_REMOTE_USER},
    {'t', NULL, LOG_TIME},
    {'t', "sec", LOG_TIME_S},
    {'t', "msec", LOG_TIME_MS},
    {'t', "usec", LOG_TIME_US},
    {'t', "iso", LOG_TIME_ISO},
    {'r', NULL, LOG_REQUEST},
    {'m', NULL, LOG_METHOD},
    {'U', NULL, LOG_PATH},
    {'q', NULL, LOG_QUERY},
    {'H', NULL, LOG_PROTOCOL},
    {'s', NULL, LOG_STATUS},
    {'B', NULL, LOG_BYTES},
    {'b', NULL, LOG_BYTES_OR_DASH},
    {'D', NULL, LOG_TOOK_US},
    {'T', NULL, LOG_TOOK_S},
    {'T', "s", LOG_TOOK_S},
    {'T', "ms", LOG_TOOK_MS},
    {'T', "us", LOG_TOOK_US},
    {'v', NULL, LOG_VHOST},
    {'V', NULL, LOG_HOST},
    {'p', NULL, LOG_PORT},
    {'P', NULL, LOG_PROCESS},
    {'L', NULL, LOG_REQUEST_ID},
    {'x', "tls", LOG_TLS},
    {'x', "user", LOG_USER},
    {'x', "request_id", LOG_REQUEST_ID},
    {'x', "upstream_us", LOG_UPSTREAM_US},
};

struct parse {
    struct span rest;
    size_t n; /* of the whole */
    struct logformat *f;
    char *put; /* where the next byte of text goes */
    char *why;
};

static int
fail(const struct parse *p, const char *at, const char *what)
{
    size_t left = (size_t)(p->rest.p + p->rest.n - at), shown = left < 16 ? left : 16;

    snprintf(p->why, LOGFORMAT_WHY_MAX, "%s: `%.*s` at byte %zu", what, (int)shown, at,
             p->n - left + 1);
    return -EINVAL;
}

static int
add(struct parse *p, enum logformat_what what, struct span arg, const char *at)
{
    if (p->f->nitems == LOGFORMAT_ITEMS_MAX)
        return fail(p, at, "has more than 64 parts");
    p->f->items[p->f->nitems++] = (struct logformat_item){.what = what, .arg = arg};
    return 0;
}

/* One byte of text: to the text before it, or a new one. */
static int
add_byte(struct parse *p, char c, const char *at)
{
    struct logformat_item *last = p->f->nitems ? &p->f->items[p->f->nitems - 1] : NULL;

    *p->put = c;
    if (last && last->what == LOG_TEXT && last->arg.p + last->arg.n == p->put)
        last->arg.n++;
    else if (add(p, LOG_TEXT, span_of(p->put, 1), at) < 0)
        return -EINVAL;
    p->put++;
    return 0;
}

/* ret  a copy that ends with a NUL, in the bytes of the format */
static struct span
keep(struct parse *p, struct span s)
{
    char *at = p->put;

    memcpy(at, s.p, s.n);
    at[s.n] = '\0';
    p->put += s.n + 1;
    return span_of(at, s.n);
}

/* RFC 9110 5.6.2 */
static bool
is_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == 0x7f || strchr("\"(),/:;<=>?@[\\]{}", s.p[i]))
            return false;
    return s.n > 0 && s.n <= 64;
}

/* What strftime(3) makes something of that fits. */
static bool
is_time_format(const char *format)
{
    static const struct tm tm = {.tm_year = 126, .tm_mday = 23, .tm_mon = 10, .tm_wday = 3};
    char text[LOGFORMAT_ITEM_MIN];

    return strftime(text, sizeof(text), format, &tm) > 0;
}

static int
add_with_arg(struct parse *p, char letter, struct span arg, const char *at)
{
    struct span kept;

    if (letter == 'i' || letter == 'o') {
        if (!is_token(arg))
            return fail(p, at, "is no name of a header field");
        p->f->answer_fields = p->f->answer_fields || letter == 'o';
        return add(p, letter == 'i' ? LOG_FIELD : LOG_ANSWER_FIELD, keep(p, arg), at);
    }
    if (letter == 't' && span_find(arg, '%') < arg.n) {
        kept = keep(p, arg);
        if (!is_time_format(kept.p))
            return fail(p, at, "is no time format of strftime(3), or too long a one");
        return add(p, LOG_TIME_FORMAT, kept, at);
    }
    for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
        if (directives[i].letter == letter && directives[i].arg &&
            span_eq(arg, span_str(directives[i].arg)))
            return add(p, directives[i].what, SPAN(""), at);
    return fail(p, at, "is no directive");
}

/* p->rest begins behind the '%'. */
static int
directive(struct parse *p)
{
    const char *at = p->rest.p - 1;
    struct span arg = {NULL, 0};
    bool final = false;
    char letter;

    if (p->rest.n > 0 && *p->rest.p == '>') {
        final = true;
        p->rest = span_skip(p->rest, 1);
    }
    if (p->rest.n > 0 && *p->rest.p == '{' && !final) {
        size_t end = span_find(p->rest, '}');

        if (end == p->rest.n)
            return fail(p, at, "has no closing }");
        arg = span_of(p->rest.p + 1, end - 1);
        if (arg.n == 0)
            return fail(p, at, "is no directive");
        p->rest = span_skip(p->rest, end + 1);
    }
    if (p->rest.n == 0)
        return fail(p, at, "is no directive");
    letter = *p->rest.p;
    p->rest = span_skip(p->rest, 1);
    if (arg.n > 0)
        return add_with_arg(p, letter, arg, at);
    if (letter == '%' && !final)
        return add_byte(p, '%', at);
    if (letter == 'l') /* nobody asks identd, RFC 1413 */
        return add_byte(p, '-', at);
    for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
        if (directives[i].letter == letter && !directives[i].arg && (!final || letter == 's'))
            return add(p, directives[i].what, arg, at);
    return fail(p, at, "is no directive");
}

static int
escape(struct parse *p)
{
    const char *at = p->rest.p - 1;
    char c = p->rest.n ? *p->rest.p : '\0';

    if (c != '"' && c != '\\' && c != 't')
        return fail(p, at, "is none of \\\" \\\\ \\t");
    p->rest = span_skip(p->rest, 1);
    return add_byte(p, c == 't' ? '\t' : c, at);
}

static int
parse_items(struct parse *p)
{
    int rc = 0;

    while (rc == 0 && p->rest.n > 0) {
        char c = *p->rest.p;

        if ((unsigned char)c < 0x20 || c == 0x7f)
            return fail(p, p->rest.p, "has a control character");
        p->rest = span_skip(p->rest, 1);
        if (c == '%')
            rc = directive(p);
        else if (c == '\\')
            rc = escape(p);
        else
            rc = add_byte(p, c, p->rest.p - 1);
    }
    return rc;
}

static bool
is_long(enum logformat_what what)
{
    return what == LOG_REQUEST || what == LOG_PATH || what == LOG_QUERY || what == LOG_FIELD ||
           what == LOG_ANSWER_FIELD || what == LOG_REMOTE_USER || what == LOG_HOST;
}

/* What stands behind each item, from the last to the first. */
static void
reserve(struct logformat *f)
{
    unsigned bytes = 0;
    bool more = false;

    for (unsigned i = f->nitems; i-- > 0;) {
        struct logformat_item *item = &f->items[i];

        item->reserve = bytes;
        item->more = more;
        bytes += item->what == LOG_TEXT ? (unsigned)item->arg.n : LOGFORMAT_ITEM_MIN;
        more = more || is_long(item->what);
    }
}

static int
parse_text(struct logformat *f, struct span text, char why[static LOGFORMAT_WHY_MAX])
{
    struct parse p = {.rest = text, .n = text.n, .f = f, .why = why};
    int rc;

    f->kind = LOGFORMAT_ITEMS;
    f->items = mem_new_array(LOGFORMAT_ITEMS_MAX, sizeof(*f->items));
    f->bytes = p.put = mem_new(text.n + 1); /* an argument's NUL stands for its brace */
    rc = parse_items(&p);
    reserve(f);
    return rc;
}

int
logformat_new(struct logformat **out, struct span text, char why[static LOGFORMAT_WHY_MAX])
{
    struct logformat *f = mem_new(sizeof(*f));
    int rc = 0;

    if (text.n == 0 || span_eq(text, SPAN("combined"))) {
        f->kind = LOGFORMAT_COMBINED;
    } else if (span_eq(text, SPAN("json"))) {
        f->kind = LOGFORMAT_JSON;
    } else if (span_eq(text, SPAN("common"))) {
        rc = parse_text(f, SPAN(COMMON), why);
    } else if (text.n > LOGFORMAT_TEXT_MAX) {
        snprintf(why, LOGFORMAT_WHY_MAX, "is longer than %d bytes", LOGFORMAT_TEXT_MAX);
        rc = -EINVAL;
    } else if (span_find(text, '%') == text.n) {
        snprintf(why, LOGFORMAT_WHY_MAX,
                 "must be combined, common, json, or text with %%-directives");
        rc = -EINVAL;
    } else {
        rc = parse_text(f, text, why);
    }
    f->text = mem_str_span(text);
    if (rc < 0)
        logformat_free(&f);
    else
        *out = f;
    return rc;
}

void
logformat_free(struct logformat **f)
{
    if (!*f)
        return;
    free((*f)->items);
    free((*f)->bytes);
    free((*f)->text);
    free(*f);
    *f = NULL;
}
