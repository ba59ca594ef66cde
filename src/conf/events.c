/* libyaml's events of one file. Floor 2; supervisor. */
#include "events.h"

#define DEPTH_MAX 32 /* the rows need 6; a file that nests deeper is an attack or a slip */

static struct place
place(const struct walk *w, yaml_mark_t mark)
{
    return (struct place){w->file, mark.line + 1, mark.column + 1};
}

struct place
events_here(const struct walk *w)
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
    errors_at(w->errors, events_here(w), "%s are not allowed here",
              anchor ? "anchors and aliases" : "tags");
    w->notes->fit = false;
}

bool
events_next(struct walk *w)
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

bool
events_is(const struct walk *w, yaml_event_type_t type)
{
    return !w->broken && w->event.type == type;
}

struct span
events_scalar(const struct walk *w)
{
    return span_of(w->event.data.scalar.value, w->event.data.scalar.length);
}

bool
events_null(const struct walk *w)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    if (!events_is(w, YAML_SCALAR_EVENT) ||
        w->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (span_eq(events_scalar(w), span_str(words[i])))
            return true;
    return false;
}

const char *
events_kind(const struct walk *w)
{
    if (events_is(w, YAML_MAPPING_START_EVENT))
        return "a mapping";
    if (events_is(w, YAML_SEQUENCE_START_EVENT))
        return "a list";
    if (events_is(w, YAML_ALIAS_EVENT))
        return "an alias";
    return events_null(w) ? "empty" : "a single value";
}

void
events_skip(struct walk *w)
{
    unsigned depth = 0;

    do {
        if (events_is(w, YAML_MAPPING_START_EVENT) || events_is(w, YAML_SEQUENCE_START_EVENT))
            depth++;
        if (events_is(w, YAML_MAPPING_END_EVENT) || events_is(w, YAML_SEQUENCE_END_EVENT))
            depth--;
        if (depth > DEPTH_MAX) {
            errors_at(w->errors, events_here(w), "nested too deep");
            w->broken = true;
        }
    } while (depth > 0 && events_next(w));
}
