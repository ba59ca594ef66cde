/* The walk through php.env, the one mapping with free keys. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_WALK_ENV_H
#define HOSTEL_CONF_WALK_ENV_H

#include "walk_in.h"

/*
 * Check and note the variables of the vhost that was noted last.
 *
 * in  w  at the value of the env key; left at its end
 */
void walk_env(struct walk *w, const struct row *r);

#endif
