/* The Range field. Floor 4; worker. RFC 9110 14.1.2, 14.2 */
#include "hostel/http/range.h"

#include <errno.h>

enum spec {
    SPEC_BAD,
    SPEC_UNSATISFIABLE,
    SPEC_EMPTY_WHOLE, /* the last n bytes of an empty file: all of it, and no range can say so
                       */
    SPEC_GOOD,
};

/* Digits off the front; a number that does not fit is far behind every file's end anyway. */
static bool
position(struct span *rest, uint64_t *out)
{
    uint64_t v = 0;
    size_t n = 0;

    for (; n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9'; n++) {
        unsigned d = (unsigned)(rest->p[n] - '0');

        v = v > (UINT64_MAX - d) / 10 ? UINT64_MAX : v * 10 + d;
    }
    *rest = span_skip(*rest, n);
    *out = v;
    return n > 0;
}

static enum spec
suffix(uint64_t length, uint64_t size, struct range *r)
{
    if (length == 0)
        return SPEC_UNSATISFIABLE;
    if (size == 0)
        return SPEC_EMPTY_WHOLE;
    *r = (struct range){length < size ? size - length : 0, size - 1};
    return SPEC_GOOD;
}

/* "first-", "first-last" or "-length" */
static enum spec
spec_parse(struct span s, uint64_t size, struct range *r)
{
    uint64_t first, last = UINT64_MAX;
    bool has_first = position(&s, &first), has_last;

    if (s.n == 0 || s.p[0] != '-')
        return SPEC_BAD;
    s = span_skip(s, 1);
    has_last = s.n > 0;
    if ((has_last && !position(&s, &last)) || s.n)
        return SPEC_BAD;
    if (!has_first)
        return has_last ? suffix(last, size, r) : SPEC_BAD;
    if (last < first)
        return SPEC_BAD;
    if (first >= size)
        return SPEC_UNSATISFIABLE;
    *r = (struct range){first, last < size ? last : size - 1};
    return SPEC_GOOD;
}

int
range_parse(struct span value, uint64_t size, struct range r[static RANGE_MAX])
{
    static const struct span unit = {"bytes=", 6};
    struct range got[RANGE_MAX];
    struct span rest, piece;
    unsigned specs = 0, n = 0;
    bool empty_whole = false;

    if (value.n <= unit.n || !span_ieq(span_of(value.p, unit.n), unit))
        return 0;
    rest = span_skip(value, unit.n);
    while (span_cut(&rest, ',', &piece)) {
        if (piece.n == 0)
            continue;
        if (++specs > RANGE_MAX)
            return 0;
        switch (spec_parse(piece, size, &got[n])) {
        case SPEC_BAD:
            return 0;
        case SPEC_EMPTY_WHOLE:
            empty_whole = true;
            break;
        case SPEC_GOOD:
            n++;
            break;
        case SPEC_UNSATISFIABLE:
            break;
        }
    }
    if (n == 0)
        return specs && !empty_whole ? -ERANGE : 0;
    memcpy(r, got, n * sizeof(got[0]));
    return (int)n;
}

/* Do they overlap, or does one begin where the other ends? */
static bool
touch(const struct range *a, const struct range *b)
{
    /* last < size <= UINT64_MAX: one more always fits */
    return a->first <= b->last + 1 && b->first <= a->last + 1;
}

/* Take every range that touches r[at] into it; what it has become may touch others then. */
static unsigned
swallow(struct range *r, unsigned n, unsigned at)
{
    for (unsigned i = at + 1; i < n; i++) {
        if (!touch(&r[at], &r[i]))
            continue;
        if (r[i].first < r[at].first)
            r[at].first = r[i].first;
        if (r[i].last > r[at].last)
            r[at].last = r[i].last;
        n--;
        memmove(&r[i], &r[i + 1], (n - i) * sizeof(r[0]));
        i = at;
    }
    return n;
}

unsigned
range_coalesce(struct range *r, unsigned n)
{
    for (unsigned at = 0; at < n; at++)
        n = swallow(r, n, at);
    return n;
}
