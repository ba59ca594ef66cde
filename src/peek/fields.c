/*
 * The field lines. RFC 9112 5. Floor 1; acceptor and worker.
 *
 * llhttp splits them. Version 8.1.0 also takes a space before the colon, an empty name, folded
 * lines and CR CR LF, so what it reports must tile the bytes exactly: name, ":", OWS, value,
 * OWS, CR LF, next name, to the end. A byte that llhttp skipped for any reason of its own is no
 * tile, and the head is refused.
 */
#include "parts.h"
#include "hostel/peek/chars.h"

#include <llhttp.h>

struct reading {
    struct head *h;
    const char *at; /* up to here the bytes are tiled */
    bool whole;     /* llhttp saw the empty line */
    enum head_verdict verdict;
};

static int
refuse(struct reading *r, enum head_verdict v)
{
    r->verdict = v;
    return -1;
}

static const char *
skip_ows(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* Only OWS and one CR LF lie between the last tile and next. */
static bool
line_ends(const struct reading *r, const char *next)
{
    const char *at = skip_ows(r->at, next);

    return next - at == 2 && at[0] == '\r' && at[1] == '\n';
}

static int
on_field(llhttp_t *p, const char *at, size_t n)
{
    struct reading *r = p->data;
    struct head *h = r->h;

    if (!line_ends(r, at))
        return refuse(r, HEAD_BAD);
    if (h->nfields == HEAD_FIELDS_MAX)
        return refuse(r, HEAD_FIELDS_LONG);
    if (n == 0 || !chars_all(span_of(at, n), CHARS_TOKEN) || at[n] != ':')
        return refuse(r, HEAD_BAD);
    r->at = at + n + 1;
    h->fields[h->nfields++] = (struct field){{at, n}, {r->at, 0}};
    return 0;
}

static int
on_value(llhttp_t *p, const char *at, size_t n)
{
    struct reading *r = p->data;
    struct field *f;

    if (n == 0)
        return 0;
    if (r->h->nfields == 0)
        return refuse(r, HEAD_BAD);
    f = &r->h->fields[r->h->nfields - 1];
    /* a second piece of one value is a folded line */
    if (f->value.n || skip_ows(r->at, at) != at || !chars_all(span_of(at, n), CHARS_VALUE))
        return refuse(r, HEAD_BAD);
    r->at = at + n;
    f->value = span_trim(span_of(at, n));
    return 0;
}

static int
on_whole(llhttp_t *p)
{
    struct reading *r = p->data;

    r->whole = true;
    return HPE_PAUSED; /* framing is judged in meaning.c; llhttp reads no body here */
}

static bool
feed(llhttp_t *p, struct span s)
{
    return llhttp_execute(p, s.p, s.n) == HPE_OK;
}

/* llhttp knows neither every method nor minor versions above 1: it sees a known one instead. */
static bool
feed_line(llhttp_t *p, const struct head *h)
{
    bool known = h->method != HEAD_METHOD_OTHER;

    return feed(p, known ? h->method_text : SPAN("GET")) && feed(p, SPAN(" ")) &&
           feed(p, h->target) &&
           feed(p, h->version == 10 ? SPAN(" HTTP/1.0\r\n") : SPAN(" HTTP/1.1\r\n"));
}

/*
 * Nearly always it may see the line that came, in one run with the fields behind it.
 *
 * in   fields  stand right behind the line, which line_parse() has accepted
 * ret  where the line begins; NULL: it is none that llhttp knows
 */
static const char *
line_before(struct span fields, const struct head *h)
{
    bool known = h->method != HEAD_METHOD_OTHER;

    return known && (fields.p[-1] == '0' || fields.p[-1] == '1') ? h->method_text.p : NULL;
}

/* in  from  where the request line begins, if it stands before bytes; or NULL */
static enum head_verdict
split(struct span bytes, const char *from, struct head *h)
{
    static const llhttp_settings_t settings = {
        .on_header_field = on_field,
        .on_header_value = on_value,
        .on_headers_complete = on_whole,
    };
    struct reading r = {.h = h, .at = bytes.p, .verdict = HEAD_BAD};
    llhttp_t p;

    h->nfields = 0;
    llhttp_init(&p, HTTP_REQUEST, &settings);
    p.data = &r;
    /* meaning.c judges codings, and takes the empty list members that llhttp would not */
    llhttp_set_lenient_transfer_encoding(&p, 1);
    if (!from) {
        if (!feed_line(&p, h))
            return HEAD_BAD;
        from = bytes.p + 2;
    }
    /* "paused" tells less than r */
    (void)llhttp_execute(&p, from, (size_t)(bytes.p + bytes.n - from));
    if (!r.whole || !line_ends(&r, bytes.p + bytes.n - 2))
        return r.verdict;
    return HEAD_OK;
}

/* Every tab as the space that it may stand for. */
static struct span
without_tabs(struct span bytes)
{
    static char copy[HEAD_BYTES_MAX];

    for (size_t i = 0; i < bytes.n; i++)
        copy[i] = bytes.p[i] == '\t' ? ' ' : bytes.p[i];
    return span_of(copy, bytes.n);
}

/*
 * llhttp 8.1.0 takes spaces but no tab behind a length, where both are OWS (RFC 9112 5.1). So a
 * head with tabs is shown to it with spaces, which nothing here tells apart from tabs: the
 * tiles are the same, and the values are then those of the bytes that came.
 */
enum head_verdict
fields_parse(struct span bytes, struct head *h)
{
    enum head_verdict v;
    struct span shown;

    if (span_find(bytes, '\t') == bytes.n || bytes.n > HEAD_BYTES_MAX)
        return split(bytes, line_before(bytes, h), h);
    shown = without_tabs(bytes);
    v = split(shown, NULL, h);
    for (unsigned i = 0; i < h->nfields; i++) {
        struct field *f = &h->fields[i];

        f->name.p = bytes.p + (f->name.p - shown.p);
        f->value.p = bytes.p + (f->value.p - shown.p);
    }
    return v;
}
