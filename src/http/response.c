/* Responses, whatever version they go out in. Floor 4; worker. */
#include "hostel/http/sink.h"
#include "hostel/peek/chars.h"

#include <errno.h>

/* The IANA registry of status codes; RFC 9110 15. */
static const char *const reasons[600] = {
    [100] = "Continue",
    [101] = "Switching Protocols",
    [102] = "Processing",
    [103] = "Early Hints",
    [200] = "OK",
    [201] = "Created",
    [202] = "Accepted",
    [203] = "Non-Authoritative Information",
    [204] = "No Content",
    [205] = "Reset Content",
    [206] = "Partial Content",
    [207] = "Multi-Status",
    [208] = "Already Reported",
    [226] = "IM Used",
    [300] = "Multiple Choices",
    [301] = "Moved Permanently",
    [302] = "Found",
    [303] = "See Other",
    [304] = "Not Modified",
    [305] = "Use Proxy",
    [307] = "Temporary Redirect",
    [308] = "Permanent Redirect",
    [400] = "Bad Request",
    [401] = "Unauthorized",
    [402] = "Payment Required",
    [403] = "Forbidden",
    [404] = "Not Found",
    [405] = "Method Not Allowed",
    [406] = "Not Acceptable",
    [407] = "Proxy Authentication Required",
    [408] = "Request Timeout",
    [409] = "Conflict",
    [410] = "Gone",
    [411] = "Length Required",
    [412] = "Precondition Failed",
    [413] = "Content Too Large",
    [414] = "URI Too Long",
    [415] = "Unsupported Media Type",
    [416] = "Range Not Satisfiable",
    [417] = "Expectation Failed",
    [421] = "Misdirected Request",
    [422] = "Unprocessable Content",
    [423] = "Locked",
    [424] = "Failed Dependency",
    [425] = "Too Early",
    [426] = "Upgrade Required",
    [428] = "Precondition Required",
    [429] = "Too Many Requests",
    [431] = "Request Header Fields Too Large",
    [451] = "Unavailable For Legal Reasons",
    [500] = "Internal Server Error",
    [501] = "Not Implemented",
    [502] = "Bad Gateway",
    [503] = "Service Unavailable",
    [504] = "Gateway Timeout",
    [505] = "HTTP Version Not Supported",
    [506] = "Variant Also Negotiates",
    [507] = "Insufficient Storage",
    [508] = "Loop Detected",
    [510] = "Not Extended",
    [511] = "Network Authentication Required",
};

void
response_add(struct response *r, struct span name, struct span value)
{
    if (r->nfields < RESPONSE_FIELDS_MAX)
        r->fields[r->nfields++] = (struct field){name, value};
}

int
response_check(const struct response *r)
{
    if (r->status < 200 || r->status > 599 || r->nfields > RESPONSE_FIELDS_MAX)
        return -EINVAL;
    for (unsigned i = r->nready; i < r->nfields; i++) {
        const struct field *f = &r->fields[i];

        if (f->name.n == 0 || !chars_all(f->name, CHARS_TOKEN) ||
            !chars_all(f->value, CHARS_VALUE))
            return -EINVAL;
    }
    return 0;
}

static char *
put(char *at, struct span s)
{
    if (s.n)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

int
response_write(const struct response *r, unsigned first, struct buf *out)
{
    size_t bytes = 0;
    char *start, *at;

    for (unsigned i = first; i < r->nfields; i++)
        bytes += r->fields[i].name.n + r->fields[i].value.n + 4;
    if (bytes == 0)
        return 0;
    start = at = buf_reserve(out, bytes);
    if (!at)
        return -ENOBUFS;
    for (unsigned i = first; i < r->nfields; i++) {
        at = put(at, r->fields[i].name);
        at = put(at, SPAN(": "));
        at = put(at, r->fields[i].value);
        at = put(at, SPAN("\r\n"));
    }
    buf_claim(out, (size_t)(at - start));
    return 0;
}

struct span
response_reason(unsigned status)
{
    if (status >= sizeof(reasons) / sizeof(reasons[0]) || !reasons[status])
        return SPAN("Unknown");
    return span_str(reasons[status]);
}
