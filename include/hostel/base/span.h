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

/* ASCII letters compare equal in both cases; all other bytes as they are. */
bool span_ieq(struct span a, struct span b);

bool span_starts(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);

/* First index of byte c, or s.n when it is not there. */
size_t span_find(struct span s, char c);

/* s without its first n bytes (n is clamped to s.n). */
struct span span_skip(struct span s, size_t n);

/* s without SP and HT at both ends (RFC 9110 5.6.3 OWS). */
struct span span_trim(struct span s);

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
