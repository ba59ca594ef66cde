/* Who the visitor is. Floor 6; worker. */
#include "visitor.h"

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
