/* Descriptors. Floor 0, every process. */
#include "hostel/base/fd.h"

#include <unistd.h>

void
fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd); /* never retried: on Linux the descriptor is gone even on EINTR */
    *fd = -1;
}

void
fd_close_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fd_close(&fds[i]);
}
