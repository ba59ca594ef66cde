/*
 * The request line. RFC 9112 3. Floor 1; acceptor and worker.
 *
 * Read here and not by llhttp, which knows a fixed list of methods and of versions, and lets
 * a tab stand in a target; fields.c shows llhttp the target all the same.
 */
#include "parts.h"
#include "hostel/peek/chars.h"

#include <llhttp.h>

#define VERSION_LEN 8 /* "HTTP/1.1" */

struct method_row {
    struct span name;
    uint8_t id;
};

#define ROW(id, name, text) {{#text, sizeof(#text) - 1}, id},
static const struct method_row methods[] = {HTTP_METHOD_MAP(ROW)};
#undef ROW

static uint8_t
method_id(struct span name)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (span_eq(name, methods[i].name))
            return methods[i].id;
    return HEAD_METHOD_OTHER;
}

/* Bytes of the method that line begins with, which a space must follow. */
static enum head_verdict
method_len(struct span line, size_t *len)
{
    size_t n = chars_span(line, CHARS_TOKEN);

    if (n == 0)
        return HEAD_BAD;
    if (n > HEAD_METHOD_MAX)
        return HEAD_NOT_IMPLEMENTED;
    *len = n;
    if (n == line.n)
        return HEAD_MORE;
    return line.p[n] == ' ' ? HEAD_OK : HEAD_BAD;
}

enum head_verdict
line_early(struct span part)
{
    struct span rest;
    enum head_verdict v;
    size_t n = 0;

    /* only as much as decides is looked at: this runs again with every packet */
    v = method_len(span_of(part.p, part.n < HEAD_METHOD_MAX + 1 ? part.n : HEAD_METHOD_MAX + 1),
                   &n);
    if (v != HEAD_OK)
        return v;
    rest = span_skip(part, n + 1);
    n = span_find(rest, ' ');
    if (n > HEAD_TARGET_MAX)
        return HEAD_TARGET_LONG;
    if (n < rest.n && rest.n - n - 1 > VERSION_LEN + 1) /* and CR */
        return HEAD_BAD;
    return HEAD_MORE;
}

static bool
digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum head_verdict
version_parse(struct span s, unsigned *version)
{
    if (s.n != VERSION_LEN || !span_starts(s, SPAN("HTTP/")) || !digit(s.p[5]) ||
        s.p[6] != '.' || !digit(s.p[7]))
        return HEAD_BAD;
    if (s.p[5] != '1')
        return HEAD_VERSION;
    *version = s.p[7] == '0' ? 10 : 11; /* a higher minor is ours to answer. RFC 9110 2.5 */
    return HEAD_OK;
}

/* Split what follows the authority, or all of an origin-form, at the first "?". */
static void
split_query(struct span s, struct head *h)
{
    size_t at = span_find(s, '?');

    h->path = span_of(s.p, at);
    h->has_query = at < s.n;
    h->query = h->has_query ? span_of(s.p + at + 1, s.n - at - 1) : span_of(NULL, 0);
}

/* "http://host:port/path?query", either scheme in any case. RFC 9112 3.2.2 */
static enum head_verdict
absolute_form(struct head *h)
{
    struct span s = h->target, rest;
    size_t n = 0;

    if (s.n > 7 && span_ieq(span_of(s.p, 7), SPAN("http://")))
        rest = span_skip(s, 7);
    else if (s.n > 8 && span_ieq(span_of(s.p, 8), SPAN("https://")))
        rest = span_skip(s, 8);
    else
        return HEAD_BAD;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    if (n == 0)
        return HEAD_BAD;
    h->authority = span_of(rest.p, n);
    split_query(span_of(rest.p + n, rest.n - n), h);
    if (h->path.n == 0) /* RFC 9112 3.2.4: OPTIONS without a path asks for the server */
        h->path = h->method == HTTP_OPTIONS && !h->has_query ? SPAN("*") : SPAN("/");
    return HEAD_OK;
}

/* "host:port", with CONNECT alone. RFC 9112 3.2.3 */
static enum head_verdict
authority_form(struct head *h)
{
    size_t digits = 0;

    while (digits < h->target.n && digit(h->target.p[h->target.n - 1 - digits]))
        digits++;
    if (digits == 0 || digits == h->target.n || h->target.p[h->target.n - 1 - digits] != ':')
        return HEAD_BAD;
    h->authority = h->target;
    h->path = SPAN("");
    return HEAD_OK;
}

static enum head_verdict
target_parse(struct head *h)
{
    h->authority = h->query = span_of(NULL, 0);
    h->has_query = false;
    if (h->method == HTTP_CONNECT)
        return authority_form(h);
    if (h->target.p[0] == '/') {
        split_query(h->target, h);
        return HEAD_OK;
    }
    if (span_eq(h->target, SPAN("*"))) { /* RFC 9112 3.2.4 */
        h->path = h->target;
        return h->method == HTTP_OPTIONS ? HEAD_OK : HEAD_BAD;
    }
    return absolute_form(h);
}

enum head_verdict
line_judge(struct head *h)
{
    size_t n = chars_span(h->method_text, CHARS_TOKEN);

    if (n == 0 || n != h->method_text.n)
        return HEAD_BAD;
    if (n > HEAD_METHOD_MAX)
        return HEAD_NOT_IMPLEMENTED;
    h->method = method_id(h->method_text);
    if (h->target.n == 0 || !chars_all(h->target, CHARS_TARGET))
        return HEAD_BAD;
    return h->target.n > HEAD_TARGET_MAX ? HEAD_TARGET_LONG : target_parse(h);
}

enum head_verdict
line_parse(struct span line, struct head *h)
{
    enum head_verdict v;
    struct span rest;
    size_t n = 0;

    v = method_len(line, &n);
    if (v != HEAD_OK)
        return v == HEAD_MORE ? HEAD_BAD : v; /* a method and no more */
    h->method_text = span_of(line.p, n);
    h->method = method_id(h->method_text);
    rest = span_skip(line, n + 1);
    n = chars_span(rest, CHARS_TARGET);
    if (n == 0 || n == rest.n || rest.p[n] != ' ')
        return HEAD_BAD;
    if (n > HEAD_TARGET_MAX)
        return HEAD_TARGET_LONG;
    h->target = span_of(rest.p, n);
    v = version_parse(span_of(rest.p + n + 1, rest.n - n - 1), &h->version);
    return v == HEAD_OK ? target_parse(h) : v;
}
