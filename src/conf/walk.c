/*
 * One file's YAML against the rows, event by event. Floor 2; supervisor.
 *
 *     walk_file -> section -> value -> list, vhosts, env, or section again (php)
 *
 * Each takes the event that begins its node as the current one and leaves with the event that
 * ends it. `broken` unwinds everything: nothing after it can be trusted.
 */
#include "walk.h"

#include "rows.h"
#include "value.h"

#include "hostel/base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <yaml.h>

#define DEPTH_MAX     32 /* the rows need 6; a file that nests deeper is an attack or a slip */
#define ENV_BYTES_MAX 16384 /* together, as execve(2) takes them */

struct walk {
    const char *file;
    struct span bytes;
    bool site;
    bool broken;
    bool mapping; /* the file is more than comments */
    yaml_parser_t parser;
    yaml_event_t event;
    struct notes *notes;
    struct conf_errors *errors;
};

static struct place
place(const struct walk *w, yaml_mark_t mark)
{
    return (struct place){w->file, mark.line + 1, mark.column + 1};
}

static struct place
here(const struct walk *w)
{
    return place(w, w->event.start_mark);
}

/* A byte that is no UTF-8 has an offset only. */
static struct place
place_of_offset(const struct walk *w, size_t offset)
{
    struct place at = {w->file, 1, 1};

    for (size_t i = 0; i < offset && i < w->bytes.n; i++) {
        at.column++;
        if (w->bytes.p[i] == '\n') {
            at.line++;
            at.column = 1;
        }
    }
    return at;
}

static void
syntax_error(struct walk *w)
{
    const yaml_parser_t *p = &w->parser;
    const char *what = p->problem ? p->problem : "not enough memory";

    if (p->error == YAML_READER_ERROR)
        errors_at(w->errors, place_of_offset(w, p->problem_offset), "%s", what);
    else
        errors_at(w->errors, place(w, p->problem_mark), "%s%s%s", what, p->context ? " " : "",
                  p->context ? p->context : "");
    w->broken = true;
}

/* An anchor invites an alias, and aliases make a small file huge; a tag changes what is meant.
 */
static void
refuse_magic(struct walk *w)
{
    const yaml_event_t *e = &w->event;
    const yaml_char_t *anchor = NULL, *tag = NULL;

    if (e->type == YAML_ALIAS_EVENT)
        anchor = e->data.alias.anchor;
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    }
    if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    }
    if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (!anchor && !tag)
        return;
    errors_at(w->errors, here(w), "%s are not allowed here",
              anchor ? "anchors and aliases" : "tags");
    w->notes->fit = false;
}

/* ret  false when the file is broken: there is no event then */
static bool
next(struct walk *w)
{
    yaml_event_delete(&w->event);
    if (w->broken)
        return false;
    if (!yaml_parser_parse(&w->parser, &w->event)) {
        syntax_error(w);
        return false;
    }
    refuse_magic(w);
    return true;
}

static bool
is(const struct walk *w, yaml_event_type_t type)
{
    return !w->broken && w->event.type == type;
}

static struct span
scalar(const struct walk *w)
{
    return span_of(w->event.data.scalar.value, w->event.data.scalar.length);
}

/* What libcyaml takes for nothing as well. */
static bool
is_null(const struct walk *w)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    if (!is(w, YAML_SCALAR_EVENT) || w->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (span_eq(scalar(w), span_str(words[i])))
            return true;
    return false;
}

static const char *
kind(const struct walk *w)
{
    if (is(w, YAML_MAPPING_START_EVENT))
        return "a mapping";
    if (is(w, YAML_SEQUENCE_START_EVENT))
        return "a list";
    return is_null(w) ? "empty" : "a single value";
}

/* Leave the current node behind, however deep it is. */
static void
skip(struct walk *w)
{
    unsigned depth = 0;

    do {
        if (is(w, YAML_MAPPING_START_EVENT) || is(w, YAML_SEQUENCE_START_EVENT))
            depth++;
        if (is(w, YAML_MAPPING_END_EVENT) || is(w, YAML_SEQUENCE_END_EVENT))
            depth--;
        if (depth > DEPTH_MAX) {
            errors_at(w->errors, here(w), "nested too deep");
            w->broken = true;
        }
    } while (depth > 0 && next(w));
}

static void
refuse_kind(struct walk *w, const struct row *r, const char *must)
{
    errors_at(w->errors, here(w), "`%s` must be %s, not %s", row_key(r), must, kind(w));
    skip(w);
}

static void
walk_scalar(struct walk *w, const struct row *r)
{
    char why[VALUE_WHY_MAX];

    if (!is(w, YAML_SCALAR_EVENT)) {
        refuse_kind(w, r, "a single value");
        return;
    }
    if (is_null(w)) {
        errors_at(w->errors, here(w), "`%s` has no value", row_key(r));
        return;
    }
    if (value_check(r, scalar(w), why) < 0) {
        errors_at(w->errors, here(w), "`%s` %s", row_key(r), why);
        return;
    }
    if (r->type == VALUE_GLOB) {
        struct notes *n = w->notes;

        n->globs = mem_grow(n->globs, (n->nglobs + 1) * sizeof(*n->globs));
        n->globs[n->nglobs++] = (struct note_glob){mem_str_span(scalar(w)), here(w)};
    }
}

