/*
 * One file's YAML against the rows, event by event. Floor 2; supervisor.
 *
 *     walk_file -> section -> value -> list, vhosts, env, or section again (php, rules)
 *
 * Each takes the event that begins its node as the current one and leaves with the event that
 * ends it. `broken` unwinds everything: nothing after it can be trusted.
 */
#include "walk.h"

#include "events.h"
#include "rows.h"
#include "value.h"
#include "walk_env.h"
#include "walk_listen.h"
#include "walk_rules.h"

#include "hostel/base/mem.h"

#include <stdlib.h>

void
walk_refuse(struct walk *w, const struct row *r, const char *must)
{
    errors_at(w->errors, events_here(w), "`%s` must be %s, not %s", row_key(r), must,
              events_kind(w));
    events_skip(w);
}

void
walk_scalar(struct walk *w, const struct row *r)
{
    char why[VALUE_WHY_MAX];

    if (!events_is(w, YAML_SCALAR_EVENT)) {
        walk_refuse(w, r, "a single value");
        return;
    }
    if (events_null(w)) {
        errors_at(w->errors, events_here(w), "`%s` has no value", row_key(r));
        return;
    }
    if (value_check(r, events_scalar(w), why) < 0) {
        errors_at(w->errors, events_here(w), "`%s` %s", row_key(r), why);
        return;
    }
    if (w->listen)
        walk_listen_note(w, r);
    if (w->entry)
        w->entry[r - rows] = mem_str_span(events_scalar(w));
    if (w->app && r == &rows[ROW_FALLBACK])
        w->notes->vhosts[0].fallback = mem_str_span(events_scalar(w));
    if (r->type == VALUE_NEAR && w->notes->nnear < CONF_METRICS_MAX)
        w->notes->near[w->notes->nnear++] = mem_str_span(events_scalar(w));
    if (r->type == VALUE_GLOB) {
        struct notes *n = w->notes;

        n->globs = mem_grow(n->globs, (n->nglobs + 1) * sizeof(*n->globs));
        n->globs[n->nglobs++] =
            (struct note_glob){mem_str_span(events_scalar(w)), events_here(w)};
    }
}

void
walk_count(struct walk *w, const struct row *r, struct place at, size_t n)
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
    struct place at = events_here(w);
    size_t n = 0;

    if (r->shape == ROW_ONE_LIST && events_is(w, YAML_SCALAR_EVENT) && !events_null(w)) {
        walk_scalar(w, r);
        return;
    }
    if (events_is(w, YAML_SEQUENCE_START_EVENT))
        for (; events_next(w) && !events_is(w, YAML_SEQUENCE_END_EVENT); n++)
            walk_scalar(w, r);
    else if (!events_null(w)) {
        walk_refuse(w, r, "a list");
        return;
    }
    if (!w->broken)
        walk_count(w, r, at, n);
}

static void
walk_php(struct walk *w, const struct row *r)
{
    w->notes->vhosts[w->notes->nvhosts - 1].php = true;
    if (events_is(w, YAML_MAPPING_START_EVENT))
        walk_section(w, SECTION_PHP);
    else if (!events_null(w))
        walk_refuse(w, r, "a mapping");
}

static void
walk_tls(struct walk *w, const struct row *r)
{
    w->notes->vhosts[w->notes->nvhosts - 1].tls_line = events_here(w).line;
    if (events_is(w, YAML_MAPPING_START_EVENT))
        walk_section(w, SECTION_TLS);
    else
        walk_refuse(w, r, "a mapping");
}

static void
walk_limits(struct walk *w, const struct row *r)
{
    if (events_is(w, YAML_MAPPING_START_EVENT))
        walk_section(w, SECTION_LIMITS);
    else if (!events_null(w))
        walk_refuse(w, r, "a mapping");
}

