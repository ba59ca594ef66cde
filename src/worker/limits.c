/*
 * How many connections there may be: altogether, of one client address, at one site; and how
 * many requests a second of one address. Floor 6; worker.
 */
#include "conn.h"
#include "hostel/base/counters.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

static struct conn *
conn_of(struct deadline *d)
{
    return (struct conn *)((char *)d - offsetof(struct conn, deadline));
}

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
    if (!d) /* whose head does not come: an acceptor would not even have sent it */
        d = TAILQ_FIRST(&all->head.waiting);
    if (d)
        conn_end(conn_of(d));
    return d;
}

/*
 * More than all workers of the user may have? This one is counted already: two that come to two
 * workers at once may both be refused, and never both be one too many.
 */
static bool
user_crowded(const struct conns *all)
{
    const struct conns_settings *s = &all->settings;

    return s->user_conns_max && commons_sum(s->commons) > s->user_conns_max;
}

void
limits_admit(struct conn *c, uint64_t net)
{
    struct conns *all = c->all;

    if (!c->trusted) /* a proxy's are its visitors': visitor.c counts those */
        c->addr = tally_add(&all->addrs, net, all->settings.conns_per_addr);
    if (!c->addr && !c->trusted) {
        c->refusal = 429;
        return;
    }
    if ((limits_crowded(all) || user_crowded(all)) && !end_least_missed(all))
        c->refusal = 503;
}

void
limits_head_waits(struct conn *c)
{
    struct conns *all = c->all;
    struct deadline *oldest;

    if (!c->unheard || c->addr || c->refusal || c->trusted)
        return;
    c->addr = tally_add(&all->heads, c->net, all->settings.conns_per_addr);
    if (!c->addr) {
        c->refusal = 429;
        return;
    }
    if (!limits_crowded(all))
        return;
    oldest = TAILQ_FIRST(&all->head.waiting); /* it has had its time */
    if (oldest)
        conn_end(conn_of(oldest));
    else if (!end_least_missed(all))
        c->refusal = 503;
}

void
limits_head_whole(struct conn *c)
{
    if (!c->unheard || c->refusal)
        return;
    c->unheard = false;
    tally_drop(&c->all->heads, &c->addr);
    limits_admit(c, c->net);
}

void
limits_leave(struct conn *c)
{
    tally_drop(c->unheard ? &c->all->heads : &c->all->addrs, &c->addr);
}

void
limits_refused(const struct conn *c)
{
    count(COUNT_LIMITED, 1);
    count(c->refusal == 429 ? COUNT_LIMITED_ADDRESS : COUNT_LIMITED_CONNECTIONS, 1);
}

/*
 * In HTTP/1 answers follow each other, and each goes out as its own site says. In HTTP/2 they
 * are one stream of bytes: the narrowest of all that were asked for on it is what counts.
 */
void
limits_slow(struct conn *c, const struct site *site)
{
    if (c->h2 && c->stream.throttle && (!site->bandwidth || site->bandwidth > c->bandwidth))
        return;
    c->bandwidth = site->bandwidth;
    stream_limit(&c->stream, site->bandwidth, site->bandwidth_burst, &c->all->hold);
}

/* --- requests -------------------------------------------------------------------------------
 */

uint64_t
limits_name(struct span name)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 1099511628211u;
    return h;
}

/* The visitor's address, whoever has said it, as what is counted. */
static uint64_t
address_key(const struct visitor *v)
{
    struct sockaddr_storage addr = {.ss_family = AF_UNSPEC};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, v->addr, &v4.sin_addr) == 1)
        memcpy(&addr, &v4, sizeof(v4));
    else if (inet_pton(AF_INET6, v->addr, &v6.sin6_addr) == 1)
        memcpy(&addr, &v6, sizeof(v6));
    return tally_address(&addr);
}

int
limits_request(struct conns *all, struct round *r)
{
    const struct site *site = r->x.site;
    const struct commons_rate rate = {site->rate, site->burst};
    uint64_t wait_ns;

    if (site->rate && !commons_request(all->settings.commons, address_key(r->x.visitor),
                                       site->rate_key, &rate, uv_hrtime(), &wait_ns)) {
        r->wait_s = (unsigned)((wait_ns + 999999999) / 1000000000);
        return -EAGAIN;
    }
    if (site->conns_max == 0)
        return 0;
    r->seat = tally_add(&all->seats, (uintptr_t)site, site->conns_max);
    return r->seat ? 0 : -EBUSY;
}
