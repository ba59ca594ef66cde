/*
 * One file's YAML against the rows, event by event: every error with its place, and what
 * libcyaml's schemas cannot say (a map with free keys, one value or a list, a mapping that is
 * there but empty). Nothing is built from what a file says but notes. Floor 2; supervisor.
 */
#ifndef HOSTEL_CONF_WALK_H
#define HOSTEL_CONF_WALK_H

#include "errors.h"
#include "rules.h"

#include "hostel/base/span.h"
#include "hostel/conf/model.h"

struct note_glob {
    char *pattern; /* as written */
    struct place at;
};

struct note_list { /* of a mapping with free keys */
    char **v;      /* "NAME=value", NULL-ended; NULL when there is none */
    size_t n;
    size_t bytes; /* with a NUL each */
};

struct note_vhost {
    struct place at;
    bool php;
    size_t tls_line; /* 0: there is none */
    struct note_list env, define;
    struct rules rules;
    char *fallback; /* of a preset; of a vhost libcyaml has it */
};

struct note_listen {
    struct place at;
    bool tls;
    char *address; /* NULL: an error was noted */
    char **nets;   /* of proxy_protocol, as written; NULL: there is none */
    size_t nnets;
};

/* The notes of one file; zeroed before the walk. */
struct notes {
    struct note_glob *globs;
    size_t nglobs;
    struct note_vhost *vhosts; /* in the order of the file */
    size_t nvhosts;
    struct note_listen *listens; /* of listen and listen_tls */
    size_t nlistens;
    char *near[CONF_METRICS_MAX]; /* of metrics_listen */
    size_t nnear;
    bool fit; /* libcyaml may read it: well-formed, no alias, no key twice, not empty */
};

/*
 * in      file   name for the errors, lent; the notes lend it as well
 * in      site   an included file: vhosts and nothing else
 * in/out  notes  notes_done() frees what was noted
 */
void walk_file(const char *file, struct span bytes, bool site, struct notes *notes,
               struct conf_errors *errors);

/*
 * The same for a preset: a mapping of those directives of a vhost that say how paths are
 * served. Its notes are those of one vhost.
 */
void
walk_app(const char *file, struct span bytes, struct notes *notes, struct conf_errors *errors);

void notes_done(struct notes *notes);

#endif
