/*
 * Exact counts of 64-bit keys that strangers choose: how many connections an address has.
 * Floor 0; acceptor and worker.
 */
#ifndef HOSTEL_BASE_TALLY_H
#define HOSTEL_BASE_TALLY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct tally_row; /* one key that is counted now */

struct tally {
    struct tally_row **rows; /* chains; a power of two of them, 0 before the first key */
    size_t nchains, nrows;
    unsigned __int128 factor,
        addend; /* of the hash: secret, so that nobody can aim at a chain */
};

/* ret  0; -errno: no random bytes to be had */
int tally_init(struct tally *t);

/* Frees the rows as well: nobody may drop one afterwards. */
void tally_done(struct tally *t);

/*
 * Count one more of key, unless there are max already.
 *
 * ret  its row, for tally_drop(); NULL: it has max
 */
struct tally_row *tally_add(struct tally *t, uint64_t key, uint32_t max);

/* One less; leaves NULL. NULL is fine. */
void tally_drop(struct tally *t, struct tally_row **row);

/*
 * A client's address as a key: an IPv4 address, also one that is mapped into IPv6, or the /64
 * of an IPv6 address, which is the least that one customer is given. No IPv6 address in use
 * shares a key with an IPv4 one. Anything else is 0.
 */
uint64_t tally_address(const struct sockaddr_storage *addr);
/* The same of 16 bytes, IPv4 as ::ffff:a.b.c.d */
uint64_t tally_ip(const uint8_t ip[static 16]);

#endif
