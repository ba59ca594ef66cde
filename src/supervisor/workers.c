/*
 * One worker: its start and end, and what it may ask for (its user's pools). Floor 6, hostel.
 *
 *   HELLO -> WORKER_INIT OWN_LISTENER* TICKETS? COMMONS? LOG* POOL* (VHOST TLS? RULE*)*
 *   START_WORKER -> READY -> POOL_WANT ... STOP
 */
#include "logwriter.h"
#include "supervisor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* What waits for a worker that does not read: its vhosts, 32 KiB of names each at the most. */
#define START_QUEUE_MAX (64 * 1024 * 1024)
#define TALK_QUEUE_MAX                                                                         \
    (64 * 1024) /* and once it serves: answers of the size of a pool's name */

static int
send_payload(struct worker_child *w, enum msg_type type, struct buf *b, int error)
{
    int rc = error ? error : channel_send(w->control, type, b, NULL, 0);

    buf_done(b);
    return rc < 0 ? rc : 0;
}

/* --- what it says ---------------------------------------------------------------------------
 */

static int
on_hello(struct worker_child *w, struct message *m)
{
    struct msg_hello hello;

    if (msg_hello_get(&m->payload, &hello) < 0 || w->greeted)
        return -EPROTO;
    if (hello.version != IPC_VERSION) {
        log_error("hostel-worker is of another build than hostel: install them together");
        return -EPROTO;
    }
    w->greeted = true;
    return w->control->phase == IPC_STARTING ? worker_tell_all(w) : 0;
}

static uint32_t
left_ms(uint64_t until_ms)
{
    uint64_t now = date_mono_ms();

    return until_ms > now ? (uint32_t)(until_ms - now) : 0;
}

static int
on_ready(struct worker_child *w, struct message *m)
{
    if (reader_end(&m->payload) < 0 || w->ready || !w->greeted)
        return -EPROTO;
    w->ready = true;
    if (w->control->phase == IPC_STARTING)
        channel_phase(w->control, IPC_SERVING);
    channel_bound(w->control, TALK_QUEUE_MAX);
    if (w->stops)
        worker_stop(w, left_ms(w->stops_ms), MSG_STOP_LAST);
    else
        room_worker_ready(w);
    return 0;
}

static int
on_pool(struct worker_child *w, struct message *m)
{
    struct msg_pool_state state;
    struct pool *p;

    if (msg_pool_state_get(&m->payload, &state) < 0 || state.socket.n)
        return -EPROTO;
    p = pool_of_worker(w, state.pool);
    if (!p)
        return -EPROTO;
    if (m->type == MSG_POOL_WANT)
        pool_wanted(p, w);
    else if (m->type == MSG_POOL_RELEASE)
        pool_released(p, w, state.generation);
    else if (m->type == MSG_POOL_RENEW)
        pool_renew(p, w, state.generation);
    else
        pool_broken(p, w, state.generation);
    return 0;
}

static int
on_log_lines(struct worker_child *w, struct message *m)
{
    if (reader_end(&m->payload) < 0)
        return -EPROTO;
    for (uint32_t i = 0; i < w->nlogs; i++)
        log_source_wake(w->logs[i]);
    return 0;
}

static int
on_stuck(struct worker_child *w, struct message *m)
{
    struct msg_pool_stuck stuck;
    struct pool *p;

    if (msg_pool_stuck_get(&m->payload, &stuck) < 0)
        return -EPROTO;
    p = pool_of_worker(w, stuck.pool);
    if (!p)
        return -EPROTO;
    pool_is_stuck(p, stuck.generation, stuck.inode);
    return 0;
}

static int
on_message(void *data, struct message *m)
{
    struct worker_child *w = data;

    if (++w->said ==
        WORKER_SAID_MAX) /* the sweep goes on: a worker that floods costs no more */
        channel_pause(w->control);
    switch (m->type) {
    case MSG_HELLO_WORKER:
        return on_hello(data, m);
    case MSG_READY_WORKER:
        return on_ready(data, m);
    case MSG_POOL_WANT:
    case MSG_POOL_RELEASE:
    case MSG_POOL_BROKEN:
    case MSG_POOL_RENEW:
        return on_pool(data, m);
    case MSG_POOL_STUCK:
        return on_stuck(data, m);
    case MSG_LEAVES:
        room_worker_leaves(w);
        return reader_end(&m->payload) < 0 ? -EPROTO : 0;
    case MSG_LOG_LINES:
        return on_log_lines(data, m);
    case MSG_SYNCED_WORKER:
        return sync_answered(w->child.s, &w->sync, m);
    default:
        return -EPROTO;
    }
}

