/* The walk through php.env. Floor 2; supervisor. */
#include "walk_env.h"

#include "hostel/base/mem.h"

#include <ctype.h>
#include <stdlib.h>

#define ENV_BYTES_MAX 16384 /* together, as execve(2) takes them */

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

static bool
env_named(const struct note_vhost *v, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < v->nenv; i++)
        if (strncmp(v->env[i], name, n) == 0 && v->env[i][n] == '=')
            return true;
    return false;
}

static void
note_env(struct walk *w, const struct row *r, struct note_vhost *v, const char *name)
{
    struct span value = events_null(w) ? span_of("", 0) : events_scalar(w);
    unsigned long long most;

    span_u64(span_str(r->max), UINT32_MAX, &most);
    if (memchr(value.p, '\0', value.n)) {
        errors_at(w->errors, events_here(w), "`%s` must be without NUL", name);
        return;
    }
    /* over a bound nothing is kept; the counts go on, for the one message at the end */
    v->env_bytes += strlen(name) + 1 + value.n + 1;
    if (v->nenv < most && v->env_bytes <= ENV_BYTES_MAX) {
        v->env = mem_grow(v->env, (v->nenv + 2) * sizeof(*v->env));
        v->env[v->nenv++] = mem_fmt("%s=%.*s", name, (int)value.n, value.p);
        v->env[v->nenv] = NULL;
    }
}

static void
walk_env_entry(struct walk *w, const struct row *r, struct note_vhost *v)
{
    char *name;

    if (!events_is(w, YAML_SCALAR_EVENT) || !env_name_ok(events_scalar(w))) {
        errors_at(w->errors, events_here(w),
                  "the name of a variable must be letters, digits and _");
        events_skip(w);
        if (events_next(w))
            events_skip(w);
        return;
    }
    name = mem_str_span(events_scalar(w));
    if (env_reserved(name))
        errors_at(w->errors, events_here(w), "`%s` is set by the server and cannot be changed",
                  name);
    if (env_named(v, name))
        errors_at(w->errors, events_here(w), "`%s` stands here twice", name);
    if (events_next(w)) {
        if (events_is(w, YAML_SCALAR_EVENT)) {
            note_env(w, r, v, name);
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
    struct place at = events_here(w);
    size_t n = 0;

    if (events_null(w))
        return;
    if (!events_is(w, YAML_MAPPING_START_EVENT)) {
        walk_refuse(w, r, "a mapping");
        return;
    }
    for (; events_next(w) && !events_is(w, YAML_MAPPING_END_EVENT); n++)
        walk_env_entry(w, r, v);
    walk_count(w, r, at, n);
    if (v->env_bytes > ENV_BYTES_MAX)
        errors_at(w->errors, at, "`%s` must be at most %d bytes, not %zu", row_key(r),
                  ENV_BYTES_MAX, v->env_bytes);
}
