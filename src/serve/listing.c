/* Directories, read. Floor 5; worker. */
#include "listing.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "script.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define ENTRIES_FIRST 64

/* One directory while it is read. */
struct reader {
    const struct site *site;
    const struct found *dir; /* its name and the root */
    int fd;                  /* lent from the stream */
    size_t room;             /* entries there is memory for */
};

/* A name that path_decode() refuses, whatever lies there. */
static bool
hidden(const char *name)
{
    if (name[0] == '.' && strcmp(name, ".well-known") != 0)
        return true;
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return true;
    return false;
}

/* A link is what serving would make of it. */
static bool
look_through(const struct reader *r, const char *name, struct stat *st)
{
    struct found f;
    size_t dir_n = strlen(r->dir->name), n = strlen(name);

    if (dir_n + n >= sizeof(f.name))
        return false;
    memcpy(f.name, r->dir->name, dir_n);
    memcpy(f.name + dir_n, name, n + 1);
    resolve_entry(r->site, r->dir->root_fd, &f);
    fd_close(&f.fd);
    *st = f.st;
    return f.kind == FOUND_FILE || f.kind == FOUND_SCRIPT || f.kind == FOUND_DIRECTORY;
}

/* As the site's rules say of its path. */
static bool
allowed(const struct reader *r, const char *name, enum script_kind script)
{
    char path[PATH_MAX + NAME_MAX + 2];
    enum path_serve serve;
    int n;

    if (r->site->rules.npaths == 0)
        return true;
    n = snprintf(path, sizeof(path), "/%s%s", r->dir->name, name);
    serve = rules_serve(&r->site->rules, span_of(path, (size_t)n), true);
    return serve == SERVE_ALL || (serve == SERVE_STATIC && script != SCRIPT_RUN);
}

static bool
served(const struct reader *r, const char *name, struct stat *st)
{
    enum script_kind script = script_kind(span_str(name));

    if (!allowed(r, name, script))
        return false;
    if (fstatat(r->fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    if (S_ISLNK(st->st_mode))
        return look_through(r, name, st);
    if (S_ISDIR(st->st_mode))
        return faccessat(r->fd, name, X_OK, 0) == 0;
    if (!S_ISREG(st->st_mode) || script == SCRIPT_NEVER ||
        (script == SCRIPT_RUN && !r->site->php))
        return false;
    return faccessat(r->fd, name, R_OK, 0) == 0;
}

static void
add(struct listing *l, struct reader *r, const char *name, const struct stat *st)
{
    struct entry *e;

    if (l->n == r->room) {
        r->room = r->room ? 2 * r->room : ENTRIES_FIRST;
        l->entries = mem_grow(l->entries, r->room * sizeof(*l->entries));
    }
    e = &l->entries[l->n++];
    e->name = mem_str(name);
    e->directory = S_ISDIR(st->st_mode);
    e->size = e->directory ? 0 : (uint64_t)st->st_size;
    e->mtime = st->st_mtim.tv_sec;
    if (e->mtime > l->newest)
        l->newest = e->mtime;
}

static int
read_all(struct listing *l, struct reader *r, DIR *dir)
{
    const struct dirent *d;
    struct stat st;

    for (size_t seen = 0; (errno = 0, d = readdir(dir)) != NULL;) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        if (seen++ == LISTING_MAX) {
            l->cut = true;
            return 0;
        }
        if (!hidden(d->d_name) && served(r, d->d_name, &st))
            add(l, r, d->d_name, &st);
    }
    return -errno;
}

int
listing_read(struct listing *l, const struct site *site, struct found *f)
{
    struct reader r = {.site = site, .dir = f, .fd = f->fd};
    struct stat st;
    DIR *dir = NULL;
    int rc = 0;

    *l = (struct listing){0};
    if (fstat(f->fd, &st) < 0 || !(dir = fdopendir(f->fd))) {
        rc = -errno;
        fd_close(&f->fd);
        return rc;
    }
    f->fd = -1; /* the stream's now */
    l->newest = st.st_mtim.tv_sec;
    rc = read_all(l, &r, dir);
    closedir(dir);
    if (rc < 0)
        listing_done(l);
    return rc;
}

/* Letters in both cases together, as people look for them. */
static int
by_name(const struct entry *a, const struct entry *b)
{
    int order = strcasecmp(a->name, b->name);

    return order ? order : strcmp(a->name, b->name);
}

struct order {
    enum listing_key key;
    bool descending;
};

static int
compare(const void *one, const void *other, void *order)
{
    const struct entry *a = one, *b = other;
    const struct order *o = order;
    int c = 0;

    if (a->directory != b->directory)
        return a->directory ? -1 : 1;
    if (o->key == LISTING_BY_SIZE)
        c = (a->size > b->size) - (a->size < b->size);
    else if (o->key == LISTING_BY_TIME)
        c = (a->mtime > b->mtime) - (a->mtime < b->mtime);
    else
        c = by_name(a, b);
    if (c == 0)
        return by_name(a, b);
    return o->descending ? -c : c;
}

void
listing_sort(struct listing *l, enum listing_key key, bool descending)
{
    struct order o = {key, descending};

    if (l->n > 1)
        qsort_r(l->entries, l->n, sizeof(*l->entries), compare, &o);
}

void
listing_done(struct listing *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->entries[i].name);
    free(l->entries);
    *l = (struct listing){0};
}
