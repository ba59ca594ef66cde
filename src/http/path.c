/* Request paths. Floor 4; worker. RFC 3986 2.1, 5.2.4 */
#include "hostel/http/path.h"
#include "hostel/peek/chars.h"

#include <errno.h>

/* A path as it grows: out[0..n) ends with "/" whenever a segment begins. */
struct growing {
    char *out;
    size_t n, cap;
};

static bool
control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/*
 * One byte or one escape off the front of rest. An escape is decoded once: what "%252e" gives
 * is "%2e", a name like any other.
 */
static int
next_byte(struct span *rest, char *c)
{
    *c = rest->p[0];
    if (*c == '%') {
        int high = rest->n > 2 ? chars_hex(rest->p[1]) : -1;
        int low = rest->n > 2 ? chars_hex(rest->p[2]) : -1;

        if (high < 0 || low < 0)
            return -EINVAL;
        *c = (char)(unsigned char)(high * 16 + low);
        /* an encoded slash is data to some and a separator to others: to us it is neither */
        if (*c == '/')
            return -EINVAL;
        *rest = span_skip(*rest, 2);
    }
    *rest = span_skip(*rest, 1);
    return control(*c) ? -EINVAL : 0;
}

/* Decode up to the next "/" behind what is there already; g->n stays where the segment begins.
 */
static int
decode_segment(struct growing *g, struct span *rest, struct span *segment)
{
    size_t n = g->n;

    while (rest->n && rest->p[0] != '/') {
        char c;

        if (next_byte(rest, &c) < 0)
            return -EINVAL;
        if (n + 2 > g->cap)
            return -ENAMETOOLONG;
        g->out[n++] = c;
    }
    *segment = span_of(g->out + g->n, n - g->n);
    return 0;
}

static int
drop_last(struct growing *g)
{
    if (g->n == 1)
        return -EINVAL;
    do
        g->n--;
    while (g->out[g->n - 1] != '/');
    return 0;
}

static int
take_segment(struct growing *g, struct span segment, bool last)
{
    if (segment.n == 0 || span_eq(segment, SPAN(".")))
        return 0;
    if (span_eq(segment, SPAN("..")))
        return drop_last(g);
    if (segment.p[0] == '.' && !span_eq(segment, SPAN(".well-known")))
        return -ENOENT;
    g->n += segment.n;
    if (last)
        return 0;
    if (g->n + 2 > g->cap)
        return -ENAMETOOLONG;
    g->out[g->n++] = '/';
    return 0;
}

ssize_t
path_decode(struct span path, char *out, size_t cap)
{
    struct growing g = {out, 1, cap};
    struct span rest = path;

    if (path.n == 0 || path.p[0] != '/')
        return -EINVAL;
    if (cap < 2)
        return -ENAMETOOLONG;
    out[0] = '/';
    while (rest.n) {
        struct span segment;
        int rc;

        rest = span_skip(rest, 1); /* the slash */
        rc = decode_segment(&g, &rest, &segment);
        if (rc == 0)
            rc = take_segment(&g, segment, rest.n == 0);
        if (rc < 0)
            return rc;
    }
    out[g.n] = '\0';
    return (ssize_t)g.n;
}

int
path_encode(struct buf *out, struct span path)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t need = 0;
    char *at;

    for (size_t i = 0; i < path.n; i++)
        need += chars_is(path.p[i], CHARS_PATH) ? 1 : 3;
    if (need == 0)
        return 0;
    at = buf_reserve(out, need);
    if (!at)
        return -ENOBUFS;
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];

        if (chars_is(path.p[i], CHARS_PATH)) {
            *at++ = path.p[i];
            continue;
        }
        *at++ = '%';
        *at++ = hex[c >> 4];
        *at++ = hex[c & 15];
    }
    buf_claim(out, need);
    return 0;
}
