/* Fields to a request. Floor 4; worker. */
#include "h2_fields.h"
#include "hostel/peek/chars.h"

#include <errno.h>

static const struct span pseudo_names[H2_PSEUDOS] = {
    [H2_METHOD] = {":method", 7},
    [H2_SCHEME] = {":scheme", 7},
    [H2_AUTHORITY] = {":authority", 10},
    [H2_PATH] = {":path", 5},
};

/* What says something of one connection; te alone may, and only "trailers". 8.2.2 */
static const struct span connection_names[] = {
    {"connection", 10}, {"keep-alive", 10},        {"proxy-connection", 16},
    {"upgrade", 7},     {"transfer-encoding", 17},
};

void
h2_fields_start(struct h2_fields *f)
{
    f->head.nfields = 0;
    memset(f->pseudo, 0, sizeof(f->pseudo));
    f->list_bytes = f->used = f->cookie_n = 0;
    f->overflow = f->malformed = f->priority = f->shares = false;
    f->urgency = 3;
}

/* Names are lower case in HTTP/2. 8.2.1 */
static bool
name_ok(struct span name)
{
    unsigned capitals = 0;

    for (size_t i = 0; i < name.n; i++)
        capitals |= (unsigned)(name.p[i] >= 'A') & (unsigned)(name.p[i] <= 'Z');
    return name.n > 0 && !capitals && chars_all(name, CHARS_TOKEN);
}

/* No white space around it, no control bytes in it. 8.2.1 */
static bool
value_ok(struct span value)
{
    const char *p = value.p;

    if (value.n == 0)
        return true;
    if (p[0] == ' ' || p[0] == '\t' || p[value.n - 1] == ' ' || p[value.n - 1] == '\t')
        return false;
    return chars_all(value, CHARS_VALUE);
}

static bool
field_ok(struct span name, struct span value)
{
    if (!name_ok(name) || !value_ok(value))
        return false;
    if (span_eq(name, SPAN("te")))
        return span_ieq(value, SPAN("trailers"));
    if (name.n < 7) /* shorter than any of them */
        return true;
    for (size_t i = 0; i < sizeof(connection_names) / sizeof(connection_names[0]); i++)
        if (span_eq(name, connection_names[i]))
            return false;
    return true;
}

void
h2_priority(struct span value, uint8_t *urgency, bool *shares)
{
    struct span member;

    *urgency = 3;
    *shares = false;
    while (span_cut(&value, ',', &member)) {
        if (member.n == 3 && span_starts(member, SPAN("u=")) && member.p[2] >= '0' &&
            member.p[2] <= '7')
            *urgency = (uint8_t)(member.p[2] - '0');
        else if (span_eq(member, SPAN("i")) || span_eq(member, SPAN("i=?1")))
            *shares = true;
        else if (span_eq(member, SPAN("i=?0")))
            *shares = false;
    }
}

bool
h2_fields_trailer(struct span name, struct span value)
{
    return field_ok(name, value);
}

static struct span
keep(struct h2_fields *f, struct span s)
{
    char *at = f->bytes + f->used;

    if (s.n)
        memcpy(at, s.p, s.n);
    f->used += s.n;
    return span_of(at, s.n);
}

static void
add_pseudo(struct h2_fields *f, struct span name, struct span value)
{
    for (unsigned i = 0; i < H2_PSEUDOS; i++) {
        if (!span_eq(name, pseudo_names[i]))
            continue;
        /* once each, before all others. 8.3 */
        if (f->pseudo[i].p || f->head.nfields || f->cookie_n)
            break;
        f->pseudo[i] = keep(f, value);
        return;
    }
    f->malformed = true;
}

static void
add_cookie(struct h2_fields *f, struct span value)
{
    if (f->cookie_n) {
        memcpy(f->cookie + f->cookie_n, "; ", 2);
        f->cookie_n += 2;
    }
    if (value.n)
        memcpy(f->cookie + f->cookie_n, value.p, value.n);
    f->cookie_n += value.n;
}

int
h2_fields_add(struct h2_fields *f, struct span name, struct span value)
{
    f->list_bytes += name.n + value.n + 32;
    if (f->list_bytes > H2_UNPACKED_MAX)
        return -E2BIG;
    f->overflow = f->overflow || f->list_bytes > H2_LIST_MAX;
    if (f->overflow || f->malformed)
        return 0;
    if (name.n && name.p[0] == ':') {
        add_pseudo(f, name, value);
        return 0;
    }
    if (!field_ok(name, value)) {
        f->malformed = true;
    } else if (span_eq(name, H2_COOKIE)) {
        add_cookie(f, value); /* it fits: 32 were counted for each crumb, 2 are used */
    } else if (f->head.nfields == HEAD_FIELDS_MAX - 1) {
        f->overflow = true; /* one place is the cookies' */
    } else {
        struct field *field = &f->head.fields[f->head.nfields++];

        if (span_eq(name, SPAN("priority"))) {
            f->priority = true;
            h2_priority(value, &f->urgency, &f->shares);
        }
        field->name = keep(f, name);
        field->value = keep(f, value);
    }
    return 0;
}

/* Which pseudo-header fields there must be. 8.3.1, 8.5 */
static bool
pseudo_ok(const struct h2_fields *f)
{
    const struct span *p = f->pseudo;

    if (p[H2_METHOD].n == 0 || (p[H2_AUTHORITY].p && p[H2_AUTHORITY].n == 0))
        return false;
    if (span_eq(p[H2_METHOD], SPAN("CONNECT")))
        return p[H2_AUTHORITY].n && !p[H2_SCHEME].p && !p[H2_PATH].p;
    if (!span_ieq(p[H2_SCHEME], SPAN("https")) && !span_ieq(p[H2_SCHEME], SPAN("http")))
        return false;
    return p[H2_PATH].n && (p[H2_PATH].p[0] == '/' || span_eq(p[H2_PATH], SPAN("*")));
}

static void
join_cookies(struct h2_fields *f)
{
    struct field *field = &f->head.fields[f->head.nfields];

    if (f->cookie_n == 0 || sizeof(f->bytes) - f->used < H2_COOKIE.n + f->cookie_n)
        return;
    field->name = keep(f, H2_COOKIE);
    field->value = keep(f, span_of(f->cookie, f->cookie_n));
    f->head.nfields++;
}

int
h2_fields_request(struct h2_fields *f, bool ended, struct request *r, struct h2_head *head)
{
    struct head *h = &f->head;
    enum head_verdict verdict;

    if (f->malformed || !pseudo_ok(f))
        return -EBADMSG;
    join_cookies(f);
    h->version = 20;
    h->method_text = f->pseudo[H2_METHOD];
    h->authority = f->pseudo[H2_AUTHORITY];
    h->target = f->pseudo[H2_PATH].p ? f->pseudo[H2_PATH] : f->pseudo[H2_AUTHORITY];
    h->bytes = f->used;
    verdict = head_judge(h);
    if (verdict == HEAD_BAD)
        return -EBADMSG;
    if (ended && h->has_length && h->length > 0)
        return -EBADMSG; /* 8.1.1 */
    request_from_head(r, h, span_of(f->bytes, f->used));
    if (!ended && r->framing == BODY_NONE && !h->has_length)
        r->framing = BODY_CHUNKED; /* a body of no announced length */
    *head = (struct h2_head){
        .verdict = f->overflow ? HEAD_FIELDS_LONG : (unsigned)verdict,
        .expect_other = h->expect_other,
        .has_body = !ended,
    };
    return 0;
}
