/* The sockets of `metrics_listen`. Floor 6, hostel. */
#include "inherit.h"
#include "metrics.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/sys/sockets.h"
#include "hostel/sys/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 16

/*
 * The directory that a name is made in: nobody else may put something in its place.
 *
 * out  name  lent from path
 * ret  O_PATH, owned by the caller; or -errno
 */
static int
directory_of(const char *path, bool switching, const char **name)
{
    const char *slash = strrchr(path, '/');
    char *above = mem_str_span(span_of(path, slash == path ? 1 : (size_t)(slash - path)));
    char *why = NULL;
    int dir = -1, rc = 0;

    *name = slash + 1;
    if (switching)
        rc = trust_dir(above, NULL, NULL, &dir, &why);
    else
        dir = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (rc < 0 && why)
        log_error("metrics_listen: %s", why);
    if (rc == 0 && dir < 0)
        rc = -errno;
    free(why);
    free(above);
    return rc < 0 ? rc : dir;
}

static int
open_unix(const char *path, const struct conf *conf, int *fd)
{
    const char *name;
    int dir = directory_of(path, conf->switching, &name), rc;

    if (dir < 0)
        return dir;
    rc = group_socket_create(dir, name, conf->metrics_gid, BACKLOG, fd);
    fd_close(&dir);
    return rc;
}

static int
open_one(struct supervisor *s, const struct conf *conf, const struct conf_listen *at, int *fd)
{
    for (size_t i = 0; i < s->metrics->sockets.n; i++)
        if (strcmp(s->metrics->sockets.at[i].text, at->text) == 0) {
            *fd = fcntl(s->metrics->sockets.at[i].fd, F_DUPFD_CLOEXEC, 3);
            return *fd < 0 ? -errno : 0;
        }
    *fd = s->inherited ? inherit_metrics(s->inherited, at->text) : -1;
    if (*fd >= 0)
        return 0;
    if (at->addr_len == 0)
        return open_unix(at->text, conf, fd);
    return tcp_listen((const struct sockaddr *)&at->addr, at->addr_len, fd);
}

int
metrics_sockets_open(struct supervisor *s, const struct conf *conf,
                     struct metrics_sockets *next, const char **what)
{
    int rc = 0;

    *next = (struct metrics_sockets){0};
    for (size_t i = 0; rc == 0 && i < conf->nmetrics; i++) {
        int fd = -1;

        *what = conf->metrics[i].text;
        rc = open_one(s, conf, &conf->metrics[i], &fd);
        if (rc < 0)
            break;
        next->at[next->n].fd = fd;
        next->at[next->n++].text = mem_str(conf->metrics[i].text);
    }
    if (rc < 0)
        metrics_sockets_close(next);
    return rc;
}

void
metrics_sockets_close(struct metrics_sockets *sockets)
{
    for (size_t i = 0; i < sockets->n; i++) {
        fd_close(&sockets->at[i].fd);
        free(sockets->at[i].text);
    }
    sockets->n = 0;
}

void
metrics_sockets_remove(const struct metrics_sockets *sockets)
{
    for (size_t i = 0; i < sockets->n; i++)
        if (sockets->at[i].text[0] == '/')
            (void)unlink(sockets->at[i].text);
}
