/* Open and small files, ready to be sent. Floor 5; worker. */
#include "filecache.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/http/media.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BUCKETS 2048 /* a power of two, twice the entries */
#define RACY_S  2    /* a change this young may be followed by one in the same clock tick */

struct filecache {
    TAILQ_HEAD(cached_files, cached_file) lru; /* first = used last */
    LIST_HEAD(, cached_file) buckets[BUCKETS];
    unsigned entries, fds;
    size_t bytes;
};

static uint32_t
hash_of(const struct site *site, struct span path)
{
    uint32_t h = 2166136261u ^ (uint32_t)((uintptr_t)site >> 4); /* FNV-1a */

    for (size_t i = 0; i < path.n; i++)
        h = (h ^ (unsigned char)path.p[i]) * 16777619u;
    return h;
}

struct filecache *
filecache_new(void)
{
    struct filecache *c = mem_new(sizeof(*c));

    TAILQ_INIT(&c->lru);
    for (size_t i = 0; i < BUCKETS; i++)
        LIST_INIT(&c->buckets[i]);
    return c;
}

void
cached_file_hold(struct cached_file *f)
{
    f->holders++;
}

void
cached_file_release(void *file)
{
    struct cached_file *f = file;

    if (--f->holders > 0)
        return;
    fd_close(&f->fd);
    free(f->body);
    free(f->path);
    free(f);
}

static size_t
weight(const struct cached_file *f)
{
    return sizeof(*f) + f->path_n + (f->body ? (size_t)f->size : 0);
}

static void
list(struct filecache *c, struct cached_file *f)
{
    TAILQ_INSERT_HEAD(&c->lru, f, lru);
    LIST_INSERT_HEAD(&c->buckets[f->hash % BUCKETS], f, same);
    f->listed = true;
    f->holders++;
    c->entries++;
    c->fds += f->fd >= 0;
    c->bytes += weight(f);
}

static void
unlist(struct filecache *c, struct cached_file *f)
{
    TAILQ_REMOVE(&c->lru, f, lru);
    LIST_REMOVE(f, same);
    f->listed = false;
    c->entries--;
    c->fds -= f->fd >= 0;
    c->bytes -= weight(f);
    cached_file_release(f);
}

void
filecache_free(struct filecache **c)
{
    struct cached_file *f;

    if (!*c)
        return;
    while ((f = TAILQ_FIRST(&(*c)->lru)))
        unlist(*c, f);
    free(*c);
    *c = NULL;
}

static struct cached_file *
find(struct filecache *c, const struct site *site, struct span path, uint32_t hash)
{
    struct cached_file *f;

    LIST_FOREACH(f, &c->buckets[hash % BUCKETS], same)
    if (f->hash == hash && f->site == site && span_eq((struct span){f->path, f->path_n}, path))
        return f;
    return NULL;
}

static bool
same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* The same file, and nothing was written to it in between. */
static bool
unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

struct cached_file *
filecache_find(struct filecache *c, const struct site *site, struct span path, uint64_t now_ms)
{
    struct cached_file *f = find(c, site, path, hash_of(site, path));
    struct stat st;

    if (!f || now_ms - f->checked_ms >= FILECACHE_FRESH_MS)
        return NULL;
    /* a big file is sent as it is now: the length in the head must be of now as well */
    if (f->fd >= 0 && (fstat(f->fd, &st) < 0 || !unchanged(&st, &f->st)))
        return NULL;
    TAILQ_REMOVE(&c->lru, f, lru);
    TAILQ_INSERT_HEAD(&c->lru, f, lru);
    return f;
}

/* Take the whole of a small file into memory; its size is what could be read. */
static int
read_body(struct cached_file *f)
{
    size_t n = 0, size = (size_t)f->st.st_size;

    f->body = mem_new(size ? size : 1);
    while (n < size) {
        ssize_t got = pread(f->fd, f->body + n, size - n, (off_t)n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    f->size = n;
    fd_close(&f->fd);
    return 0;
}

static void
describe(struct cached_file *f, struct span name)
{
    time_t now = time(NULL);

    f->racy = now - f->st.st_ctim.tv_sec < RACY_S;
    f->type = media_type(name);
    /* RFC 9110 8.8.2.1: Last-Modified is never later than Date; a date before 1970 is none */
    if (f->st.st_mtim.tv_sec >= 0 && f->st.st_mtim.tv_sec <= now)
        date_format(f->st.st_mtim.tv_sec, f->modified);
    snprintf(f->etag, sizeof(f->etag), "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"", f->size,
             (uint64_t)f->st.st_mtim.tv_sec * 1000000000u + (uint64_t)f->st.st_mtim.tv_nsec,
             (uint64_t)f->st.st_ino);
}

static int
make(const struct site *site, struct span path, uint32_t hash, int fd, const struct stat *st,
     struct span name, struct cached_file **out)
{
    struct cached_file *f = mem_new(sizeof(*f));
    int rc = 0;

    f->fd = fd;
    f->site = site;
    f->hash = hash;
    f->path = mem_str_span(path);
    f->path_n = path.n;
    f->st = *st;
    f->size = (uint64_t)st->st_size;
    if (f->size <= FILECACHE_BODY_MAX)
        rc = read_body(f);
    if (rc < 0) {
        f->holders = 1;
        cached_file_release(f);
        return rc;
    }
    describe(f, name);
    *out = f;
    return 0;
}

int
filecache_put(struct filecache *c, const struct site *site, struct span path, int fd,
              const struct stat *st, struct span name, uint64_t now_ms,
              struct cached_file **out)
{
    uint32_t hash = hash_of(site, path);
    struct cached_file *f = find(c, site, path, hash);
    int rc;

    if (f && !f->racy && unchanged(&f->st, st) && span_eq(f->type, media_type(name))) {
        fd_close(&fd);
        f->checked_ms = now_ms;
        *out = f;
        return 0;
    }
    if (f)
        unlist(c, f);
    rc = make(site, path, hash, fd, st, name, &f);
    if (rc < 0)
        return rc;
    f->checked_ms = now_ms;
    list(c, f);
    while (c->entries > FILECACHE_ENTRIES_MAX || c->bytes > FILECACHE_BYTES_MAX ||
           c->fds > FILECACHE_FDS_MAX)
        unlist(c, TAILQ_LAST(&c->lru, cached_files));
    *out = f;
    return 0;
}
