/*
 * Looking at a connection's first head without taking a byte (MSG_PEEK), until the name is
 * known. A head that is whole at the first look costs one recv and is never registered with
 * an epoll. One that is not waits with SO_RCVLOWAT one above what is there (a level-triggered
 * poll would spin on the bytes we leave in the socket), under a deadline and a bound per
 * client address. Floor 6, hostel-acceptor.
 */
#include "acceptor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static char peeked[HEAD_BYTES_MAX + 1];

enum look { LOOK_DONE, LOOK_MORE };

/*
 * Route fd by what is there, or say that more is needed.
 *
 * in/out  fd    taken (-1) on LOOK_DONE
 * in/out  have  bytes that were there at the last look
 */
static enum look
look(struct acceptor *a, int *fd, uint32_t *have, size_t *seen)
{
    static struct head head; /* 3 KiB: not on every stack, and only one is parsed at a time */
    ssize_t n = recv(*fd, peeked, sizeof(peeked), MSG_PEEK | MSG_DONTWAIT);
    enum head_verdict verdict;
    bool by_default;
    uint32_t user;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return LOOK_MORE;
    /* woken, and nothing new: the client has sent its end of file behind half a head */
    if (n <= 0 || (uint32_t)n <= *have) {
        fd_close(fd);
        return LOOK_DONE;
    }
    *have = (uint32_t)n;
    verdict = head_parse(span_of(peeked, (size_t)n), seen, &head);
    if (verdict == HEAD_MORE)
        return LOOK_MORE;
    if (verdict != HEAD_OK) {
        refuse(a, fd_take(fd), (unsigned)verdict);
        return LOOK_DONE;
    }
    user = routes_find(a->routes, span_str(head.host_name), &by_default);
    if (user == ROUTES_NO_USER)
        refuse(a, fd_take(fd), 404);
    else
        handover_add(a, user, fd_take(fd), by_default ? CONN_BY_DEFAULT : 0, NULL);
    return LOOK_DONE;
}

/* --- connections whose head is not whole ---------------------------------------------------
 */

/* ret  the counter of fd's client, with fd in it; NULL: he has too many already */
static struct tally_row *
count(struct acceptor *a, int fd)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof(addr);

    (void)getpeername(fd, (struct sockaddr *)&addr, &len); /* gone: counted with its like */
    return tally_add(&a->addrs, tally_address(&addr), a->limits.conns_per_addr);
}

/* Out of the list; the descriptor is the caller's, taken and out of the epoll before. */
static void
leave(struct acceptor *a, struct waiting *w)
{
    TAILQ_REMOVE(&a->waiting, w, link);
    a->nwaiting--;
    tally_drop(&a->addrs, &w->addr);
    free(w);
}

static void
lowat(int fd, uint32_t bytes)
{
    int v = (int)bytes;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &v, sizeof(v));
}

void
look_more(struct acceptor *a, struct waiting *w, bool broken)
{
    /* out of the epoll, and its mark back to the default, before it is passed on */
    wait_stop(a, w);
    lowat(w->fd, 1);
    if (!broken && look(a, &w->fd, &w->have, &w->seen) == LOOK_MORE) {
        lowat(w->fd, w->have + 1);
        if (wait_start(a, w) == 0)
            return;
    }
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

static void
wait_for_more(struct acceptor *a, int fd, uint32_t have, size_t seen)
{
    struct tally_row *addr = count(a, fd);
    struct waiting *w;

    if (!addr) {
        refuse(a, fd, 429);
        return;
    }
    if (a->nwaiting >= a->limits.conns_max)
        make_room(a);
    w = mem_new(sizeof(*w));
    *w = (struct waiting){.deadline_ms = date_mono_ms() + a->limits.head_timeout_ms,
                          .seen = seen,
                          .have = have,
                          .addr = addr,
                          .fd = fd};
    TAILQ_INSERT_TAIL(&a->waiting, w, link);
    a->nwaiting++;
    if (have)
        lowat(fd, have + 1);
    if (wait_start(a, w) < 0) {
        fd_close(&w->fd);
        leave(a, w);
        return;
    }
    acceptor_tick_start(a);
}

void
look_at(struct acceptor *a, int fd)
{
    uint32_t have = 0;
    size_t seen = 0;

    if (look(a, &fd, &have, &seen) == LOOK_MORE)
        wait_for_more(a, fd, have, seen);
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
