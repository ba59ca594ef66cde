/* The values that rules of a vhost are made of. Pure. Floor 2; supervisor. */
#include "value_rules.h"

#include "value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#define REALM_MAX  127
#define APP_MAX    63
#define SOCKET_MAX 107 /* of sun_path, without its NUL */
#define MEDIA_MAX  127 /* RFC 6838 4.2: each half */

/* RFC 9110 5.6.2 */
static bool
token(struct span s)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], low = (char)(c | 0x20);

        if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') &&
            !memchr(marks, c, sizeof(marks) - 1))
            return false;
    }
    return s.n > 0;
}

bool
value_header(struct span text, struct span *name, struct span *value)
{
    size_t colon = span_find(text, ':');

    if (colon == text.n || !token(span_of(text.p, colon)))
        return false;
    *name = span_of(text.p, colon);
    *value = span_trim(span_skip(text, colon + 1));
    return true;
}

/* What frames a message or belongs to the connection is made by whoever sends it. */
static bool
reserved(struct span name)
{
    static const char *const names[] = {
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Date",
        "Keep-Alive",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Upgrade",
        "Server",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (span_ieq(name, span_str(names[i])))
            return true;
    return false;
}

static const char *
name_wrong(struct span name)
{
    if (!token(name) || name.n > VALUE_HEADER_NAME_MAX)
        return "must be the name of a header field";
    return reserved(name) ? "must not be a field that the server makes itself" : NULL;
}

static const char *
header_wrong(struct span text)
{
    struct span name, value;

    if (!value_header(text, &name, &value))
        return "must be a header field such as `Name: value`";
    if (value.n > VALUE_HEADER_VALUE_MAX)
        return "must be at most 8192 bytes";
    return name_wrong(name);
}

int
value_statuses(struct span text, uint32_t *min, uint32_t *max)
{
    unsigned long long low, high;
    size_t dash = span_find(text, '-');

    if (text.n == 3 && span_ieq(span_skip(text, 1), SPAN("xx"))) {
        if (span_u64(span_of(text.p, 1), 5, &low) < 0 || low == 0)
            return -EINVAL;
        *min = (uint32_t)low * 100;
        *max = *min + 99;
        return 0;
    }
    if (span_u64(span_of(text.p, dash), 599, &low) < 0)
        return -EINVAL;
    high = low;
    if (dash < text.n && span_u64(span_skip(text, dash + 1), 599, &high) < 0)
        return -EINVAL;
    if (low < 100 || low > high)
        return -EINVAL;
    *min = (uint32_t)low;
    *max = (uint32_t)high;
    return 0;
}

static const char *
statuses_wrong(struct span text, uint32_t lowest)
{
    uint32_t min, max;

    if (value_statuses(text, &min, &max) == 0 && min >= lowest)
        return NULL;
    return lowest == 400 ? "must be a status such as 404, 5xx or 500-504, of errors"
                         : "must be a status such as 404, 4xx or 200-299";
}

/* RFC 4632, RFC 4291 2.3 */
int
value_net(struct span text, uint8_t net[static 16], uint32_t *bits)
{
    char host[INET6_ADDRSTRLEN];
    uint8_t addr[16] = {[10] = 0xff, [11] = 0xff};
    size_t slash = span_find(text, '/');
    unsigned long long n, first = 96;

    if (span_eq(text, SPAN("all"))) {
        memset(net, 0, 16);
        *bits = 0;
        return 0;
    }
    if (slash >= sizeof(host))
        return -EINVAL;
    memcpy(host, text.p, slash);
    host[slash] = '\0';
    if (inet_pton(AF_INET, host, addr + 12) != 1) {
        if (inet_pton(AF_INET6, host, addr) != 1)
            return -EINVAL;
        first = 0;
    }
    n = 128 - first;
    if (slash < text.n && span_u64(span_skip(text, slash + 1), 128 - first, &n) < 0)
        return -EINVAL;
    for (unsigned long long i = first + n; i < 128; i++)
        if (addr[i / 8] >> (7 - i % 8) & 1)
            return -ERANGE;
    memcpy(net, addr, 16);
    *bits = (uint32_t)(first + n);
    return 0;
}

static const char *
net_wrong(struct span text)
{
    uint8_t net[16];
    uint32_t bits;
    int rc = value_net(text, net, &bits);

    if (rc == -ERANGE)
        return "must be a network without bits behind its prefix";
    return rc == 0 ? NULL : "must be an address, a network such as 192.0.2.0/24, or all";
}

unsigned
value_stars(struct span pattern)
{
    unsigned n = 0;

    for (size_t i = 0; i < pattern.n; i++)
        n += pattern.p[i] == '*';
    return n;
}

static const char *
pattern_wrong(struct span text)
{
    if (text.n == 0 || (text.p[0] != '/' && text.p[0] != '*'))
        return "must begin with / or *";
    if (value_stars(text) > VALUE_STARS_MAX)
        return "must have at most 9 stars";
    return text.n > VALUE_PATH_MAX ? "must be at most 4095 bytes" : NULL;
}

static const char *
page_wrong(struct span text)
{
    struct span rest = text, segment;

    if (text.n == 0 || text.p[0] != '/')
        return "must begin with /";
    while (span_cut(&rest, '/', &segment))
        if (span_eq(segment, SPAN(".")) || span_eq(segment, SPAN("..")))
            return "must be without . and .. between slashes";
    return text.n > VALUE_PATH_MAX ? "must be at most 4095 bytes" : NULL;
}

unsigned
value_captures(struct span target)
{
    unsigned highest = 0;

    for (size_t i = 0; i + 1 < target.n; i++)
        if (target.p[i] == '$' && target.p[i + 1] >= '1' && target.p[i + 1] <= '9' &&
            (unsigned)(target.p[i + 1] - '0') > highest)
            highest = (unsigned)(target.p[i + 1] - '0');
    return highest;
}

/* A visitor writes what a star stands for: it must never choose the host. */
static const char *
target_wrong(struct span text)
{
    static const char *const schemes[] = {"http://", "https://"};
    struct span host = {NULL, 0};

    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] >= 0x7f || text.p[i] == '\\')
            return "must be percent-encoded";
    if (text.n > VALUE_PATH_MAX)
        return "must be at most 4095 bytes";
    if (span_starts(text, SPAN("/")) && !span_starts(text, SPAN("//")))
        return NULL;
    for (size_t i = 0; i < 2; i++)
        if (span_starts(text, span_str(schemes[i])))
            host = span_skip(text, strlen(schemes[i]));
    for (size_t i = 0; i < host.n; i++)
        if (memchr("/?#", host.p[i], 3))
            host.n = i;
    if (host.n == 0)
        return "must be a path or a URL with http or https";
    return span_find(host, '$') < host.n ? "must have a host without $, and a / behind it"
                                         : NULL;
}

