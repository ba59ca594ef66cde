/*
 * Looking at a connection's first head without taking a byte (MSG_PEEK), until the name is
 * known; a proxy's header before it is taken first. A head that is whole at the first look
 * costs one recv and is never registered with an epoll. One that is not waits for the next
 * bytes (told once each: we leave what is there in the socket), under a deadline and a bound
 * per client address. Floor 6, hostel-acceptor.
 */
#include "acceptor.h"
#include "hostel/base/counters.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define PEEK_BYTES (HEAD_BYTES_MAX > HELLO_WIRE_MAX ? HEAD_BYTES_MAX : HELLO_WIRE_MAX)

/*
 * Not on every stack, and only one is parsed at a time. A proxy's header takes no room away
 * from what follows it: what was there and was not seen would wake nobody.
 */
static char peeked[PROXY_BYTES_MAX + PEEK_BYTES + 1];
static char scratch[HELLO_BYTES_MAX];
static struct head head;
static struct hello hello;

enum look {
    LOOK_MORE,  /* its head is not whole */
    LOOK_GONE,  /* none will come */
    LOOK_WHOLE, /* whole, or wrong for good */
};

/* in/out  bytes  with the header in front, and without. ret  LOOK_WHOLE: some are left */
static enum look
look_behind(struct acceptor *a, struct waiting *w, bool ended, struct span *bytes)
{
    size_t header;
    enum proxy_verdict v = proxied_take(a, w, *bytes, &header);

    if (v == PROXY_BAD)
        return LOOK_GONE;
    if (v == PROXY_OK) {
        *bytes = span_skip(*bytes, header);
        w->have = (uint32_t)bytes->n;
    }
    if (v == PROXY_OK && bytes->n > 0)
        return LOOK_WHOLE;
    return ended ? LOOK_GONE : LOOK_MORE;
}

/*
 * Look at what is there of a connection.
 *
 * in/out  w        how much was there, and looked through, at the last look
 * in      ended    the client sends no more
 * out     verdict  head_parse()'s, or hello_find()'s; LOOK_WHOLE only
 */
static enum look
look(struct acceptor *a, struct waiting *w, bool ended, unsigned *verdict)
{
    bool tls = w->visitor.flags & CONN_TLS;
    ssize_t n = recv(w->fd, peeked, sizeof(peeked), MSG_PEEK | MSG_DONTWAIT);
    struct span bytes;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return LOOK_MORE;
    if (n <= 0)
        return LOOK_GONE;
    if ((uint32_t)n <= w->have)
        return ended ? LOOK_GONE : LOOK_MORE;
    w->have = (uint32_t)n;
    bytes = span_of(peeked, (size_t)n);
    if (w->header) {
        enum look l = look_behind(a, w, ended, &bytes);

        if (l != LOOK_WHOLE)
            return l;
    }
    if (tls)
        *verdict = hello_find(bytes, scratch, &hello);
    else
        *verdict = head_parse(bytes, &w->seen, &head);
    return *verdict == (tls ? (unsigned)HELLO_MORE : HEAD_MORE) ? LOOK_MORE : LOOK_WHOLE;
}

/* To whom it goes, by the ClientHello that was found last; takes fd. */
static void
route_tls(struct acceptor *a, int fd, struct msg_visitor *visitor, unsigned verdict)
{
    uint32_t user;

    if (verdict == HELLO_PLAIN) {
        refuse(a, fd, 400);
        return;
    }
    if (verdict != HELLO_OK) {
        refuse_tls(a, fd, verdict);
        return;
    }
    user = hello.named && !hello.name[0] ? ROUTES_NO_USER
                                         : routes_find_tls(a->routes, span_str(hello.name));
    visitor->flags |= hello.named ? 0 : CONN_BY_DEFAULT;
    if (user != ROUTES_NO_USER)
        handover_add(a, user, fd, visitor, NULL);
    else
        refuse_tls(a, fd, hello.named ? ALERT_UNRECOGNIZED_NAME : ALERT_MISSING_EXTENSION);
}

uint32_t
look_user(const struct acceptor *a, const struct head *h, bool *by_default)
{
    uint32_t acme = routes_acme(a->routes);

    *by_default = false;
    if (acme != ROUTES_NO_USER && head_is_acme(h->path))
        return acme;
    return routes_find(a->routes, span_str(h->host_name), by_default);
}

/* To whom it goes, by the head that was parsed last; takes fd. */
static void
route(struct acceptor *a, int fd, struct msg_visitor *visitor, unsigned verdict)
{
    bool by_default;
    uint32_t user;

    if (visitor->flags & CONN_TLS) {
        route_tls(a, fd, visitor, verdict);
        return;
    }
    if (verdict != HEAD_OK) {
        refuse(a, fd, verdict);
        return;
    }
    user = look_user(a, &head, &by_default);
    visitor->flags |= by_default ? CONN_BY_DEFAULT : 0;
    if (user == ROUTES_NO_USER)
        refuse(a, fd, 404);
    else
        handover_add(a, user, fd, visitor, NULL);
}

