/* Writes JSON. Floor 0, hostel, hostel-worker. */
#include "hostel/base/json.h"

static void
note(struct json *j, int rc)
{
    if (rc < 0)
        j->error = rc;
}

/*
 * ret  bytes of the character that s begins with, when it is whole UTF-8 of more than one byte
 *      and no control character; else 0
 * src  RFC 3629 3, 4
 */
static size_t
beyond_ascii(struct span s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    unsigned long code;

    if (n == 0 || s.n < n)
        return 0;
    code = c & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        unsigned char next = (unsigned char)s.p[i];

        if ((next & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (next & 0x3f);
    }
    if (code < 0xa0 || (n == 3 && code < 0x800) || (n == 4 && code < 0x10000) ||
        (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
        return 0;
    return n;
}

static bool
is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* out  took  bytes of s that its first character is. ret  bytes that it takes in a string */
static size_t
width(struct span s, size_t *took)
{
    unsigned char c = (unsigned char)s.p[0];

    *took = 1;
    if (is_plain(c))
        return 1;
    if (c == '"' || c == '\\')
        return 2;
    if (beyond_ascii(s) > 0) {
        *took = beyond_ascii(s);
        return *took;
    }
    return 6;
}

/* ret  bytes from the start of s that stand in a string as they are */
static size_t
run_of(struct span s)
{
    size_t run = 0, took;

    while (run < s.n && width(span_skip(s, run), &took) == took)
        run += took;
    return run;
}

static void
quote(struct json *j, struct span s)
{
    note(j, buf_add_str(j->b, "\""));
    while (s.n > 0 && !j->error) {
        size_t run = run_of(s);

        note(j, buf_add(j->b, s.p, run));
        s = span_skip(s, run);
        if (s.n == 0)
            break;
        if (*s.p == '"' || *s.p == '\\')
            note(j, buf_addf(j->b, "\\%c", *s.p));
        else
            note(j, buf_addf(j->b, "\\u%04x", (unsigned char)*s.p));
        s = span_skip(s, 1);
    }
    note(j, buf_add_str(j->b, "\""));
}

/* What stands before a value. */
static void
begin(struct json *j, const char *key)
{
    if (j->comma)
        note(j, buf_add_str(j->b, ","));
    j->comma = true;
    if (!key)
        return;
    quote(j, span_str(key));
    note(j, buf_add_str(j->b, ":"));
}

void
json_open(struct json *j, const char *key, char bracket)
{
    begin(j, key);
    note(j, buf_add(j->b, &bracket, 1));
    j->comma = false;
}

void
json_close(struct json *j, char bracket)
{
    note(j, buf_add(j->b, &bracket, 1));
    j->comma = true;
}

void
json_number(struct json *j, const char *key, uint64_t n)
{
    begin(j, key);
    note(j, buf_addf(j->b, "%llu", (unsigned long long)n));
}

void
json_bool(struct json *j, const char *key, bool value)
{
    begin(j, key);
    note(j, buf_add_str(j->b, value ? "true" : "false"));
}

void
json_string(struct json *j, const char *key, const char *s)
{
    begin(j, key);
    if (s)
        quote(j, span_str(s));
    else
        note(j, buf_add_str(j->b, "null"));
}

void
json_span(struct json *j, const char *key, struct span s)
{
    begin(j, key);
    quote(j, s);
}

void
json_null(struct json *j, const char *key)
{
    begin(j, key);
    note(j, buf_add_str(j->b, "null"));
}

struct span
json_fit(struct span s, size_t room)
{
    size_t took;

    for (size_t i = 0; i < s.n; i += took) {
        size_t bytes = width(span_skip(s, i), &took);

        if (bytes > room)
            return span_of(s.p, i);
        room -= bytes;
    }
    return s;
}
