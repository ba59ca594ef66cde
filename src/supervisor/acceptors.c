/* The acceptors: what they are given at their start, and what they ask for. Floor 6, hostel. */
#include "supervisor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

/* What waits for an acceptor that does not read: at its start one message for each user. */
#define ACCEPTOR_QUEUE_MIN (1024 * 1024)
#define ACCEPTOR_USER_SIZE 512   /* bytes that keep such a message, and more */
#define CONNS_MAX          16384 /* altogether; the oldest give way */
#define RETRY_FIRST_MS     100
#define RETRY_LAST_MS      400 /* it is the door of all sites, and a start costs little */

int
acceptor_tell_user(struct acceptor_child *a, enum msg_type type, const struct msg_user *m,
                   int fd)
{
    struct buf b;
    struct writer w = {&b, 0};
    int rc, copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (fd >= 0 && copy < 0)
        return -errno;
    buf_init(&b, IPC_BYTES_MAX);
    msg_user_put(&w, m);
    rc = w.error ? w.error : channel_send(a->control, type, &b, &copy, copy >= 0);
    fd_close(&copy);
    buf_done(&b);
    return rc < 0 ? rc : 0;
}

static int
send_user(struct acceptor_child *a, enum msg_type type, uint32_t user, uint32_t retry_ms,
          int fd)
{
    return acceptor_tell_user(a, type, &(struct msg_user){user, retry_ms, 0}, fd);
}

static int
send_fd(struct acceptor_child *a, enum msg_type type, const struct buf *payload, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3), rc;

    if (copy < 0)
        return -errno;
    rc = channel_send(a->control, type, payload, &copy, 1);
    fd_close(&copy);
    return rc < 0 ? rc : 0;
}

static int
send_channel(struct acceptor_child *a, const struct room *r)
{
    struct msg_channel m = {r->index, r->channel_no, r->user->workers};
    struct buf b;
    struct writer w = {&b, 0};
    int rc;

    buf_init(&b, IPC_BYTES_MAX);
    msg_channel_put(&w, &m);
    rc = w.error ? w.error : send_fd(a, MSG_USER_CHANNEL, &b, r->front);
    buf_done(&b);
    return rc;
}

/* --- the start: HELLO -> listeners, routes, channels, START -> READY ------------------------
 */

int
acceptor_tell_listener(struct acceptor_child *a, uint32_t id, const struct listener *l)
{
    struct msg_listener m = {id, l->at.tls, l->at.proxies};
    struct buf b;
    struct writer w = {&b, 0};
    int rc;

    buf_init(&b, IPC_BYTES_MAX);
    msg_listener_put(&w, &m);
    rc = w.error ? w.error : send_fd(a, MSG_LISTENER, &b, l->fd);
    buf_done(&b);
    return rc;
}

int
acceptor_tell_routes(struct acceptor_child *a, int routes_fd)
{
    return send_fd(a, MSG_ROUTES, NULL, routes_fd);
}

int
acceptor_tell_start(struct acceptor_child *a)
{
    const struct conf *conf = a->child.s->conf;
    struct msg_start m = {(uint32_t)conf->head_timeout_ms,
                          conf->connections_per_address,
                          CONNS_MAX,
                          {a->child.s->seal[0], a->child.s->seal[1]},
                          conf->trusted_proxies,
                          (uint8_t)conf->log_level};
    struct buf b;
    struct writer w = {&b, 0};
    int rc;

    buf_init(&b, IPC_BYTES_MAX);
    msg_start_put(&w, &m);
    rc = w.error ? w.error : channel_send(a->control, MSG_START, &b, NULL, 0);
    buf_done(&b);
    return rc < 0 ? rc : 0;
}

static int
send_generation(struct acceptor_child *a)
{
    struct supervisor *s = a->child.s;
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < LISTENERS_MAX; i++)
        if (s->listeners[i].fd >= 0 && !(a->listens & (UINT64_C(1) << i))) {
            rc = acceptor_tell_listener(a, i, &s->listeners[i]);
            a->listens |= UINT64_C(1) << i;
        }
    return rc == 0 ? acceptor_tell_routes(a, s->gen->routes_fd) : rc;
}

static int
on_hello(struct acceptor_child *a, struct message *m)
{
    struct supervisor *s = a->child.s;
    struct msg_hello hello;
    uint64_t now = date_mono_ms();
    int rc;

    if (msg_hello_get(&m->payload, &hello) < 0 || a->greeted)
        return -EPROTO;
    if (hello.version != IPC_VERSION) {
        log_error("hostel-acceptor is of another build than hostel: install them together");
        return -EPROTO;
    }
    a->greeted = true;
    if (s->stop != STOP_NOT)
        return 0; /* STOP is on its way */
    control_give_page(a->control, MSG_COUNTERS, &a->page);
    if (a->room)
        return porter_tell(a);
    rc = send_generation(a);
    for (size_t i = 0; rc == 0 && i < s->nrooms; i++) {
        struct room *r = s->rooms[i];

        if (!r)
            continue;
        if (r->front >= 0)
            rc = send_channel(a, r);
        if (rc == 0 && r->state == ROOM_DOWN && now < r->retry_ms)
            rc = send_user(a, MSG_USER_DOWN, r->index, (uint32_t)(r->retry_ms - now), -1);
    }
    return rc == 0 ? acceptor_tell_start(a) : rc;
}

