/*
 * Log files: opened by the supervisor, passed to workers as append-only descriptors. A file
 * whose directory, or which itself, a site's user could replace is refused: root would write
 * wherever he points (CVE-2016-1247 and its kin). Floor 6, hostel.
 */
#include "supervisor.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/sys/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MODE 0640

/* A group that a site's user is in could put anything in a log's place. */
static bool
is_a_sites(const void *data, gid_t gid)
{
    const struct conf *conf = data;

    for (size_t i = 0; i < conf->nusers; i++) {
        const struct ids *ids = &conf->users[i].ids;

        for (unsigned k = 0; k < ids->ngroups; k++)
            if (ids->groups[k] == gid)
                return true;
    }
    return false;
}

static char *
check_file(int fd, const char *path)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return mem_fmt("log %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return mem_fmt("log %s: is no regular file", path);
    if (!trust_uid(st.st_uid))
        return mem_fmt("log %s: belongs to uid %u: remove it or give it to root", path,
                       st.st_uid);
    if (st.st_nlink != 1)
        return mem_fmt("log %s: has a second hard link: remove it", path);
    return NULL;
}

static int
open_file(const struct conf *conf, const char *path, gid_t group, char **error)
{
    char *above = mem_str(path), *name = strrchr(above, '/'), *why;
    int dir = -1, fd = -1;

    if (name)
        *name++ = '\0';
    if (!name || trust_dir(*above ? above : "/", is_a_sites, conf, &dir, &why) < 0) {
        *error = mem_fmt("log %s: its directory: %s", path, name ? why : "not absolute");
        if (name)
            free(why);
        free(above);
        return -1;
    }
    fd = openat(dir, name,
                O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                LOG_MODE);
    if (fd < 0)
        *error = mem_fmt("log %s: %s%s", path, strerror(errno),
                         errno == ELOOP ? " (it is a symbolic link)" : "");
    else
        *error = check_file(fd, path);
    if (!*error && geteuid() == 0 && fchown(fd, (uid_t)-1, group) < 0)
        *error = mem_fmt("log %s: chown: %s", path, strerror(errno));
    if (*error)
        fd_close(&fd);
    fd_close(&dir);
    free(above);
    return fd;
}

static int
by_path(const void *a, const void *b)
{
    return strcmp(((const struct log_target *)a)->path, ((const struct log_target *)b)->path);
}

/* ret  the target of a path, made when it is not known yet */
static struct log_target *
target_of(struct supervisor *s, const char *path, gid_t group)
{
    struct log_target key = {.path = (char *)(uintptr_t)(path ? path : "/dev/null")}, *t;
    struct log_target **known = tfind(&key, &s->logs, by_path);

    if (known)
        return *known;
    t = mem_new(sizeof(*t));
    *t = (struct log_target){mem_str(key.path), -1, group};
    if (!tsearch(t, &s->logs, by_path))
        abort(); /* out of memory */
    return t;
}

void
logs_claim(struct supervisor *s, const char *path, gid_t group)
{
    struct log_target *t = target_of(s, path, group);

    if (t->group != group)
        t->group = 0;
}

int
logs_open(struct supervisor *s, const char *path, char **error)
{
    struct log_target *t = target_of(s, path, 0);

    *error = NULL;
    if (t->fd >= 0)
        return t->fd;
    if (path && strcmp(path, "-") == 0)
        t->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    else if (!path)
        t->fd = open(t->path, O_WRONLY | O_CLOEXEC);
    else
        t->fd = open_file(s->conf, path, t->group, error);
    if (t->fd < 0 && !*error)
        *error = mem_fmt("log %s: %s", t->path, strerror(errno));
    return t->fd;
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