/* --- connections whose head is not whole ---------------------------------------------------
 */

/* Out of the list; the descriptor is the caller's, taken and out of the epoll before. */
static void
leave(struct acceptor *a, struct waiting *w)
{
    TAILQ_REMOVE(&a->waiting, w, link);
    a->nwaiting--;
    count_level(COUNT_WAITING, -1);
    tally_drop(&a->addrs, &w->addr);
    free(w);
}

/*
 * Count it among those of its client address that wait. A proxy is many clients: who waits for
 * its header, or for a request that says who it is from, is not counted.
 *
 * ret  false: there are too many
 */
static bool
count_in(struct acceptor *a, struct waiting *w)
{
    if (w->addr || w->header || nets_have(&a->limits.trusted, w->visitor.ip))
        return true;
    w->addr = tally_add(&a->addrs, tally_ip(w->visitor.ip), a->limits.conns_per_addr);
    return w->addr;
}

/* In the middle of a handshake there are no words for it: no alert says "too late". */
static void
refuse_early(struct acceptor *a, int fd, unsigned flags, unsigned status)
{
    if (flags & CONN_TLS)
        fd_close(&fd);
    else
        refuse(a, fd, status);
}

void
look_more(struct acceptor *a, struct waiting *w, bool ended)
{
    unsigned verdict = 0;
    enum look l = look(a, w, ended, &verdict);

    if (l == LOOK_MORE && count_in(a, w))
        return;
    if (l == LOOK_MORE) { /* the header has just said who he is: one who has enough */
        wait_stop(a, w);
        refuse_early(a, fd_take(&w->fd), w->visitor.flags, 429);
        leave(a, w);
        return;
    }
    wait_stop(a, w);
    if (l == LOOK_WHOLE)
        route(a, fd_take(&w->fd), &w->visitor, verdict);
    fd_close(&w->fd);
    leave(a, w);
}

/* No room for another: the oldest has had its time. */
static void
make_room(struct acceptor *a)
{
    struct waiting *oldest = TAILQ_FIRST(&a->waiting);

    wait_stop(a, oldest);
    refuse_early(a, fd_take(&oldest->fd), oldest->visitor.flags, 408);
    leave(a, oldest);
}

/* in  known  so far: its descriptor, who he is, how much was seen */
static void
wait_for_more(struct acceptor *a, struct waiting *known)
{
    struct waiting *w;

    if (!count_in(a, known)) {
        refuse_early(a, known->fd, known->visitor.flags, 429);
        return;
    }
    if (a->nwaiting >= a->limits.conns_max)
        make_room(a);
    w = mem_new(sizeof(*w));
    *w = *known;
    w->deadline_ms = date_mono_ms() + a->limits.head_timeout_ms;
    TAILQ_INSERT_TAIL(&a->waiting, w, link);
    a->nwaiting++;
    count_level(COUNT_WAITING, 1);
    if (wait_start(a, w) < 0) {
        fd_close(&w->fd);
        leave(a, w);
        return;
    }
    acceptor_tick_start(a);
}

/* The first look; takes w->fd. */
static void
begin(struct acceptor *a, struct waiting *w)
{
    unsigned verdict = 0;
    enum look l = look(a, w, false, &verdict);

    if (l == LOOK_MORE)
        wait_for_more(a, w);
    else if (l == LOOK_WHOLE)
        route(a, w->fd, &w->visitor, verdict);
    else
        fd_close(&w->fd);
}

void
look_at(struct listener *l, int fd, const struct sockaddr_storage *addr)
{
    struct waiting w = {
        .fd = fd, .visitor = {.flags = l->tls ? CONN_TLS : 0}, .header = l->proxies.n > 0};

    if (w.header && !proxied_allows(l, addr)) {
        fd_close(&w.fd);
        return;
    }
    msg_visitor_from(&w.visitor, addr);
    begin(l->acceptor, &w);
}

void
look_again(struct acceptor *a, int fd, const struct msg_visitor *visitor)
{
    struct waiting w = {.fd = fd, .visitor = *visitor};

    begin(a, &w);
}

/* Past its time: 408 when half a head came, silence when nothing did. */
static void
expire(struct acceptor *a, struct waiting *w)
{
    wait_stop(a, w);
    if (w->have && !w->header)
        refuse_early(a, fd_take(&w->fd), w->visitor.flags, 408);
    else
        fd_close(&w->fd);
    leave(a, w);
}

void
look_expire(struct acceptor *a, uint64_t now_ms)
{
    struct waiting *w;

    while ((w = TAILQ_FIRST(&a->waiting)) && w->deadline_ms <= now_ms)
        expire(a, w);
}

void
look_drop_all(struct acceptor *a)
{
    struct waiting *w;

    while ((w = TAILQ_FIRST(&a->waiting))) {
        wait_stop(a, w);
        fd_close(&w->fd);
        leave(a, w);
    }
}
