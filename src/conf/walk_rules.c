/*
 * The walk through the directives of a vhost that become rules. Floor 2; supervisor.
 *
 *     list:   headers, redirects, rewrites, paths, auth_basic
 *                                           [{key: value, ...}, ...]   walk_entry
 *     pairs:  expires, error_pages, params  {key: value, ...}          walk_pair
 */
#include "walk_rules.h"

#include "value.h"
#include "value_rules.h"

#include "hostel/base/mem.h"

#include <stdlib.h>

static struct rules *
noted(struct walk *w)
{
    return &w->notes->vhosts[w->notes->nvhosts - 1].rules;
}

/* ret  the text, no longer the entry's; "" where none was written */
static char *
take(char **text)
{
    char *taken = *text ? *text : mem_str("");

    *text = NULL;
    return taken;
}

/* --- lists of mappings: the texts of one, by row, all of them checked ----------------------
 */

static void
add_header(struct walk *w, struct place at, char **text)
{
    static const struct {
        enum row_id id;
        enum conf_header_op op;
    } ops[] = {{ROW_HEADERS_SET, CONF_HEADER_SET},
               {ROW_HEADERS_ADD, CONF_HEADER_ADD},
               {ROW_HEADERS_REMOVE, CONF_HEADER_REMOVE}};
    const char *status = text[ROW_HEADERS_STATUS];
    struct conf_rule rule = {.kind = CONF_HEADER};
    struct span name = {NULL, 0}, value = {NULL, 0};
    unsigned n = 0;

    for (size_t i = 0; i < 3; i++)
        if (text[ops[i].id]) {
            rule.op = ops[i].op;
            name = span_str(text[ops[i].id]);
            n++;
        }
    if (n != 1) {
        errors_at(w->errors, at, "an entry of `headers` must have one of set, add and remove");
        return;
    }
    if (rule.op != CONF_HEADER_REMOVE)
        value_header(name, &name, &value);
    value_statuses(span_str(status ? status : rows[ROW_HEADERS_STATUS].preset),
                   &rule.status_min, &rule.status_max);
    rule.match = take(&text[ROW_HEADERS_PATH]);
    rule.name = mem_str_span(name);
    rule.value = mem_str_span(value);
    rules_add(noted(w), rule);
}

/* in  from, to  NULL: that was said already */
static bool
captures_fit(struct walk *w, struct place at, const char *from, const char *to)
{
    unsigned stars, captures;

    if (!from || !to)
        return false;
    stars = value_stars(span_str(from));
    captures = value_captures(span_str(to));
    if (captures > stars)
        errors_at(w->errors, at, "`to` has $%u, but `from` has only %u of *", captures, stars);
    return captures <= stars;
}

static void
add_redirect(struct walk *w, struct place at, char **text)
{
    const char *status = text[ROW_REDIRECTS_STATUS];
    struct conf_rule rule = {.kind = CONF_REDIRECT};

    if (!captures_fit(w, at, text[ROW_REDIRECTS_FROM], text[ROW_REDIRECTS_TO]))
        return;
    value_statuses(span_str(status ? status : rows[ROW_REDIRECTS_STATUS].preset),
                   &rule.status_min, &rule.status_max);
    rule.match = take(&text[ROW_REDIRECTS_FROM]);
    rule.value = take(&text[ROW_REDIRECTS_TO]);
    rules_add(noted(w), rule);
}

static void
add_auth(struct walk *w, struct place at, char **text)
{
    struct conf_rule rule = {.kind = CONF_AUTH};

    (void)at;
    if (!text[ROW_AUTH_REALM] || !text[ROW_AUTH_FILE])
        return;
    rule.match = take(&text[ROW_AUTH_PATH]);
    rule.name = take(&text[ROW_AUTH_REALM]);
    rule.value = take(&text[ROW_AUTH_FILE]);
    rules_add(noted(w), rule);
}

static void
add_rewrite(struct walk *w, struct place at, char **text)
{
    struct conf_rule rule = {.kind = CONF_REWRITE};

    if (!captures_fit(w, at, text[ROW_REWRITES_FROM], text[ROW_REWRITES_TO]))
        return;
    rule.match = take(&text[ROW_REWRITES_FROM]);
    rule.value = take(&text[ROW_REWRITES_TO]);
    rules_add(noted(w), rule);
}

