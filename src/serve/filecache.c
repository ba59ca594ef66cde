/* Open and small files, ready to be sent. Floor 5; worker. */
#include "filecache.h"
#include "hostel/base/buf.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/http/media.h"
#include "precompressed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BUCKETS 32 /* at first; a power of two, at least the entries */
#define RACY_S  2  /* a change this young may be followed by one in the same clock tick */

struct filecache {
    TAILQ_HEAD(cached_files, cached_file) lru; /* first = used last */
    LIST_HEAD(cached_bucket, cached_file) * buckets;
    unsigned nbuckets, entries, fds;
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
    c->nbuckets = BUCKETS;
    c->buckets = mem_new_array(BUCKETS, sizeof(*c->buckets)); /* zeroed is empty */
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
    for (int i = 0; i < CODINGS; i++)
        if (f->variants[i])
            cached_file_release(f->variants[i]);
    fd_close(&f->fd);
    free(f->body);
    free(f->lines);
    free(f->path);
    free(f->own_type);
    free(f);
}

/* What f and its variants weigh is in the sums while f is listed. */
static void
sum(const struct cached_file *f, unsigned *fds, size_t *bytes)
{
    *fds += f->fd >= 0;
    *bytes += sizeof(*f) + f->path_n + (f->body ? (size_t)f->size : 0);
    for (int i = 0; i < CODINGS; i++)
        if (f->variants[i])
            sum(f->variants[i], fds, bytes);
}

static void
count(struct filecache *c, const struct cached_file *f)
{
    sum(f, &c->fds, &c->bytes);
}

static void
uncount(struct filecache *c, const struct cached_file *f)
{
    unsigned fds = 0;
    size_t bytes = 0;

    sum(f, &fds, &bytes);
    c->fds -= fds;
    c->bytes -= bytes;
}

static struct cached_bucket *
bucket(const struct filecache *c, uint32_t hash)
{
    return &c->buckets[hash & (c->nbuckets - 1)];
}

/* As many buckets again: a user with three files pays for no thousand. */
static void
grow(struct filecache *c)
{
    struct cached_file *f;

    free(c->buckets);
    c->nbuckets *= 2;
    c->buckets = mem_new_array(c->nbuckets, sizeof(*c->buckets));
    TAILQ_FOREACH(f, &c->lru, lru)
    LIST_INSERT_HEAD(bucket(c, f->hash), f, same);
}

static void
list(struct filecache *c, struct cached_file *f)
{
    if (c->entries >= c->nbuckets)
        grow(c);
    TAILQ_INSERT_HEAD(&c->lru, f, lru);
    LIST_INSERT_HEAD(bucket(c, f->hash), f, same);
    f->listed = true;
    f->holders++;
    c->entries++;
    count(c, f);
}

static void
unlist(struct filecache *c, struct cached_file *f)
{
    TAILQ_REMOVE(&c->lru, f, lru);
    LIST_REMOVE(f, same);
    f->listed = false;
    c->entries--;
    uncount(c, f);
    cached_file_release(f);
}

static void
trim(struct filecache *c)
{
    while (c->entries > FILECACHE_ENTRIES_MAX || c->bytes > FILECACHE_BYTES_MAX ||
           c->fds > FILECACHE_FDS_MAX)
        unlist(c, TAILQ_LAST(&c->lru, cached_files));
}

static void
use(struct filecache *c, struct cached_file *f)
{
    TAILQ_REMOVE(&c->lru, f, lru);
    TAILQ_INSERT_HEAD(&c->lru, f, lru);
}

void
filecache_free(struct filecache **c)
{
    struct cached_file *f;

    if (!*c)
        return;
    while ((f = TAILQ_FIRST(&(*c)->lru)))
        unlist(*c, f);
    free((*c)->buckets);
    free(*c);
    *c = NULL;
}