static void
check_count(struct walk *w, const struct row *r, struct place at, size_t n)
{
    char count[24];
    char why[VALUE_WHY_MAX];
    struct row numbers = {.type = VALUE_NUMBER, .min = r->min, .max = r->max};

    snprintf(count, sizeof(count), "%zu", n);
    if (value_check(&numbers, span_str(count), why) < 0)
        errors_at(w->errors, at, "`%s` must have %s..%s entries, not %zu", row_key(r), r->min,
                  r->max, n);
}

static void
walk_list(struct walk *w, const struct row *r)
{
    struct place at = here(w);
    size_t n = 0;

    if (r->shape == ROW_ONE_LIST && is(w, YAML_SCALAR_EVENT) && !is_null(w)) {
        walk_scalar(w, r);
        return;
    }
    if (is(w, YAML_SEQUENCE_START_EVENT))
        for (; next(w) && !is(w, YAML_SEQUENCE_END_EVENT); n++)
            walk_scalar(w, r);
    else if (!is_null(w)) {
        refuse_kind(w, r, "a list");
        return;
    }
    if (!w->broken)
        check_count(w, r, at, n);
}

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
    struct span value = is_null(w) ? span_of("", 0) : scalar(w);
    unsigned long long most;

    span_u64(span_str(r->max), UINT32_MAX, &most);
    if (memchr(value.p, '\0', value.n)) {
        errors_at(w->errors, here(w), "`%s` must be without NUL", name);
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

    if (!is(w, YAML_SCALAR_EVENT) || !env_name_ok(scalar(w))) {
        errors_at(w->errors, here(w), "the name of a variable must be letters, digits and _");
        skip(w);
        if (next(w))
            skip(w);
        return;
    }
    name = mem_str_span(scalar(w));
    if (env_reserved(name))
        errors_at(w->errors, here(w), "`%s` is set by the server and cannot be changed", name);
    if (env_named(v, name))
        errors_at(w->errors, here(w), "`%s` stands here twice", name);
    if (next(w)) {
        if (is(w, YAML_SCALAR_EVENT)) {
            note_env(w, r, v, name);
        } else {
            errors_at(w->errors, here(w), "`%s` must be a single value, not %s", name, kind(w));
            skip(w);
        }
    }
    free(name);
}

static void
walk_env(struct walk *w, const struct row *r)
{
    struct note_vhost *v = &w->notes->vhosts[w->notes->nvhosts - 1];
    struct place at = here(w);
    size_t n = 0;

    if (is_null(w))
        return;
    if (!is(w, YAML_MAPPING_START_EVENT)) {
        refuse_kind(w, r, "a mapping");
        return;
    }
    for (; next(w) && !is(w, YAML_MAPPING_END_EVENT); n++)
        walk_env_entry(w, r, v);
    check_count(w, r, at, n);
    if (v->env_bytes > ENV_BYTES_MAX)
        errors_at(w->errors, at, "`%s` must be at most %d bytes, not %zu", row_key(r),
                  ENV_BYTES_MAX, v->env_bytes);
}

static void walk_section(struct walk *w, enum section section);

static void
walk_php(struct walk *w, const struct row *r)
{
    w->notes->vhosts[w->notes->nvhosts - 1].php = true;
    if (is(w, YAML_MAPPING_START_EVENT))
        walk_section(w, SECTION_PHP);
    else if (!is_null(w))
        refuse_kind(w, r, "a mapping");
}

static void
note_vhost(struct walk *w)
{
    struct notes *n = w->notes;

    if ((n->nvhosts & (n->nvhosts + 1)) == 0) /* 0, 1, 3, 7, ...: double */
        n->vhosts = mem_grow(n->vhosts, (2 * n->nvhosts + 1) * sizeof(*n->vhosts));
    n->vhosts[n->nvhosts++] = (struct note_vhost){.at = here(w)};
}

static void
walk_vhosts(struct walk *w, const struct row *r)
{
    struct place at = here(w);
    size_t n = 0;

    if (is_null(w))
        return;
    if (!is(w, YAML_SEQUENCE_START_EVENT)) {
        refuse_kind(w, r, "a list");
        return;
    }
    for (; next(w) && !is(w, YAML_SEQUENCE_END_EVENT); n++) {
        if (!is(w, YAML_MAPPING_START_EVENT)) {
            errors_at(w->errors, here(w), "a vhost must be a mapping, not %s", kind(w));
            skip(w);
            w->notes->fit = false;
            continue;
        }
        note_vhost(w);
        walk_section(w, SECTION_VHOST);
    }
    check_count(w, r, at, n);
}

