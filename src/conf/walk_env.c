/* The walk through php.env and php.define. Floor 2; supervisor. */
#include "walk_env.h"

#include "hostel/base/mem.h"

#include <ctype.h>
#include <stdlib.h>

#define BYTES_MAX 16384 /* together, as execve(2) takes them */

/* One of the two mappings. */
struct free_keys {
    bool (*name_ok)(struct span name);
    bool (*reserved)(const char *name);
    const char *name_must;
};

/*
 * Names that PHP's process manager reads, or that make php-cgi take itself for a plain CGI
 * program, are not the site's to set.
 */
static bool
env_reserved(const char *name)
{
    static const char *const reserved[] = {
        "PHP_FCGI_CHILDREN", "PHP_FCGI_MAX_REQUESTS", "FCGI_WEB_SERVER_ADDRS",
        "SERVER_SOFTWARE",   "SERVER_NAME",           "GATEWAY_INTERFACE",
        "REQUEST_METHOD",
    };

    for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
        if (strcmp(name, reserved[i]) == 0)
            return true;
    return false;
}

static bool
env_name_ok(struct span name)
{
    if (name.n == 0 || isdigit((unsigned char)name.p[0]))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!isalnum((unsigned char)name.p[i]) && name.p[i] != '_')
            return false;
    return true;
}

/* "memory_limit", "opcache.enable": what stands before "=" in a line of php.ini */
static bool
define_name_ok(struct span name)
{
    if (name.n == 0 || !isalpha((unsigned char)name.p[0]))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!isalnum((unsigned char)name.p[i]) && !strchr("_.-", name.p[i]))
            return false;
    return true;
}

static bool
define_reserved(const char *name)
{
    (void)name;
    return false;
}

static const struct free_keys env_keys = {
    env_name_ok, env_reserved, "the name of a variable must be letters, digits and _"};
static const struct free_keys define_keys = {
    define_name_ok, define_reserved,
    "the name of a setting must be letters, digits, _, - and ."};

static bool
named(const struct note_list *list, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < list->n; i++)
        if (strncmp(list->v[i], name, n) == 0 && list->v[i][n] == '=')
            return true;
    return false;
}

/* A line more in what php-cgi takes for a php.ini would be another setting. */
static bool
value_ok(const struct row *r, struct span value)
{
    if (r->type == VALUE_ENV)
        return !memchr(value.p, '\0', value.n);
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
            return false;
    return true;
}

static void
note_pair(struct walk *w, const struct row *r, struct note_list *list, const char *name)
{
    struct span value = events_null(w) ? span_of("", 0) : events_scalar(w);
    unsigned long long most;

    span_u64(span_str(r->max), UINT32_MAX, &most);
    if (!value_ok(r, value)) {
        errors_at(w->errors, events_here(w), "`%s` must be without %s", name,
                  r->type == VALUE_ENV ? "NUL" : "control characters");
        return;
    }
    /* over a bound nothing is kept; the counts go on, for the one message at the end */
    list->bytes += strlen(name) + 1 + value.n + 1;
    if (list->n < most && list->bytes <= BYTES_MAX) {
        list->v = mem_grow(list->v, (list->n + 2) * sizeof(*list->v));
        list->v[list->n++] = mem_fmt("%s=%.*s", name, (int)value.n, value.p);
        list->v[list->n] = NULL;
    }
}

static void
walk_pair(struct walk *w, const struct row *r, struct note_list *list,
          const struct free_keys *keys)
{
    char *name;

    if (!events_is(w, YAML_SCALAR_EVENT) || !keys->name_ok(events_scalar(w))) {
        errors_at(w->errors, events_here(w), "%s", keys->name_must);
        events_skip(w);
        if (events_next(w))
            events_skip(w);
        return;
    }
    name = mem_str_span(events_scalar(w));
    if (keys->reserved(name))
        errors_at(w->errors, events_here(w), "`%s` is set by the server and cannot be changed",
                  name);
    if (named(list, name))
        errors_at(w->errors, events_here(w), "`%s` stands here twice", name);
    if (events_next(w)) {
        if (events_is(w, YAML_SCALAR_EVENT)) {
            note_pair(w, r, list, name);
        } else {
            errors_at(w->errors, events_here(w), "`%s` must be a single value, not %s", name,
                      events_kind(w));
            events_skip(w);
        }
    }
    free(name);
}

void
walk_env(struct walk *w, const struct row *r)
{
    struct note_vhost *v = &w->notes->vhosts[w->notes->nvhosts - 1];
    struct note_list *list = r->type == VALUE_ENV ? &v->env : &v->define;
    struct place at = events_here(w);
    size_t n = 0;

    if (events_null(w))
        return;
    if (!events_is(w, YAML_MAPPING_START_EVENT)) {
        walk_refuse(w, r, "a mapping");
        return;
    }
    for (; events_next(w) && !events_is(w, YAML_MAPPING_END_EVENT); n++)
        walk_pair(w, r, list, r->type == VALUE_ENV ? &env_keys : &define_keys);
    walk_count(w, r, at, n);
    if (list->bytes > BYTES_MAX)
        errors_at(w->errors, at, "`%s` must be at most %d bytes, not %zu", row_key(r),
                  BYTES_MAX, list->bytes);
}
