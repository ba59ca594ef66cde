/* Descriptors that are gone become -1 on the same line. Floor 0, every process. */
#ifndef HOSTEL_BASE_FD_H
#define HOSTEL_BASE_FD_H

#include <stddef.h>

/* Closes *fd when it is not -1 and leaves -1. */
void fd_close(int *fd);

/* Closes n descriptors, -1 entries are skipped; all become -1. */
void fd_close_all(int *fds, size_t n);

/* The value of *fd; *fd becomes -1: for passing ownership on. */
static inline int
fd_take(int *fd)
{
    int v = *fd;

    *fd = -1;
    return v;
}

#endif
