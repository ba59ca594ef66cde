/*
 * Log files: opened by the supervisor, passed to workers as append-only descriptors. A file
 * whose directory, or which itself, a site's user could replace is refused: root would write
 * wherever he points (CVE-2016-1247 and its kin). Floor 6, hostel.
 */
#include "supervisor.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MODE 0640

/* Ours, or root's when we are not root. */
static bool
trusted(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

/* Every directory above the file: trusted, and nobody else may rename what is in it. */
static char *
check_directories(const char *path)
{
    char *copy = mem_str(path), *real, *error = NULL;
    struct stat st;

    real = realpath(dirname(copy), NULL);
    free(copy);
    if (!real)
        return mem_fmt("log %s: its directory: %s", path, strerror(errno));
    for (;;) {
        char *slash;

        if (stat(real, &st) < 0)
            error = mem_fmt("log %s: %s: %s", path, real, strerror(errno));
        else if (!trusted(st.st_uid))
            error = mem_fmt("log %s: directory %s belongs to uid %u, who could put anything in "
                            "its place: use a directory of root's",
                            path, real, st.st_uid);
        else if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
            error = mem_fmt("log %s: directory %s can be written by everybody", path, real);
        slash = strrchr(real, '/');
        if (error || !slash || !slash[1])
            break;
        slash[slash == real] = '\0'; /* "/" stays for the last round */
    }
    free(real);
    return error;
}

static char *
check_file(int fd, const char *path)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return mem_fmt("log %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return mem_fmt("log %s: is no regular file", path);
    if (!trusted(st.st_uid))
        return mem_fmt("log %s: belongs to uid %u: remove it or give it to root", path,
                       st.st_uid);
    if (st.st_nlink != 1)
        return mem_fmt("log %s: has a second hard link: remove it", path);
    return NULL;
}

static int
open_file(const char *path, gid_t group, char **error)
{
    int fd;

    *error = check_directories(path);
    if (*error)
        return -1;
    fd = open(path,
              O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
              LOG_MODE);
    if (fd < 0) {
        *error = mem_fmt("log %s: %s%s", path, strerror(errno),
                         errno == ELOOP ? " (it is a symbolic link)" : "");
        return -1;
    }
    *error = check_file(fd, path);
    if (!*error && geteuid() == 0 && fchown(fd, (uid_t)-1, group) < 0)
        *error = mem_fmt("log %s: chown: %s", path, strerror(errno));
    if (*error)
        fd_close(&fd);
    return fd;
}

static int
by_path(const void *a, const void *b)
{
    return strcmp(((const struct log_target *)a)->path, ((const struct log_target *)b)->path);
}

int
logs_open(struct supervisor *s, const char *path, gid_t group, char **error)
{
    struct log_target key = {(char *)(uintptr_t)(path ? path : "/dev/null"), -1}, *t;
    struct log_target **known = tfind(&key, &s->logs, by_path);
    int fd;

    *error = NULL;
    if (known)
        return (*known)->fd;
    if (path && strcmp(path, "-") == 0)
        fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    else if (!path)
        fd = open(key.path, O_WRONLY | O_CLOEXEC);
    else
        fd = open_file(path, group, error);
    if (fd < 0) {
        if (!*error)
            *error = mem_fmt("log %s: %s", key.path, strerror(errno));
        return -1;
    }
    t = mem_new(sizeof(*t));
    *t = (struct log_target){mem_str(key.path), fd};
    if (!tsearch(t, &s->logs, by_path))
        abort(); /* out of memory */
    return fd;
}

static void
target_free(void *target)
{
    struct log_target *t = target;

    fd_close(&t->fd);
    free(t->path);
    free(t);
}

void
logs_close(struct supervisor *s)
{
    tdestroy(s->logs, target_free);
    s->logs = NULL;
}
