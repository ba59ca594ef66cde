/* Neighbours that are compressed already. Floor 5; worker. */
#include "precompressed.h"
#include "beneath.h"
#include "hostel/base/fd.h"

#include <fcntl.h>
#include <limits.h>

static bool
is_neighbour(struct span name)
{
    for (int c = CODING_IDENTITY + 1; c < CODINGS; c++)
        if (span_ends(name, encoding_suffix((enum coding)c)))
            return true;
    return false;
}

static bool
older(const struct timespec *a, const struct timespec *b)
{
    if (a->tv_sec != b->tv_sec)
        return a->tv_sec < b->tv_sec;
    return a->tv_nsec != 0 && a->tv_nsec < b->tv_nsec;
}

/*
 * A link could lead to a script's source under a harmless name: what was opened has to be what
 * the name itself is.
 */
static bool
usable(int root_fd, const char *path, int fd, bool linked, const struct stat *of,
       struct stat *st)
{
    struct stat named;

    if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode) || older(&st->st_mtim, &of->st_mtim))
        return false;
    if (!linked)
        return true;
    return fstatat(root_fd, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           named.st_dev == st->st_dev && named.st_ino == st->st_ino;
}

int
precompressed_open(const struct site *site, int root_fd, struct span name, enum coding c,
                   const struct stat *of, struct stat *st)
{
    struct span suffix = encoding_suffix(c);
    char path[PATH_MAX];
    bool linked = false;
    int fd;

    if (is_neighbour(name) || name.n + suffix.n >= sizeof(path))
        return -1;
    memcpy(path, name.p, name.n);
    memcpy(path + name.n, suffix.p, suffix.n + 1); /* its NUL too */
    fd = beneath_open(root_fd, path, site->symlinks, &linked);
    if (fd < 0)
        return -1;
    if (!usable(root_fd, path, fd, linked, of, st))
        fd_close(&fd);
    return fd;
}
