/*
 * Looking at a connection's first head without taking a byte (MSG_PEEK), until the name is
 * known. A head that is whole at the first look costs one recv and is never registered with
 * an epoll. One that is not waits for the next bytes (told once each: we leave what is there in
 * the socket), under a deadline and a bound per client address. Floor 6, hostel-acceptor.
 */
#include "acceptor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static char peeked[HEAD_BYTES_MAX + 1];
static struct head head; /* 3 KiB: not on every stack, and only one is parsed at a time */

enum look {
    LOOK_MORE,  /* its head is not whole */
    LOOK_GONE,  /* none will come */
    LOOK_WHOLE, /* whole, or wrong for good */
};

/*
 * Look at what is there of fd.
 *
 * in      ended    the client sends no more
 * in/out  have     bytes that were there at the last look
 * out     verdict  head_parse()'s; LOOK_WHOLE only
 */
static enum look
look(int fd, bool ended, uint32_t *have, size_t *seen, enum head_verdict *verdict)
{
    ssize_t n = recv(fd, peeked, sizeof(peeked), MSG_PEEK | MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return LOOK_MORE;
    if (n <= 0)
        return LOOK_GONE;
    if ((uint32_t)n <= *have)
        return ended ? LOOK_GONE : LOOK_MORE;
    *have = (uint32_t)n;
    *verdict = head_parse(span_of(peeked, (size_t)n), seen, &head);
    return *verdict == HEAD_MORE ? LOOK_MORE : LOOK_WHOLE;
}

/* To whom it goes, by the head that was parsed last; takes fd. */
static void
route(struct acceptor *a, int fd, struct msg_visitor *visitor, enum head_verdict verdict)
{
    bool by_default;
    uint32_t user;

    if (verdict != HEAD_OK) {
        refuse(a, fd, (unsigned)verdict);
        return;
    }
    user = routes_find(a->routes, span_str(head.host_name), &by_default);
    visitor->flags = by_default ? CONN_BY_DEFAULT : 0;
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
    tally_drop(&a->addrs, &w->addr);
    free(w);
}

void
look_more(struct acceptor *a, struct waiting *w, bool ended)
{
    enum head_verdict verdict;
    enum look l = look(w->fd, ended, &w->have, &w->seen, &verdict);

    if (l == LOOK_MORE)
        return;
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
    refuse(a, fd_take(&oldest->fd), 408);
    leave(a, oldest);
}

/* in  known  so far: its descriptor, who he is, how much was seen */
static void
wait_for_more(struct acceptor *a, const struct waiting *known,
              const struct sockaddr_storage *addr)
{
    struct tally_row *row = tally_add(&a->addrs, tally_address(addr), a->limits.conns_per_addr);
    struct waiting *w;

    if (!row) { /* he has too many already */
        refuse(a, known->fd, 429);
        return;
    }
    if (a->nwaiting >= a->limits.conns_max)
        make_room(a);
    w = mem_new(sizeof(*w));
    *w = *known;
    w->deadline_ms = date_mono_ms() + a->limits.head_timeout_ms;
    w->addr = row;
    TAILQ_INSERT_TAIL(&a->waiting, w, link);
    a->nwaiting++;
    if (wait_start(a, w) < 0) {
        fd_close(&w->fd);
        leave(a, w);
        return;
    }
    acceptor_tick_start(a);
}

void
look_at(struct acceptor *a, int fd, const struct sockaddr_storage *addr)
{
    enum head_verdict verdict;
    struct waiting w = {.fd = fd};
    enum look l = look(fd, false, &w.have, &w.seen, &verdict);

    msg_visitor_from(&w.visitor, addr);
    if (l == LOOK_MORE)
        wait_for_more(a, &w, addr);
    else if (l == LOOK_WHOLE)
        route(a, fd, &w.visitor, verdict);
    else
        fd_close(&fd);
}

/* Past its time: 408 when half a head came, silence when nothing did. */
static void
expire(struct acceptor *a, struct waiting *w)
{
    wait_stop(a, w);
    if (w->have)
        refuse(a, fd_take(&w->fd), 408);
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
