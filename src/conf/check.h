/* What can only be said of all vhosts together. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_CHECK_H
#define HOSTEL_CONF_CHECK_H

#include "hostel/conf/model.h"

/* Of two vhosts that cannot both be there: is it the first that has to go? */
typedef bool
check_blame_fn(void *data, const struct conf_vhost *first, const struct conf_vhost *second);

/* A host named twice, more than one default vhost. */
void check_names(const struct conf *c, check_blame_fn *blames_first, void *data,
                 struct conf_errors *errors);

/*
 * What the limits of the users are, from those of their vhosts; these must agree. All rows of
 * one uid get the same.
 */
void check_limits(struct conf *c, check_blame_fn *blames_first, void *data,
                  struct conf_errors *errors);

#endif
