/* What the fields mean for routing and framing. Floor 1; acceptor and worker. */
#include "parts.h"
#include "hostel/peek/chars.h"

/* Length bodies are counted in off_t further up. */
#define LENGTH_MAX ((unsigned long long)INT64_MAX)

struct gathered {
    struct head *h;
    unsigned hosts;
    struct span host;
    bool coded; /* a Transfer-Encoding was there */
    bool unknown_coding;
    bool close, keep;
};

static enum head_verdict
on_host(struct gathered *g, struct span value)
{
    g->host = value;
    return g->hosts++ ? HEAD_BAD : HEAD_OK; /* RFC 9112 3.2 */
}

/* RFC 9112 9.3; members that mean nothing to us are skipped */
static enum head_verdict
on_connection(struct gathered *g, struct span value)
{
    struct span member;

    if (g->h->version == 20) /* RFC 9113 8.2.2 */
        return HEAD_BAD;
    while (span_cut(&value, ',', &member)) {
        g->close |= span_ieq(member, SPAN("close"));
        g->keep |= span_ieq(member, SPAN("keep-alive"));
    }
    return HEAD_OK;
}

/*
 * One length, once. RFC 9112 6.3 would let us take equal ones; whoever sends two has been
 * tampered with or wants to know how we differ from what is in front of us.
 */
static enum head_verdict
on_length(struct gathered *g, struct span value)
{
    unsigned long long length;

    if (g->h->has_length || span_u64(value, LENGTH_MAX, &length) < 0)
        return HEAD_BAD;
    g->h->has_length = true;
    g->h->length = length;
    return HEAD_OK;
}

/* chunked last and once; others may stand before it, but we know none. RFC 9112 6.1, 7 */
static enum head_verdict
on_coding(struct gathered *g, struct span value)
{
    struct span member;

    if (g->h->version == 20) /* RFC 9113 8.2.2 */
        return HEAD_BAD;
    g->coded = true;
    while (span_cut(&value, ',', &member)) {
        struct span name = span_of(member.p, chars_span(member, CHARS_TOKEN));
        struct span params = span_trim(span_skip(member, name.n));

        if (member.n == 0) /* RFC 9110 5.6.1.2 */
            continue;
        if (g->h->chunked || name.n == 0 || (params.n && params.p[0] != ';'))
            return HEAD_BAD;
        if (!span_ieq(name, SPAN("chunked")))
            g->unknown_coding = true;
        else if (name.n == member.n)
            g->h->chunked = true;
        else
            return HEAD_BAD; /* chunked has no parameters */
    }
    return HEAD_OK;
}

/* RFC 9110 10.1.1: HTTP/1.0 has no 100 */
static enum head_verdict
on_expect(struct gathered *g, struct span value)
{
    struct span member;

    while (span_cut(&value, ',', &member)) {
        if (member.n == 0)
            continue;
        if (span_ieq(member, SPAN("100-continue")))
            g->h->expect_continue = g->h->version != 10;
        else
            g->h->expect_other = true;
    }
    return HEAD_OK;
}

struct meaning {
    struct span name;
    enum head_verdict (*run)(struct gathered *g, struct span value);
};

/* By length of name: no two have the same, and most fields are passed over by that alone. */
static const struct meaning meanings[] = {
    [4] = {{"host", 4}, on_host},
    [6] = {{"expect", 6}, on_expect},
    [10] = {{"connection", 10}, on_connection},
    [14] = {{"content-length", 14}, on_length},
    [17] = {{"transfer-encoding", 17}, on_coding},
};

static enum head_verdict
gather(struct gathered *g)
{
    struct head *h = g->h;

    for (unsigned i = 0; i < h->nfields; i++) {
        const struct field *f = &h->fields[i];
        const struct meaning *m;
        enum head_verdict v;

        if (f->name.n >= sizeof(meanings) / sizeof(meanings[0]))
            continue;
        m = &meanings[f->name.n];
        if (!m->run || !span_ieq(f->name, m->name))
            continue;
        v = m->run(g, f->value);
        if (v != HEAD_OK)
            return v;
    }
    return HEAD_OK;
}

/* Two ways to tell a body's end, or a coding that HTTP/1.0 has not, is smuggling. RFC 9112 6.1
 */
static enum head_verdict
judge_framing(const struct gathered *g)
{
    const struct head *h = g->h;

    if (!g->coded)
        return HEAD_OK;
    if (h->has_length || h->version == 10)
        return HEAD_BAD;
    if (g->unknown_coding)
        return HEAD_NOT_IMPLEMENTED;
    return h->chunked ? HEAD_OK : HEAD_BAD;
}

/*
 * The target's authority beats Host, but a bad Host is refused even then. RFC 9112 3.2. In
 * HTTP/2 there may be no Host, but none that says something else. RFC 9113 8.3.1
 */
static enum head_verdict
judge_host(const struct gathered *g)
{
    struct head *h = g->h;
    bool known = h->version == 20 && h->authority.n;

    if (g->hosts == 0 && h->version != 10 && !known)
        return HEAD_BAD;
    if (g->hosts && known && !span_ieq(g->host, h->authority))
        return HEAD_BAD;
    if (head_host_name(g->host, h->host_name) < 0)
        return HEAD_BAD;
    if (h->authority.n == 0)
        h->authority = g->host;
    else if (head_host_name(h->authority, h->host_name) < 0)
        return HEAD_BAD;
    return HEAD_OK;
}

enum head_verdict
meaning_parse(struct head *h)
{
    struct gathered g = {.h = h};
    enum head_verdict v;

    h->expect_continue = h->expect_other = false;
    h->chunked = h->has_length = false;
    h->length = 0;
    v = gather(&g);
    if (v == HEAD_OK)
        v = judge_host(&g);
    if (v == HEAD_OK)
        v = judge_framing(&g);
    h->keep_alive = !g.close && (h->version != 10 || g.keep);
    return v;
}

enum head_verdict
head_judge(struct head *h)
{
    struct span authority = h->authority;
    enum head_verdict v = line_judge(h);

    if (v != HEAD_OK)
        return v;
    if (authority.n)
        h->authority = authority;
    return meaning_parse(h);
}
