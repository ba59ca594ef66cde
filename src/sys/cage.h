/*
 * System call filters (libseccomp), compiled once and loaded between fork and exec.
 * Floor 1; supervisor.
 */
#ifndef HOSTEL_SYS_CAGE_H
#define HOSTEL_SYS_CAGE_H

#include "hostel/sys/spawn.h"

#include <linux/filter.h>

/* ret  0 or -errno; a second call does nothing */
int cage_prepare(void);

/* ret  the compiled filter, for looking at it; NULL before cage_prepare() */
const struct sock_fprog *cage_filter(enum cage cage);

/* True where exec must be let through by the listener's holder. */
bool cage_execs_once(enum cage cage);

/*
 * Lock this process in, for good; NO_NEW_PRIVS is set already.
 *
 * out  listener  where execve and execveat ask, owned by the caller; -1 when they need not ask
 * ret  0 or -errno: the caller must end
 */
int cage_enter(enum cage cage, int *listener);

#endif
