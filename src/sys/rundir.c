/* The run directory. Floor 1; supervisor. */
#include "hostel/sys/rundir.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/sys/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_FLAGS    (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define OTHERS_WRITE (S_IWGRP | S_IWOTH)

/*
 * Open a directory of ours, making it first where it is missing.
 *
 * in   mode   of a new one
 * in   exact  an old one gets that mode too; else it keeps what its owner gave it
 */
static int
own_dir(int at, const char *name, mode_t mode, bool exact, int *out)
{
    bool made = mkdirat(at, name, 0700) == 0;
    struct stat st;
    int fd, rc;

    if (!made && errno != EEXIST)
        return -errno;
    fd = openat(at, name, DIR_FLAGS);
    if (fd < 0)
        return -errno;
    rc = fstat(fd, &st) < 0 ? -errno : 0;
    if (rc == 0 && (st.st_uid != geteuid() || (st.st_mode & OTHERS_WRITE)))
        rc = -EPERM; /* where others could write, they may have */
    if (rc == 0 && (made || exact) && (st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
        rc = -errno;
    if (rc < 0)
        fd_close(&fd);
    else
        *out = fd;
    return rc;
}

static int
check_empty(int fd)
{
    int copy = openat(fd, ".", DIR_FLAGS); /* reading moves the offset of what it is given */
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *e;
    int rc = 0;

    if (!d) {
        rc = -errno;
        fd_close(&copy);
        return rc;
    }
    while ((e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = -ENOTEMPTY;
    closedir(d);
    return rc;
}

/* in  dir  the run directory, open */
static int
fill(int dir, bool switching)
{
    int empty = -1, php = -1;
    int rc = own_dir(dir, "empty", 0555, true, &empty);

    if (rc == 0)
        rc = check_empty(empty);
    if (rc == 0)
        rc = own_dir(dir, "php", switching ? 0711 : 0700, true, &php);
    fd_close(&empty);
    fd_close(&php);
    return rc;
}

/* in  above  the parent's path, name  the last part of the run directory's */
static int
prepare_in(const char *above, const char *name, bool switching)
{
    int at = -1, fd = -1;
    int rc = 0;

    if (switching)
        rc = trust_dir(above, NULL, NULL, &at, NULL);
    else if ((at = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        rc = -errno;
    if (rc == 0)
        rc = own_dir(at, name, switching ? 0755 : 0700, false, &fd);
    if (rc == 0)
        rc = fill(fd, switching);
    fd_close(&fd);
    fd_close(&at);
    return rc;
}

int
rundir_prepare(const char *path, bool switching)
{
    char *copy, *name;
    int rc = -EINVAL;

    if (path[0] != '/')
        return -EINVAL;
    copy = mem_str(path);
    for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--)
        copy[n - 1] = '\0';
    name = strrchr(copy, '/');
    *name++ = '\0';
    if (*name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        rc = prepare_in(*copy ? copy : "/", name, switching);
    free(copy);
    return rc;
}
