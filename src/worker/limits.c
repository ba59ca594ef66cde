/*
 * How many connections there may be: altogether, of one client address, at one site. Floor 6;
 * worker.
 */
#include "conn.h"

#include <stddef.h>

/*
 * End the connection that is missed least: one that only waits for its visitor to hang up, else
 * one that has been idle for long. The lists are in the order of time by themselves.
 *
 * ret  false: all of them are at something
 */
static bool
end_least_missed(struct conns *all)
{
    struct deadline *d = TAILQ_FIRST(&all->linger.waiting);

    if (!d && park_drop(&all->park))
        return true;
    if (!d)
        d = TAILQ_FIRST(&all->kept.waiting);
    if (!d)
        d = TAILQ_FIRST(&all->idle.waiting);
    if (d)
        conn_end((struct conn *)((char *)d - offsetof(struct conn, deadline)));
    return d;
}

void
limits_admit(struct conn *c, uint64_t net)
{
    struct conns *all = c->all;

    c->addr = tally_add(&all->addrs, net, all->settings.conns_per_addr);
    if (!c->addr) {
        c->refusal = 429;
        return;
    }
    if (limits_crowded(all) && !end_least_missed(all))
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
