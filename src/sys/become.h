/* Taking on a user's ids, between fork and exec. Floor 1; supervisor's children. */
#ifndef HOSTEL_SYS_BECOME_H
#define HOSTEL_SYS_BECOME_H

#include "hostel/sys/ids.h"

/*
 * Groups, gid and uid become exactly these; the permitted capabilities outlive the change, so
 * that caps_drop_all() can still empty the bounding set.
 *
 * out  step  what failed
 * ret  0 or -errno: the caller must end
 */
int become_user(const struct ids *ids, const char **step);

/*
 * Real, effective, saved and filesystem ids and the groups are exactly these, and no call
 * brings any other back. After caps_drop_all().
 *
 * ret  0 or -EPERM: the caller must end
 */
int become_look(const struct ids *ids, const char **step);

#endif