static void
add_path(struct walk *w, struct place at, char **text)
{
    struct conf_rule rule = {.kind = CONF_PATH};
    struct span path = span_str(text[ROW_PATHS_PATH]);

    if (!text[ROW_PATHS_SERVE])
        return;
    if (!text[ROW_PATHS_PATH] == !text[ROW_PATHS_FILE]) {
        errors_at(w->errors, at, "an entry of `paths` must have one of path and file");
        return;
    }
    rule.files = text[ROW_PATHS_FILE] != NULL;
    rule.serve =
        (enum conf_serve)value_number(&rows[ROW_PATHS_SERVE], span_str(text[ROW_PATHS_SERVE]));
    if (text[ROW_PATHS_DIRECTORY] && (rule.serve != CONF_SERVE_INTERNAL ||
                                      value_stars(path) != 1 || !span_ends(path, SPAN("/*")))) {
        errors_at(w->errors, at,
                  "`directory` needs `serve: internal` and a path that ends in /* and has no "
                  "other star");
        return;
    }
    rule.match = take(&text[rule.files ? ROW_PATHS_FILE : ROW_PATHS_PATH]);
    rule.value = take(&text[ROW_PATHS_DIRECTORY]);
    rules_add(noted(w), rule);
}

static void
add_fastcgi(struct walk *w, struct place at, char **text)
{
    const char *n = text[ROW_FASTCGI_CONNECTIONS];
    const struct row *r = &rows[ROW_FASTCGI_CONNECTIONS];
    struct conf_rule rule = {.kind = CONF_FASTCGI};

    (void)at;
    if (!text[ROW_FASTCGI_SOCKET])
        return;
    rule.connections = (uint32_t)value_number(r, span_str(n ? n : r->preset));
    if (text[ROW_FASTCGI_REQUEST_TIMEOUT])
        rule.timeout_ms = (uint32_t)value_number(&rows[ROW_FASTCGI_REQUEST_TIMEOUT],
                                                 span_str(text[ROW_FASTCGI_REQUEST_TIMEOUT]));
    rule.match = take(&text[ROW_FASTCGI_PATH]);
    rule.value = take(&text[ROW_FASTCGI_SOCKET]);
    rules_add(noted(w), rule);
}

typedef void add_fn(struct walk *w, struct place at, char **text);

static void
walk_entry(struct walk *w, const struct row *r, enum section section, add_fn *add)
{
    struct place at = events_here(w);
    size_t before = w->errors->n;
    char *text[ROWS] = {NULL};

    if (!events_is(w, YAML_MAPPING_START_EVENT)) {
        errors_at(w->errors, at, "an entry of `%s` must be a mapping, not %s", row_key(r),
                  events_kind(w));
        events_skip(w);
        return;
    }
    w->entry = text;
    walk_section(w, section);
    w->entry = NULL;
    if (!w->broken && w->errors->n == before)
        add(w, at, text);
    for (size_t i = 0; i < ROWS; i++)
        free(text[i]);
}

static void
walk_entries(struct walk *w, const struct row *r, enum section section, add_fn *add)
{
    struct place at = events_here(w);
    size_t n = 0;

    if (events_is(w, YAML_SEQUENCE_START_EVENT))
        for (; events_next(w) && !events_is(w, YAML_SEQUENCE_END_EVENT); n++)
            walk_entry(w, r, section, add);
    else if (!events_null(w)) {
        walk_refuse(w, r, "a list");
        return;
    }
    if (!w->broken)
        walk_count(w, r, at, n);
}

/* --- mappings with free keys ---------------------------------------------------------------
 */

struct pairs {
    struct row key, value;
    enum conf_rule_kind kind;
};

static const struct pairs expires = {
    .key = {.name = "expires", .type = VALUE_MEDIA},
    .value = {.name = "expires", .type = VALUE_TIME, .min = "0", .max = "3650d"},
    .kind = CONF_EXPIRES,
};

static const struct pairs error_pages = {
    .key = {.name = "error_pages", .type = VALUE_ERRORS},
    .value = {.name = "error_pages", .type = VALUE_PAGE},
    .kind = CONF_ERROR_PAGE,
};

static const struct pairs params = {
    .key = {.name = "params", .type = VALUE_VARIABLE},
    .value = {.name = "params", .type = VALUE_TEXT},
    .kind = CONF_PARAM,
};

