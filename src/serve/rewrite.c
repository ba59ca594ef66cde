/* What serves a path that is no file. Floor 5; worker. */
#include "rewrite.h"
#include "hostel/http/path.h"
#include "redirect.h"

/* The rule's query first: of two values of one name, scripts take the last. RFC 3986 3.4 */
static int
join_query(struct buf *bytes, const struct request *req, bool has_query)
{
    int rc = 0;

    if (!req->has_query)
        return 0;
    rc = buf_add_str(bytes, has_query ? "&" : "?");
    return rc < 0 ? rc : buf_add_span(bytes, req->query);
}

bool
rewrite_fits(const struct rewrite_rule *rule, const struct request *req, struct span path,
             struct rewrite *out)
{
    struct span captures[REDIRECT_CAPTURES_MAX], whole;
    ssize_t path_n = -1;
    struct buf bytes;
    size_t question;
    unsigned n;
    int rc;

    if (!rules_path_captures(rule->from, path, captures, &n))
        return false;
    buf_init(&bytes, 2 * REDIRECT_LOCATION_MAX);
    rc = redirect_target(&bytes, rule->to, captures, n, span_of(NULL, 0));
    question = span_find(buf_span(&bytes), '?');
    if (rc == 0)
        rc = join_query(&bytes, req, question < bytes.len);
    whole = buf_span(&bytes);
    if (rc == 0)
        path_n = path_decode(span_of(whole.p, question), out->path, sizeof(out->path));
    if (path_n < 0) {
        buf_done(&bytes);
        return false;
    }
    out->path_n = (size_t)path_n;
    out->has_query = question < whole.n;
    out->query = span_skip(whole, question + 1);
    out->bytes = bytes;
    return true;
}

void
rewrite_done(struct rewrite *r)
{
    buf_done(&r->bytes);
}
