/* Directory listings. Floor 5; worker. */
#include "autoindex.h"
#include "autoindex_page.h"
#include "hostel/base/date.h"
#include "hostel/base/mem.h"
#include "hostel/http/accept.h"
#include "hostel/http/cond.h"
#include "hostel/serve/response.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct index {
    struct buf page;
    bool json, whole;
    char etag[32];
    char modified[DATE_LEN + 1]; /* "" when something is dated in the future, or before 1970 */
    time_t newest;
};

/* The value of one name in "a=b&c=d"; nothing we look for needs decoding. */
static struct span
query_value(struct span query, struct span name)
{
    struct span piece;

    while (span_cut(&query, '&', &piece)) {
        size_t eq = span_find(piece, '=');

        if (span_eq(span_of(piece.p, eq), name))
            return span_skip(piece, eq + 1);
    }
    return span_of(NULL, 0);
}

static enum listing_key
wanted_key(const struct request *r)
{
    struct span sort = query_value(r->query, SPAN("sort"));

    if (span_eq(sort, SPAN("size")))
        return LISTING_BY_SIZE;
    return span_eq(sort, SPAN("time")) ? LISTING_BY_TIME : LISTING_BY_NAME;
}

static bool
wants_json(const struct request *r)
{
    unsigned json = accept_weight(r, SPAN("application/json"));

    return json > accept_weight(r, SPAN("text/html"));
}

/* The same page, the same tag: a change of an entry shows in no time stamp of the directory. */
static void
describe(struct index *ix)
{
    struct span s = buf_span(&ix->page);
    uint64_t h = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    snprintf(ix->etag, sizeof(ix->etag), "W/\"%" PRIx64 "\"", h);
    if (ix->newest >= 0 && ix->newest <= time(NULL))
        date_format(ix->newest, ix->modified);
}

static int
make(struct index *ix, const struct exchange *x, struct span path, struct found *f)
{
    enum listing_key key = wanted_key(&x->req);
    bool descending = span_eq(query_value(x->req.query, SPAN("order")), SPAN("desc"));
    struct listing l;
    int rc = listing_read(&l, x->site, f);

    if (rc < 0)
        return rc;
    listing_sort(&l, key, descending);
    buf_init(&ix->page, AUTOINDEX_PAGE_MAX);
    ix->json = wants_json(&x->req);
    ix->whole = true;
    ix->newest = l.newest;
    if (ix->json)
        ix->whole = autoindex_json(&ix->page, &l);
    else
        autoindex_html(&ix->page, &l, path, key, descending);
    listing_done(&l);
    describe(ix);
    return 0;
}

static void
add_fields(struct response *r, const struct index *ix)
{
    if (ix->modified[0])
        response_add(r, SPAN("Last-Modified"), span_of(ix->modified, DATE_LEN));
    response_add(r, SPAN("ETag"), span_str(ix->etag));
    response_add(r, SPAN("Vary"), SPAN("Accept"));
    response_add(r, SPAN("Cache-Control"),
                 SPAN("no-cache")); /* kept, but asked for each time */
    if (r->status == 304)
        return;
    response_add(r, SPAN("Content-Type"),
                 ix->json ? SPAN("application/json") : SPAN("text/html; charset=utf-8"));
    response_add(r, SPAN("X-Content-Type-Options"), SPAN("nosniff"));
    if (!ix->json) /* whatever a file is called, nothing in the page runs or loads */
        response_add(r, SPAN("Content-Security-Policy"),
                     SPAN("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                          "form-action 'none'; frame-ancestors 'self'"));
    if (!ix->whole)
        response_add(r, SPAN("X-Listing"), SPAN("incomplete"));
}

static void
page_release(void *page)
{
    buf_done(page);
    free(page);
}

static void
send_page(struct exchange *x, struct index *ix, unsigned status)
{
    struct buf *page;
    struct piece p = {.fd = -1, .release = page_release};
    struct response r;

    response_start(&r, status);
    r.bodiless = status == 304 || x->req.method == METHOD_HEAD;
    if (status != 304)
        r.length = ix->page.len;
    add_fields(&r, ix);
    if (x->sink->ops->head(x->sink, &r) == SINK_GONE)
        return;
    if (!r.bodiless) {
        page = mem_new(sizeof(*page));
        *page = ix->page;
        ix->page = (struct buf){0};
        p.bytes = buf_span(page);
        p.owner = page;
        if (x->sink->ops->lend(x->sink, &p) == SINK_GONE)
            return;
    }
    x->sink->ops->end(x->sink);
}

void
autoindex_answer(struct exchange *x, struct span path, struct found *f)
{
    static const struct field retry = {{"Retry-After", 11}, {"5", 1}};
    struct cond_state state = {.now = time(NULL)};
    struct index ix = {0};

    if (make(&ix, x, path, f) < 0) {
        errorpage_answer(x, 503, &retry, 1);
        return;
    }
    state.etag = span_str(ix.etag);
    state.mtime = ix.modified[0] ? ix.newest : COND_NO_MTIME;
    switch (cond_evaluate(&x->req, &state)) {
    case COND_FAILED:
        errorpage_answer(x, 412, NULL, 0);
        break;
    case COND_NOT_MODIFIED:
        send_page(x, &ix, 304);
        break;
    case COND_SERVE:
        send_page(x, &ix, 200);
        break;
    }
    buf_done(&ix.page);
}
