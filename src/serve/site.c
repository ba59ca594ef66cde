/* A site's root, and what it says in its own error log. Floor 5; worker. */
#include "hostel/serve/site.h"
#include "hostel/base/buf.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/serve/logfile.h"
#include "scripts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#define TEXT_MAX 2048 /* bytes of the text, escapes included */
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

void
site_error(const struct site *s, const char *client, struct span text)
{
    char room[TEXT_MAX + 256], stamp[32];
    struct buf line = {.data = room, .cap = sizeof(room), .max = sizeof(room)};
    time_t now = time(NULL);
    struct tm tm;

    if (!s->error_log || !gmtime_r(&now, &tm))
        return;
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
    (void)buf_add_str(&line, stamp);
    if (client) {
        (void)buf_add_str(&line, " [client ");
        (void)buf_add_str(&line, client);
        (void)buf_add_str(&line, "]");
    }
    (void)buf_add_str(&line, " ");
    line.max = line.len + TEXT_MAX;
    log_escape(&line, text);
    line.max = sizeof(room);
    (void)buf_add_str(&line, "\n");
    logfile_add(s->error_log, buf_span(&line));
}
