/*
 * Log lines in shared memory. Floor 0; hostel, hostel-worker.
 *
 *     | page of counts | lines ........................... |
 *                          ^ tail              ^ head
 *
 * head and tail only grow; a byte's place is its number modulo the size. An empty ring goes on
 * at its beginning, so that a quiet log touches one page of it and no more.
 */
#include "hostel/base/logring.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE       4096
#define SEALS      (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)
#define URGENT     65536       /* bytes that wait */
#define GIVE_BACK  (16 * PAGE) /* taken at once: their pages go back to the system */
#define KEPT_PAGES (16 * PAGE) /* at the beginning, which a quiet log uses again and again */

struct counts {
    _Atomic uint64_t head;    /* the worker's */
    _Atomic uint64_t begin;   /* likewise: nothing before it is a line */
    _Atomic uint64_t lost;    /* likewise */
    _Atomic uint64_t asked;   /* set by the worker, cleared by the supervisor */
    _Atomic uint64_t tail;    /* the supervisor's */
    _Atomic uint64_t watched; /* likewise: it looks by itself */
};

struct logring {
    struct counts *shared;
    char *lines;
    size_t size;
    uint64_t tail; /* the supervisor's own, which it believes */
};

static int
map(int fd, size_t size, struct logring **out)
{
    void *p = mmap(NULL, PAGE + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct logring *r;

    if (p == MAP_FAILED)
        return -errno;
    r = mem_new(sizeof(*r));
    r->shared = p;
    r->lines = (char *)p + PAGE;
    r->size = size;
    *out = r;
    return 0;
}

static bool
is_size(size_t size)
{
    return size >= LOGRING_MIN && size <= LOGRING_MAX && (size & (size - 1)) == 0;
}

int
logring_make(size_t bytes, int *out, struct logring **r)
{
    int rc = 0, fd;

    if (!is_size(bytes))
        return -EINVAL;
    fd = memfd_create("hostel-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    /* it can never become shorter: reading it is safe, whatever the worker does */
    if (ftruncate(fd, (off_t)(PAGE + bytes)) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        rc = -errno;
    else
        rc = map(fd, bytes, r);
    if (rc < 0) {
        fd_close(&fd);
        return rc;
    }
    (void)madvise((*r)->shared, PAGE + bytes, MADV_DONTFORK); /* no child wants them all */
    *out = fd;
    return 0;
}

int
logring_use(int fd, struct logring **r)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size <= PAGE || !is_size((size_t)st.st_size - PAGE))
        return -EBADMSG;
    return map(fd, (size_t)st.st_size - PAGE, r);
}

void
logring_free(struct logring **r)
{
    if (!*r)
        return;
    (void)munmap((*r)->shared, PAGE + (*r)->size);
    free(*r);
    *r = NULL;
}

/* Where lines begin: at the tail, or where an empty ring went on. */
static uint64_t
start(uint64_t head, uint64_t tail, uint64_t begin)
{
    return begin - tail <= head - tail ? begin : tail;
}

size_t
logring_waiting(const struct logring *r)
{
    const struct counts *c = r->shared;
    uint64_t head = atomic_load_explicit(&c->head, memory_order_relaxed);
    uint64_t n = head - start(head, atomic_load_explicit(&c->tail, memory_order_relaxed),
                              atomic_load_explicit(&c->begin, memory_order_relaxed));

    return n > r->size ? r->size : (size_t)n;
}

/* --- the worker's end ------------------------------------------------------------------- */

bool
logring_put(struct logring *r, struct span line)
{
    struct counts *c = r->shared;
    uint64_t head = atomic_load_explicit(&c->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&c->tail, memory_order_acquire);
    size_t at, first;

    if (head == tail && head % r->size) { /* empty: from the beginning again */
        head += r->size - head % r->size;
        atomic_store_explicit(&c->begin, head, memory_order_relaxed);
    }
    tail = start(head, tail, atomic_load_explicit(&c->begin, memory_order_relaxed));
    if (head - tail > r->size || line.n > r->size - (size_t)(head - tail)) {
        atomic_fetch_add_explicit(&c->lost, line.n, memory_order_relaxed);
        return false;
    }
    at = head % r->size;
    first = line.n < r->size - at ? line.n : r->size - at;
    memcpy(r->lines + at, line.p, first);
    memcpy(r->lines, line.p + first, line.n - first);
    atomic_store_explicit(&c->head, head + line.n, memory_order_release);
    return true;
}

/* One of the two sees what the other has written last: the line, or that nobody looks. */
bool
logring_watched(const struct logring *r)
{
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load_explicit(&r->shared->watched, memory_order_relaxed);
}

bool
logring_urgent(struct logring *r)
{
    if (logring_waiting(r) < (r->size / 2 < URGENT ? r->size / 2 : URGENT))
        return false;
    return atomic_exchange_explicit(&r->shared->asked, 1, memory_order_relaxed) == 0;
}

/* --- the supervisor's end --------------------------------------------------------------- */

int
logring_look(struct logring *r, struct iovec v[static 2])
{
    struct counts *c = r->shared;
    uint64_t head, begin, n;
    size_t at, first;

    atomic_store_explicit(&c->asked, 0, memory_order_seq_cst);
    head = atomic_load_explicit(&c->head, memory_order_acquire);
    begin = atomic_load_explicit(&c->begin, memory_order_relaxed);
    r->tail = start(head, r->tail, begin);
    n = head - r->tail;
    if (n > r->size) { /* no such thing was ever put: it is lost, and only that */
        r->tail = head;
        atomic_store_explicit(&c->tail, head, memory_order_release);
        return 0;
    }
    at = r->tail % r->size;
    first = n < r->size - at ? n : r->size - at;
    v[0] = (struct iovec){r->lines + at, first};
    v[1] = (struct iovec){r->lines, n - first};
    return n == 0 ? 0 : n == first ? 1 : 2;
}

/* Whole pages that are the supervisor's alone until tail says otherwise. */
static void
give_back(struct logring *r, size_t from, size_t to)
{
    from = from < KEPT_PAGES ? KEPT_PAGES : (from + PAGE - 1) / PAGE * PAGE;
    to = to / PAGE * PAGE;
    if (from < to)
        (void)madvise(r->lines + from, to - from, MADV_REMOVE);
}

void
logring_take(struct logring *r, size_t n)
{
    size_t at = r->tail % r->size;

    if (n >= GIVE_BACK) {
        give_back(r, at, n < r->size - at ? at + n : r->size);
        if (n > r->size - at)
            give_back(r, 0, n - (r->size - at));
    }
    r->tail += n;
    atomic_store_explicit(&r->shared->tail, r->tail, memory_order_release);
}

void
logring_watch(struct logring *r, bool watched)
{
    atomic_store_explicit(&r->shared->watched, watched, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
}

uint64_t
logring_lost(const struct logring *r)
{
    return atomic_load_explicit(&r->shared->lost, memory_order_relaxed);
}
