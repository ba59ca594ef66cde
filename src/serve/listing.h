/* What lies in a directory, as far as a visitor may ask for it. Floor 5; worker. */
#ifndef SERVE_LISTING_H
#define SERVE_LISTING_H

#include "resolve.h"

#include <time.h>

#define LISTING_MAX 10000 /* names that are looked at: 40 ms for the whole answer */

struct entry {
    char *name; /* NUL-ended bytes, maybe no UTF-8; never empty */
    bool directory;
    uint64_t size; /* bytes; 0 for a directory */
    time_t mtime;
};

struct listing {
    struct entry *entries;
    size_t n;
    bool cut;      /* there are names that were not looked at */
    time_t newest; /* of the directory and all its entries */
};

enum listing_key { LISTING_BY_NAME, LISTING_BY_SIZE, LISTING_BY_TIME };

/*
 * Read a directory. Left out is what is never served: dotfiles but ".well-known", names with
 * control bytes, files that cannot be read, links that would be refused, PHP source where there
 * is no PHP, FIFOs, sockets, devices.
 *
 * in   f  FOUND_LISTING; its fd is taken
 * ret  0; -errno: the directory could not be read
 */
int listing_read(struct listing *l, const struct site *site, struct found *f);

/* Directories stand first whatever the order; what is equal is sorted by name. */
void listing_sort(struct listing *l, enum listing_key key, bool descending);

void listing_done(struct listing *l);

#endif
