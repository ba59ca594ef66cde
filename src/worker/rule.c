/* A RULE message becomes a rule of its site. Floor 6; worker. */
#include "rule.h"

#include "hostel/base/mem.h"
#include "hostel/serve/site.h"

#include <errno.h>

/* A list with room for one more, and that one. */
#define NEXT(list, n) ((list) = mem_grow((list), ((n) + 1) * sizeof(*(list))), &(list)[(n)++])

static void
add_header(struct site_rules *r, const struct msg_rule *m)
{
    static const enum header_op ops[] = {
        [MSG_HEADER_SET] = HEADER_SET,
        [MSG_HEADER_ADD] = HEADER_ADD,
        [MSG_HEADER_REMOVE] = HEADER_REMOVE,
    };

    *NEXT(r->headers, r->nheaders) = (struct header_rule){
        .op = ops[m->op],
        .path = mem_str_span(m->match),
        .status_min = m->a,
        .status_max = m->b,
        .name = mem_str_span(m->name),
        .value = mem_str_span(m->value),
    };
}

static void
add_expires(struct site_rules *r, const struct msg_rule *m)
{
    *NEXT(r->expires, r->nexpires) =
        (struct expires_rule){.type = mem_str_span(m->match), .seconds = m->a};
}

static void
add_redirect(struct site_rules *r, const struct msg_rule *m)
{
    *NEXT(r->redirects, r->nredirects) = (struct redirect_rule){
        .from = mem_str_span(m->match), .to = mem_str_span(m->value), .status = m->a};
}

static void
add_error_page(struct site_rules *r, const struct msg_rule *m)
{
    *NEXT(r->error_pages, r->nerror_pages) = (struct error_page_rule){
        .status_min = m->a, .status_max = m->b, .path = mem_str_span(m->value)};
}

static void
add_auth(struct site_rules *r, const struct msg_rule *m)
{
    *NEXT(r->auths, r->nauths) = (struct auth_rule){.path = mem_str_span(m->match),
                                                    .realm = mem_str_span(m->name),
                                                    .file = mem_str_span(m->value)};
}

static void
add_access(struct site_rules *r, const struct msg_rule *m)
{
    struct access_rule rule = {.allow = m->op != 0, .bits = m->a};

    _Static_assert(sizeof(rule.net) == MSG_NET_BYTES, "an address is as long as in a message");
    memcpy(rule.net, m->match.p, sizeof(rule.net));
    *NEXT(r->access, r->naccess) = rule;
}

static void
add_path(struct site_rules *r, const struct msg_rule *m)
{
    static const enum path_serve serves[] = {
        [MSG_SERVE_ALL] = SERVE_ALL,
        [MSG_SERVE_STATIC] = SERVE_STATIC,
        [MSG_SERVE_INTERNAL] = SERVE_INTERNAL,
        [MSG_SERVE_NOTHING] = SERVE_NOTHING,
        [MSG_SERVE_FORBIDDEN] = SERVE_FORBIDDEN,
    };

    struct path_rule *rule = NEXT(r->paths, r->npaths);

    *rule = (struct path_rule){.path = mem_str_span(m->match),
                               .files = m->a != 0,
                               .serve = serves[m->op],
                               .directory = m->value.n ? mem_str_span(m->value) : NULL};
    if (rule->directory)
        rule->dir = site_dir_new(rule->directory);
}

/* Its pool comes from whoever has the loop: control.c */
static void
add_upstream(struct site_rules *r, const struct msg_rule *m)
{
    *NEXT(r->upstreams, r->nupstreams) = (struct upstream_rule){.path = mem_str_span(m->match)};
}

static void
add_root(struct site_rules *r, const struct msg_rule *m)
{
    struct root_rule *root = NEXT(r->roots, r->nroots);

    *root = (struct root_rule){.use = m->op ? ROOT_OF_LINKS : ROOT_TO_SEND,
                               .path = mem_str_span(m->value)};
    root->dir = site_dir_new(root->path);
}

static void
add_rewrite(struct site_rules *r, const struct msg_rule *m)
{
    *NEXT(r->rewrites, r->nrewrites) =
        (struct rewrite_rule){.from = mem_str_span(m->match), .to = mem_str_span(m->value)};
}

static void
add_param(struct site_rules *r, const struct msg_rule *m)
{
    *NEXT(r->params, r->nparams) =
        (struct param_rule){.name = mem_str_span(m->name), .value = mem_str_span(m->value)};
}

int
rule_add(struct site_rules *r, const struct msg_rule *m)
{
    static void (*const adds[RULE_KINDS])(struct site_rules *, const struct msg_rule *) = {
        [RULE_HEADER] = add_header,     [RULE_EXPIRES] = add_expires,
        [RULE_REDIRECT] = add_redirect, [RULE_ERROR_PAGE] = add_error_page,
        [RULE_AUTH] = add_auth,         [RULE_ACCESS] = add_access,
        [RULE_PATH] = add_path,         [RULE_REWRITE] = add_rewrite,
        [RULE_PARAM] = add_param,       [RULE_ROOT] = add_root,
        [RULE_FASTCGI] = add_upstream,
    };
    const unsigned counts[RULE_KINDS] = {
        [RULE_HEADER] = r->nheaders,     [RULE_EXPIRES] = r->nexpires,
        [RULE_REDIRECT] = r->nredirects, [RULE_ERROR_PAGE] = r->nerror_pages,
        [RULE_AUTH] = r->nauths,         [RULE_ACCESS] = r->naccess,
        [RULE_PATH] = r->npaths,         [RULE_REWRITE] = r->nrewrites,
        [RULE_PARAM] = r->nparams,       [RULE_ROOT] = r->nroots,
        [RULE_FASTCGI] = r->nupstreams,
    };

    if (counts[m->kind] >= RULES_MAX)
        return -EBADMSG;
    adds[m->kind](r, m);
    return 0;
}
