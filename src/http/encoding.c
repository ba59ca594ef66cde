/* What a request says of content codings. Floor 4; worker. RFC 9110 12.5.3 */
#include "hostel/http/encoding.h"
#include "hostel/peek/chars.h"

#define WEIGHT_ONE   1000
#define WEIGHT_LEAST 1
#define WEIGHT_NONE  UINT16_MAX /* nothing was said of it */

static const struct {
    struct span name, suffix;
} codings[CODINGS] = {
    [CODING_BR] = {{"br", 2}, {".br", 3}},
    [CODING_ZSTD] = {{"zstd", 4}, {".zst", 4}},
    [CODING_GZIP] = {{"gzip", 4}, {".gz", 3}},
};

struct span
encoding_name(enum coding c)
{
    return codings[c].name;
}

struct span
encoding_suffix(enum coding c)
{
    return codings[c].suffix;
}

/*
 * qvalue = "0" and up to three decimals, or "1" and up to three noughts.
 *
 * ret  0 .. 1000; -1 when it is none
 * src  RFC 9110 12.4.2
 */
static int
weight_of(struct span s)
{
    int weight, unit = WEIGHT_ONE;

    if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.'))
        return -1;
    weight = (s.p[0] - '0') * WEIGHT_ONE;
    for (size_t i = 2; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        unit /= 10;
        weight += (s.p[i] - '0') * unit;
    }
    return weight <= WEIGHT_ONE ? weight : -1;
}

/* ret  the coding; CODINGS for "*"; -1 for one that we do not speak */
static int
coding_of(struct span name)
{
    if (span_eq(name, SPAN("*")))
        return CODINGS;
    if (span_ieq(name, SPAN("identity")))
        return CODING_IDENTITY;
    if (span_ieq(name, SPAN("x-gzip")))
        return CODING_GZIP;
    for (int c = CODING_IDENTITY + 1; c < CODINGS; c++)
        if (span_ieq(name, codings[c].name))
            return c;
    return -1;
}

/*
 * One member: codings [ OWS ";" OWS "q=" qvalue ]
 *
 * out  weight  of "*" behind the others'
 */
static void
read_member(struct span member, uint16_t weight[static CODINGS + 1])
{
    size_t end = span_find(member, ';');
    struct span name = span_trim(span_of(member.p, end));
    struct span value = span_trim(span_skip(member, end + 1));
    int q = WEIGHT_ONE, c = coding_of(name);

    if (c < 0)
        return;
    if (end < member.n) {
        if (value.n < 2 || (value.p[0] != 'q' && value.p[0] != 'Q') || value.p[1] != '=')
            return;
        q = weight_of(span_skip(value, 2));
        if (q < 0)
            return;
    }
    if (q < weight[c])
        weight[c] = (uint16_t)q;
}

void
encoding_wish(const struct request *r, struct encoding_wish *w)
{
    uint16_t weight[CODINGS + 1], any;
    bool said = false;

    for (int c = 0; c <= CODINGS; c++)
        weight[c] = WEIGHT_NONE;
    for (unsigned i = 0; i < r->nfields; i++) {
        struct span rest = r->fields[i].value, member;

        if (!span_ieq(r->fields[i].name, SPAN("accept-encoding")))
            continue;
        said = true;
        while (span_cut(&rest, ',', &member))
            read_member(member, weight);
    }
    any = weight[CODINGS];
    for (int c = 0; c < CODINGS; c++) {
        if (weight[c] == WEIGHT_NONE)
            weight[c] = any != WEIGHT_NONE ? any : c == CODING_IDENTITY ? WEIGHT_LEAST : 0;
        w->weight[c] = weight[c];
    }
    if (!said)
        w->weight[CODING_IDENTITY] = WEIGHT_ONE;
}

enum coding
encoding_choose(const struct encoding_wish *w, unsigned available)
{
    enum coding best = CODINGS;

    for (int i = 1; i <= CODINGS; i++) {
        int c = i % CODINGS; /* identity last */

        if (!(available & CODING_BIT(c)) || w->weight[c] == 0)
            continue;
        if (best == CODINGS || w->weight[c] > w->weight[best])
            best = (enum coding)c;
    }
    return best;
}
