/*
 * A jail of paths, by Landlock: what a process and all that it starts may reach in the file
 * system, whatever its user's rights would allow. Floor 1; supervisor.
 */
#ifndef HOSTEL_SYS_JAIL_H
#define HOSTEL_SYS_JAIL_H

#include <stddef.h>

/* Kernels before 5.19 cannot let a file move between two directories. */
#define JAIL_ABI_MIN 2

enum jail_right {
    JAIL_READ, /* look, read, run programs */
    JAIL_USE,  /* JAIL_READ, and write to files that are there: devices */
    JAIL_OWN,  /* everything that the user may */
};

struct jail_path {
    const char *path; /* absolute; a directory with all below it, or a file */
    enum jail_right right;
};

/*
 * ret  the kernel's Landlock version, >= JAIL_ABI_MIN; -ENOSYS, -EOPNOTSUPP: it has none that
 *      serves, or it was turned off at boot
 */
int jail_version(void);

/*
 * Build a jail: the paths of the system that PHP needs (jail_system), and those of the caller.
 * What is not there is left out, as is a path of the caller's that leads through a symbolic
 * link: its user could point it anywhere.
 *
 * in   paths     n of them, lent
 * in   program   an open program (O_PATH) that may be run besides, or -1
 * out  fd        the jail, close-on-exec, owned by the caller
 * out  left_out  the first path of the caller's with a link in it, lent from paths; NULL: none
 * ret  0 or -errno
 */
int
jail_open(const struct jail_path *paths, size_t n, int program, int *fd, const char **left_out);

/*
 * Enter it, for good. Needs NO_NEW_PRIVS; between fork and exec.
 *
 * ret  0 or -errno
 */
int jail_enter(int fd);

/*
 * No TCP connection to anywhere from here on, and no port of its own; what is connected stays
 * so. Kernels before 6.7 cannot say it, and nothing happens there. Needs NO_NEW_PRIVS; between
 * fork and exec.
 *
 * ret  0 or -errno
 */
int jail_offline(void);

/* The paths of the system, ended by a NULL path: the manual names them. */
extern const struct jail_path jail_system[];

#endif
