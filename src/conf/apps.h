/* The presets that vhosts name with `app`: files of directives, read once. Floor 2; supervisor.
 */
#ifndef HOSTEL_CONF_APPS_H
#define HOSTEL_CONF_APPS_H

#include "errors.h"

#define APPS_WHY_MAX 512

/*
 * The preset of a name: NAME.yaml in the administrator's directory (conf.app_dir), else in the
 * one that came with the server, which is beside the executable or in ../share/hostel/apps.
 *
 * in   name    as value_check() accepted it
 * out  errors  what is wrong in the file, the first time it is asked for
 * out  why     set when NULL is returned: "app `wordpres` does not exist, ..."
 * ret  lent from the conf; or NULL
 */
const struct conf_app *apps_find(struct conf *c, const char *name, struct conf_errors *errors,
                                 char why[static APPS_WHY_MAX]);

/* Frees all that were found. */
void apps_done(struct conf *c);

#endif