/* It never leaves the site, so there is no host in it, and no fragment. */
static const char *
rewrite_wrong(struct span text)
{
    if (!span_starts(text, SPAN("/")) || span_starts(text, SPAN("//")))
        return "must be a path in the site";
    return span_find(text, '#') < text.n ? "must be without #" : target_wrong(text);
}

/* What the server says itself of a request, and what it makes of the visitor's fields. */
static bool
variable_reserved(struct span name)
{
    static const char *const names[] = {
        "AUTH_TYPE",       "CONTENT_LENGTH",  "CONTENT_TYPE",    "DOCUMENT_ROOT",
        "HTTPS",           "PATH_INFO",       "PATH_TRANSLATED", "GATEWAY_INTERFACE",
        "QUERY_STRING",    "REDIRECT_STATUS", "REMOTE_ADDR",     "REDIRECT_QUERY_STRING",
        "REMOTE_PORT",     "REMOTE_USER",     "REQUEST_METHOD",  "REDIRECT_URL",
        "REQUEST_SCHEME",  "REQUEST_URI",     "SCRIPT_FILENAME", "SCRIPT_NAME",
        "SERVER_ADDR",     "SERVER_NAME",     "SERVER_PORT",     "SERVER_PROTOCOL",
        "SERVER_SOFTWARE", "UNIQUE_ID",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (span_eq(name, span_str(names[i])))
            return true;
    return span_starts(name, SPAN("HTTP_"));
}

static const char *
variable_wrong(struct span name)
{
    bool plain = name.n > 0 && name.n <= VALUE_HEADER_NAME_MAX;

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i], low = (char)(c | 0x20);

        plain = plain &&
                ((low >= 'a' && low <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9'));
    }
    if (!plain)
        return "must be the name of a variable: letters, digits and _";
    return variable_reserved(name) ? "must not be a variable that the server sets" : NULL;
}

/* It is part of a file's name. */
static const char *
app_wrong(struct span name)
{
    bool plain = name.n > 0 && name.n <= APP_MAX;

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        plain = plain && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
    }
    return plain ? NULL : "must be one word of a-z, 0-9 and hyphens";
}

