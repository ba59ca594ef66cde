/* What the supervisor tells the acceptor, in the order of its life. Floor 6. */
#include "acceptor.h"
#include "hostel/base/counters.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONTROL_QUEUE_MAX (8 * 1024 * 1024) /* of USER_WANT: 20,000 users at once */

static int
send_message(struct acceptor *a, enum msg_type type, const struct buf *payload)
{
    int rc = channel_send(&a->control, type, payload, NULL, 0);

    return rc < 0 ? rc : 0;
}

int
control_send_user(struct acceptor *a, enum msg_type type, uint32_t user, uint32_t channel)
{
    struct msg_user m = {.user = user, .channel = channel};
    struct buf b;
    struct writer w = {&b, 0};
    int rc;

    buf_init(&b, IPC_BYTES_MAX);
    msg_user_put(&w, &m);
    rc = w.error ? w.error : send_message(a, type, &b);
    buf_done(&b);
    return rc;
}

static int
hello(struct acceptor *a)
{
    struct msg_hello m = {IPC_VERSION};
    struct buf b;
    struct writer w = {&b, 0};
    int rc;

    buf_init(&b, IPC_BYTES_MAX);
    msg_hello_put(&w, &m);
    rc = w.error ? w.error : send_message(a, MSG_HELLO, &b);
    buf_done(&b);
    return rc;
}

static int
on_listener(struct acceptor *a, struct message *m)
{
    struct msg_listener l;

    if (msg_listener_get(&m->payload, &l) < 0)
        return -EPROTO;
    return m->type == MSG_LISTENER ? accept_add(a, &l, fd_take(&m->fds[0]))
                                   : accept_remove(a, l.id);
}

/* The table is another one; users keep their numbers, and there may be more of them. */
static int
on_routes(struct acceptor *a, struct message *m)
{
    struct routes *routes;
    uint32_t n;

    if (reader_end(&m->payload) < 0 || routes_open(m->fds[0], &routes) < 0)
        return -EPROTO;
    n = routes_users(routes);
    if (n > a->nusers) {
        a->users = mem_grow(a->users, n * sizeof(struct user *));
        memset(a->users + a->nusers, 0, (n - a->nusers) * sizeof(struct user *));
        a->nusers = n;
    }
    routes_free(&a->routes);
    a->routes = routes;
    return 0;
}

static int
on_start(struct acceptor *a, struct message *m)
{
    int rc;

    if (msg_start_get(&m->payload, &a->limits) < 0 || !a->routes)
        return -EPROTO;
    log_level_set((enum log_level)a->limits.log_level);
    if (a->started) /* a later generation's limits */
        return 0;
    a->started = true;
    rc = accept_start(a);
    if (rc < 0)
        return rc;
    rc = send_message(a, MSG_READY, NULL);
    channel_phase(&a->control, IPC_SERVING);
    return rc;
}

static int
on_user_channel(struct acceptor *a, struct message *m)
{
    struct msg_channel c;

    if (msg_channel_get(&m->payload, &c) < 0 || c.user >= a->nusers)
        return -EPROTO;
    return handover_channel(a, &c, fd_take(&m->fds[0]));
}

static int
on_user_down(struct acceptor *a, struct message *m)
{
    struct msg_user u;

    if (msg_user_get(&m->payload, &u) < 0 || u.user >= a->nusers)
        return -EPROTO;
    return handover_down(a, u.user, u.retry_ms, m->nfds ? fd_take(&m->fds[0]) : -1);
}

static int
on_user_gone(struct acceptor *a, struct message *m)
{
    struct msg_user u;

    if (msg_user_get(&m->payload, &u) < 0 || u.user >= a->nusers)
        return -EPROTO;
    handover_gone(a, u.user);
    return 0;
}

/* What was said before has been done. */
static int
on_sync(struct acceptor *a, struct message *m)
{
    struct msg_sync sync;
    struct buf b;
    struct writer w = {&b, 0};
    int rc;

    if (msg_sync_get(&m->payload, &sync) < 0)
        return -EPROTO;
    buf_init(&b, IPC_BYTES_MAX);
    msg_sync_put(&w, &sync);
    rc = w.error ? w.error : send_message(a, MSG_SYNCED, &b);
    buf_done(&b);
    return rc;
}

static int
on_stop(struct acceptor *a, struct message *m)
{
    struct msg_stop s;

    if (msg_stop_get(&m->payload, &s) < 0)
        return -EPROTO;
    channel_phase(&a->control, IPC_LEAVING);
    a->stop_ms = date_mono_ms() + s.timeout_ms;
    a->patient = s.how != MSG_STOP_SOON;
    accept_stop(a);
    if (!a->patient) {
        look_drop_all(a);
        refuse_drop_all(a);
    }
    acceptor_tick_start(a); /* leaves when what is pending has been handed over */
    return 0;
}

static int
on_message(void *data, struct message *m)
{
    struct acceptor *a = data;

    switch (m->type) {
    case MSG_LISTENER:
    case MSG_UNLISTEN:
        return on_listener(a, m);
    case MSG_COUNTERS:
        return reader_end(&m->payload) < 0 ? -EPROTO : counters_use(m->fds[0]);
    case MSG_ROUTES:
        return on_routes(a, m);
    case MSG_START:
        return on_start(a, m);
    case MSG_USER_CHANNEL:
        return on_user_channel(a, m);
    case MSG_USER_DOWN:
        return on_user_down(a, m);
    case MSG_USER_GONE:
        return on_user_gone(a, m);
    case MSG_SYNC:
        return on_sync(a, m);
    case MSG_STOP_ACCEPTOR:
        return on_stop(a, m);
    default:
        return -EPROTO;
    }
}

static void
on_end(void *data, int reason)
{
    struct acceptor *a = data;

    if (reason < 0)
        log_error("the supervisor's channel failed: %s", uv_strerror(reason));
    uv_stop(&a->loop); /* without a supervisor there is nobody to route for */
}

static const struct channel_ops control_ops = {on_message, on_end, NULL};

int
control_open(struct acceptor *a, int fd)
{
    int rc = channel_open(&a->control, &a->loop, fd, IPC_ACCEPTOR, IPC_SUPERVISOR,
                          CONTROL_QUEUE_MAX, &control_ops, a);

    return rc < 0 ? rc : hello(a);
}
