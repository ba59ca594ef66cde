/*
 * How many connections there may be: altogether, of one client address, at one site. Floor 6;
 * worker.
 */
#include "conn.h"

#include <stddef.h>

/*
 * The connection that is missed least: one that only waits for its visitor to hang up, else
 * the one that has been idle longest. Both lists are in the order of time by themselves.
 */
static struct conn *
least_missed(const struct conns *all)
{
    struct deadline *d = TAILQ_FIRST(&all->linger.waiting);

    if (!d)
        d = TAILQ_FIRST(&all->idle.waiting);
    return d ? (struct conn *)((char *)d - offsetof(struct conn, deadline)) : NULL;
}

void
limits_admit(struct conn *c, uint64_t net)
{
    struct conns *all = c->all;
    struct conn *other;

    c->addr = tally_add(&all->addrs, net, all->settings.conns_per_addr);
    if (!c->addr) {
        c->refusal = 429;
        return;
    }
    if (!limits_crowded(all))
        return;
    other = least_missed(all);
    if (other)
        conn_end(other);
    else
        c->refusal = 503;
}

bool
limits_seat(struct conns *all, struct round *r)
{
    const struct site *site = r->x.site;

    if (site->conns_max == 0)
        return true;
    r->seat = tally_add(&all->seats, (uintptr_t)site, site->conns_max);
    return r->seat;
}
