/* What an examination knows of the configuration and of files. Floor 6, hostel. */
#ifndef SUPERVISOR_EXAMINE_H
#define SUPERVISOR_EXAMINE_H

#include "hostel/conf/model.h"

#include "hostel/base/span.h"

/* The first byte of what an examiner says: how bad it is. */
#define EXAMINE_WARNING 'W'
#define EXAMINE_USELESS 'R' /* it cannot be served */

struct examine_names;

/* in  conf  lent */
struct examine_names *examine_names_new(const struct conf *conf);
void examine_names_free(struct examine_names **n);

/*
 * Is a name of a certificate another user's?
 *
 * in   name  maybe with "*." in front, which stands for one label
 * ret  a vhost of another user that answers for it, or NULL
 */
const struct conf_vhost *
examine_names_other(const struct examine_names *n, struct span name, size_t user);

/* Whether this account can open a file to read, by the modes of it and what leads to it. */
bool examine_readable(const char *path, const struct ids *ids);

#endif
