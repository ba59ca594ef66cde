/* Writes JSON. Floor 0, hostel. */
#include "hostel/base/json.h"

static void
note(struct json *j, int rc)
{
    if (rc < 0)
        j->error = rc;
}

static void
quote(struct json *j, struct span s)
{
    note(j, buf_add_str(j->b, "\""));
    for (size_t i = 0; i < s.n && !j->error; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '"' || c == '\\')
            note(j, buf_addf(j->b, "\\%c", c));
        else if (c < 0x20 || c > 0x7e)
            note(j, buf_addf(j->b, "\\u%04x", c));
        else
            note(j, buf_add(j->b, &s.p[i], 1));
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
