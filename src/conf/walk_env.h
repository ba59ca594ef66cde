/* The walk through php.env, the one mapping with free keys. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_WALK_ENV_H
#define HOSTEL_CONF_WALK_ENV_H

#include "events.h"
#include "rows.h"

/*
 * Check and note the variables of the vhost that was noted last.
 *
 * in  w  at the value of the env key; left at its end
 */
void walk_env(struct walk *w, const struct row *r);

/* Both parts of the walk: complain that a node is of the wrong kind, and leave it behind. */
void walk_refuse(struct walk *w, const struct row *r, const char *must);

/* Complain when a list or mapping that began at a place has not min..max entries. */
void walk_count(struct walk *w, const struct row *r, struct place at, size_t n);

#endif
