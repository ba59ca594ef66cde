/*
 * libyaml's events of one file, with places for errors; what no file may hold (anchors,
 * aliases, tags, deep nesting) is refused here. Floor 2; supervisor.
 */
#ifndef HOSTEL_CONF_EVENTS_H
#define HOSTEL_CONF_EVENTS_H

#include "walk.h"

#include <yaml.h>

struct walk {
    const char *file; /* lent, as are bytes, notes and errors */
    struct span bytes;
    bool site;    /* an included file */
    bool app;     /* a preset */
    bool broken;  /* nothing after this can be trusted */
    bool mapping; /* the file is more than comments */
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    struct notes *notes;
    struct conf_errors *errors;
    struct note_listen *listen; /* NULL, or the entry of listen that is read */
    char **entry;               /* NULL, or what an entry of rules says: owned texts, by row */
};

/*
 * Go on to the next event; an error of the file is noted.
 *
 * ret  false when the file is broken: there is no event then, and never again
 */
bool events_next(struct walk *w);

/* The place of the current event. */
struct place events_here(const struct walk *w);

/* False for every type once the file is broken. */
bool events_is(const struct walk *w, yaml_event_type_t type);

/* The bytes of the current event, which is a scalar; lent until the next one. */
struct span events_scalar(const struct walk *w);

/* Whether the current event is what libcyaml takes for nothing as well. */
bool events_null(const struct walk *w);

/* What the current event begins, for a message: "a list". */
const char *events_kind(const struct walk *w);

/* Leave the current node behind, however deep it is. */
void events_skip(struct walk *w);

#endif
