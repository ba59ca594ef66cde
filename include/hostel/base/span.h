/*
 * Lent bytes: a pointer and a length, never owned, never NUL-ended.
 * Floor 0, every process.
 */
#ifndef HOSTEL_BASE_SPAN_H
#define HOSTEL_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *p;
    size_t n;
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

/* The bytes of a NUL-ended string, lent for as long as it lives; NULL gives the empty span. */
static inline struct span
span_str(const char *s)
{
    return (struct span){s, s ? strlen(s) : 0};
}

static inline struct span
span_of(const void *p, size_t n)
{
    return (struct span){p, n};
}

static inline bool
span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* n bytes of each, as span_ieq() compares them. */
bool span_same_letters(const char *a, const char *b, size_t n);

/*
 * ASCII letters compare equal in both cases; all other bytes as they are. Names of fields are
 * looked for with it, and nearly all are told apart by their lengths: that much is in line.
 */
static inline bool
span_ieq(struct span a, struct span b)
{
    return a.n == b.n && span_same_letters(a.p, b.p, a.n);
}

static inline bool
span_starts(struct span s, struct span prefix)
{
    return s.n >= prefix.n && span_eq((struct span){s.p, prefix.n}, prefix);
}

bool span_ends(struct span s, struct span suffix);

/* First index of byte c, or s.n when it is not there. */
static inline size_t
span_find(struct span s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;

    return hit ? (size_t)(hit - s.p) : s.n;
}

/* s without its first n bytes (n is clamped to s.n). */
static inline struct span
span_skip(struct span s, size_t n)
{
    if (n > s.n)
        n = s.n;
    return n ? (struct span){s.p + n, s.n - n} : s;
}

/* s without SP and HT at both ends (RFC 9110 5.6.3 OWS). */
static inline struct span
span_trim(struct span s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/*
 * Cut the next piece off a list.
 *
 * in/out  rest   what is left; advanced past the separator
 * out     piece  the bytes before sep, trimmed of OWS; may be empty
 * ret     false when rest was exhausted (piece untouched)
 */
bool span_cut(struct span *rest, char sep, struct span *piece);

/*
 * Decimal digits only: no sign, no space, no empty value.
 *
 * ret  0; -EINVAL not a number; -ERANGE above max
 */
int span_u64(struct span s, unsigned long long max, unsigned long long *out);

#endif
