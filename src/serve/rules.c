/* A site's rules: patterns, which rule is meant, and their end. Floor 5; worker. */
#include "hostel/serve/rules.h"
#include "hostel/serve/site.h"

#include <stdlib.h>

/* The last star met: only that one ever takes more, those before it took the least already. */
struct star {
    const char *after; /* the pattern behind it; NULL: none was met */
    size_t begin, end; /* what it takes of the path */
};

static void
keep(const struct star *star, unsigned nth, struct span path,
     struct span captures[static REDIRECT_CAPTURES_MAX])
{
    if (nth >= 1 && nth <= REDIRECT_CAPTURES_MAX)
        captures[nth - 1] = span_of(path.p + star->begin, star->end - star->begin);
}

bool
rules_path_captures(const char *pattern, struct span path,
                    struct span captures[static REDIRECT_CAPTURES_MAX], unsigned *ncaptures)
{
    struct star star = {NULL, 0, 0};
    const char *p = pattern;
    unsigned stars = 0;
    size_t i = 0;

    while (*pattern && (*p || i < path.n)) {
        if (*p == '*') {
            keep(&star, stars++, path, captures);
            star = (struct star){++p, i, i};
        } else if (*p && i < path.n && *p == path.p[i]) {
            p++;
            i++;
        } else if (star.after && star.end < path.n) {
            p = star.after;
            i = ++star.end;
        } else {
            return false;
        }
    }
    keep(&star, stars, path, captures);
    *ncaptures = stars < REDIRECT_CAPTURES_MAX ? stars : REDIRECT_CAPTURES_MAX;
    return true;
}

bool
rules_path_matches(const char *pattern, struct span path)
{
    struct span captures[REDIRECT_CAPTURES_MAX];
    unsigned n;

    return rules_path_captures(pattern, path, captures, &n);
}

bool
rules_type_matches(const char *pattern, struct span type)
{
    struct span p = span_str(pattern);

    if (span_eq(p, SPAN("*")))
        return true;
    if (!span_ends(p, SPAN("/*")))
        return span_ieq(p, type);
    p.n--; /* its slash stays: "image/" does not begin "imagex/y" */
    return type.n > p.n && span_ieq(p, span_of(type.p, p.n));
}

bool
rules_net_matches(const struct access_rule *r, const uint8_t addr[static 16])
{
    unsigned whole = r->bits / 8, rest = r->bits % 8;

    if (r->bits > 128 || memcmp(r->net, addr, whole) != 0)
        return false;
    return rest == 0 || (r->net[whole] ^ addr[whole]) >> (8 - rest) == 0;
}

bool
rules_access_allowed(const struct site_rules *r, const uint8_t addr[static 16])
{
    for (const struct access_rule *a = r->access; a < r->access + r->naccess; a++)
        if (rules_net_matches(a, addr))
            return a->allow;
    return true;
}

/* 0 the very type, 1 all of "image/", 2 everything */
static unsigned
width(const struct expires_rule *e)
{
    struct span p = span_str(e->type);

    return span_eq(p, SPAN("*")) ? 2 : span_ends(p, SPAN("/*")) ? 1 : 0;
}

const struct expires_rule *
rules_expires(const struct site_rules *r, struct span type)
{
    const struct expires_rule *best = NULL;

    for (const struct expires_rule *e = r->expires; e < r->expires + r->nexpires; e++)
        if (rules_type_matches(e->type, type) && (!best || width(e) < width(best)))
            best = e;
    return best;
}

const struct error_page_rule *
rules_error_page(const struct site_rules *r, unsigned status)
{
    const struct error_page_rule *best = NULL;

    for (const struct error_page_rule *e = r->error_pages; e < r->error_pages + r->nerror_pages;
         e++)
        if (status >= e->status_min && status <= e->status_max &&
            (!best || e->status_max - e->status_min < best->status_max - best->status_min))
            best = e;
    return best;
}

const struct path_rule *
rules_path(const struct site_rules *r, struct span path, bool found)
{
    for (const struct path_rule *p = r->paths; p < r->paths + r->npaths; p++)
        if ((found || !p->files) && rules_path_matches(p->path, path))
            return p;
    return NULL;
}

enum path_serve
rules_serve(const struct site_rules *r, struct span path, bool found)
{
    const struct path_rule *p = rules_path(r, path, found);

    return p ? p->serve : SERVE_ALL;
}

void
rules_done(struct site_rules *r)
{
    for (unsigned i = 0; i < r->nheaders; i++) {
        free(r->headers[i].path);
        free(r->headers[i].name);
        free(r->headers[i].value);
    }
    for (unsigned i = 0; i < r->nexpires; i++)
        free(r->expires[i].type);
    for (unsigned i = 0; i < r->nredirects; i++) {
        free(r->redirects[i].from);
        free(r->redirects[i].to);
    }
    for (unsigned i = 0; i < r->nerror_pages; i++)
        free(r->error_pages[i].path);
    for (unsigned i = 0; i < r->nauths; i++) {
        free(r->auths[i].path);
        free(r->auths[i].realm);
        free(r->auths[i].file);
    }
    for (unsigned i = 0; i < r->npaths; i++) {
        free(r->paths[i].path);
        site_dir_free(&r->paths[i].dir);
        free(r->paths[i].directory);
    }
    for (unsigned i = 0; i < r->nrewrites; i++) {
        free(r->rewrites[i].from);
        free(r->rewrites[i].to);
    }
    for (unsigned i = 0; i < r->nparams; i++) {
        free(r->params[i].name);
        free(r->params[i].value);
    }
    for (unsigned i = 0; i < r->nroots; i++) {
        site_dir_free(&r->roots[i].dir);
        free(r->roots[i].path);
    }
    for (unsigned i = 0; i < r->nupstreams; i++)
        free(r->upstreams[i].path);
    free(r->headers);
    free(r->expires);
    free(r->redirects);
    free(r->error_pages);
    free(r->auths);
    free(r->access);
    free(r->paths);
    free(r->rewrites);
    free(r->params);
    free(r->roots);
    free(r->upstreams);
    *r = (struct site_rules){0};
}
