/* Small text jobs. Floor 0, every process. */
#include "hostel/base/text.h"

#include <errno.h>

struct span
text_digits(uint64_t v, char text[static TEXT_DIGITS_MAX])
{
    size_t at = TEXT_DIGITS_MAX;

    do
        text[--at] = (char)('0' + v % 10);
    while (v /= 10);
    return span_of(text + at, TEXT_DIGITS_MAX - at);
}

struct unit {
    const char *name;
    uint64_t factor;
};

static int
with_unit(struct span s, const struct unit *units, uint64_t bare, uint64_t *out)
{
    unsigned long long v;
    uint64_t factor = 0;
    size_t digits = 0;
    struct span rest;
    int rc;

    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    rest = span_skip(s, digits);
    if (rest.n == 0)
        factor = bare;
    for (; units->name && !factor; units++)
        if (span_ieq(rest, span_str(units->name)))
            factor = units->factor;
    if (!factor)
        return -EINVAL;
    rc = span_u64((struct span){s.p, digits}, UINT64_MAX / factor, &v);
    if (rc < 0)
        return rc;
    *out = v * factor;
    return 0;
}

int
text_time(struct span s, uint64_t *ms)
{
    static const struct unit units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};

    return with_unit(s, units, 1000, ms);
}

int
text_size(struct span s, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"k", 1ULL << 10}, {"m", 1ULL << 20}, {"g", 1ULL << 30}, {NULL, 0}};

    return with_unit(s, units, 1, bytes);
}

#define NEAREST_MAX 48 /* no directive is longer */

/* Levenshtein distance of two words of at most NEAREST_MAX bytes. */
static size_t
distance(struct span a, struct span b)
{
    size_t row[NEAREST_MAX + 1];

    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t change = diagonal + (a.p[i - 1] != b.p[j - 1]);
            size_t drop = row[j] + 1, insert = row[j - 1] + 1;

            diagonal = row[j];
            row[j] = change < drop ? change : drop;
            if (insert < row[j])
                row[j] = insert;
        }
    }
    return row[b.n];
}

const char *
text_nearest(const char *word, const char *const *names)
{
    struct span w = span_str(word);
    const char *best = NULL;
    size_t least = NEAREST_MAX;

    if (w.n == 0 || w.n > NEAREST_MAX)
        return NULL;
    for (; *names; names++) {
        struct span n = span_str(*names);
        size_t d;

        if (n.n > NEAREST_MAX)
            continue;
        d = distance(w, n);
        if (d < least && d * 3 <= (n.n > w.n ? n.n : w.n)) {
            least = d;
            best = *names;
        }
    }
    return best;
}
