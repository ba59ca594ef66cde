/* Directories beside a site's root. Floor 5; worker. openat2(2), proc(5) */
#include "roots.h"
#include "beneath.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Where the kernel says that a descriptor is: a path without any link in it.
 *
 * ret  false: it cannot be said
 */
static bool
real_path(int fd, char path[static PATH_MAX])
{
    char link[32];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, PATH_MAX - 1);
    if (n <= 0 || path[0] != '/')
        return false;
    path[n] = '\0';
    return true;
}

static bool
same_file(int fd, const struct stat *st)
{
    struct stat now;

    return fstat(fd, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

/* Open it again, below a link root and without a link: it has to be what the links led to. */
static int
open_in_link_root(const struct site *site, const char *path, const struct stat *st)
{
    char top[PATH_MAX];

    for (unsigned i = 0; i < site->rules.nroots; i++) {
        const struct root_rule *root = &site->rules.roots[i];
        int dir, fd;

        if (root->use != ROOT_OF_LINKS)
            continue;
        dir = site_dir_fd(root->dir, date_mono_ms());
        if (dir < 0 || !real_path(dir, top))
            continue;
        if (strcmp(path, top) != 0 && !beneath_rest(top, path))
            continue;
        fd = beneath_open(dir, strcmp(path, top) == 0 ? "" : beneath_rest(top, path),
                          SYMLINKS_OFF, NULL);
        if (fd < 0 || same_file(fd, st))
            return fd;
        fd_close(&fd);
        return -EAGAIN;
    }
    return -EXDEV;
}

/* The kernel follows the links, to a descriptor that nothing can be read from. */
static int
open_linked(const struct site *site, int root_fd, const char *name)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
    long at = syscall(SYS_openat2, root_fd, *name ? name : ".", &how, sizeof(how));
    char path[PATH_MAX];
    struct stat st;
    int fd = (int)at, rc = -EXDEV;

    if (at < 0)
        return -errno;
    if (fstat(fd, &st) == 0 && real_path(fd, path))
        rc = open_in_link_root(site, path, &st);
    fd_close(&fd);
    return rc;
}

/* An absolute link back into the root, by the name it has here or by the one behind links. */
static int
open_back(const struct site *site, int root_fd, const char *name)
{
    char real[PATH_MAX];
    const char *tops[] = {NULL, NULL, NULL};

    if (!real_path(root_fd, real))
        return -EXDEV;
    tops[0] = real;
    if (root_fd == site_dir_fd(site->dir, date_mono_ms()))
        tops[1] = site->root;
    return beneath_open_back(root_fd, tops, name);
}

int
roots_open(const struct site *site, int root_fd, const char *name, bool *linked)
{
    int fd = beneath_open(root_fd, name, site->symlinks, linked);

    if (fd != -EXDEV || site->symlinks != SYMLINKS_FOLLOW)
        return fd;
    fd = open_back(site, root_fd, name);
    if (fd == -EXDEV && site->rules.nroots > 0)
        fd = open_linked(site, root_fd, name);
    if (fd >= 0 && linked)
        *linked = true;
    return fd;
}

static int
dir_below(const char *dir_path, int dir, const char *path, const char **name)
{
    char real[PATH_MAX];

    *name = beneath_rest(dir_path, path);
    if (!*name && dir >= 0 && real_path(dir, real))
        *name = beneath_rest(real, path);
    return *name ? dir : -1;
}

int
roots_below(const struct site *site, const char *path, const char **name)
{
    uint64_t now_ms = date_mono_ms();
    int dir = dir_below(site->root, site_dir_fd(site->dir, now_ms), path, name);

    for (unsigned i = 0; dir < 0 && i < site->rules.nroots; i++) {
        const struct root_rule *root = &site->rules.roots[i];

        if (root->use == ROOT_TO_SEND)
            dir = dir_below(root->path, site_dir_fd(root->dir, now_ms), path, name);
    }
    return dir;
}
