/* Password files. Floor 5; worker. */
#include "htpasswd.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "pwhash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RACY_S 2 /* so long after a change another one may show the same times */

struct htpasswd_file {
    TAILQ_ENTRY(htpasswd_file) lru;
    char *path;
    uint64_t checked_ms, version;
    int error; /* 0; -errno: it could not be read */
    bool racy;
    struct stat st;
    char *text;
    size_t n;
};

struct htpasswd {
    TAILQ_HEAD(htpasswd_list, htpasswd_file) files;
    size_t count;
    uint64_t versions; /* given so far */
};

struct htpasswd *
htpasswd_new(void)
{
    struct htpasswd *h = mem_new(sizeof(*h));

    TAILQ_INIT(&h->files);
    return h;
}

static void
forget_text(struct htpasswd_file *f)
{
    if (f->text)
        explicit_bzero(f->text, f->n);
    free(f->text);
    f->text = NULL;
    f->n = 0;
}

static void
file_free(struct htpasswd *h, struct htpasswd_file *f)
{
    TAILQ_REMOVE(&h->files, f, lru);
    h->count--;
    forget_text(f);
    free(f->path);
    free(f);
}

void
htpasswd_free(struct htpasswd **h)
{
    struct htpasswd_file *f;

    if (!*h)
        return;
    while ((f = TAILQ_FIRST(&(*h)->files)))
        file_free(*h, f);
    free(*h);
    *h = NULL;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* ret  0 or -errno; all of it, or nothing */
static int
read_text(struct htpasswd_file *f, int fd)
{
    size_t size = (size_t)f->st.st_size;
    unsigned lines = 1;

    f->text = mem_new(size + 1);
    while (f->n < size) {
        ssize_t n = read(fd, f->text + f->n, size - f->n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        f->n += (size_t)n;
    }
    for (size_t i = 0; i + 1 < f->n; i++)
        lines += f->text[i] == '\n';
    return lines > HTPASSWD_LINES_MAX ? -EFBIG : 0;
}

/* in  f  without a text */
static int
look(struct htpasswd_file *f, int fd, const struct stat *st)
{
    int rc;

    f->racy = time(NULL) - st->st_mtim.tv_sec < RACY_S;
    f->st = *st;
    if (!S_ISREG(st->st_mode))
        return -EACCES;
    if (st->st_size > HTPASSWD_BYTES_MAX)
        return -EFBIG;
    rc = read_text(f, fd);
    if (rc < 0)
        forget_text(f);
    return rc;
}

/*
 * Read it again. A file that is dated ahead is racy for ever: were each look a new version, a
 * hash that takes longer than one holds would never be of the version that is asked for.
 */
static void
reread(struct htpasswd *h, struct htpasswd_file *f, int fd, const struct stat *st)
{
    struct htpasswd_file old = {.text = f->text, .n = f->n};

    f->text = NULL;
    f->n = 0;
    f->error = look(f, fd, st);
    if (f->error || !old.text || old.n != f->n || memcmp(old.text, f->text, f->n) != 0)
        f->version = ++h->versions;
    forget_text(&old);
}

/* What is in it now? The version stays only with the very same content. */
static void
refresh(struct htpasswd *h, struct htpasswd_file *f, uint64_t now_ms)
{
    /* O_NONBLOCK: a FIFO must not hold the worker up until somebody writes to it */
    int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct stat st;

    f->checked_ms = now_ms;
    if (fd < 0 || fstat(fd, &st) < 0) {
        f->error = -errno;
        forget_text(f);
    } else if (f->error || f->racy || !f->text || !is_same(&st, &f->st)) {
        reread(h, f, fd, &st);
    }
    fd_close(&fd);
}

static struct htpasswd_file *
find_file(struct htpasswd *h, const char *path)
{
    struct htpasswd_file *f;

    TAILQ_FOREACH(f, &h->files, lru)
    if (strcmp(f->path, path) == 0)
        return f;
    return NULL;
}

int
htpasswd_open(struct htpasswd *h, const char *path, uint64_t now_ms,
              const struct htpasswd_file **file)
{
    struct htpasswd_file *f = find_file(h, path);
    bool fresh = f && now_ms - f->checked_ms < HTPASSWD_FRESH_MS;

    if (f) {
        TAILQ_REMOVE(&h->files, f, lru);
    } else {
        f = mem_new(sizeof(*f));
        f->path = mem_str(path);
        h->count++;
    }
    TAILQ_INSERT_HEAD(&h->files, f, lru);
    if (h->count > HTPASSWD_FILES_MAX)
        file_free(h, TAILQ_LAST(&h->files, htpasswd_list));
    if (!fresh)
        refresh(h, f, now_ms);
    if (f->error)
        return f->error;
    *file = f;
    return 0;
}

uint64_t
htpasswd_version(const struct htpasswd_file *file)
{
    return file->version;
}

/* "user:hash", maybe with more fields behind; anything else is no entry. */
static bool
parse_line(struct span line, struct span *user, struct span *hash)
{
    size_t colon = span_find(line, ':');

    if (line.n == 0 || line.p[0] == '#' || colon == 0 || colon == line.n)
        return false;
    *user = span_of(line.p, colon);
    *hash = span_skip(line, colon + 1);
    hash->n = span_find(*hash, ':');
    return pwhash_is_taken(*hash);
}

/* Looks at every line, whoever is asked for. */
bool
htpasswd_find(const struct htpasswd_file *file, struct span user, struct span *hash)
{
    struct span rest = span_of(file->text, file->n), any = {NULL, 0}, own = {NULL, 0};

    while (rest.n) {
        size_t end = span_find(rest, '\n');
        struct span line = span_of(rest.p, end), name, value;

        rest = span_skip(rest, end + 1);
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (!parse_line(line, &name, &value))
            continue;
        if (!any.p)
            any = value;
        if (!own.p && span_eq(name, user))
            own = value;
    }
    *hash = own.p ? own : any;
    return own.p != NULL;
}
