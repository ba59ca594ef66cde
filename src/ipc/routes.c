/*
 * The routing table in a sealed memfd. Built by the supervisor, read by acceptors. Floor 2.
 *
 *     header | slots (a power of two, open addressing) | names, one after the other
 *
 * All of it is fixed-size integers in the machine's order: it never leaves the machine. A
 * wildcard stands in the table as its suffix with the leading dot (".example.org").
 */
#include "hostel/ipc/routes.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUTES_MAGIC  0x33726f75746573ULL /* "routes3" */
#define ROUTES_SEALS  (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define ROUTES_LABELS 128 /* a name of 255 bytes has no more */
#define NAME_MAX_LEN  255

struct header {
    uint64_t magic;
    uint64_t bytes; /* of the whole table */
    uint32_t slots; /* a power of two, more than names */
    uint32_t users;
    uint32_t unknown;
    uint32_t nameless; /* TLS without a server name */
    uint32_t acme;
    uint32_t unused;
};

struct slot {
    uint32_t offset; /* of the name, from the table's start; 0 = empty slot */
    uint32_t length;
    uint32_t user;
    uint32_t tls; /* 0, 1 */
};

struct routes {
    const struct header *h;
    const struct slot *slots;
    size_t bytes;
};

/* FNV-1a: names are the administrator's, not an attacker's, and a probe is bounded anyway. */
static uint32_t
hash(struct span s)
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619U;
    return h;
}

/* "*.example.org" is stored as ".example.org" */
static struct span
stored(struct span name)
{
    return name.n > 1 && name.p[0] == '*' ? span_skip(name, 1) : name;
}

static int
fill(char *table, uint32_t slots, const struct route *routes, size_t n)
{
    struct slot *slot = (struct slot *)(void *)(table + sizeof(struct header));
    size_t at = sizeof(struct header) + slots * sizeof(struct slot);

    for (size_t i = 0; i < n; i++) {
        struct span name = stored(routes[i].name);
        uint32_t k = hash(name) & (slots - 1);

        for (; slot[k].offset; k = (k + 1) & (slots - 1))
            if (span_eq(name, span_of(table + slot[k].offset, slot[k].length)))
                return -EEXIST;
        memcpy(table + at, name.p, name.n);
        slot[k] = (struct slot){(uint32_t)at, (uint32_t)name.n, routes[i].user, routes[i].tls};
        at += name.n;
    }
    return 0;
}