static void
on_end(void *data, int reason)
{
    struct worker_child *w = data;

    w->mute_ms = date_mono_ms(); /* it is about to end: the sweep looks that it does */
    control_ended(&w->control, &w->child, reason);
}

static const struct channel_ops control_ops = {on_message, on_end, NULL};

/* --- its start and end ----------------------------------------------------------------------
 */

static void
on_exit_of(struct child *c, bool clean)
{
    struct worker_child *w = c->owner;

    control_drop(&w->control);
    if (w->page && !w->room->past)
        w->room->past = mem_new(sizeof(*w->room->past));
    if (w->page)
        counters_add_past(w->room->past, w->page);
    counters_unmap(&w->page);
    limits_leave(w);
    while (w->nlogs)
        log_source_free(&w->logs[--w->nlogs]); /* its last lines are still written */
    free(w->logs);
    room_worker_exited(w, clean);
}

int
worker_start(struct room *r, uint32_t seat)
{
    static const struct control_end end = {
        .program = "hostel-worker",
        .role = IPC_WORKER,
        .queued_max = START_QUEUE_MAX,
        .ops = &control_ops,
    };
    struct supervisor *s = r->s;
    struct worker_child *w = mem_new(sizeof(*w));
    struct listener *last;
    struct spawn_spec spec;
    int rc;

    w->room = r;
    w->seat = seat;
    w->begun = r->part->digest;
    w->place = COMMONS_PLACES;
    w->child = (struct child){.s = s, .owner = w, .on_exit = on_exit_of};
    (void)snprintf(w->child.label, sizeof(w->child.label), "hostel-worker of %s",
                   r->user->ids.name);
    spec_worker(&spec, r->gen->conf, &r->user->ids, s->php_dir, listeners_all_of(r, &last) > 0);
    limits_of_worker(&spec, conf_limits_of(r->gen->conf, r->user->limits));
    if (r->user->system) /* it has no file, and is no site's */
        spec.min_uid = 1;
    spec.exec_fd = secrets_wanted(r) ? s->worker_tls_exe : s->worker_exe;
    spec.nfds = 5;
    spec.fds[4] = r->back;
    rc = jails_open(r->gen->conf, r->user, spec.exec_fd, NULL, &spec.jail_fd);
    if (rc == 0)
        rc = groups_enter(r, &spec.group_fd);
    if (rc == 0)
        rc = control_start(&w->control, &w->child, &spec, &end);
    fd_close(&spec.group_fd);
    fd_close(&spec.jail_fd);
    if (rc < 0) {
        free(w);
        return rc;
    }
    LIST_INSERT_HEAD(&r->workers, w, link);
    r->starts++;
    return 0;
}

void
worker_stop(struct worker_child *w, uint32_t timeout_ms, enum msg_stop_how how)
{
    struct buf b;
    struct writer out = {&b, 0};

    if (!w->control) { /* gone already, or there is no way left to tell it */
        child_signal(&w->child, SIGKILL);
        return;
    }
    if (!w->ready && how == MSG_STOP_LAST) { /* what waits in the channel is still its */
        w->stops = true;
        w->stops_ms = date_mono_ms() + timeout_ms;
        return;
    }
    channel_phase(w->control, IPC_LEAVING);
    buf_init(&b, IPC_BYTES_MAX);
    msg_stop_put(&out, &(struct msg_stop){timeout_ms, (uint8_t)how});
    if (send_payload(w, MSG_STOP_WORKER, &b, out.error) < 0)
        child_signal(&w->child, SIGKILL);
}

void
worker_tell_log_level(struct worker_child *w)
{
    struct buf b;
    struct writer out = {&b, 0};

    if (!w->control)
        return;
    buf_init(&b, IPC_BYTES_MAX);
    msg_log_level_put(&out, &(struct msg_log_level){(uint8_t)w->child.s->conf->log_level});
    (void)send_payload(w, MSG_LOG_LEVEL, &b, out.error); /* else it goes on as before */
}

void
worker_tell_pool(struct worker_child *w, enum msg_type type, const struct pool *p,
                 uint32_t retry_ms)
{
    struct msg_pool_state m = {.retry_ms = retry_ms};
    struct buf b;
    struct writer out = {&b, 0};

    if (!w->control || !w->ready)
        return;
    while (m.pool < w->npools && w->pools[m.pool] != p)
        m.pool++;
    if (m.pool == w->npools)
        return;
    if (type == MSG_POOL_READY) {
        m.generation = p->now->generation;
        m.socket = span_str(p->now->socket);
    }
    buf_init(&b, IPC_BYTES_MAX);
    msg_pool_state_put(&out, &m);
    if (send_payload(w, type, &b, out.error) < 0)
        child_signal(&w->child, SIGKILL);
}
