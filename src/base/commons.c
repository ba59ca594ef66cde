/*
 * Rates by the generic cell rate algorithm (ITU-T I.371): one number for an address, the time
 * at which its bucket will be empty of debts. Floor 0; worker, supervisor.
 */
#include "hostel/base/commons.h"
#include "hostel/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define SETS 2048
#define WAYS                                                                                   \
    8 /* addresses in a set: 16384 altogether, in 256 KiB that are used as they come           \
       */
#define SEALS     (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)
#define SECOND_NS UINT64_C(1000000000)

struct bucket {
    _Atomic uint64_t name;     /* hash of whose it is; 0: nobody's */
    _Atomic uint64_t until_ns; /* all that was allowed is paid for then */
};

struct commons {
    unsigned __int128 factor, addend; /* of the hash: secret, so that nobody can aim at a set */
    _Atomic uint32_t connections[COMMONS_PLACES];
    _Atomic uint32_t
        taking[COMMONS_PLACES]; /* the same and 1, who takes more; 0: who does not */
    struct bucket buckets[SETS][WAYS];
};

/* Multiply, add, take the upper bits, twice: two addresses share a name by chance only. */
static uint64_t
name_of(const struct commons *c, uint64_t key, uint64_t other)
{
    uint64_t h = (uint64_t)((c->factor * key + c->addend) >> 64) ^ other;

    return (uint64_t)((c->factor * h + c->addend) >> 64) | 1;
}

/* ret  the place of this name in its set, else of whoever is closest to no debt */
static struct bucket *
look(struct bucket *set, uint64_t name, uint64_t *has, uint64_t *until_ns)
{
    struct bucket *least = set;

    *until_ns = UINT64_MAX;
    *has = atomic_load(&set->name);
    for (struct bucket *b = set; b < set + WAYS; b++) {
        uint64_t n = atomic_load(&b->name), until = atomic_load(&b->until_ns);

        if (n != name && until >= *until_ns)
            continue;
        least = b;
        *has = n;
        *until_ns = until;
        if (n == name)
            break;
    }
    return least;
}

/* A place is taken only as it was seen: what another worker counts in it is not lost. */
static struct bucket *
bucket_of(struct commons *c, uint64_t name)
{
    struct bucket *set = c->buckets[(name >> 32) % SETS];
    uint64_t has, until_ns;

    for (;;) {
        struct bucket *b = look(set, name, &has, &until_ns);

        if (has == name || (atomic_compare_exchange_strong(&b->until_ns, &until_ns, 0) &&
                            atomic_compare_exchange_strong(&b->name, &has, name)))
            return b;
    }
}

bool
commons_request(struct commons *c, uint64_t key, uint64_t other,
                const struct commons_rate *rate, uint64_t now_ns, uint64_t *wait_ns)
{
    struct bucket *b = bucket_of(c, name_of(c, key, other));
    uint64_t each_ns = SECOND_NS / rate->per_second, most_ns = each_ns * rate->burst;
    uint64_t until_ns = atomic_load(&b->until_ns), next_ns;
    bool yes;

    do {
        next_ns = until_ns > now_ns ? until_ns : now_ns;
        if (next_ns > now_ns + most_ns) /* of another, slower rate, before a reload */
            next_ns = now_ns + most_ns;
        yes = next_ns - now_ns <= most_ns - each_ns;
        if (yes)
            next_ns += each_ns;
        else
            *wait_ns = next_ns - now_ns - (most_ns - each_ns);
    } while (next_ns != until_ns &&
             !atomic_compare_exchange_weak(&b->until_ns, &until_ns, next_ns));
    return yes;
}

void
commons_connections(struct commons *c, uint32_t place, uint32_t n)
{
    atomic_store(&c->connections[place % COMMONS_PLACES], n);
}

uint64_t
commons_sum(const struct commons *c)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < COMMONS_PLACES; i++)
        sum += atomic_load(&c->connections[i]);
    return sum;
}

void
commons_takes(struct commons *c, uint32_t place, uint32_t n)
{
    atomic_store_explicit(&c->taking[place % COMMONS_PLACES], n == COMMONS_NONE ? 0 : n + 1,
                          memory_order_relaxed);
}

uint32_t
commons_least(const struct commons *c, uint32_t place)
{
    uint32_t least = COMMONS_NONE;

    for (uint32_t i = 0; i < COMMONS_PLACES; i++) {
        uint32_t n = atomic_load_explicit(&c->taking[i], memory_order_relaxed);

        if (i != place && n > 0 && n - 1 < least)
            least = n - 1;
    }
    return least;
}

/* --- the memory -----------------------------------------------------------------------------
 */

int
commons_use(int fd, struct commons **c)
{
    void *map = mmap(NULL, sizeof(**c), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (map == MAP_FAILED)
        return -errno;
    *c = map;
    return 0;
}

int
commons_make(int *fd, struct commons **c)
{
    int memfd = memfd_create("hostel-commons", MFD_CLOEXEC | MFD_ALLOW_SEALING), rc = 0;

    /* what could be cut short would end whoever writes there */
    if (memfd < 0 || ftruncate(memfd, (off_t)sizeof(**c)) < 0 ||
        fcntl(memfd, F_ADD_SEALS, SEALS) < 0)
        rc = -errno;
    if (rc == 0)
        rc = commons_use(memfd, c);
    if (rc == 0 && getrandom(*c, offsetof(struct commons, connections), 0) !=
                       (ssize_t)offsetof(struct commons, connections)) {
        rc = -EIO;
        commons_unmap(c);
    }
    if (rc < 0)
        fd_close(&memfd);
    else
        *fd = memfd;
    return rc;
}

void
commons_unmap(struct commons **c)
{
    if (*c)
        (void)munmap(*c, sizeof(**c));
    *c = NULL;
}
