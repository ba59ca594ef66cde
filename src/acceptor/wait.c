/*
 * Waiting for bytes of many connections at little cost: one epoll of our own, itself watched by
 * the loop. A watcher of the loop's would be three times the size of what waits. Floor 6,
 * hostel-acceptor.
 */
#include "acceptor.h"
#include "hostel/base/fd.h"

#include <errno.h>
#include <sys/epoll.h>

#define TURN_EVENTS 64 /* in one turn; the rest is there in the next one */

/* Each event ends its own connection at most, so that none of the others here is gone. */
static void
on_events(uv_poll_t *poll, int status, int events)
{
    struct acceptor *a = poll->data;
    struct epoll_event ready[TURN_EVENTS];
    int n = epoll_wait(a->waits_fd, ready, TURN_EVENTS, 0);

    (void)status, (void)events;
    for (int i = 0; i < n; i++) {
        struct waiting *w = ready[i].data.ptr;

        if (w->lingers)
            refuse_more(a, w);
        else
            look_more(a, w, ready[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
    }
}

int
wait_open(struct acceptor *a)
{
    int rc;

    a->waits_fd = epoll_create1(EPOLL_CLOEXEC);
    if (a->waits_fd < 0)
        return -errno;
    rc = uv_poll_init(&a->loop, &a->waits, a->waits_fd);
    if (rc < 0)
        return rc;
    a->waits.data = a;
    return uv_poll_start(&a->waits, UV_READABLE, on_events);
}

int
wait_start(struct acceptor *a, struct waiting *w)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = w};

    /*
     * Peeked bytes stay in the socket. SO_RCVLOWAT would hide them, but not while the kernel is
     * short of memory: then it says readable whatever the mark is.
     */
    if (!w->lingers)
        event.events |= EPOLLET | EPOLLRDHUP;

    return epoll_ctl(a->waits_fd, EPOLL_CTL_ADD, w->fd, &event) < 0 ? -errno : 0;
}

void
wait_stop(struct acceptor *a, struct waiting *w)
{
    (void)epoll_ctl(a->waits_fd, EPOLL_CTL_DEL, w->fd, NULL);
}
