/* Paths that root follows. Floor 1; supervisor. */
#include "hostel/sys/trust.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX  40 /* as many as the kernel follows */
#define STEP_FLAGS (O_PATH | O_NOFOLLOW | O_CLOEXEC)

struct walk {
    int at;     /* the directory that was reached */
    char *rest; /* what of the path is still to go */
    unsigned links;
    trust_group_fn *group;
    const void *data;
    char **why;
    int file; /* at the end of the path; -1: a directory is looked for */
    bool wants_file;
};

bool
trust_uid(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

/* The name of what a descriptor leads to, as far as it can be told. */
static int
refuse(const struct walk *w, int fd, const char *what, unsigned id)
{
    char link[64], name[PATH_MAX] = "?";
    ssize_t n;

    if (!w->why)
        return -EPERM;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, name, sizeof(name) - 1);
    if (n >= 0)
        name[n] = '\0';
    *w->why = mem_fmt("%s %s %u, who could lead it anywhere", name, what, id);
    return -EPERM;
}

static int
look(const struct walk *w, int fd, const struct stat *st)
{
    bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

    if (!trust_uid(st->st_uid))
        return refuse(w, fd, "belongs to uid", st->st_uid);
    if (S_ISLNK(st->st_mode) || sticky)
        return 0; /* a link's mode means nothing; in a sticky one each has his own entries */
    if ((st->st_mode & S_IWGRP) && (!w->group || w->group(w->data, st->st_gid)))
        return refuse(w, fd, "can be written by group", st->st_gid);
    if (st->st_mode & S_IWOTH)
        return refuse(w, fd, "can be written by everybody, also by group", st->st_gid);
    return 0;
}

/* A link's target takes its place before what is still to go. */
static int
follow(struct walk *w, int link)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
    char *rest;

    if (n < 0)
        return -errno;
    if (++w->links > LINKS_MAX || (size_t)n == sizeof(target) - 1)
        return -ELOOP;
    target[n] = '\0';
    rest = mem_fmt("%s/%s", target, w->rest);
    free(w->rest);
    w->rest = rest;
    if (target[0] != '/')
        return 0;
    fd_close(&w->at);
    w->at = open("/", STEP_FLAGS);
    return w->at < 0 ? -errno : 0;
}

/* in  name  takes no slash; w->rest is behind it already */
static int
step(struct walk *w, const char *name)
{
    struct stat st;
    int next = openat(w->at, name, STEP_FLAGS);
    int rc;

    if (next < 0)
        return -errno;
    rc = fstat(next, &st) < 0 ? -errno : 0;
    if (rc == 0 && w->wants_file && !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode)) {
        struct stat dir;

        if (w->rest[strspn(w->rest, "/")])
            rc = -ENOTDIR;
        else if (fstat(w->at, &dir) < 0)
            rc = -errno;
        else if ((dir.st_mode & S_ISVTX) && !trust_uid(st.st_uid)) /* anybody's, as in /tmp */
            rc = refuse(w, next, "belongs to uid", st.st_uid);
        else
            w->file = fd_take(&next);
        fd_close(&next);
        return rc;
    }
    if (rc == 0)
        rc = look(w, next, &st);
    if (rc == 0 && S_ISLNK(st.st_mode)) {
        rc = follow(w, next);
    } else if (rc == 0 && S_ISDIR(st.st_mode)) {
        fd_close(&w->at);
        w->at = fd_take(&next);
    } else if (rc == 0) {
        rc = -ENOTDIR;
    }
    fd_close(&next);
    return rc;
}

/* ret  the next name of the path, owned; NULL at its end */
static char *
next_name(struct walk *w)
{
    size_t skip = strspn(w->rest, "/");
    size_t n = strcspn(w->rest + skip, "/");
    char *name = n ? mem_str_span((struct span){w->rest + skip, n}) : NULL;

    memmove(w->rest, w->rest + skip + n, strlen(w->rest + skip + n) + 1);
    return name;
}

static int
walk(struct walk *w, const char *path)
{
    struct stat st;
    char *name;
    int rc;

    if (w->why)
        *w->why = NULL;
    if (path[0] != '/')
        return -EINVAL;
    w->at = open("/", STEP_FLAGS);
    if (w->at < 0)
        return -errno;
    w->rest = mem_str(path);
    rc = fstat(w->at, &st) < 0 ? -errno : look(w, w->at, &st);
    while (rc == 0 && (name = next_name(w))) {
        rc = step(w, name);
        free(name);
    }
    free(w->rest);
    if (rc == 0 && w->wants_file && w->file < 0)
        rc = -EISDIR;
    if (rc < 0 && w->why && !*w->why)
        *w->why = mem_str(strerror(-rc));
    return rc;
}

int
trust_dir(const char *path, trust_group_fn *group, const void *data, int *dir, char **why)
{
    struct walk w = {.at = -1, .group = group, .data = data, .why = why, .file = -1};
    int rc = walk(&w, path);

    if (rc == 0)
        *dir = fd_take(&w.at);
    fd_close(&w.at);
    return rc;
}

int
trust_file(const char *path, int *file, char **why)
{
    struct walk w = {.at = -1, .why = why, .file = -1, .wants_file = true};
    int rc = walk(&w, path);

    if (rc == 0)
        *file = fd_take(&w.file);
    fd_close(&w.at);
    fd_close(&w.file);
    return rc;
}
