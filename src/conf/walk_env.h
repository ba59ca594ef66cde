/* The walk through php.env and php.define, mappings with free keys. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_WALK_ENV_H
#define HOSTEL_CONF_WALK_ENV_H

#include "walk_in.h"

/*
 * Check and note the variables, or php.ini's settings, of the vhost that was noted last.
 *
 * in  w  at the value of the key; left at its end
 */
void walk_env(struct walk *w, const struct row *r);

#endif
