/*
 * Looking at a connection's first head without taking a byte (MSG_PEEK), until the name is
 * known. A head that is whole at the first look costs one recv and is never registered with
 * epoll. One that is not waits with SO_RCVLOWAT one above what is there (a level-triggered
 * poll would spin on the bytes we leave in the socket), under a deadline and a bound per
 * client address. Floor 6, hostel-acceptor.
 */
#include "acceptor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <netinet/in.h>
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

/* One counter an IPv4 address or IPv6 /64 (what one customer has). */
static uint16_t
addr_counter(const struct acceptor *a, int fd)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof(addr);
    unsigned char key[8] = {0};
    uint64_t h = a->addr_key;

    if (getpeername(fd, (struct sockaddr *)&addr, &len) == 0) {
        if (addr.ss_family == AF_INET6) {
            const struct in6_addr *in6 = &((struct sockaddr_in6 *)&addr)->sin6_addr;

            if (IN6_IS_ADDR_V4MAPPED(in6))
                memcpy(key, &in6->s6_addr[12], 4);
            else
                memcpy(key, in6->s6_addr, 8);
        } else {
            memcpy(key, &((struct sockaddr_in *)&addr)->sin_addr, 4);
        }
    }
    for (size_t i = 0; i < sizeof(key); i++) {
        h = (h ^ key[i]) * 0x9e3779b97f4a7c15ULL;
        h ^= h >> 29;
    }
    return (uint16_t)(h >> 40);
}

static void
on_poll_closed(uv_handle_t *handle)
{
    waiting_free(handle->data);
}

/* Out of the list and off the loop; the descriptor is the caller's, taken before. */
static void
leave(struct waiting *w)
{
    struct acceptor *a = w->acceptor;

    TAILQ_REMOVE(&a->waiting, w, link);
    a->nwaiting--;
    a->addr_count[w->addr]--;
    uv_close((uv_handle_t *)&w->poll, on_poll_closed);
}

static void
lowat(int fd, uint32_t bytes)
{
    int v = (int)bytes;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &v, sizeof(v));
}

static void
on_more(uv_poll_t *poll, int status, int events)
{
    struct waiting *w = poll->data;
    struct acceptor *a = w->acceptor;
    int fd = w->fd;

    (void)events;
    if (status == 0) {
        int probe = fd;
        /* back to the default before it is passed on; the descriptor leaves the loop first */
        uint32_t have = w->have;

        uv_poll_stop(&w->poll);
        lowat(fd, 1);
        if (look(a, &probe, &have, &w->seen) == LOOK_MORE) {
            w->have = have;
            lowat(fd, have + 1);
            uv_poll_start(&w->poll, UV_READABLE, on_more);
            return;
        }
        leave(w);
        return;
    }
    uv_poll_stop(&w->poll);
    fd_close(&fd);
    leave(w);
}

static void
wait_for_more(struct acceptor *a, int fd, uint32_t have, size_t seen)
{
    uint16_t addr = addr_counter(a, fd);
    struct waiting *w;

    if (a->addr_count[addr] >= a->limits.conns_per_addr) {
        refuse(a, fd, 503);
        return;
    }
    if (a->nwaiting >= a->limits.conns_max) { /* the oldest has had its time */
        struct waiting *oldest = TAILQ_FIRST(&a->waiting);

        uv_poll_stop(&oldest->poll);
        refuse(a, fd_take(&oldest->fd), 408);
        leave(oldest);
    }
    w = mem_new(sizeof(*w));
    *w = (struct waiting){.acceptor = a,
                          .deadline_ms = date_mono_ms() + a->limits.head_timeout_ms,
                          .seen = seen,
                          .have = have,
                          .addr = addr,
                          .fd = fd};
    if (uv_poll_init(&a->loop, &w->poll, fd) < 0) {
        fd_close(&fd);
        waiting_free(w);
        return;
    }
    w->poll.data = w;
    TAILQ_INSERT_TAIL(&a->waiting, w, link);
    a->nwaiting++;
    a->addr_count[addr]++;
    if (have)
        lowat(fd, have + 1);
    uv_poll_start(&w->poll, UV_READABLE, on_more);
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
expire(struct waiting *w)
{
    struct acceptor *a = w->acceptor;

    uv_poll_stop(&w->poll);
    if (w->have)
        refuse(a, fd_take(&w->fd), 408);
    else
        fd_close(&w->fd);
    leave(w);
}

void
look_expire(struct acceptor *a, uint64_t now_ms)
{
    struct waiting *w;

    while ((w = TAILQ_FIRST(&a->waiting)) && w->deadline_ms <= now_ms)
        expire(w);
}

void
look_drop_all(struct acceptor *a)
{
    struct waiting *w;

    while ((w = TAILQ_FIRST(&a->waiting))) {
        uv_poll_stop(&w->poll);
        fd_close(&w->fd);
        leave(w);
    }
}
