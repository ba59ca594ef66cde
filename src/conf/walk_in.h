/* What the parts of the walk (walk.c, walk_env.c, walk_rules.c) have of each other. Floor 2;
 * supervisor. */
#ifndef HOSTEL_CONF_WALK_IN_H
#define HOSTEL_CONF_WALK_IN_H

#include "events.h"
#include "rows.h"

/* One mapping against the rows of its section; at its start, left at its end. */
void walk_section(struct walk *w, enum section section);

/* One value, checked and noted where it belongs. */
void walk_scalar(struct walk *w, const struct row *r);

/* Complain that a node is of the wrong kind, and leave it behind. */
void walk_refuse(struct walk *w, const struct row *r, const char *must);

/* Complain when a list or mapping that began at a place has not min..max entries. */
void walk_count(struct walk *w, const struct row *r, struct place at, size_t n);

#endif
