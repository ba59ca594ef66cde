/*
 * Connections that wait for nothing but their visitor, laid down small. Floor 6; worker.
 *
 *    conns.c: idle for PARK_MS ----------------> park_take -> the epoll set -- he says or takes
 *             blocked for STALL_MS, its answer -/                |             something -> run
 *             whole and only to go out                           |
 *                                              the rest of keepalive passed, or he is too slow
 *                                                                \-> closed
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
    struct sending *sending; /* owned; NULL: it is idle */
    int fd;
    uint16_t port;
    bool by_default, own, trusted;
    char from[]; /* the visitor's address */
};

static struct parked *
first(const struct deadline_class *class)
{
    return (struct parked *)TAILQ_FIRST(&class->waiting);
}

/* --- leaving ------------------------------------------------------------------------------ */

/* An epoll forgets by itself only what all have closed, and an acceptor had this one too. */
static void
leave_set(struct parked *e)
{
    (void)epoll_ctl(e->all->park.epoll_fd, EPOLL_CTL_DEL, e->fd, NULL);
    deadline_clear(&e->deadline);
}

/* An idle one: nobody hears of it. */
static void
end(struct parked *e)
{
    struct conns *all = e->all;

    leave_set(e);
    tally_drop(&all->addrs, &e->addr);
    fd_close(&e->fd);
    free(e->origin);
    free(e);
    conns_left(all);
}

/* ret  it is a connection again, to be run or ended */
static struct conn *
rise(struct parked *e)
{
    struct visitor visitor = {.port = e->port, .fd = e->fd};
    unsigned flags = (e->by_default ? CONN_BY_DEFAULT : 0) | (e->own ? CONN_OWN : 0) |
                     (e->trusted ? CONN_TRUSTED : 0);
    struct conn *c;

    leave_set(e);
    if (e->origin)
        visitor_from(&visitor, e->origin, e->fd);
    else
        memcpy(visitor.addr, e->from, strlen(e->from) + 1);
    c = conn_wake(e->all, &visitor, e->addr, e->origin, e->site, flags, e->sending);
    free(e->sending);
    free(e);
    return c;
}

static void
on_late(struct deadline *d)
{
    end((struct parked *)d);
}

/* Too slow in this window: what there is of an answer is cut, and its line says how far it was.
 */
static void
on_send_late(struct deadline *d)
{
    struct parked *e = (struct parked *)d;
    struct conns *all = e->all;
    struct conn *c;

    if (!pace_late(&e->sending->pace, all, stream_queue_taken(&e->sending->queue, e->fd),
                   all->send.after_ms)) {
        deadline_set(d, &all->park.sending);
        return;
    }
    c = rise(e);
    c->abort = true;
    conn_end(c);
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
        conn_run(rise(ready[i].data.ptr), true);
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
    bool sends = c->round;
    struct epoll_event event = {.events = sends ? EPOLLOUT : EPOLLIN | EPOLLRDHUP};
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
    if (sends) {
        e->sending = mem_new(sizeof(*e->sending));
        e->fd = conn_lay_down_sending(c, e->sending);
    } else {
        e->fd = conn_lay_down(c);
    }
    deadline_set(&e->deadline, sends ? &p->sending : &p->idle);
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
    deadline_class_add(&all->deadlines, &p->sending, all->settings.send_ms, on_send_late);
}

bool
park_drop(struct park *p)
{
    struct parked *e = first(&p->idle);

    if (e)
        end(e);
    return e;
}

void
park_wake_all(struct park *p)
{
    struct parked *e;

    while ((e = first(&p->idle)))
        conn_run(rise(e), true);
}

void
park_done(struct park *p)
{
    struct parked *e;

    while (park_drop(p))
        ;
    while ((e = first(&p->sending)))
        conn_end(rise(e));
    uv_close((uv_handle_t *)&p->trim, NULL);
    if (p->epoll_fd >= 0) {
        uv_poll_stop(&p->poll);
        uv_close((uv_handle_t *)&p->poll, NULL);
        fd_close(&p->epoll_fd);
    }
}
