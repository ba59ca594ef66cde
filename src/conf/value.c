/* One written value against its row. Pure. Floor 2; supervisor. */
#include "value.h"

#include "value_rules.h"

#include "hostel/base/logformat.h"
#include "hostel/base/logsyslog.h"
#include "hostel/base/text.h"
#include "hostel/conf/model.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#define ACCOUNT_MAX    63  /* sys/ids.h keeps that many bytes of a name */
#define INDEX_MAX      255 /* NAME_MAX */
#define RANGE_TEXT_MAX 128 /* bytes of "must be MIN..MAX" */
_Static_assert(RANGE_TEXT_MAX >= LOGFORMAT_WHY_MAX, "what is wrong with a format");
#define SHOWN_MAX 60 /* of a wrong value in a message */

static int
number_of(enum value_type type, struct span text, uint64_t *out)
{
    unsigned long long v;
    int rc;

    if (type == VALUE_TIME)
        return text_time(text, out);
    if (type == VALUE_SIZE)
        return text_size(text, out);
    rc = span_u64(text, UINT64_MAX, &v);
    if (rc == 0)
        *out = v;
    return rc;
}

static int
bool_of(struct span text, uint64_t *out)
{
    static const char *const words[][2] = {
        {"false", "true"}, {"no", "yes"}, {"off", "on"}, /* YAML 1.1 */
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        for (uint64_t v = 0; v < 2; v++)
            if (span_ieq(text, span_str(words[i][v]))) {
                *out = v;
                return 0;
            }
    return -EINVAL;
}

static int
word_of(const struct row *r, struct span text, uint64_t *out)
{
    struct span rest = span_str(r->words), word;

    for (uint64_t v = 0; span_cut(&rest, ' ', &word); v++)
        if (span_eq(word, text)) {
            *out = v;
            return 0;
        }
    return -EINVAL;
}

uint64_t
value_number(const struct row *r, struct span text)
{
    uint64_t v = 0;

    if (r->type == VALUE_BOOL)
        bool_of(text, &v);
    else if (r->type == VALUE_WORD)
        word_of(r, text, &v);
    else
        number_of(r->type, text, &v);
    return v;
}

/* ret  NULL, or what the value must be */
static const char *
number_wrong(const struct row *r, struct span text, char range[static RANGE_TEXT_MAX])
{
    uint64_t v = 0;
    int rc = number_of(r->type, text, &v);

    if (rc == -EINVAL && r->type == VALUE_TIME)
        return "must be a time such as 250ms, 10s, 5m, 1h or 2d";
    if (rc == -EINVAL && r->type == VALUE_SIZE)
        return "must be a size such as 512, 64k, 128m or 2g";
    if (rc == -EINVAL)
        return "must be a number";
    if (rc == 0 && v >= value_number(r, span_str(r->min)) &&
        v <= value_number(r, span_str(r->max)))
        return NULL;
    snprintf(range, RANGE_TEXT_MAX, "must be %s..%s", r->min, r->max);
    return range;
}

static const char *
path_wrong(struct span text)
{
    if (text.n == 0 || text.p[0] != '/')
        return "must be absolute";
    return text.n > VALUE_PATH_MAX ? "must be at most 4095 bytes" : NULL;
}

static const char *
log_wrong(struct span text)
{
    struct logsyslog at;

    if (span_eq(text, SPAN("off")) || span_eq(text, SPAN("-")))
        return NULL;
    if (span_starts(text, SPAN("syslog:")))
        return logsyslog_parse(text, &at);
    if (text.n == 0 || text.p[0] != '/')
        return "must be absolute, syslog:, `-` or `off`";
    for (size_t i = 0; i + 1 < text.n; i++)
        if (text.p[i] == '%' && text.p[i + 1] == '{' &&
            !span_starts(span_skip(text, i), SPAN("%{user}")) &&
            !span_starts(span_skip(text, i), SPAN("%{vhost}")))
            return "must be with no other %{...} than %{user} and %{vhost}";
    return path_wrong(text);
}

static const char *
format_wrong(struct span text, char why[static RANGE_TEXT_MAX])
{
    struct logformat *f = NULL;
    int rc = logformat_new(&f, text, why);

    logformat_free(&f);
    return rc < 0 ? why : NULL;
}

static const char *
cgroup_wrong(struct span text)
{
    struct span rest = text, name;

    if (span_eq(text, SPAN("auto")) || span_eq(text, SPAN("off")))
        return NULL;
    if (text.n == 0 || text.p[0] != '/')
        return "must be `auto`, `off` or an absolute path";
    while (span_cut(&rest, '/', &name))
        if (span_eq(name, SPAN("..")))
            return "must be without `..`";
    return text.n < 2 || text.p[text.n - 1] == '/' ? "must name a directory" : path_wrong(text);
}

static const char *
host_wrong(struct span text)
{
    char name[VALUE_HOST_MAX + 1];
    int rc = value_host(text, name);

    if (rc == -EILSEQ)
        return "must be ASCII: write the xn-- form of the name";
    return rc == 0 ? NULL : "must be a host name such as example.org or *.example.org";
}

static const char *
account_wrong(struct span text)
{
    if (text.n == 0)
        return "must not be empty";
    if (text.n > ACCOUNT_MAX)
        return "must be at most 63 bytes";
    if (span_find(text, ':') < text.n || span_find(text, '/') < text.n ||
        span_find(text, ' ') < text.n)
        return "must be the name or number of an account";
    return NULL;
}

static const char *
index_wrong(struct span text)
{
    if (text.n == 0 || text.n > INDEX_MAX || text.p[0] == '.' || span_find(text, '/') < text.n)
        return "must be a file name without `/` and not begin with a dot";
    return NULL;
}

static const char *
watched_wrong(struct span text)
{
    struct span rest = text, name;

    if (text.n == 0 || text.n > VALUE_PATH_MAX || text.p[text.n - 1] == '/')
        return "must be the path of a file";
    while (span_cut(&rest, '/', &name))
        if (span_eq(name, SPAN("..")))
            return "must be without `..`";
    return NULL;
}

static const char *
wrong(const struct row *r, struct span text, char range[static RANGE_TEXT_MAX])
{
    struct sockaddr_storage addr;
    socklen_t len;
    uint64_t v;

    switch (r->type) {
    case VALUE_NUMBER:
    case VALUE_TIME:
    case VALUE_SIZE:
        return number_wrong(r, text, range);
    case VALUE_BOOL:
        return bool_of(text, &v) == 0 ? NULL : "must be true or false";
    case VALUE_PATH:
        return path_wrong(text);
    case VALUE_LOG:
        return log_wrong(text);
    case VALUE_CGROUP:
        return cgroup_wrong(text);
    case VALUE_FORMAT:
        return format_wrong(text, range);
    case VALUE_ADDRESS:
        return value_address(text, &addr, &len) == 0 ? NULL
                                                     : "must be ADDR:PORT, *:PORT or [V6]:PORT";
    case VALUE_HOST:
        return host_wrong(text);
    case VALUE_ACCOUNT:
        return account_wrong(text);
    case VALUE_INDEX:
        return index_wrong(text);
    case VALUE_WATCHED:
        return watched_wrong(text);
    case VALUE_GLOB:
        return text.n > 0 && text.n <= VALUE_PATH_MAX ? NULL : "must be 1..4095 bytes";
    case VALUE_WORD:
        if (word_of(r, text, &v) == 0)
            return NULL;
        snprintf(range, RANGE_TEXT_MAX, "must be one of %s", r->words);
        return range;
    default:
        return value_rule_wrong(r->type, text);
    }
}

int
value_check(const struct row *r, struct span text, char why[static VALUE_WHY_MAX])
{
    char range[RANGE_TEXT_MAX];
    const char *must = NULL;
    struct span shown = text;

    for (size_t i = 0; i < text.n && !must; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            must = "must be without control characters";
    if (!must)
        must = wrong(r, text, range);
    if (!must)
        return 0;
    if (shown.n > SHOWN_MAX)
        shown.n = SHOWN_MAX;
    snprintf(why, VALUE_WHY_MAX, "%s, not `%.*s%s`", must, (int)shown.n, shown.p ? shown.p : "",
             shown.n < text.n ? "..." : "");
    return -EINVAL;
}

/* RFC 1123 2.1, and the underscore that the world uses. */
static bool
labels_ok(struct span name)
{
    struct span label;

    if (name.n == 0 || name.p[name.n - 1] == '.')
        return false;
    while (span_cut(&name, '.', &label)) {
        if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        for (size_t i = 0; i < label.n; i++) {
            char c = label.p[i];

            if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
                return false;
        }
    }
    return true;
}

static bool
literal_ok(char *name, size_t n)
{
    struct in6_addr addr;
    bool ok;

    if (n < 3 || name[n - 1] != ']')
        return false;
    name[n - 1] = '\0';
    ok = inet_pton(AF_INET6, name + 1, &addr) == 1;
    name[n - 1] = ']';
    return ok;
}

int
value_host(struct span text, char name[static VALUE_HOST_MAX + 1])
{
    char low[VALUE_HOST_MAX + 2];
    struct span rest;

    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] > 0x7e)
            return -EILSEQ;
    if (text.n > 1 && text.p[text.n - 1] == '.')
        text.n--;
    if (text.n == 0 || text.n > VALUE_HOST_MAX)
        return -EINVAL;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c <= ' ') /* span_cut() would trim it away */
            return -EINVAL;
        low[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    low[text.n] = '\0';
    rest = span_of(low, text.n);
    if (span_starts(rest, SPAN("*.")))
        rest = span_skip(rest, 2);
    if (low[0] == '[' ? !literal_ok(low, text.n) : !labels_ok(rest))
        return -EINVAL;
    memcpy(name, low, text.n + 1);
    return 0;
}

