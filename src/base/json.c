/* Writes JSON. Floor 0, hostel, hostel-worker. */
#include "hostel/base/json.h"

static void
note(struct json *j, int rc)
{
    if (rc < 0)
        j->error = rc;
}

/* ret  bytes that c takes in a string */
static size_t
width(unsigned char c)
{
    return c == '"' || c == '\\' ? 2 : c < 0x20 || c > 0x7e ? 6 : 1;
}

static void
quote(struct json *j, struct span s)
{
    note(j, buf_add_str(j->b, "\""));
    while (s.n > 0 && !j->error) {
        size_t run = 0;

        while (run < s.n && width((unsigned char)s.p[run]) == 1)
            run++;
        note(j, buf_add(j->b, s.p, run));
        s = span_skip(s, run);
        if (s.n == 0)
            break;
        if (width((unsigned char)*s.p) == 2)
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
    for (size_t i = 0; i < s.n; i++) {
        size_t bytes = width((unsigned char)s.p[i]);

        if (bytes > room)
            return span_of(s.p, i);
        room -= bytes;
    }
    return s;
}
