/* The sites of this worker's user, by host name. Floor 6; worker. */
#ifndef WORKER_SITES_H
#define WORKER_SITES_H

#include "hostel/net/tls.h"
#include "hostel/serve/site.h"

struct sites;

struct sites *sites_new(void);

/* Frees the sites too, their root descriptors and strings; logs and pools are lent ones. */
void sites_free(struct sites **s);

/* Every site gives its certificate back. */
void sites_drop_tls(const struct sites *s, const struct tls_ops *ops);

/* Takes the site, all of it. A name that an earlier site has stays the earlier one's. */
void sites_add(struct sites *s, struct site *site);

/* ret  what was added last, still to be changed before anybody is served; or NULL */
struct site *sites_last(const struct sites *s);

/* ret  the one that was added as this one, from 0; or NULL */
struct site *sites_nth(const struct sites *s, size_t nth);

size_t sites_count(const struct sites *s);

/*
 * in   host  lower case, no port, no trailing dot
 * ret  the site that has exactly this name; else the one with the longest "*." suffix of it
 *      (which stands for one label or more); else NULL
 */
const struct site *sites_find(const struct sites *s, struct span host);

/* The site that answers ACME's challenges for every name, or NULL. */
const struct site *sites_acme(const struct sites *s);

/* The site that answers for names nobody has, or NULL. */
const struct site *sites_default(const struct sites *s);

#endif
