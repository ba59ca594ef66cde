/* Where a redirect leads. Floor 5; worker. RFC 9110 15.4 */
#include "redirect.h"
#include "hostel/peek/head.h"
#include "hostel/http/path.h"

/* Which part of an URL is being written. */
enum part { PART_HOST, PART_PATH, PART_QUERY, PART_FRAGMENT };

struct target {
    struct buf *out;
    size_t start;      /* of the path in out */
    size_t host_start; /* of the host in out, for PART_HOST */
    enum part part;
    bool has_query;
    struct span query; /* the request's */
};

/* Unreserved ones stay: in a query "&" and "=" mean something, in a host nearly all does. */
static int
add_strictly(struct buf *out, struct span s)
{
    static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "-._~";
    int rc = 0;

    for (size_t i = 0; i < s.n && rc == 0; i++) {
        if (s.p[i] && strchr(kept, s.p[i]))
            rc = buf_add(out, s.p + i, 1);
        else
            rc = buf_addf(out, "%%%02X", (unsigned char)s.p[i]);
    }
    return rc;
}

static int
begin_path(struct target *t)
{
    t->part = PART_PATH;
    t->start = t->out->len;
    return 0;
}

/* The request's own query, where the target's would stand. */
static int
end_path(struct target *t)
{
    int rc = 0;

    if (!t->has_query && t->query.p) {
        rc = buf_add_str(t->out, "?");
        if (rc == 0)
            rc = buf_add_span(t->out, t->query);
    }
    t->has_query = true;
    return rc;
}

/* One byte of a path; of slashes at its start one is enough: "//host" names another host. */
static int
add_path_byte(struct target *t, char c)
{
    if (t->out->len == t->start && c != '/' && buf_add_str(t->out, "/") < 0)
        return -ENOBUFS;
    if (c == '/' && t->out->len == t->start + 1)
        return 0;
    return buf_add(t->out, &c, 1);
}

static int
add_literal(struct target *t, char c)
{
    int rc = 0;

    if (t->part == PART_HOST && (c == '/' || c == '?' || c == '#'))
        rc = begin_path(t);
    if (t->part == PART_PATH && c == '?') {
        t->part = PART_QUERY;
        t->has_query = true;
    } else if (t->part <= PART_QUERY && c == '#') {
        rc = end_path(t);
        t->part = PART_FRAGMENT;
    }
    if (rc < 0)
        return rc;
    return t->part == PART_PATH ? add_path_byte(t, c) : buf_add(t->out, &c, 1);
}

static int
add_capture(struct target *t, struct span capture)
{
    struct buf encoded;
    int rc;

    if (t->part == PART_HOST && t->out->len > t->host_start)
        begin_path(t);
    if (t->part != PART_PATH)
        return add_strictly(t->out, capture);
    buf_init(&encoded, REDIRECT_LOCATION_MAX);
    rc = path_encode(&encoded, capture);
    for (size_t i = 0; i < encoded.len && rc == 0; i++)
        rc = add_path_byte(t, buf_span(&encoded).p[i]);
    buf_done(&encoded);
    return rc;
}

/* ret  bytes of "scheme://" at the start, or 0 */
static size_t
scheme_length(const char *to)
{
    static const struct span schemes[] = {SPAN("http://"), SPAN("https://")};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncasecmp(to, schemes[i].p, schemes[i].n) == 0)
            return schemes[i].n;
    return 0;
}

int
redirect_target(struct buf *out, const char *to, const struct span *captures,
                unsigned ncaptures, struct span query)
{
    size_t scheme = scheme_length(to);
    struct target t = {out, out->len, out->len + scheme, PART_PATH, false, query};
    int rc = buf_add(out, to, scheme);

    if (scheme)
        t.part = PART_HOST;
    for (to += scheme; *to && rc == 0; to++) {
        if (to[0] == '$' && to[1] >= '1' && to[1] <= '9') {
            unsigned nth = (unsigned)(*++to - '1');

            rc = nth < ncaptures ? add_capture(&t, captures[nth]) : 0;
        } else {
            rc = add_literal(&t, *to);
        }
    }
    if (rc == 0 && t.part == PART_PATH && out->len == t.start)
        rc = buf_add_str(out, "/");
    return rc < 0 ? rc : end_path(&t);
}

static void
answer(struct exchange *x, const struct redirect_rule *rule, const struct span *captures,
       unsigned ncaptures)
{
    struct span query = x->req.has_query ? x->req.query : span_of(NULL, 0);
    struct field location = {SPAN("Location"), {NULL, 0}};
    struct buf target;

    if (x->req.has_query && !query.p)
        query = SPAN("");
    buf_init(&target, REDIRECT_LOCATION_MAX);
    if (redirect_target(&target, rule->to, captures, ncaptures, query) < 0) {
        errorpage_answer(x, 414, NULL, 0);
    } else {
        location.value = buf_span(&target);
        errorpage_answer(x, rule->status, &location, 1);
    }
    buf_done(&target);
}

bool
redirect_answer(struct exchange *x, struct span path)
{
    const struct site_rules *rules = &x->site->rules;
    struct span captures[REDIRECT_CAPTURES_MAX];
    unsigned n;

    for (unsigned i = 0; i < rules->nredirects; i++) {
        if (!rules_path_captures(rules->redirects[i].from, path, captures, &n))
            continue;
        answer(x, &rules->redirects[i], captures, n);
        return true;
    }
    return false;
}

bool
redirect_to_https(struct exchange *x, struct span path)
{
    bool reading = x->req.method == METHOD_GET || x->req.method == METHOD_HEAD;
    struct field location = {SPAN("Location"), {NULL, 0}};
    struct buf target;
    int rc;

    /* who says no host is so old that he has no TLS either */
    if (x->visitor->https || x->site->https_port == 0 || x->req.host_name.n == 0 ||
        head_is_acme(path))
        return false;
    buf_init(&target, REDIRECT_LOCATION_MAX);
    rc = buf_add_str(&target, "https://");
    if (rc == 0)
        rc = buf_add_span(&target, x->req.host_name);
    if (rc == 0 && x->site->https_port != 443)
        rc = buf_addf(&target, ":%u", x->site->https_port);
    /* still encoded, and without a byte that could not stand there: it was in a request line */
    if (rc == 0)
        rc = buf_add_span(&target, x->req.path);
    if (rc == 0 && x->req.has_query)
        rc = buf_add_str(&target, "?");
    if (rc == 0 && x->req.has_query)
        rc = buf_add_span(&target, x->req.query);
    location.value = buf_span(&target);
    if (rc < 0)
        errorpage_answer(x, 414, NULL, 0);
    else /* 308: the method stays what it is. RFC 9110 15.4.9 */
        errorpage_answer(x, reading ? 301 : 308, &location, 1);
    buf_done(&target);
    return true;
}