static int
on_ready(struct acceptor_child *a, struct message *m)
{
    if (reader_end(&m->payload) < 0 || a->ready || !a->greeted)
        return -EPROTO;
    a->ready = true;
    if (a->child.s->stop == STOP_NOT)
        channel_phase(a->control, IPC_SERVING);
    if (!a->room)
        supervisor_acceptor_ready(a->child.s);
    return 0;
}

static int
on_user(struct acceptor_child *a, struct message *m)
{
    struct supervisor *s = a->child.s;
    struct msg_user u;
    struct room *r;

    if (msg_user_get(&m->payload, &u) < 0 || u.user >= s->nrooms)
        return -EPROTO;
    if (a->room)
        return -EPROTO; /* a porter has no user's channel, and he is away for all its life */
    r = s->stop > STOP_ACCEPTORS ? NULL : room_at(s, u.user);
    if (!r) /* he went while it was said */
        return 0;
    if (m->type == MSG_USER_WANT) /* also of a connection that came just before the end */
        room_wanted(r);
    else
        room_bad(r, u.channel);
    return 0;
}

static int
on_synced(struct acceptor_child *a, struct message *m)
{
    return sync_answered(a->child.s, &a->sync, m);
}

static int
on_message(void *data, struct message *m)
{
    switch (m->type) {
    case MSG_HELLO:
        return on_hello(data, m);
    case MSG_READY:
        return on_ready(data, m);
    case MSG_USER_WANT:
    case MSG_USER_BAD:
        return on_user(data, m);
    case MSG_SYNCED:
        return on_synced(data, m);
    default:
        return -EPROTO;
    }
}

/* --- the end of one -------------------------------------------------------------------------
 */

/* Whatever it was, an acceptor without its channel is of no use. */
static void
on_end(void *data, int reason)
{
    struct acceptor_child *a = data;

    child_signal(&a->child, SIGKILL);
    control_ended(&a->control, &a->child, reason);
}

static const struct channel_ops control_ops = {on_message, on_end, NULL};

static void
on_exit_of(struct child *c, bool clean)
{
    struct acceptor_child *a = c->owner;
    struct supervisor *s = c->s;
    uint64_t now = date_mono_ms(), wait = RETRY_FIRST_MS;

    (void)clean;
    control_drop(&a->control);
    a->greeted = a->ready = false;
    a->listens = 0;
    a->sync = 0;
    if (a->page)
        counters_add_past(&s->acceptors_past, a->page);
    counters_unmap(&a->page);
    if (a->room) {
        room_try_free(a->room);
        return;
    }
    if (s->stop != STOP_NOT)
        return;
    s->acceptor_restarts++;
    if (!s->announced) {
        log_error("%s cannot serve", c->label);
        supervisor_stop(s, 1);
        return;
    }
    a->crashes = now - c->since_ms > START_TIMEOUT_MS ? 1 : a->crashes + 1;
    for (unsigned i = 1; i < a->crashes && wait < RETRY_LAST_MS; i++)
        wait *= 2;
    a->retry_ms = now + (a->crashes == 1 ? 0 : wait);
    if (a->crashes == 1)
        acceptors_sweep(s, now);
}

static size_t
queue_max(const struct supervisor *s)
{
    return ACCEPTOR_QUEUE_MIN + s->nrooms * ACCEPTOR_USER_SIZE;
}

int
acceptor_start(struct acceptor_child *a)
{
    struct supervisor *s = a->child.s;
    const struct control_end end = {
        .program = "hostel-acceptor",
        .role = IPC_ACCEPTOR,
        .queued_max = queue_max(s),
        .ops = &control_ops,
    };
    struct spawn_spec spec;

    a->retry_ms = 0;
    a->child.owner = a;
    a->child.on_exit = on_exit_of;
    spec_acceptor(&spec, s->conf, &s->acceptor_ids, s->empty_dir);
    spec.exec_fd = s->acceptor_exe;
    spec.nfds = 4;
    return control_start(&a->control, &a->child, &spec, &end);
}

