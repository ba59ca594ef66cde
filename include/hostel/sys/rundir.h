/*
 * The run directory: the server's own, where nothing can be put, moved or replaced by anybody
 * else. Floor 1; supervisor.
 *
 *   RUN_DIR/         0755 root when it is new (without switching: 0700, one's own)
 *   RUN_DIR/empty/   0555 root   the acceptors' root directory, without an entry
 *   RUN_DIR/php/     0711 root   the workers' working directory: PHP sockets are reached by
 *                                name, and cannot be listed
 */
#ifndef HOSTEL_SYS_RUNDIR_H
#define HOSTEL_SYS_RUNDIR_H

#include <stdbool.h>

/*
 * Make what is missing, and check what is there: no symbolic link, owned by us, writable by
 * nobody else; when switching, the directories above too (sticky ones such as /tmp pass).
 *
 * in   path  absolute; its parent exists
 * ret  0; -EPERM it or one above it is somebody else's, or writable by others; -ELOOP,
 *      -ENOTDIR a link or a file is in the place of a directory; -ENOTEMPTY the acceptors'
 *      root has entries; or another -errno
 */
int rundir_prepare(const char *path, bool switching);

#endif
