/* Conditional requests. Floor 4; worker. RFC 9110 13, 8.8.3 */
#include "hostel/http/cond.h"
#include "hostel/base/date.h"

struct etag {
    struct span opaque; /* with its quotes */
    bool weak;
};

/* etagc and both quotes. RFC 9110 8.8.3 */
static size_t
quoted_len(struct span s)
{
    size_t n = 1;

    if (s.n < 2 || s.p[0] != '"')
        return 0;
    while (n < s.n && s.p[n] != '"') {
        unsigned char c = (unsigned char)s.p[n];

        if (c <= 0x20 || c == 0x7f)
            return 0;
        n++;
    }
    return n < s.n ? n + 1 : 0;
}

/*
 * Cut one ETag off the front.
 *
 * ret  false when there is none
 */
static bool
etag_cut(struct span *rest, struct etag *e)
{
    size_t n;

    e->weak = span_starts(*rest, SPAN("W/")); /* "w/" is none: it is case-sensitive */
    if (e->weak)
        *rest = span_skip(*rest, 2);
    n = quoted_len(*rest);
    if (n == 0)
        return false;
    e->opaque = span_of(rest->p, n);
    *rest = span_skip(*rest, n);
    return true;
}

static bool
etag_same(struct span ours, const struct etag *theirs, bool strong)
{
    struct etag mine;

    if (!etag_cut(&ours, &mine) || (strong && (mine.weak || theirs->weak)))
        return false;
    return span_eq(mine.opaque, theirs->opaque);
}

/* One field line's list; the list may hold commas inside quotes, so it is not cut at them. */
static bool
list_matches(struct span rest, struct span ours, bool strong)
{
    struct etag e;

    if (span_eq(rest, SPAN("*")))
        return true;
    for (;;) {
        while (rest.n && (rest.p[0] == ',' || rest.p[0] == ' ' || rest.p[0] == '\t'))
            rest = span_skip(rest, 1);
        if (rest.n == 0 || !etag_cut(&rest, &e))
            return false;
        if (etag_same(ours, &e, strong))
            return true;
        rest = span_trim(rest);
        if (rest.n && rest.p[0] != ',')
            return false;
    }
}

/* All lines of one name together. */
struct lines {
    unsigned n;
    struct span first;
    bool matches; /* any of them, as an ETag list */
};

static struct lines
gather(const struct request *r, struct span name, struct span etag, bool strong)
{
    struct lines l = {0};

    if (request_lacks(r, name))
        return l;
    for (unsigned i = 0; i < r->nfields; i++) {
        if (!span_ieq(r->fields[i].name, name))
            continue;
        if (l.n++ == 0)
            l.first = r->fields[i].value;
        l.matches = l.matches || list_matches(r->fields[i].value, etag, strong);
    }
    return l;
}

/* A date field that is there once, is a date, and can be compared with something. */
static bool
date_field(const struct request *r, struct span name, const struct cond_state *state,
           time_t *date)
{
    struct lines l = gather(r, name, span_of(NULL, 0), true);

    return l.n == 1 && state->mtime != COND_NO_MTIME &&
           date_parse(l.first, state->now, date) == 0;
}

enum cond_verdict
cond_evaluate(const struct request *r, const struct cond_state *state)
{
    bool reads = r->method == METHOD_GET || r->method == METHOD_HEAD;
    struct lines l;
    time_t date;

    if (request_lacks(r, SPAN("if-match")) && request_lacks(r, SPAN("if-none-match")) &&
        request_lacks(r, SPAN("if-unmodified-since")) &&
        request_lacks(r, SPAN("if-modified-since")))
        return COND_SERVE; /* as most requests */
    l = gather(r, SPAN("if-match"), state->etag, true); /* step 1 of 13.2.2 */
    if (l.n && !l.matches)
        return COND_FAILED;
    if (!l.n && date_field(r, SPAN("if-unmodified-since"), state, &date) && /* step 2 */
        state->mtime > date)
        return COND_FAILED;
    l = gather(r, SPAN("if-none-match"), state->etag, false); /* step 3 */
    if (l.n)
        return !l.matches ? COND_SERVE : reads ? COND_NOT_MODIFIED : COND_FAILED;
    if (reads && date_field(r, SPAN("if-modified-since"), state, &date) && /* step 4 */
        state->mtime <= date)
        return COND_NOT_MODIFIED;
    return COND_SERVE;
}

bool
cond_range_allowed(const struct request *r, const struct cond_state *state)
{
    struct lines l = gather(r, SPAN("if-range"), span_of(NULL, 0), true);
    struct span value = l.first;
    struct etag e;
    time_t date;

    if (l.n == 0)
        return true;
    if (l.n > 1)
        return false;
    if (etag_cut(&value, &e))
        return value.n == 0 && etag_same(state->etag, &e, true);
    /* changed within this second, it may change again and keep its date: weak. 8.8.2.2 */
    return state->mtime != COND_NO_MTIME && date_parse(l.first, state->now, &date) == 0 &&
           date == state->mtime && state->mtime < state->now;
}
