/* What can only be said of all vhosts together. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_CHECK_H
#define HOSTEL_CONF_CHECK_H

#include "hostel/conf/model.h"

/* A host named twice, more than one default vhost. */
void check_names(const struct conf *c, struct conf_errors *errors);

#endif
