/*
 * Connections from proxies: the header that says who the visitor is, and how that is known when
 * such a connection comes back from a worker. Floor 6, hostel-acceptor.
 *
 * The socket itself knows the proxy only, and several acceptors read what workers hand back, so
 * the acceptor that took the header puts the acceptors' seal on what it said: a keyed checksum
 * of that and of the socket's cookie, which the kernel gives out once. The worker keeps both
 * and hands them back with the socket; what it makes up itself does not fit. That it leaves
 * them out is seen, too: a socket whose header was taken is marked by SO_LOCK_FILTER, which the
 * kernel lets nobody take back.
 */
#include "acceptor.h"
#include "hostel/base/counters.h"
#include "hostel/base/date.h"
#include "hostel/base/log.h"
#include "hostel/base/siphash.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define SAID_MS 10000 /* a line at most: anybody can connect */

/* --- who is refused -------------------------------------------------------------------------
 */

static void
say(const uint8_t ip[static 16], const char *what)
{
    static uint64_t said_ms;
    static unsigned unsaid;
    uint64_t now_ms = date_mono_ms();
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    bool four = memcmp(ip, mapped, sizeof(mapped)) == 0;

    count(COUNT_REFUSED, 1);
    if (said_ms && now_ms - said_ms < SAID_MS) {
        unsaid++;
        return;
    }
    if (!inet_ntop(four ? AF_INET : AF_INET6, four ? ip + 12 : ip, text, sizeof(text)))
        text[0] = '\0';
    log_warn("a connection from %s to a listener with proxy_protocol was closed: %s (%u more "
             "before)",
             text, what, unsaid);
    said_ms = now_ms;
    unsaid = 0;
}

bool
proxied_allows(const struct listener *l, const struct sockaddr_storage *addr)
{
    struct msg_visitor v = {.flags = 0};

    msg_visitor_from(&v, addr);
    if (nets_have(&l->proxies, v.ip))
        return true;
    say(v.ip, "proxy_protocol does not name it");
    return false;
}

/* --- the seal -------------------------------------------------------------------------------
 */

/* ret  0 or -errno */
static int
seal_of(const struct acceptor *a, int fd, const struct msg_visitor *v, uint64_t *seal)
{
    char bytes[sizeof(uint64_t) + 2 * MSG_NET_BYTES + 2 * sizeof(uint16_t) + 1], *p = bytes;
    uint64_t cookie;
    socklen_t len = sizeof(cookie);

    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0)
        return -errno;
    p = mempcpy(p, &cookie, sizeof(cookie));
    p = mempcpy(p, v->ip, sizeof(v->ip));
    p = mempcpy(p, v->to_ip, sizeof(v->to_ip));
    p = mempcpy(p, &v->port, sizeof(v->port));
    p = mempcpy(p, &v->to_port, sizeof(v->to_port));
    *p = (char)(v->flags & (CONN_PROXIED | CONN_SECURE));
    *seal = siphash(a->limits.seal, span_of(bytes, sizeof(bytes)));
    return 0;
}

static int
mark(int fd)
{
    const int on = 1;

    return setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) < 0 ? -errno : 0;
}

static bool
is_marked(int fd)
{
    int v = 0;
    socklen_t len = sizeof(v);

    return getsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &v, &len) < 0 || v;
}

int
proxied_unseal(const struct acceptor *a, int fd, const struct msg_visitor *claim,
               struct msg_visitor *visitor)
{
    uint64_t seal;

    if (!is_marked(fd))
        return 0;
    if (!(claim->flags & CONN_PROXIED) || seal_of(a, fd, claim, &seal) < 0 ||
        seal != claim->seal)
        return -EPROTO;
    *visitor = *claim;
    return 0;
}

/* --- the header -----------------------------------------------------------------------------
 */

static int
take_bytes(int fd, size_t n)
{
    static char nowhere[PROXY_BYTES_MAX];

    /* they were seen, and nobody else reads here: they are there in one piece */
    return recv(fd, nowhere, n, MSG_DONTWAIT) == (ssize_t)n ? 0 : -EPIPE;
}

enum proxy_verdict
proxied_take(struct acceptor *a, struct waiting *w, struct span seen, size_t *n)
{
    struct msg_visitor v = w->visitor;
    struct proxy p;
    enum proxy_verdict verdict = proxy_find(seen, &p);

    if (verdict == PROXY_BAD)
        say(w->visitor.ip, "it did not begin with a header of the PROXY protocol");
    if (verdict != PROXY_OK)
        return verdict;
    if (p.known) {
        memcpy(v.ip, p.from, sizeof(v.ip));
        memcpy(v.to_ip, p.to, sizeof(v.to_ip));
        v.port = p.from_port;
        v.to_port = p.to_port;
    }
    v.flags |= (uint8_t)(CONN_PROXIED | (p.tls ? CONN_SECURE : 0));
    if (take_bytes(w->fd, p.bytes) < 0 || mark(w->fd) < 0 || seal_of(a, w->fd, &v, &v.seal) < 0)
        return PROXY_BAD;
    w->visitor = v;
    w->header = false;
    *n = p.bytes;
    return PROXY_OK;
}