static void
walk_value(struct walk *w, const struct row *r)
{
    if (r->shape != ROW_ONE)
        walk_list(w, r);
    else if (r->type == VALUE_VHOSTS)
        walk_vhosts(w, r);
    else if (r->type == VALUE_PHP)
        walk_php(w, r);
    else if (r->type == VALUE_ENV)
        walk_env(w, r);
    else
        walk_scalar(w, r);
}

static void
unknown_key(struct walk *w, enum section section, const char *key)
{
    static const char *const where[] = {"at the top of the main file", "in a vhost", "in php"};
    const char *nearest = row_nearest(section, key);

    for (enum section s = SECTION_MAIN; s <= SECTION_PHP && !nearest; s++)
        if (row_find(s, key)) {
            errors_at(w->errors, here(w), "unknown key `%s`: it belongs %s", key, where[s]);
            return;
        }
    if (nearest)
        errors_at(w->errors, here(w), "unknown key `%s`, did you mean `%s`?", key, nearest);
    else
        errors_at(w->errors, here(w), "unknown key `%s`", key);
}

/*
 * Find the row of the current event's key.
 *
 * in/out  seen  the rows of this mapping so far, one bit each
 * ret     NULL when its value is to be skipped: an error was noted
 */
static const struct row *
walk_key(struct walk *w, enum section section, uint64_t *seen)
{
    const struct row *r = NULL;
    char *key;

    if (!is(w, YAML_SCALAR_EVENT)) {
        errors_at(w->errors, here(w), "a key must be a word, not %s", kind(w));
        w->notes->fit = false;
        return NULL;
    }
    key = mem_str_span(scalar(w));
    r = row_find(section, key);
    if (!r) {
        unknown_key(w, section, key);
    } else if (w->site && section == SECTION_MAIN && r != &rows[ROW_VHOSTS]) {
        errors_at(w->errors, here(w),
                  "`%s` belongs in the main file, an included file has vhosts only", key);
        r = NULL;
    } else if (*seen & UINT64_C(1) << (r - rows)) {
        errors_at(w->errors, here(w), "`%s` stands here twice", key);
        w->notes->fit = false;
        r = NULL;
    } else {
        *seen |= UINT64_C(1) << (r - rows);
    }
    free(key);
    return r;
}

_Static_assert(ROWS <= 64, "the rows seen are a 64-bit set");

static void
walk_section(struct walk *w, enum section section)
{
    struct place at = here(w);
    uint64_t seen = 0;

    while (next(w) && !is(w, YAML_MAPPING_END_EVENT)) {
        const struct row *r = walk_key(w, section, &seen);

        if (!is(w, YAML_SCALAR_EVENT))
            skip(w);
        if (!next(w))
            return;
        if (r)
            walk_value(w, r);
        else
            skip(w);
    }
    for (size_t i = 0; i < ROWS && !w->broken; i++)
        if (rows[i].section == section && rows[i].required && !(seen >> i & 1))
            errors_at(w->errors, at, "`%s` is missing", row_key(&rows[i]));
}

/* STREAM-START, maybe one document, STREAM-END */
static void
walk_stream(struct walk *w)
{
    if (!next(w) || !next(w) || is(w, YAML_STREAM_END_EVENT) || !next(w))
        return;
    if (is(w, YAML_MAPPING_START_EVENT)) {
        w->mapping = true;
        walk_section(w, SECTION_MAIN);
    } else if (!is_null(w)) {
        errors_at(w->errors, here(w), "a configuration must be a mapping, not %s", kind(w));
        skip(w);
    }
    if (next(w) && next(w) && !is(w, YAML_STREAM_END_EVENT)) {
        errors_at(w->errors, here(w), "a second document: one file, one document");
        w->notes->fit = false;
    }
}

void
walk_file(const char *file, struct span bytes, bool site, struct notes *notes,
          struct conf_errors *errors)
{
    struct walk w = {
        .file = file, .bytes = bytes, .site = site, .notes = notes, .errors = errors};

    if (!yaml_parser_initialize(&w.parser)) {
        errors_file(errors, file, "not enough memory");
        return;
    }
    yaml_parser_set_input_string(&w.parser, (const unsigned char *)bytes.p, bytes.n);
    notes->fit = true;
    walk_stream(&w);
    notes->fit = notes->fit && w.mapping && !w.broken;
    yaml_event_delete(&w.event);
    yaml_parser_delete(&w.parser);
}

void
notes_done(struct notes *notes)
{
    for (size_t i = 0; i < notes->nglobs; i++)
        free(notes->globs[i].pattern);
    for (size_t i = 0; i < notes->nvhosts; i++) {
        for (size_t j = 0; j < notes->vhosts[i].nenv; j++)
            free(notes->vhosts[i].env[j]);
        free(notes->vhosts[i].env);
    }
    free(notes->globs);
    free(notes->vhosts);
    *notes = (struct notes){0};
}
