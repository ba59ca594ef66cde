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
span_same_letters(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

bool
span_ends(struct span s, struct span suffix)
{
    return s.n >= suffix.n && span_eq((struct span){s.p + (s.n - suffix.n), suffix.n}, suffix);
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