static const char *
socket_wrong(struct span text)
{
    if (text.n == 0 || text.p[0] != '/')
        return "must be absolute";
    return text.n <= SOCKET_MAX ? NULL : "must be at most 107 bytes";
}

/* What is said there is for this machine alone. */
static const char *
near_wrong(struct span text)
{
    struct sockaddr_storage addr;
    const struct sockaddr_in *four = (const void *)&addr;
    const struct sockaddr_in6 *six = (const void *)&addr;
    socklen_t len;
    bool near;

    if (span_starts(text, SPAN("unix:")))
        return socket_wrong(span_skip(text, 5));
    if (text.n > 0 && text.p[0] == '/')
        return socket_wrong(text);
    if (value_address(text, &addr, &len) < 0)
        return "must be 127.0.0.1:PORT, [::1]:PORT or an absolute path";
    near = addr.ss_family == AF_INET ? ntohl(four->sin_addr.s_addr) >> 24 == 127
                                     : IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    return near ? NULL : "must be a loopback address or an absolute path";
}

/* The star takes what is PATH_INFO. */
static const char *
prefix_wrong(struct span text)
{
    if (text.n == 0 || text.p[0] != '/' || value_stars(text) > 1 ||
        (value_stars(text) == 1 && !span_ends(text, SPAN("/*"))))
        return "must be a path, or end in /*";
    return text.n > VALUE_PATH_MAX ? "must be at most 4095 bytes" : NULL;
}

/* It stands between quotes: RFC 9110 11.5, 5.6.4 */
static const char *
realm_wrong(struct span text)
{
    bool plain = text.n > 0 && text.n <= REALM_MAX;

    for (size_t i = 0; i < text.n; i++)
        plain = plain && text.p[i] >= ' ' && text.p[i] < 0x7f && text.p[i] != '"' &&
                text.p[i] != '\\';
    return plain ? NULL : "must be 1..127 ASCII characters without quotes and backslashes";
}

static const char *
media_wrong(struct span text)
{
    size_t slash = span_find(text, '/');
    struct span type = span_of(text.p, slash), subtype = span_skip(text, slash + 1);

    if (span_eq(text, SPAN("*")))
        return NULL;
    if (token(type) && token(subtype) && type.n <= MEDIA_MAX && subtype.n <= MEDIA_MAX &&
        span_find(type, '*') == type.n &&
        (span_eq(subtype, SPAN("*")) || span_find(subtype, '*') == subtype.n))
        return NULL;
    return "must be a media type such as text/css, image/* or *";
}

const char *
value_rule_wrong(enum value_type type, struct span text)
{
    switch (type) {
    case VALUE_PAGE:
        return page_wrong(text);
    case VALUE_PATTERN:
        return pattern_wrong(text);
    case VALUE_STATUSES:
        return statuses_wrong(text, 100);
    case VALUE_ERRORS:
        return statuses_wrong(text, 400);
    case VALUE_HEADER:
        return header_wrong(text);
    case VALUE_NAME:
        return name_wrong(text);
    case VALUE_TARGET:
        return target_wrong(text);
    case VALUE_REALM:
        return realm_wrong(text);
    case VALUE_NET:
        return net_wrong(text);
    case VALUE_MEDIA:
        return media_wrong(text);
    case VALUE_REWRITE:
        return rewrite_wrong(text);
    case VALUE_VARIABLE:
        return variable_wrong(text);
    case VALUE_SOCKET:
        return socket_wrong(text);
    case VALUE_NEAR:
        return near_wrong(text);
    case VALUE_PREFIX:
        return prefix_wrong(text);
    case VALUE_APP:
        return app_wrong(text);
    case VALUE_TEXT:
        return text.n <= VALUE_HEADER_VALUE_MAX ? NULL : "must be at most 8192 bytes";
    default:
        return "must not be a single value";
    }
}
