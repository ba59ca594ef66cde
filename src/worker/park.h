/*
 * Connections that wait for nothing but their visitor, laid down small. A kept connection asks
 * for nothing most of its life; what serves it, the libuv handle first of all, is six times as
 * big as what has to be remembered of it. So after PARK_MS all of that is given back, and the
 * socket waits in an epoll set of its own, which is one handle of the loop. The same goes for
 * who takes a whole answer slowly: what is left to send and what its log line wants is a third
 * of what a connection at work has. Floor 6; worker.
 */
#ifndef WORKER_PARK_H
#define WORKER_PARK_H

#include "hostel/net/deadline.h"

#include <stdbool.h>
#include <uv.h>

#define PARK_MS 1000 /* idle for so long; a page's own requests come sooner */

struct conn;
struct conns;

struct park { /* embedded in struct conns */
    struct conns *all;
    uv_poll_t poll;
    uv_timer_t trim;               /* gives free memory back, once a second at most */
    int epoll_fd;                  /* -1 before the first one comes */
    bool closed;                   /* it could not be opened: nobody is parked */
    struct deadline_class idle;    /* of those in it: the rest of keepalive_timeout */
    struct deadline_class sending; /* of those that have an answer to send: send_timeout */
};

/* Makes nothing yet. in  all  whose settings, loop and deadlines are there already */
void park_init(struct park *p, struct conns *all);

/* Ends all that is parked. */
void park_done(struct park *p);

/*
 * Take over an idle connection that has nothing pending, or one whose answer only has to go
 * out.
 *
 * ret  true: c is gone, its socket is parked; false: there is no room for it, c is as it was
 */
bool park_take(struct park *p, struct conn *c);

/* End the one that has been idle longest. ret  false: nobody is parked */
bool park_drop(struct park *p);

/* Everybody who is idle becomes a connection again and runs. */
void park_wake_all(struct park *p);

#endif
