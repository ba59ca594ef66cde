/* The files that a main file includes. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_INCLUDE_H
#define HOSTEL_CONF_INCLUDE_H

#include "walk.h"

#define INCLUDE_FILES_MAX 200000

/*
 * Expand the patterns of a main file.
 *
 * in   main_file  relative patterns start in its directory
 * out  files      NULL-ended, by name, each once; every string and the list owned
 * ret  how many
 */
size_t include_expand(const char *main_file, const struct notes *notes, char ***files,
                      struct conf_errors *errors);

#endif
