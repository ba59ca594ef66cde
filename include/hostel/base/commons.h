/*
 * What the workers of one user count together, in memory that they share and nobody else has:
 * requests of client addresses, and connections. So a limit is the same whichever worker a
 * visitor comes to, and outlives any of them. Of fixed size, whoever comes: an address that
 * finds no room takes that of the one whose limit is furthest away. Floor 0; worker, and the
 * supervisor, which makes it and reads nothing of it.
 */
#ifndef HOSTEL_BASE_COMMONS_H
#define HOSTEL_BASE_COMMONS_H

#include <stdbool.h>
#include <stdint.h>

#define COMMONS_PLACES 256 /* workers of one user at once, also those that leave */

struct commons;

/*
 * in      what is counted: so many a second, so many at once after a pause
 * both at least 1
 */
struct commons_rate {
    uint32_t per_second, burst;
};

/*
 * One more request of this key. An address that has made all that it may is not counted on, so
 * that who goes on and on gets his rate all the same.
 *
 * in   key      of the address, as tally_address() makes it
 * in   other    tells apart what has its own count: a site
 * in   now_ns   of a clock that all workers have: CLOCK_MONOTONIC
 * out  wait_ns  until the next one is allowed; only when it is not
 * ret  true: it is allowed
 */
bool commons_request(struct commons *c, uint64_t key, uint64_t other,
                     const struct commons_rate *rate, uint64_t now_ns, uint64_t *wait_ns);

/* This worker has so many connections now. in  place  its own, < COMMONS_PLACES */
void commons_connections(struct commons *c, uint32_t place, uint32_t n);

/* ret  how many all have */
uint64_t commons_sum(const struct commons *c);

/*
 * This worker takes new connections, or does not; a hint, for those who could leave some to it.
 *
 * in  n  how many it has; COMMONS_NONE: it takes none
 */
#define COMMONS_NONE UINT32_MAX
void commons_takes(struct commons *c, uint32_t place, uint32_t n);

/* ret  the least that one of the others has who takes some; COMMONS_NONE: nobody else does */
uint32_t commons_least(const struct commons *c, uint32_t place);

/*
 * out  fd  a memfd for the workers; owned by the caller
 * out  c   commons_unmap()
 * ret  0 or -errno
 */
int commons_make(int *fd, struct commons **c);

/* in  fd  what commons_make() gave, lent. ret  0 or -errno */
int commons_use(int fd, struct commons **c);

/* Leaves NULL. NULL is fine. */
void commons_unmap(struct commons **c);

#endif