static struct conf_rule
rule_of(const struct pairs *p, struct span key, struct span value)
{
    struct conf_rule rule = {.kind = p->kind};

    if (p->kind == CONF_EXPIRES) {
        /* a part of a second is one: only 0 means no-cache */
        rule.seconds = (uint32_t)((value_number(&p->value, value) + 999) / 1000);
        rule.match = mem_str_span(key);
    } else if (p->kind == CONF_PARAM) {
        rule.name = mem_str_span(key);
        rule.value = mem_str_span(value);
    } else {
        value_statuses(key, &rule.status_min, &rule.status_max);
        rule.value = mem_str_span(value);
    }
    return rule;
}

/* At most RULES_ALL_MAX rules are looked at. */
static bool
noted_already(struct walk *w, const struct conf_rule *rule)
{
    const struct rules *rules = noted(w);

    for (const struct conf_rule *r = rules->v; r < rules->v + rules->n; r++)
        if (r->kind == rule->kind && r->status_min == rule->status_min &&
            r->status_max == rule->status_max &&
            (!rule->match || span_ieq(span_str(r->match), span_str(rule->match))) &&
            (!rule->name || strcmp(r->name, rule->name) == 0))
            return true;
    return false;
}

static void
walk_pair(struct walk *w, const struct pairs *p)
{
    struct place at = events_here(w);
    char why[VALUE_WHY_MAX], *key;

    if (!events_is(w, YAML_SCALAR_EVENT) || value_check(&p->key, events_scalar(w), why) < 0) {
        if (events_is(w, YAML_SCALAR_EVENT))
            errors_at(w->errors, at, "a key of `%s` %s", p->key.name, why);
        else
            errors_at(w->errors, at, "a key must be a word, not %s", events_kind(w));
        events_skip(w);
        if (events_next(w))
            events_skip(w);
        return;
    }
    key = mem_str_span(events_scalar(w));
    if (!events_next(w)) {
        /* the file is broken, and that was said */
    } else if (!events_is(w, YAML_SCALAR_EVENT)) {
        errors_at(w->errors, events_here(w), "`%s` must be a single value, not %s", key,
                  events_kind(w));
        events_skip(w);
    } else if (value_check(&p->value, events_scalar(w), why) < 0) {
        errors_at(w->errors, events_here(w), "`%s` %s", key, why);
    } else {
        struct conf_rule rule = rule_of(p, span_str(key), events_scalar(w));

        if (noted_already(w, &rule))
            errors_at(w->errors, at, "`%s` stands here twice", key);
        rules_add(noted(w), rule);
    }
    free(key);
}

static void
walk_pairs(struct walk *w, const struct row *r, const struct pairs *p)
{
    struct place at = events_here(w);
    size_t n = 0;

    if (events_null(w))
        return;
    if (!events_is(w, YAML_MAPPING_START_EVENT)) {
        walk_refuse(w, r, "a mapping");
        return;
    }
    for (; events_next(w) && !events_is(w, YAML_MAPPING_END_EVENT); n++)
        walk_pair(w, p);
    if (!w->broken)
        walk_count(w, r, at, n);
}

void
walk_rules(struct walk *w, const struct row *r)
{
    if (r->type == VALUE_HEADERS)
        walk_entries(w, r, SECTION_HEADERS, add_header);
    else if (r->type == VALUE_REDIRECTS)
        walk_entries(w, r, SECTION_REDIRECTS, add_redirect);
    else if (r->type == VALUE_EXPIRES)
        walk_pairs(w, r, &expires);
    else if (r->type == VALUE_ERROR_PAGES)
        walk_pairs(w, r, &error_pages);
    else if (r->type == VALUE_PARAMS)
        walk_pairs(w, r, &params);
    else if (r->type == VALUE_PATHS)
        walk_entries(w, r, SECTION_PATHS, add_path);
    else if (r->type == VALUE_REWRITES)
        walk_entries(w, r, SECTION_REWRITES, add_rewrite);
    else if (r->type == VALUE_FASTCGI && events_is(w, YAML_MAPPING_START_EVENT))
        walk_entry(w, r, SECTION_FASTCGI, add_fastcgi);
    else if (r->type == VALUE_FASTCGI)
        walk_entries(w, r, SECTION_FASTCGI, add_fastcgi);
    else if (events_is(w, YAML_MAPPING_START_EVENT)) /* auth_basic takes one without a list */
        walk_entry(w, r, SECTION_AUTH, add_auth);
    else
        walk_entries(w, r, SECTION_AUTH, add_auth);
}