int
acceptors_start(struct supervisor *s)
{
    s->acceptors = mem_new_array(s->nacceptors, sizeof(*s->acceptors));
    for (uint32_t i = 0; i < s->nacceptors; i++) {
        struct acceptor_child *a = &s->acceptors[i];
        int rc;

        a->child = (struct child){.s = s, .label = "hostel-acceptor"};
        rc = acceptor_start(a);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void
acceptors_sweep(struct supervisor *s, uint64_t now_ms)
{
    for (uint32_t i = 0; i < s->nacceptors; i++) {
        struct acceptor_child *a = &s->acceptors[i];

        if (s->stop == STOP_NOT && child_is_gone(&a->child) && a->retry_ms <= now_ms &&
            acceptor_start(a) < 0)
            a->retry_ms = now_ms + RETRY_LAST_MS;
        if (a->child.pid && !a->ready && child_age_ms(&a->child, now_ms) > START_TIMEOUT_MS)
            child_signal(&a->child, SIGKILL);
    }
}

bool
acceptors_ready(const struct supervisor *s)
{
    for (uint32_t i = 0; i < s->nacceptors; i++)
        if (!s->acceptors[i].ready)
            return false;
    return true;
}

bool
acceptors_running(const struct supervisor *s)
{
    for (uint32_t i = 0; s->acceptors && i < s->nacceptors; i++)
        if (s->acceptors[i].child.pid)
            return true;
    return false;
}

void
acceptor_stop(struct acceptor_child *a, uint32_t timeout_ms, enum msg_stop_how how)
{
    struct msg_stop m = {timeout_ms, (uint8_t)how};
    struct buf b;
    struct writer w = {&b, 0};

    if (!a->control)
        return;
    buf_init(&b, IPC_BYTES_MAX);
    msg_stop_put(&w, &m);
    channel_phase(a->control, IPC_LEAVING);
    if (channel_send(a->control, MSG_STOP_ACCEPTOR, &b, NULL, 0) < 0)
        child_signal(&a->child, SIGKILL);
    buf_done(&b);
}

void
acceptors_stop(struct supervisor *s, uint32_t timeout_ms, enum msg_stop_how how)
{
    for (uint32_t i = 0; s->acceptors && i < s->nacceptors; i++)
        acceptor_stop(&s->acceptors[i], timeout_ms, how);
}

void
acceptors_tell_channel(struct supervisor *s, struct room *r)
{
    for (uint32_t i = 0; i < s->nacceptors; i++) {
        struct acceptor_child *a = &s->acceptors[i];

        /* one that has not greeted yet gets all channels then */
        if (a->control && a->greeted && send_channel(a, r) < 0)
            child_signal(&a->child, SIGKILL);
    }
}

void
acceptors_tell_down(struct supervisor *s, struct room *r, uint32_t retry_ms)
{
    int drain = r->back;

    for (uint32_t i = 0; i < s->nacceptors; i++) {
        struct acceptor_child *a = &s->acceptors[i];

        if (!a->control || !a->greeted)
            continue;
        if (send_user(a, MSG_USER_DOWN, r->index, retry_ms, drain) < 0)
            child_signal(&a->child, SIGKILL);
        drain = -1;
    }
}

void
acceptors_tell_generation(struct supervisor *s)
{
    for (uint32_t i = 0; i < s->nacceptors; i++) {
        struct acceptor_child *a = &s->acceptors[i];

        if (!a->control || !a->greeted)
            continue;
        channel_bound(a->control, queue_max(s));
        if (send_generation(a) < 0 || acceptor_tell_start(a) < 0)
            child_signal(&a->child, SIGKILL);
    }
}

void
acceptors_tell_unlisten(struct supervisor *s, uint32_t listener)
{
    struct buf b;
    struct writer w = {&b, 0};

    buf_init(&b, IPC_BYTES_MAX);
    msg_listener_put(&w, &(struct msg_listener){.id = listener});
    for (uint32_t i = 0; i < s->nacceptors; i++) {
        struct acceptor_child *a = &s->acceptors[i];

        a->listens &= ~(UINT64_C(1) << listener);
        if (a->control && a->greeted && channel_send(a->control, MSG_UNLISTEN, &b, NULL, 0) < 0)
            child_signal(&a->child, SIGKILL);
    }
    buf_done(&b);
}

void
acceptors_tell_proxies(struct supervisor *s, uint32_t listener)
{
    for (uint32_t i = 0; i < s->nacceptors; i++) {
        struct acceptor_child *a = &s->acceptors[i];

        if (a->control && a->greeted && a->listens & UINT64_C(1) << listener &&
            acceptor_tell_listener(a, listener, &s->listeners[listener]) < 0)
            child_signal(&a->child, SIGKILL);
    }
}

void
acceptors_tell_gone(struct supervisor *s, uint32_t index)
{
    for (uint32_t i = 0; i < s->nacceptors; i++) {
        struct acceptor_child *a = &s->acceptors[i];

        if (a->control && a->greeted && send_user(a, MSG_USER_GONE, index, 0, -1) < 0)
            child_signal(&a->child, SIGKILL);
    }
}