static int
seal(const char *table, size_t bytes, int *memfd)
{
    int fd = memfd_create("hostel-routes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    size_t done = 0;
    int rc = 0;

    if (fd < 0)
        return -errno;
    while (done < bytes) {
        ssize_t n = write(fd, table + done, bytes - done);

        if (n < 0 && errno != EINTR) {
            rc = -errno;
            goto fail;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    if (fcntl(fd, F_ADD_SEALS, ROUTES_SEALS) < 0) {
        rc = -errno;
        goto fail;
    }
    *memfd = fd;
    return 0;
fail:
    fd_close(&fd);
    return rc;
}

int
routes_build(const struct route *routes, size_t n, uint32_t users, uint32_t unknown,
             uint32_t nameless, uint32_t acme, int *memfd)
{
    size_t bytes = sizeof(struct header);
    uint32_t slots = 8;
    struct header *h;
    char *table;
    int rc;

    if (n > UINT32_MAX / 4)
        return -E2BIG;
    while (slots < n * 2)
        slots *= 2;
    bytes += slots * sizeof(struct slot);
    for (size_t i = 0; i < n; i++) {
        if (routes[i].name.n == 0 || routes[i].name.n > NAME_MAX_LEN || routes[i].user >= users)
            return -EINVAL;
        bytes += routes[i].name.n;
    }
    if (bytes > UINT32_MAX)
        return -E2BIG;
    table = mem_new(bytes);
    h = (struct header *)(void *)table;
    *h = (struct header){ROUTES_MAGIC, bytes, slots, users, unknown, nameless, acme, 0};
    rc = fill(table, slots, routes, n);
    if (rc == 0)
        rc = seal(table, bytes, memfd);
    free(table);
    return rc;
}

/* Every offset inside, every user known, at least one slot empty (a probe must end). */
static bool
consistent(const struct routes *r)
{
    const struct header *h = r->h;
    uint32_t used = 0;

    if (h->magic != ROUTES_MAGIC || h->bytes > r->bytes || h->slots == 0 ||
        (h->slots & (h->slots - 1)) ||
        h->slots > (r->bytes - sizeof(*h)) / sizeof(struct slot) ||
        (h->unknown != ROUTES_NO_USER && h->unknown >= h->users) ||
        (h->nameless != ROUTES_NO_USER && h->nameless >= h->users) ||
        (h->acme != ROUTES_NO_USER && h->acme >= h->users))
        return false;
    for (uint32_t i = 0; i < h->slots; i++) {
        const struct slot *s = &r->slots[i];

        if (s->offset == 0)
            continue;
        used++;
        if (s->length > NAME_MAX_LEN || s->offset > r->bytes ||
            s->length > r->bytes - s->offset || s->user >= h->users)
            return false;
    }
    return used < h->slots;
}

int
routes_open(int memfd, struct routes **out)
{
    struct routes r = {0};
    struct stat st;
    void *map;
    int seals = fcntl(memfd, F_GET_SEALS);

    if (seals < 0 || fstat(memfd, &st) < 0)
        return -errno;
    if ((seals & ROUTES_SEALS) != ROUTES_SEALS || st.st_size < (off_t)sizeof(struct header))
        return -EBADMSG;
    r.bytes = (size_t)st.st_size;
    map = mmap(NULL, r.bytes, PROT_READ, MAP_PRIVATE, memfd, 0);
    if (map == MAP_FAILED)
        return -errno;
    r.h = map;
    r.slots = (const struct slot *)(const void *)(r.h + 1);
    if (!consistent(&r)) {
        munmap(map, r.bytes);
        return -EBADMSG;
    }
    *out = mem_new(sizeof(r));
    **out = r;
    return 0;
}

void
routes_free(struct routes **r)
{
    if (*r)
        munmap((void *)(uintptr_t)(*r)->h, (*r)->bytes);
    free(*r);
    *r = NULL;
}

uint32_t
routes_users(const struct routes *r)
{
    return r->h->users;
}

static const struct slot *
lookup(const struct routes *r, struct span name)
{
    uint32_t mask = r->h->slots - 1;

    for (uint32_t k = hash(name) & mask; r->slots[k].offset; k = (k + 1) & mask)
        if (span_eq(name, span_of((const char *)r->h + r->slots[k].offset, r->slots[k].length)))
            return &r->slots[k];
    return NULL;
}

/* The name itself, else the longest suffix: "*.b.example" before "*.example". */
static const struct slot *
find(const struct routes *r, struct span host)
{
    const struct slot *slot = host.n ? lookup(r, host) : NULL;

    for (int i = 0; !slot && i < ROUTES_LABELS && host.n; i++) {
        host = span_skip(host, span_find(host, '.'));
        if (host.n > 1)
            slot = lookup(r, host);
        host = span_skip(host, 1);
    }
    return slot;
}

uint32_t
routes_find(const struct routes *r, struct span host, bool *by_default)
{
    const struct slot *slot = find(r, host);

    *by_default = !slot;
    return slot ? slot->user : r->h->unknown;
}

uint32_t
routes_find_tls(const struct routes *r, struct span host)
{
    const struct slot *slot = find(r, host);

    if (host.n == 0)
        return r->h->nameless;
    return slot && slot->tls ? slot->user : ROUTES_NO_USER;
}

uint32_t
routes_acme(const struct routes *r)
{
    return r->h->acme;
}
