/* Forwarded, X-Forwarded-For, -Proto, -Port. Floor 4; worker. */
#include "hostel/http/forwarded.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* --- a list of several fields, from its end -------------------------------------------------
 */

struct list {
    const struct field *fields;
    unsigned left;    /* fields before the one that is read */
    struct span name; /* of those that belong to it */
    bool quotes;      /* a comma in quotes parts nothing */
    struct span rest; /* of the one that is read: what was not taken yet */
    bool open;        /* there is such a one */
};

static struct list
list_of(const struct field *fields, unsigned n, struct span name, bool quotes)
{
    return (struct list){.fields = fields, .left = n, .name = name, .quotes = quotes};
}

/* ret  true: the byte at i is preceded by an odd number of backslashes */
static bool
is_escaped(struct span s, size_t i)
{
    size_t n = 0;

    while (n < i && s.p[i - 1 - n] == '\\')
        n++;
    return n % 2;
}

/* ret  where the last entry of s begins: behind its last comma. RFC 9110 5.6.4 */
static size_t
last_entry(struct span s, bool quotes)
{
    bool quoted = false;
    size_t i = s.n;

    for (; i > 0; i--) {
        char c = s.p[i - 1];

        if (quotes && c == '"' && !(quoted && is_escaped(s, i - 1)))
            quoted = !quoted;
        if (c == ',' && !quoted)
            return i;
    }
    return 0;
}

/* Empty ones do not count. ret  false: there is none before */
static bool
list_before(struct list *l, struct span *entry)
{
    for (;;) {
        size_t at;

        while (!l->open) {
            if (l->left == 0)
                return false;
            l->left--;
            l->open = span_ieq(l->fields[l->left].name, l->name);
            l->rest = l->fields[l->left].value;
        }
        at = last_entry(l->rest, l->quotes);
        *entry = span_trim(span_skip(l->rest, at));
        l->open = at > 0;
        l->rest.n = at > 0 ? at - 1 : 0;
        if (entry->n > 0)
            return true;
    }
}

/* --- an address -----------------------------------------------------------------------------
 */

static bool
port_of(struct span text, uint16_t *port)
{
    unsigned long long v;

    if (text.n > 5 || span_u64(text, UINT16_MAX, &v) < 0)
        return false;
    *port = (uint16_t)v;
    return true;
}

static bool
ip_of(struct span text, uint8_t ip[static 16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char copy[INET6_ADDRSTRLEN];
    uint8_t four[4];

    if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET, copy, four) != 1)
        return inet_pton(AF_INET6, copy, ip) == 1;
    memcpy(ip, mapped, sizeof(mapped));
    memcpy(ip + sizeof(mapped), four, sizeof(four));
    return true;
}

/*
 * "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80"; "2001:db8::1" as
 * X-Forwarded-For has it. A port that is a name of the proxy's own making is none. RFC 7239 6
 */
static bool
address_of(struct span text, struct forwarded *f)
{
    struct span ip = text, port = {NULL, 0};
    size_t colon = span_find(text, ':'), end = span_find(text, ']');

    f->port = 0;
    if (text.n > 0 && text.p[0] == '[') {
        if (end == text.n)
            return false;
        ip = span_of(text.p + 1, end - 1);
        port = span_skip(text, end + 1);
        if (span_find(ip, ':') == ip.n)
            return false;
    } else if (colon < text.n &&
               span_find(span_skip(text, colon + 1), ':') == text.n - colon - 1) {
        ip.n = colon;
        port = span_skip(text, colon);
    }
    if (!ip_of(ip, f->ip))
        return false;
    if (port.n == 0)
        return true;
    if (port.p[0] != ':' || port.n == 1)
        return false;
    port = span_skip(port, 1);
    return port.p[0] == '_' || port_of(port, &f->port);
}

static enum forwarded_scheme
scheme_of(struct span text)
{
    if (span_ieq(text, SPAN("https")))
        return FORWARDED_HTTPS;
    return span_ieq(text, SPAN("http")) ? FORWARDED_HTTP : FORWARDED_NO_SCHEME;
}

/* --- Forwarded ------------------------------------------------------------------------------
 */

#define VALUE_MAX 64 /* longer than any address and port */

/*
 * The next "name=value" of an entry.
 *
 * in/out  rest   what is left
 * out     value  without its quotes and escapes, in room; empty when it is longer than that:
 *                visitors choose how long a host is
 * ret     1; 0 none is left; -EINVAL it is none
 */
