/* Connections between acceptors and workers. Floor 2. */
#include "message_in.h"
#include "hostel/ipc/table.h"

#include <netinet/in.h>

void
msg_visitor_from(struct msg_visitor *v, const struct sockaddr_storage *addr)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    memset(v->ip, 0, sizeof(v->ip));
    v->port = 0;
    if (addr->ss_family == AF_INET) {
        memcpy(&v4, addr, sizeof(v4));
        memcpy(v->ip, mapped, sizeof(mapped));
        memcpy(v->ip + sizeof(mapped), &v4.sin_addr, sizeof(v4.sin_addr));
        v->port = ntohs(v4.sin_port);
    } else if (addr->ss_family == AF_INET6) {
        memcpy(&v6, addr, sizeof(v6));
        memcpy(v->ip, &v6.sin6_addr, sizeof(v->ip));
        v->port = ntohs(v6.sin6_port);
    }
}

void
msg_visitor_to(const struct msg_visitor *v, struct sockaddr_storage *addr)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(v->port)};

    memcpy(&v6.sin6_addr, v->ip, sizeof(v->ip));
    memcpy(addr, &v6, sizeof(v6));
}

static void
put_visitor(struct writer *w, const struct msg_visitor *v)
{
    put_u8(w, v->flags);
    put_bytes(w, v->ip, sizeof(v->ip));
    put_u16(w, v->port);
    if (!(v->flags & CONN_PROXIED))
        return; /* nearly all of them: as short as can be */
    put_bytes(w, v->to_ip, sizeof(v->to_ip));
    put_u16(w, v->to_port);
    put_u64(w, v->seal);
}

static void
get_visitor(struct reader *r, struct msg_visitor *v)
{
    *v = (struct msg_visitor){.flags = get_u8(r)};
    get_bytes(r, v->ip, sizeof(v->ip));
    v->port = get_u16(r);
    if (v->flags & CONN_PROXIED) {
        get_bytes(r, v->to_ip, sizeof(v->to_ip));
        v->to_port = get_u16(r);
        v->seal = get_u64(r);
    } else if (v->flags & CONN_SECURE) {
        r->error = -EBADMSG;
    }
    if (v->flags & ~CONN_FLAGS)
        r->error = -EBADMSG;
}

void
msg_conn_put(struct writer *w, const struct msg_conn *m)
{
    for (unsigned i = 0; i < m->n; i++)
        put_visitor(w, &m->visitors[i]);
}

int
msg_conn_get(struct reader *r, struct msg_conn *m)
{
    for (m->n = 0; r->rest.n > 0 && !r->error && m->n < IPC_FDS_MAX; m->n++)
        get_visitor(r, &m->visitors[m->n]);
    return got(r, m->n > 0);
}

void
msg_conn_prefix_put(struct writer *w, const struct msg_conn_prefix *m)
{
    put_visitor(w, &m->visitor);
    put_span(w, m->prefix);
}

int
msg_conn_prefix_get(struct reader *r, struct msg_conn_prefix *m)
{
    get_visitor(r, &m->visitor);
    m->prefix = get_span(r, MSG_PREFIX_MAX);
    return got(r, m->prefix.n > 0);
}

void
msg_conn_back_put(struct writer *w, const struct msg_conn_back *m)
{
    put_visitor(w, &m->visitor);
    put_span(w, m->prefix);
}

int
msg_conn_back_get(struct reader *r, struct msg_conn_back *m)
{
    get_visitor(r, &m->visitor);
    m->prefix = get_span(r, MSG_PREFIX_MAX);
    return got(r, !(m->visitor.flags & ~CONN_BACK_FLAGS));
}
