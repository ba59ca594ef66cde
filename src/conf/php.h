/* The php sections of all vhosts. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_PHP_H
#define HOSTEL_CONF_PHP_H

#include "hostel/conf/model.h"

/*
 * in   php  takes
 * ret  it, or one that says the same and was there before; lent from the conf
 */
const struct conf_php *php_share(struct conf *c, struct conf_php *php);

void phps_free(struct conf *c);

#endif