static int
next_pair(struct span *rest, struct span *name, struct span *value, char room[static VALUE_MAX])
{
    size_t equals, n = 0, i;
    bool quoted;

    *rest = span_trim(*rest);
    if (rest->n == 0)
        return 0;
    equals = span_find(*rest, '=');
    if (equals == rest->n)
        return -EINVAL;
    *name = span_of(rest->p, equals);
    *rest = span_skip(*rest, equals + 1);
    quoted = rest->n > 0 && rest->p[0] == '"';
    for (i = quoted; i < rest->n && rest->p[i] != (quoted ? '"' : ';'); i++) {
        if (quoted && rest->p[i] == '\\' && i + 1 < rest->n)
            i++;
        if (n < VALUE_MAX)
            room[n] = rest->p[i];
        n++;
    }
    if (n > VALUE_MAX)
        n = 0;
    if (quoted && i++ == rest->n)
        return -EINVAL;
    *value = quoted ? span_of(room, n) : span_trim(span_of(room, n));
    *rest = span_trim(span_skip(*rest, i));
    if (rest->n > 0 && rest->p[0] != ';')
        return -EINVAL;
    *rest = span_skip(*rest, 1);
    return 1;
}

/* out  f  what it says: an address, a scheme. ret  0; -EINVAL: nothing, it is malformed */
static int
read_entry(struct span entry, struct forwarded *f)
{
    struct forwarded said = {.found = false};
    char room[VALUE_MAX];
    struct span name, value;
    bool any = false;
    int rc;

    *f = said;
    while ((rc = next_pair(&entry, &name, &value, room)) > 0) {
        if (span_ieq(name, SPAN("for"))) {
            if (any)
                return -EINVAL;
            any = true;
            said.found = address_of(value, &said);
        } else if (span_ieq(name, SPAN("proto"))) {
            said.scheme = scheme_of(value);
        }
    }
    if (rc == 0)
        *f = said;
    return rc;
}

static bool
find_forwarded(const struct field *fields, unsigned n, const struct nets *trusted,
               struct forwarded *f)
{
    struct list l = list_of(fields, n, SPAN("forwarded"), true);
    bool any = false;
    struct span entry;

    *f = (struct forwarded){.found = false};
    while (list_before(&l, &entry)) {
        struct forwarded one;

        any = true;
        if (read_entry(entry, &one) < 0)
            break;
        if (!one.found) { /* a proxy that hides who it is from may say how he came. 6.3 */
            f->scheme = one.scheme ? one.scheme : f->scheme;
            break;
        }
        *f = one;
        if (!nets_have(trusted, f->ip))
            break;
    }
    return any;
}

/* --- X-Forwarded-... ------------------------------------------------------------------------
 */

/*
 * out  nth  the entry that f is from, counted from the end
 * ret  false: there is no such field
 */
static bool
find_x_for(const struct field *fields, unsigned n, const struct nets *trusted,
           struct forwarded *f, unsigned *nth)
{
    struct list l = list_of(fields, n, SPAN("x-forwarded-for"), false);
    unsigned looked = 0;
    struct span entry;

    *f = (struct forwarded){.found = false};
    *nth = 0;
    for (; list_before(&l, &entry); looked++) {
        struct forwarded one = {.found = true};
        bool good = address_of(entry, &one);

        if (good) {
            *f = one;
            *nth = looked;
        }
        if (!good || !nets_have(trusted, f->ip))
            return true;
    }
    return looked > 0;
}

/*
 * Each proxy adds one here too, or the first says it for all.
 *
 * in  nth  the entry of X-Forwarded-For, from its end, that was the visitor's
 */
static struct span
nth_from_end(const struct field *fields, unsigned n, struct span name, unsigned nth)
{
    struct list l = list_of(fields, n, name, false);
    struct span entry, last = {NULL, 0};

    for (unsigned i = 0; i <= nth && list_before(&l, &entry); i++)
        last = entry;
    return last;
}

int
forwarded_find(const struct field *fields, unsigned n, const struct nets *trusted,
               struct forwarded *f)
{
    struct forwarded x, standard;
    unsigned nth;
    bool is_x = find_x_for(fields, n, trusted, &x, &nth);
    bool is_standard = find_forwarded(fields, n, trusted, &standard);
    uint16_t port;

    if (is_x && is_standard &&
        (x.found != standard.found || memcmp(x.ip, standard.ip, sizeof(x.ip)) != 0))
        return -EEXIST;
    *f = is_x ? x : standard;
    if (is_x || !is_standard) {
        enum forwarded_scheme scheme =
            scheme_of(nth_from_end(fields, n, SPAN("x-forwarded-proto"), nth));

        if (scheme)
            f->scheme = scheme;
    }
    if (port_of(nth_from_end(fields, n, SPAN("x-forwarded-port"), nth), &port))
        f->to_port = port;
    return 0;
}