static void
note_vhost(struct walk *w)
{
    struct notes *n = w->notes;

    if ((n->nvhosts & (n->nvhosts + 1)) == 0) /* 0, 1, 3, 7, ...: double */
        n->vhosts = mem_grow(n->vhosts, (2 * n->nvhosts + 1) * sizeof(*n->vhosts));
    n->vhosts[n->nvhosts++] = (struct note_vhost){.at = events_here(w)};
}

static void
walk_vhosts(struct walk *w, const struct row *r)
{
    struct place at = events_here(w);
    size_t n = 0;

    if (events_null(w))
        return;
    if (!events_is(w, YAML_SEQUENCE_START_EVENT)) {
        walk_refuse(w, r, "a list");
        return;
    }
    for (; events_next(w) && !events_is(w, YAML_SEQUENCE_END_EVENT); n++) {
        if (!events_is(w, YAML_MAPPING_START_EVENT)) {
            errors_at(w->errors, events_here(w), "a vhost must be a mapping, not %s",
                      events_kind(w));
            events_skip(w);
            w->notes->fit = false;
            continue;
        }
        note_vhost(w);
        walk_section(w, SECTION_VHOST);
    }
    walk_count(w, r, at, n);
}

static void
walk_value(struct walk *w, const struct row *r)
{
    if (r->shape != ROW_ONE)
        walk_list(w, r);
    else if (r->type == VALUE_LISTEN)
        walk_listens(w, r);
    else if (r->type == VALUE_VHOSTS)
        walk_vhosts(w, r);
    else if (r->type == VALUE_TLS)
        walk_tls(w, r);
    else if (r->type == VALUE_PHP)
        walk_php(w, r);
    else if (r->type == VALUE_LIMITS)
        walk_limits(w, r);
    else if (r->type == VALUE_ENV || r->type == VALUE_DEFINE)
        walk_env(w, r);
    else if (r->type > VALUE_DEFINE)
        walk_rules(w, r);
    else
        walk_scalar(w, r);
}

static void
unknown_key(struct walk *w, enum section section, const char *key)
{
    static const char *const where[] = {"at the top of the main file",
                                        "in a vhost",
                                        "in tls",
                                        "in php",
                                        "in limits",
                                        "in headers",
                                        "in redirects",
                                        "in auth_basic",
                                        "in paths",
                                        "in rewrites",
                                        "in fastcgi",
                                        "in an entry of listen"};
    const char *nearest = row_nearest(section, key);

    for (enum section s = SECTION_MAIN; s < SECTIONS && !nearest; s++)
        if (row_find(s, key)) {
            errors_at(w->errors, events_here(w), "unknown key `%s`: it belongs %s", key,
                      where[s]);
            return;
        }
    if (nearest)
        errors_at(w->errors, events_here(w), "unknown key `%s`, did you mean `%s`?", key,
                  nearest);
    else
        errors_at(w->errors, events_here(w), "unknown key `%s`", key);
}

/* What says how paths are served, whosever site it is. */
static bool
in_preset(const struct row *r)
{
    static const enum row_id ids[] = {ROW_FALLBACK,  ROW_REWRITES, ROW_PATHS,  ROW_PARAMS,
                                      ROW_REDIRECTS, ROW_HEADERS,  ROW_EXPIRES};

    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
        if (r == &rows[ids[i]])
            return true;
    return false;
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
    uint64_t bit;
    char *key;

    if (!events_is(w, YAML_SCALAR_EVENT)) {
        errors_at(w->errors, events_here(w), "a key must be a word, not %s", events_kind(w));
        w->notes->fit = false;
        return NULL;
    }
    key = mem_str_span(events_scalar(w));
    r = row_find(section, key);
    bit = r ? UINT64_C(1) << (r - rows_of(section)) : 0;
    if (!r) {
        unknown_key(w, section, key);
    } else if (w->site && section == SECTION_MAIN && r != &rows[ROW_VHOSTS]) {
        errors_at(w->errors, events_here(w),
                  "`%s` belongs in the main file, an included file has vhosts only", key);
        r = NULL;
    } else if (w->app && section == SECTION_VHOST && !in_preset(r)) {
        errors_at(w->errors, events_here(w), "`%s` belongs in a vhost, not in a preset", key);
        r = NULL;
    } else if (*seen & bit) {
        errors_at(w->errors, events_here(w), "`%s` stands here twice", key);
        w->notes->fit = false;
        r = NULL;
    } else {
        *seen |= bit;
    }
    free(key);
    return r;
}

