/* The head of a CGI response. Floor 4; worker. RFC 3875 6.2, 6.3 */
#include "hostel/http/cgihead.h"
#include "hostel/peek/chars.h"

#include <errno.h>

struct reading {
    struct cgihead *h;
    bool has_status, has_location;
    const char *why;
};

static int
refuse(struct reading *r, const char *why)
{
    r->why = why;
    return -EBADMSG;
}

/* "404 Not Found" or "404". An interim answer cannot be the answer. */
static int
on_status(struct reading *r, struct span value)
{
    unsigned long long status;

    if (r->has_status)
        return refuse(r, "two Status lines");
    if (value.n < 3 || (value.n > 3 && value.p[3] != ' ') ||
        span_u64(span_of(value.p, 3), 999, &status) < 0)
        return refuse(r, "a Status that is no number of three digits");
    if (status < 200 || status > 599)
        return refuse(r, "a Status outside 200-599");
    r->has_status = true;
    r->h->status = (unsigned)status;
    r->h->reason = span_trim(span_skip(value, 3));
    return 0;
}

static int
on_length(struct reading *r, struct span value)
{
    unsigned long long length;

    if (r->h->has_length)
        return refuse(r, "two Content-Length lines");
    if (span_u64(value, INT64_MAX, &length) < 0)
        return refuse(r, "a Content-Length that is no number");
    r->h->has_length = true;
    r->h->length = length;
    return 0;
}

/* What concerns one connection only, or is ours to say. RFC 9110 7.6.1 */
static bool
dropped(struct span name)
{
    static const char *const names[] = {
        "connection", "keep-alive", "transfer-encoding", "te",
        "trailer",    "upgrade",    "http2-settings",    "date",
        "server",     NULL,
    };

    for (size_t i = 0; names[i]; i++)
        if (span_ieq(name, span_str(names[i])))
            return true;
    return name.n >= 6 && span_ieq(span_of(name.p, 6), SPAN("proxy-"));
}

static int
on_field(struct reading *r, struct span name, struct span value)
{
    if (span_ieq(name, SPAN("status")))
        return on_status(r, value);
    if (span_ieq(name, SPAN("content-length")))
        return on_length(r, value);
    if (dropped(name))
        return 0;
    if (span_ieq(name, SPAN("location")))
        r->has_location = true;
    r->h->fields[r->h->nfields++] = (struct field){name, value};
    return 0;
}

/* in  line  without its line end */
static int
on_line(struct reading *r, struct span line)
{
    size_t colon = span_find(line, ':');
    struct span name, value;

    if (line.n && (line.p[0] == ' ' || line.p[0] == '\t'))
        return refuse(r, "a folded line");
    if (colon == line.n)
        return refuse(r, "a line without a colon");
    name = span_of(line.p, colon);
    value = span_trim(span_skip(line, colon + 1));
    if (name.n == 0 || !chars_all(name, CHARS_TOKEN))
        return refuse(r, "a field name that is none");
    if (!chars_all(value, CHARS_VALUE))
        return refuse(r, "a control byte in a field value");
    return on_field(r, name, value);
}

/* ret  the index behind the empty line, or 0 */
static size_t
find_end(struct span bytes, size_t from)
{
    for (size_t at = from; at < bytes.n; at++) {
        at += span_find(span_skip(bytes, at), '\n');
        if (at >= bytes.n)
            break;
        if (at == 0 || bytes.p[at - 1] == '\n')
            return at + 1;
        if (bytes.p[at - 1] == '\r' && (at == 1 || bytes.p[at - 2] == '\n'))
            return at + 1;
    }
    return 0;
}

static int
lines_parse(struct reading *r, struct span rest)
{
    unsigned lines = 0;

    for (;;) {
        size_t lf = span_find(rest, '\n');
        struct span line = span_of(rest.p, lf);
        int rc;

        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0)
            return lines ? 0 : refuse(r, "no field at all");
        if (lines++ == CGIHEAD_LINES_MAX) {
            r->why = "more than 100 lines";
            return -EMSGSIZE;
        }
        rc = on_line(r, line);
        if (rc < 0)
            return rc;
        rest = span_skip(rest, lf + 1);
    }
}

ssize_t
cgihead_parse(struct span bytes, size_t *seen, struct cgihead *h, const char **why)
{
    struct reading r = {.h = h};
    size_t n = bytes.n < CGIHEAD_BYTES_MAX ? bytes.n : CGIHEAD_BYTES_MAX;
    size_t end = find_end(span_of(bytes.p, n), *seen);
    int rc;

    *seen = n;
    if (end == 0 && bytes.n > CGIHEAD_BYTES_MAX) {
        *why = "more than 64 KiB";
        return -EMSGSIZE;
    }
    if (end == 0)
        return 0;
    h->status = 200;
    h->reason = span_of(NULL, 0);
    h->has_length = false;
    h->length = 0;
    h->nfields = 0;
    rc = lines_parse(&r, span_of(bytes.p, end));
    if (rc < 0) {
        *why = r.why;
        return rc;
    }
    if (!r.has_status && r.has_location)
        h->status = 302; /* RFC 3875 6.2.4 */
    return (ssize_t)end;
}
