/* Lent bytes. Floor 0, every process. */
#include "hostel/base/span.h"

#include <errno.h>

static inline unsigned char
lower(char c)
{
    unsigned char u = (unsigned char)c;

    return (u >= 'A' && u <= 'Z') ? (unsigned char)(u | 0x20) : u;
}

bool
span_ieq(struct span a, struct span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool
span_starts(struct span s, struct span prefix)
{
    return s.n >= prefix.n && span_eq((struct span){s.p, prefix.n}, prefix);
}

bool
span_ends(struct span s, struct span suffix)
{
    return s.n >= suffix.n && span_eq((struct span){s.p + (s.n - suffix.n), suffix.n}, suffix);
}

size_t
span_find(struct span s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;

    return hit ? (size_t)(hit - s.p) : s.n;
}

struct span
span_skip(struct span s, size_t n)
{
    if (n > s.n)
        n = s.n;
    return n ? (struct span){s.p + n, s.n - n} : s;
}

static bool
is_ows(char c)
{
    return c == ' ' || c == '\t';
}

struct span
span_trim(struct span s)
{
    while (s.n && is_ows(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_ows(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool
span_cut(struct span *rest, char sep, struct span *piece)
{
    size_t at;

    if (!rest->p)
        return false;
    at = span_find(*rest, sep);
    *piece = span_trim((struct span){rest->p, at});
    *rest = at == rest->n ? (struct span){NULL, 0} : span_skip(*rest, at + 1);
    return true;
}

int
span_u64(struct span s, unsigned long long max, unsigned long long *out)
{
    unsigned long long v = 0;

    if (s.n == 0)
        return -EINVAL;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned)(s.p[i] - '0');

        if (s.p[i] < '0' || s.p[i] > '9')
            return -EINVAL;
        if (v > (max - d) / 10 || d > max)
            return -ERANGE;
        v = v * 10 + d;
    }
    *out = v;
    return 0;
}
