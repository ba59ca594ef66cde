/* Who the visitor is. Floor 6; worker. */
#include "visitor.h"
#include "conn.h"
#include "hostel/base/counters.h"
#include "hostel/http/forwarded.h"

static void
text_of(const uint8_t ip[static MSG_NET_BYTES], uint16_t port, char text[static ADDRESS_TEXT])
{
    struct msg_visitor end = {.port = port};
    struct sockaddr_storage addr;

    memcpy(end.ip, ip, sizeof(end.ip));
    msg_visitor_to(&end, &addr);
    (void)address_text(&addr, text, &port);
}

void
visitor_from(struct visitor *v, const struct msg_visitor *m, int fd)
{
    *v = (struct visitor){
        .port = m->port, .https = m->flags & (CONN_TLS | CONN_SECURE), .fd = fd};
    text_of(m->ip, m->port, v->addr);
    if (!(m->flags & CONN_PROXIED) || m->to_port == 0)
        return;
    text_of(m->to_ip, m->to_port, v->local_addr);
    v->local_port = m->to_port;
}

void
visitor_know_end(struct visitor *v)
{
    if (!v->local_addr[0]) /* and it stays so, if he has just left */
        (void)address_local(v->fd, v->local_addr, &v->local_port);
}

unsigned
visitor_told(struct round *r, struct conns *all)
{
    const struct request *req = &r->x.req;
    struct forwarded f;

    if (forwarded_find(req->fields, req->nfields, &all->settings.trusted, &f) < 0) {
        if (r->x.site)
            exchange_error(&r->x, SPAN("Forwarded and X-Forwarded-For name different visitors: "
                                       "the proxy must remove the one that it does not set"));
        return 400;
    }
    if (!f.found && !f.scheme && !f.to_port)
        return 0;
    r->told = *r->x.visitor;
    r->x.visitor = &r->told;
    if (f.scheme) {
        r->told.https = f.scheme == FORWARDED_HTTPS;
        r->told.local_port = r->told.https ? 443 : 80;
    }
    if (f.to_port)
        r->told.local_port = f.to_port;
    if (!f.found)
        return 0;
    text_of(f.ip, f.port, r->told.addr);
    r->told.port = f.port;
    r->guest = tally_add(&all->addrs, tally_ip(f.ip), all->settings.conns_per_addr);
    if (r->guest)
        return 0;
    count(COUNT_LIMITED, 1);
    count(COUNT_LIMITED_ADDRESS, 1);
    return 429;
}