static struct cached_file *
find(struct filecache *c, const struct site *site, struct span path, uint32_t hash)
{
    struct cached_file *f;

    LIST_FOREACH(f, bucket(c, hash), same)
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

bool
cached_file_current(const struct cached_file *f)
{
    struct stat st;

    return f->fd < 0 || (fstat(f->fd, &st) == 0 && unchanged(&st, &f->st));
}

struct cached_file *
filecache_find(struct filecache *c, const struct site *site, struct span path, uint64_t now_ms)
{
    struct cached_file *f = find(c, site, path, hash_of(site, path));

    if (!f || now_ms - f->checked_ms >= FILECACHE_FRESH_MS)
        return NULL;
    /* a big file is sent as it is now: the length in the head must be of now as well */
    if (!cached_file_current(f))
        return NULL;
    use(c, f);
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
    f->pays = encoding_pays(f->type);
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
filecache_lone(const struct site *site, int fd, const struct stat *st, struct span name,
               struct span type, struct cached_file **out)
{
    struct cached_file *f;
    int rc = make(site, SPAN(""), 0, fd, st, name, &f);

    if (rc < 0)
        return rc;
    f->holders = 1;
    if (type.n) {
        f->own_type = mem_str_span(type);
        f->type = span_of(f->own_type, type.n);
        f->pays = encoding_pays(f->type);
    }
    *out = f;
    return 0;
}

#define LINES_MAX 1024 /* a type, two validators, three short ones */

void
filecache_lines(struct cached_file *f, const struct response *r)
{
    struct buf lines;

    free(f->lines);
    f->lines = NULL;
    f->lines_n = 0;
    buf_init(&lines, LINES_MAX);
    if (response_check(r) == 0 && response_write(r, 0, &lines) == 0) {
        f->lines = mem_str_span(buf_span(&lines));
        f->lines_n = lines.len;
    }
    f->lines_vary = f->vary;
    buf_done(&lines);
}

/* --- variants ----------------------------------------------------------------------------- */

/* in  v  takes; NULL = none */
static void
set_variant(struct filecache *c, struct cached_file *f, enum coding coding,
            struct cached_file *v)
{
    struct cached_file *old = f->variants[coding];

    if (f->listed)
        uncount(c, f);
    f->variants[coding] = v;
    if (v) {
        v->coding = coding;
        v->holders = 1;
    }
    if (f->listed)
        count(c, f);
    if (old)
        cached_file_release(old);
}

/* What stands beside f now? What was made here is of this very version and stays. */
static void
look_beside(struct filecache *c, struct cached_file *f, struct span name, uint64_t now_ms)
{
    int root_fd = site_dir_fd(f->site->dir, now_ms);

    for (int i = CODING_IDENTITY + 1; i < CODINGS; i++) {
        struct cached_file *old = f->variants[i], *v = NULL;
        struct stat st;
        int fd = precompressed_open(f->site, root_fd, name, (enum coding)i, &f->st, &st);

        if (fd < 0 && (!old || old->made))
            continue;
        if (fd >= 0 && old && !old->made && !old->racy && unchanged(&old->st, &st)) {
            fd_close(&fd);
            continue;
        }
        if (fd >= 0 &&
            make(f->site, span_of(f->path, f->path_n), f->hash, fd, &st, name, &v) < 0)
            v = NULL;
        set_variant(c, f, (enum coding)i, v);
    }
}

struct cached_file *
filecache_made(struct filecache *c, struct cached_file *f, enum coding coding)
{
    struct cached_file *v = f->variants[coding];
    struct span etag = span_str(f->etag), name = encoding_name(coding);

    if (v && v->made)
        return v;
    v = mem_new(sizeof(*v));
    v->fd = -1;
    v->site = f->site;
    v->st = f->st;
    v->type = f->type;
    v->made = true;
    memcpy(v->modified, f->modified, sizeof(v->modified));
    /* the same bytes each time cannot be promised: another library version may come. 8.8.1 */
    snprintf(v->etag, sizeof(v->etag), "W/%.*s-%.*s\"", (int)etag.n - 1, etag.p, (int)name.n,
             name.p);
    set_variant(c, f, coding, v);
    return v;
}

void
filecache_keep(struct filecache *c, struct cached_file *f, struct cached_file *v,
               struct span bytes)
{
    if (f->variants[v->coding] != v || v->body)
        return;
    if (f->listed)
        uncount(c, f);
    v->body = mem_str_span(bytes);
    v->size = bytes.n;
    if (f->listed)
        count(c, f);
    trim(c);
}

/* --- putting ------------------------------------------------------------------------------ */

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
        use(c, f);
    } else {
        if (f)
            unlist(c, f);
        rc = make(site, path, hash, fd, st, name, &f);
        if (rc < 0)
            return rc;
        list(c, f);
    }
    f->checked_ms = now_ms;
    look_beside(c, f, name, now_ms);
    trim(c); /* f stands first: it stays */
    *out = f;
    return 0;
}