void
walk_section(struct walk *w, enum section section)
{
    struct place at = events_here(w);
    uint64_t seen = 0;

    while (events_next(w) && !events_is(w, YAML_MAPPING_END_EVENT)) {
        const struct row *r = walk_key(w, section, &seen);

        if (!events_is(w, YAML_SCALAR_EVENT))
            events_skip(w);
        if (!events_next(w))
            return;
        if (r)
            walk_value(w, r);
        else
            events_skip(w);
    }
    for (const struct row *r = rows_of(section);
         r < rows + ROWS && r->section == section && !w->broken; r++, seen >>= 1)
        if (r->required && !(seen & 1) && !(w->app && section == SECTION_VHOST))
            errors_at(w->errors, at, "`%s` is missing", row_key(r));
}

/* STREAM-START, maybe one document, STREAM-END */
static void
walk_stream(struct walk *w)
{
    if (!events_next(w) || !events_next(w) || events_is(w, YAML_STREAM_END_EVENT) ||
        !events_next(w))
        return;
    if (events_is(w, YAML_MAPPING_START_EVENT)) {
        w->mapping = true;
        if (w->app)
            note_vhost(w);
        walk_section(w, w->app ? SECTION_VHOST : SECTION_MAIN);
    } else if (!events_null(w)) {
        errors_at(w->errors, events_here(w), "a configuration must be a mapping, not %s",
                  events_kind(w));
        events_skip(w);
    }
    if (events_next(w) && events_next(w) && !events_is(w, YAML_STREAM_END_EVENT)) {
        errors_at(w->errors, events_here(w), "a second document: one file, one document");
        w->notes->fit = false;
    }
}

static void
walk_all(struct walk *w)
{
    struct notes *notes = w->notes;

    if (!yaml_parser_initialize(&w->parser)) {
        errors_file(w->errors, w->file, "not enough memory");
        return;
    }
    yaml_parser_set_input_string(&w->parser, (const unsigned char *)w->bytes.p, w->bytes.n);
    notes->fit = true;
    walk_stream(w);
    notes->fit = notes->fit && w->mapping && !w->broken;
    yaml_event_delete(&w->event);
    yaml_parser_delete(&w->parser);
}

void
walk_file(const char *file, struct span bytes, bool site, struct notes *notes,
          struct conf_errors *errors)
{
    struct walk w = {
        .file = file, .bytes = bytes, .site = site, .notes = notes, .errors = errors};

    walk_all(&w);
}

void
walk_app(const char *file, struct span bytes, struct notes *notes, struct conf_errors *errors)
{
    struct walk w = {
        .file = file, .bytes = bytes, .app = true, .notes = notes, .errors = errors};

    walk_all(&w);
}

static void
note_list_done(struct note_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->v[i]);
    free(list->v);
}

void
notes_done(struct notes *notes)
{
    for (size_t i = 0; i < notes->nglobs; i++)
        free(notes->globs[i].pattern);
    for (size_t i = 0; i < notes->nvhosts; i++) {
        note_list_done(&notes->vhosts[i].env);
        note_list_done(&notes->vhosts[i].define);
        rules_done(&notes->vhosts[i].rules);
        free(notes->vhosts[i].fallback);
    }
    walk_listens_done(notes);
    while (notes->nnear)
        free(notes->near[--notes->nnear]);
    free(notes->globs);
    free(notes->vhosts);
    *notes = (struct notes){0};
}
