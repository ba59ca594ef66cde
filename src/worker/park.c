/*
 * Idle connections, laid down small. Floor 6; worker.
 *
 *    conns.c: idle for PARK_MS -> park_take -> the epoll set -- bytes, or the end --> conn_wake
 *                                                   \-- the rest of keepalive passed --> closed
 */
#include "park.h"
#include "hostel/ipc/message.h"
#include "conn.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define WAKE_MAX 64   /* woken in one turn; the others' turn is next */
#define TRIM_MS  1000 /* after somebody was parked: more come with him */

struct parked {
    struct deadline deadline; /* first: the lists of deadlines are the lists of all */
    struct conns *all;
    struct tally_row *addr;
    struct msg_visitor *origin; /* owned, or NULL */
    const struct site *site;
    int fd;
    uint16_t port;
    bool by_default, own, trusted;
    char from[]; /* the visitor's address */
};

static struct parked *
first(const struct park *p)
{
    return (struct parked *)TAILQ_FIRST(&p->idle.waiting);
}

/* --- leaving ------------------------------------------------------------------------------ */

/* An epoll forgets by itself only what all have closed, and an acceptor had this one too. */
static void
end(struct parked *e)
{
    struct conns *all = e->all;

    (void)epoll_ctl(all->park.epoll_fd, EPOLL_CTL_DEL, e->fd, NULL);
    deadline_clear(&e->deadline);
    tally_drop(&all->addrs, &e->addr);
    fd_close(&e->fd);
    free(e->origin);
    free(e);
    conns_left(all);
}

static void
on_late(struct deadline *d)
{
    end((struct parked *)d);
}

static void
wake(struct park *p, struct parked *e)
{
    struct visitor visitor = {.port = e->port, .fd = e->fd};
    struct tally_row *addr = e->addr;
    struct msg_visitor *origin = e->origin;
    const struct site *site = e->site;
    unsigned flags = (e->by_default ? CONN_BY_DEFAULT : 0) | (e->own ? CONN_OWN : 0) |
                     (e->trusted ? CONN_TRUSTED : 0);

    (void)epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, e->fd, NULL);
    deadline_clear(&e->deadline);
    if (origin)
        visitor_from(&visitor, origin, e->fd);
    else
        memcpy(visitor.addr, e->from, strlen(e->from) + 1);
    free(e);
    conn_wake(p->all, &visitor, addr, origin, site, flags);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct park *p = poll->data;
    struct epoll_event ready[WAKE_MAX];
    int n = epoll_wait(p->epoll_fd, ready, WAKE_MAX, 0);

    (void)status;
    (void)events;
    for (int i = 0; i < n; i++)
        wake(p, ready[i].data.ptr);
}

/* --- coming ------------------------------------------------------------------------------- */

/* What was freed lies between what is in use: whole pages of it are given back. */
static void
on_trim(uv_timer_t *timer)
{
    (void)timer;
    (void)malloc_trim(0);
}

static int
open_set(struct park *p)
{
    int rc;

    p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (p->epoll_fd < 0)
        return -errno;
    rc = uv_poll_init(p->all->loop, &p->poll, p->epoll_fd);
    if (rc < 0) {
        fd_close(&p->epoll_fd);
        return rc;
    }
    p->poll.data = p;
    return uv_poll_start(&p->poll, UV_READABLE, on_poll);
}

bool
park_take(struct park *p, struct conn *c)
{
    size_t from_n = strlen(c->visitor.addr) + 1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP};
    struct parked *e;

    if (p->closed || (p->epoll_fd < 0 && open_set(p) < 0)) {
        p->closed = true;
        return false;
    }
    e = mem_new(sizeof(*e) + from_n);
    event.data.ptr = e;
    if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, c->stream.fd, &event) < 0) {
        free(e);
        return false;
    }
    e->all = p->all;
    e->addr = c->addr;
    e->origin = c->origin;
    e->site = c->site;
    e->port = c->visitor.port;
    e->by_default = c->by_default;
    e->own = c->own;
    e->trusted = c->trusted;
    memcpy(e->from, c->visitor.addr, from_n);
    c->addr = NULL;
    c->origin = NULL;
    e->fd = conn_lay_down(c);
    deadline_set(&e->deadline, &p->idle);
    if (!uv_is_active((uv_handle_t *)&p->trim))
        uv_timer_start(&p->trim, on_trim, TRIM_MS, 0);
    return true;
}

/* --- all of them -------------------------------------------------------------------------- */

void
park_init(struct park *p, struct conns *all)
{
    uint64_t keepalive_ms = all->settings.keepalive_ms;

    p->all = all;
    p->epoll_fd = -1;
    uv_timer_init(all->loop, &p->trim);
    p->closed = keepalive_ms < 2 * PARK_MS; /* not worth the way */
    deadline_class_add(&all->deadlines, &p->idle, p->closed ? 0 : keepalive_ms - PARK_MS,
                       on_late);
}

bool
park_drop(struct park *p)
{
    struct parked *e = first(p);

    if (e)
        end(e);
    return e;
}

void
park_wake_all(struct park *p)
{
    struct parked *e;

    while ((e = first(p)))
        wake(p, e);
}

void
park_done(struct park *p)
{
    while (park_drop(p))
        ;
    uv_close((uv_handle_t *)&p->trim, NULL);
    if (p->epoll_fd >= 0) {
        uv_poll_stop(&p->poll);
        uv_close((uv_handle_t *)&p->poll, NULL);
        fd_close(&p->epoll_fd);
    }
}
