/* Host names as routing sees them. RFC 9110 7.2, RFC 3986 3.2. Floor 1; acceptor and worker. */
#include "hostel/peek/head.h"
#include "hostel/peek/chars.h"

#include <arpa/inet.h>
#include <errno.h>

#define NAME_MAX_LEN 255
#define PORT_MAX     65535

/* What follows the name: nothing, ":" or ":" and a port. */
static bool
port_ok(struct span s)
{
    unsigned long long port;

    if (s.n == 0)
        return true;
    return s.p[0] == ':' && (s.n == 1 || span_u64(span_skip(s, 1), PORT_MAX, &port) == 0);
}

/* "[v6]" without the zone that only means something on its own machine. */
static int
literal(struct span authority, char name[static 256], size_t *len)
{
    size_t close = span_find(authority, ']');
    struct in6_addr addr;

    if (close < 2 || close == authority.n || close > INET6_ADDRSTRLEN)
        return -EINVAL;
    memcpy(name, authority.p + 1, close - 1);
    name[close - 1] = '\0';
    if (strlen(name) != close - 1 || inet_pton(AF_INET6, name, &addr) != 1)
        return -EINVAL;
    *len = close + 1;
    return 0;
}

/* No label of a name is empty, but the one behind a trailing dot. */
static bool
labels_ok(struct span name)
{
    bool dot = true;

    for (size_t i = 0; i < name.n; i++) {
        if (dot && name.p[i] == '.')
            return false;
        dot = name.p[i] == '.';
    }
    return true;
}

int
head_host_name(struct span authority, char name[static 256])
{
    size_t n = 0, keep;

    if (authority.n == 0) {
        name[0] = '\0';
        return 0;
    }
    if (authority.p[0] == '[') {
        if (literal(authority, name, &n) < 0)
            return -EINVAL;
    } else {
        n = chars_span(authority, CHARS_HOST);
        if (n == 0 || n > NAME_MAX_LEN || !labels_ok(span_of(authority.p, n)))
            return -EINVAL;
    }
    if (!port_ok(span_skip(authority, n)))
        return -EINVAL;
    keep = authority.p[n - 1] == '.' ? n - 1 : n;
    for (size_t i = 0; i < keep; i++) {
        char c = authority.p[i];

        name[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    name[keep] = '\0';
    return 0;
}
