/*
 * A kept connection that asked for another user's site comes back from its worker. Nothing a
 * worker says is believed: the descriptor must be a connected TCP socket of one of our ports,
 * the visitor's address is whatever that socket says, or what an acceptor has sealed, and the
 * bytes already read are routed by their own Host like any others. One that came to a listener
 * of its user's own, maybe of a port that is not ours, is for a challenge of ACME and ends with
 * that: no other site is to be had there. Where requests themselves say who they are from, a
 * worker may not have read any: they must all still be in the socket. Floor 6, hostel-acceptor.
 */
#include "acceptor.h"
#include "hostel/base/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

static bool
is_option(int fd, int option, int value)
{
    int v = -1;
    socklen_t len = sizeof(v);

    return getsockopt(fd, SOL_SOCKET, option, &v, &len) == 0 && v == value;
}

static bool
is_our_port(const struct acceptor *a, int fd)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof(addr);
    in_port_t port;

    if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
        return false;
    if (addr.ss_family == AF_INET6)
        port = ((struct sockaddr_in6 *)&addr)->sin6_port;
    else if (addr.ss_family == AF_INET)
        port = ((struct sockaddr_in *)&addr)->sin_port;
    else
        return false;
    return accept_is_our_port(a, ntohs(port));
}

static bool
is_visitor(const struct acceptor *a, int fd, struct msg_visitor *v)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof(peer);

    if (!is_option(fd, SO_TYPE, SOCK_STREAM) || !is_option(fd, SO_PROTOCOL, IPPROTO_TCP) ||
        !is_option(fd, SO_ACCEPTCONN, 0) ||
        getpeername(fd, (struct sockaddr *)&peer, &len) < 0 ||
        (!(v->flags & CONN_ALONE) && !is_our_port(a, fd)))
        return false;
    msg_visitor_from(v, &peer);
    return true;
}

/*
 * What the worker may have done to the socket, for whoever gets it next: a close() that lingers
 * would wait for a visitor who never reads, and a mark that is never reached wakes nobody.
 */
static void
undo_options(int fd)
{
    const struct linger off = {0};
    const int lowat = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat));
}

/* By what was read of it; takes fd. */
static void
route_back(struct acceptor *a, int fd, struct msg_visitor *visitor, struct span prefix)
{
    static struct head head;
    enum head_verdict verdict;
    bool by_default;
    size_t seen = 0;
    uint32_t to;

    verdict = head_parse(prefix, &seen, &head);
    if (verdict != HEAD_OK) { /* a worker hands back whole heads only */
        refuse(a, fd, verdict == HEAD_MORE ? 400 : (unsigned)verdict);
        return;
    }
    to = look_user(a, &head, &by_default);
    if ((visitor->flags & CONN_ALONE) && to != routes_acme(a->routes))
        to = ROUTES_NO_USER;
    if (to == ROUTES_NO_USER) {
        refuse(a, fd, 404);
        return;
    }
    visitor->flags |= by_default ? CONN_BY_DEFAULT : 0;
    handover_add(a, to, fd, visitor, &prefix);
}

int
handback(struct user *u, struct message *m)
{
    struct acceptor *a = u->acceptor;
    struct msg_conn_back back;
    struct msg_visitor visitor;
    int fd;

    if (m->type != MSG_CONN_BACK || msg_conn_back_get(&m->payload, &back) < 0)
        return -EPROTO;
    fd = fd_take(&m->fds[0]);
    undo_options(fd);
    if (a->stop_ms && !a->patient) {
        fd_close(&fd);
        return 0;
    }
    visitor = (struct msg_visitor){.flags = back.visitor.flags & CONN_ALONE};
    if (!is_visitor(a, fd, &visitor) || proxied_unseal(a, fd, &back.visitor, &visitor) < 0) {
        fd_close(&fd);
        return -EPROTO;
    }
    visitor.flags |= CONN_RETURNED;
    if (back.prefix.n == 0 && !(visitor.flags & CONN_ALONE))
        look_again(a, fd, &visitor);
    else if (nets_have(&a->limits.trusted, visitor.ip))
        refuse(a, fd, 421);
    else
        route_back(a, fd, &visitor, back.prefix);
    return 0;
}
