/* A site's root, and other directories of its. Floor 5; worker. */
#include "hostel/serve/site.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "scripts.h"

#include <fcntl.h>
#include <stdlib.h>

/* A cached file is trusted for as long again: together less than a second. */
#define DIR_FRESH_MS 450

struct site_dir {
    const char *path;
    int fd;
    uint64_t checked_ms;
    bool checked;
    struct scripts *scripts; /* NULL: none was found yet */
};

struct site_dir *
site_dir_new(const char *path)
{
    struct site_dir *d = mem_new(sizeof(*d));

    d->path = path;
    d->fd = -1;
    return d;
}

void
site_dir_free(struct site_dir **d)
{
    if (!*d)
        return;
    fd_close(&(*d)->fd);
    scripts_free(&(*d)->scripts);
    free(*d);
    *d = NULL;
}

int
site_dir_fd(struct site_dir *d, uint64_t now_ms)
{
    if (!d->checked || now_ms - d->checked_ms >= DIR_FRESH_MS) {
        fd_close(&d->fd);
        d->fd = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        d->checked = true;
        d->checked_ms = now_ms;
    }
    return d->fd;
}

struct scripts *
site_dir_scripts(struct site_dir *d, bool make)
{
    if (!d->scripts && make)
        d->scripts = scripts_new();
    return d->scripts;
}