int
conf_host_name(const char *text, char name[static CONF_HOST_MAX + 1])
{
    return value_host(span_str(text), name);
}

static int
address_in(const char *host, uint16_t port, struct sockaddr_storage *addr, socklen_t *len)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};

    memset(addr, 0, sizeof(*addr));
    if (inet_pton(AF_INET, host, &four.sin_addr) == 1) {
        memcpy(addr, &four, sizeof(four));
        *len = sizeof(four);
        return 0;
    }
    if (strcmp(host, "*") == 0)
        six.sin6_addr = in6addr_any;
    else if (inet_pton(AF_INET6, host, &six.sin6_addr) != 1)
        return -EINVAL;
    memcpy(addr, &six, sizeof(six));
    *len = sizeof(six);
    return 0;
}

int
value_address(struct span text, struct sockaddr_storage *addr, socklen_t *len)
{
    char host[INET6_ADDRSTRLEN];
    unsigned long long port;
    size_t colon = text.n;
    struct span name;
    bool six;

    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    if (colon < 2 || span_u64(span_skip(text, colon), 65535, &port) < 0 || port == 0)
        return -EINVAL;
    name = span_of(text.p, colon - 1);
    six = name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']';
    if (six)
        name = span_of(name.p + 1, name.n - 2);
    if (name.n >= sizeof(host) || six != (span_find(name, ':') < name.n))
        return -EINVAL;
    memcpy(host, name.p, name.n);
    host[name.n] = '\0';
    return address_in(host, (uint16_t)port, addr, len);
}
