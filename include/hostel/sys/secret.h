/*
 * Files that hold certificates and private keys: opened where nobody can lead root elsewhere,
 * and never read by root. Floor 1; supervisor.
 */
#ifndef HOSTEL_SYS_SECRET_H
#define HOSTEL_SYS_SECRET_H

#include <sys/types.h>

#define SECRET_BYTES_MAX 65536

/*
 * Copy a file into a sealed memfd. The kernel copies: its bytes are at no time in our memory.
 *
 * A file that no one but root decides about (trust.h) may be anybody's; one behind directories
 * that others can write must be the user's own, or he could have root give him other people's.
 *
 * in   path   absolute
 * in   owner  whose sites it is for
 * out  memfd  owned by the caller; untouched on failure
 * out  why    what is wrong, for a person; owned by the caller; NULL on success
 * ret  0; -EPERM; -EFBIG; or another -errno
 */
int secret_read(const char *path, uid_t owner, int *memfd, char **why);

#endif
