/* What the files of control groups have in common. Floor 1; supervisor. */
#ifndef SYS_CGROUP_IN_H
#define SYS_CGROUP_IN_H

#include "hostel/sys/cgroup.h"

#include <stddef.h>

extern const char *const cgroup_names[CGROUP_CONTROLLERS];

/* Write a value into a file of a group. in  dir  or AT_FDCWD. ret  0 or -errno */
int cgroup_put(int dir, const char *file, const char *value);

/* ret  bytes of text, which ends with a NUL; -errno */
ssize_t cgroup_get(int dir, const char *file, char *text, size_t size);

#endif
