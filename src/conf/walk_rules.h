/* The walk through the directives of a vhost that become rules. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_WALK_RULES_H
#define HOSTEL_CONF_WALK_RULES_H

#include "walk_in.h"

/*
 * Check, and note the rules of the vhost that was noted last.
 *
 * in  w  at the value of the key; left at its end
 * in  r  of a type behind VALUE_ENV
 */
void walk_rules(struct walk *w, const struct row *r);

#endif
