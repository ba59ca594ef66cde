/* Counts of keys in a hash table that doubles. Floor 0; acceptor and worker. */
#include "hostel/base/tally.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CHAINS_FIRST 16
#define NET_IPV4     0x0000ffff00000000ULL /* 0:ffff::/32 is no address that anybody has */

struct tally_row {
    struct tally_row *next;
    uint64_t key;
    uint32_t count;
};

int
tally_init(struct tally *t)
{
    unsigned __int128 secret[2];

    *t = (struct tally){.rows = NULL};
    if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
        return -EIO;
    t->factor = secret[0];
    t->addend = secret[1];
    return 0;
}

void
tally_done(struct tally *t)
{
    for (size_t i = 0; i < t->nchains; i++) {
        struct tally_row *r, *next;

        for (r = t->rows[i]; r; r = next) {
            next = r->next;
            free(r);
        }
    }
    free(t->rows);
    *t = (struct tally){.rows = NULL};
}

/*
 * Multiply, add, take the upper bits: with a secret factor and addend two keys share a chain by
 * chance only, whoever chose them.
 */
static struct tally_row **
chain_of(const struct tally *t, uint64_t key)
{
    uint64_t h = (uint64_t)((t->factor * key + t->addend) >> 64);

    return &t->rows[(h >> 32) & (t->nchains - 1)];
}

static void
grow(struct tally *t)
{
    struct tally_row **old = t->rows;
    size_t nold = t->nchains;

    t->nchains = nold ? 2 * nold : CHAINS_FIRST;
    t->rows = mem_new_array(t->nchains, sizeof(*t->rows));
    for (size_t i = 0; i < nold; i++) {
        struct tally_row *r, *next, **chain;

        for (r = old[i]; r; r = next) {
            next = r->next;
            chain = chain_of(t, r->key);
            r->next = *chain;
            *chain = r;
        }
    }
    free(old);
}

struct tally_row *
tally_add(struct tally *t, uint64_t key, uint32_t max)
{
    struct tally_row *r = t->nchains ? *chain_of(t, key) : NULL;

    while (r && r->key != key)
        r = r->next;
    if ((r ? r->count : 0) >= max)
        return NULL;
    if (!r) {
        struct tally_row **chain;

        if (t->nrows == t->nchains)
            grow(t);
        chain = chain_of(t, key);
        r = mem_new(sizeof(*r));
        r->key = key;
        r->next = *chain;
        *chain = r;
        t->nrows++;
    }
    r->count++;
    return r;
}

void
tally_drop(struct tally *t, struct tally_row **row)
{
    struct tally_row *r = *row, **at;

    *row = NULL;
    if (!r || --r->count > 0)
        return;
    for (at = chain_of(t, r->key); *at != r; at = &(*at)->next)
        ;
    *at = r->next;
    free(r);
    t->nrows--;
}

static uint64_t
number(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint64_t v = 0;

    while (n--)
        v = v << 8 | *p++;
    return v;
}

uint64_t
tally_address(const struct sockaddr_storage *addr)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (addr->ss_family == AF_INET) {
        memcpy(&v4, addr, sizeof(v4));
        return NET_IPV4 | number(&v4.sin_addr, 4);
    }
    if (addr->ss_family != AF_INET6)
        return 0;
    memcpy(&v6, addr, sizeof(v6));
    return tally_ip(v6.sin6_addr.s6_addr);
}

uint64_t
tally_ip(const uint8_t ip[static 16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (memcmp(ip, mapped, sizeof(mapped)) == 0)
        return NET_IPV4 | number(ip + sizeof(mapped), 4);
    return number(ip, 8);
}
