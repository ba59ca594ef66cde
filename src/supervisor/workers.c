/*
 * One worker: what it is told at its start (its user's vhosts and nothing else, I3) and what
 * it may ask for (its user's pools). Floor 6, hostel.
 *
 *   HELLO -> WORKER_INIT TICKETS? LOG* POOL* (VHOST TLS? RULE*)* START_WORKER -> READY ->
 * POOL_WANT ... STOP
 */
#include "sends_rules.h"
#include "supervisor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
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

static uint32_t
ms32(uint64_t ms)
{
    return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

static int
send_init(struct worker_child *w)
{
    const struct conf *conf = w->child.s->conf;
    const struct conf_user *user = w->room->user;
    struct msg_worker_init m = {
        .user = span_str(user->ids.name),
        .home = span_str(user->ids.home),
        .body_max = conf->body_max,
        .idle_exit_ms = ms32(user->idle_exit_ms),
        .keepalive_ms = ms32(conf->keepalive_timeout_ms),
        .head_timeout_ms = ms32(conf->head_timeout_ms),
        .body_timeout_ms = ms32(conf->body_timeout_ms),
        .send_timeout_ms = ms32(conf->send_timeout_ms),
        .conns_max = conf->connections_max,
        .conns_per_addr = conf->connections_per_address,
        .acme = conf->acme != CONF_NO_USER,
        .body_rate = conf->body_rate,
    };
    struct buf b;
    struct writer out = {&b, 0};

    buf_init(&b, IPC_BYTES_MAX);
    msg_worker_init_put(&out, &m);
    return send_payload(w, MSG_WORKER_INIT, &b, out.error);
}

/* --- logs: each target once, however many vhosts share it -----------------------------------
 */

struct log_ids {
    int fds[MSG_LOGS_MAX];
    uint32_t n;
};

static int
log_id(struct worker_child *w, struct log_ids *ids, const char *path, uint32_t *id)
{
    struct buf b;
    struct writer out = {&b, 0};
    char *error;
    int rc, copy, fd = logs_open(w->child.s, path, &error);

    if (fd < 0) {
        log_error("user %s: %s", w->room->user->ids.name, error);
        free(error);
        return -EACCES;
    }
    for (uint32_t i = 0; i < ids->n; i++)
        if (ids->fds[i] == fd) {
            *id = i;
            return 0;
        }
    if (ids->n == MSG_LOGS_MAX)
        return -E2BIG;
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return -errno;
    buf_init(&b, IPC_BYTES_MAX);
    msg_log_put(&out, &(struct msg_log){ids->n});
    rc = out.error ? out.error : channel_send(w->control, MSG_LOG, &b, &copy, 1);
    buf_done(&b);
    fd_close(&copy);
    if (rc < 0)
        return rc;
    *id = ids->n;
    ids->fds[ids->n++] = fd;
    return 0;
}

/* --- pools and vhosts -----------------------------------------------------------------------
 */

/* The processes of a pool, shared out among the workers; each may have one at least. */
static uint32_t
share(uint32_t processes, uint32_t workers, uint32_t seat)
{
    uint32_t n = processes / workers + (seat < processes % workers);

    return n ? n : 1;
}

static int
send_pool(struct worker_child *w, const struct pool *p)
{
    uint32_t workers = w->room->user->workers, seat = (uint32_t)(w - w->room->workers);
    struct msg_pool m = {
        .id = p->id,
        .slots = share(p->php->processes, workers, seat),
        .keep = workers <= p->php->processes,
        .idle_exit_ms = ms32(p->php->idle_exit_ms),
        .request_timeout_ms = ms32(p->php->request_timeout_ms),
        .queue = p->php->queue,
        .queue_timeout_ms = ms32(p->php->queue_timeout_ms),
    };
    struct buf b, list;
    struct writer out = {&b, 0};
    int rc = 0;

    buf_init(&b, IPC_BYTES_MAX);
    buf_init(&list, MSG_RESTART_MAX);
    for (char **name = p->php->restart_on; rc == 0 && *name; name++)
        rc = buf_addf(&list, "%s%s", name == p->php->restart_on ? "" : "\n", *name);
    m.restart_on = buf_span(&list);
    if (rc == 0)
        msg_pool_put(&out, &m);
    buf_done(&list);
    return send_payload(w, MSG_POOL, &b, rc ? rc : out.error);
}

static int
send_rules(struct worker_child *w, const struct conf_rule *rules, size_t n)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct msg_rule m;
        struct buf b;
        struct writer out = {&b, 0};

        sends_rule(&rules[i], &m);
        buf_init(&b, IPC_BYTES_MAX);
        msg_rule_put(&out, &m);
        rc = send_payload(w, MSG_RULE, &b, out.error);
    }
    return rc;
}

/* Where browsers are sent: the port that needs no saying, if there is one. */
static uint16_t
https_port(const struct conf *conf)
{
    uint16_t port = 0;

    for (size_t i = 0; i < conf->nlisten && port != 443; i++) {
        const struct sockaddr_storage *a = &conf->listen[i].addr;
        uint16_t this =
            ntohs(a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
                                           : ((const struct sockaddr_in *)a)->sin_port);

        if (conf->listen[i].tls && (port == 0 || this == 443))
            port = this;
    }
    return port;
}

static int
send_vhost(struct worker_child *w, struct log_ids *ids, size_t index)
{
    const struct conf_vhost *v = &w->child.s->conf->vhosts[index];
    const struct pool *pool = pool_of_vhost(w->child.s, index);
    struct msg_vhost m = {.root = span_str(v->root),
                          .access_log = MSG_NONE,
                          .pool = pool ? pool->id : MSG_NONE,
                          .by_default = v->by_default,
                          .autoindex = v->autoindex,
                          .compress = v->compress,
                          .stream = v->stream,
                          .symlinks = sends_symlinks(v->symlinks),
                          .compress_min = v->compress_min,
                          .fallback = span_str(v->fallback),
                          .conns_max = v->connections,
                          .https_port = v->https_redirect ? https_port(w->child.s->conf) : 0,
                          .hsts_seconds = v->hsts_seconds,
                          .acme = v->acme,
                          .hsts_subdomains = v->hsts_subdomains};
    struct buf b, names, list;
    struct writer out = {&b, 0};
    int rc = 0;

    buf_init(&b, IPC_BYTES_MAX);
    buf_init(&names, MSG_NAMES_MAX);
    buf_init(&list, MSG_INDEX_MAX);
    if (v->access_log)
        rc = log_id(w, ids, v->access_log, &m.access_log);
    if (rc == 0)
        rc = log_id(w, ids, v->error_log, &m.error_log);
    if (rc == 0)
        rc = buf_add_str(&names, v->host);
    for (char **alias = v->aliases; rc == 0 && *alias; alias++)
        rc = buf_addf(&names, "\n%s", *alias);
    for (char **name = v->index; rc == 0 && *name; name++)
        rc = buf_addf(&list, "%s%s", name == v->index ? "" : "\n", *name);
    m.names = buf_span(&names);
    m.index = buf_span(&list);
    if (rc == 0)
        msg_vhost_put(&out, &m);
    rc = send_payload(w, MSG_VHOST, &b, rc ? rc : out.error);
    buf_done(&names);
    buf_done(&list);
    if (rc == 0)
        rc = secrets_send_tls(w, v);
    if (rc == 0)
        rc = send_rules(w, v->rules, v->nrules);
    if (rc == 0 && v->app)
        rc = send_rules(w, v->app->rules, v->app->nrules);
    return rc;
}

static int
send_all(struct worker_child *w)
{
    struct supervisor *s = w->child.s;
    struct log_ids ids = {.n = 0};
    int rc = send_init(w);

    if (rc == 0)
        rc = secrets_send_tickets(w);
    for (size_t i = 0; rc == 0 && i < s->npools; i++)
        if (s->pools[i].room == w->room)
            rc = send_pool(w, &s->pools[i]);
    for (size_t i = 0; rc == 0 && i < s->conf->nvhosts; i++)
        if (s->conf->vhosts[i].user == w->room->index)
            rc = send_vhost(w, &ids, i);
    if (rc == 0)
        rc = channel_send(w->control, MSG_START_WORKER, NULL, NULL, 0);
    if (rc < 0)
        log_error("%s: cannot be given its vhosts: %s", w->child.label, uv_strerror(rc));
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
    return w->control->phase == IPC_STARTING ? send_all(w) : 0;
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
    room_worker_ready(w->room);
    return 0;
}

static int
on_pool(struct worker_child *w, struct message *m)
{
    struct msg_pool_state state;
    struct pool *p;

    if (msg_pool_state_get(&m->payload, &state) < 0 || state.socket.n)
        return -EPROTO;
    p = pool_by_id(w->room, state.pool);
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
on_stuck(struct worker_child *w, struct message *m)
{
    struct msg_pool_stuck stuck;
    struct pool *p;

    if (msg_pool_stuck_get(&m->payload, &stuck) < 0)
        return -EPROTO;
    p = pool_by_id(w->room, stuck.pool);
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
    w->greeted = w->ready = false;
    w->said = 0;
    room_worker_exited(w->room, w, clean);
}

int
worker_start(struct worker_child *w)
{
    static const struct control_end end = {
        .program = "hostel-worker",
        .role = IPC_WORKER,
        .queued_max = START_QUEUE_MAX,
        .ops = &control_ops,
    };
    struct supervisor *s = w->room->s;
    struct spawn_spec spec;
    int rc;

    w->child = (struct child){.s = s, .owner = w, .on_exit = on_exit_of};
    (void)snprintf(w->child.label, sizeof(w->child.label), "hostel-worker of %s",
                   w->room->user->ids.name);
    spec_worker(&spec, s->conf, &w->room->user->ids, s->php_dir);
    if (w->room->user->system) /* it has no file, and is no site's */
        spec.min_uid = 1;
    spec.exec_fd = secrets_wanted(w->room) ? s->worker_tls_exe : s->worker_exe;
    spec.nfds = 5;
    spec.fds[4] = w->room->back;
    rc = jails_open(s->conf, w->room->user, s->worker_exe, NULL, &spec.jail_fd);
    if (rc == 0)
        rc = control_start(&w->control, &w->child, &spec, &end);
    fd_close(&spec.jail_fd);
    return rc;
}

void
worker_stop(struct worker_child *w, uint32_t timeout_ms)
{
    struct buf b;
    struct writer out = {&b, 0};

    if (!w->control) { /* gone already, or there is no way left to tell it */
        child_signal(&w->child, SIGKILL);
        return;
    }
    channel_phase(w->control, IPC_LEAVING);
    buf_init(&b, IPC_BYTES_MAX);
    msg_stop_put(&out, &(struct msg_stop){timeout_ms});
    if (send_payload(w, MSG_STOP_WORKER, &b, out.error) < 0)
        child_signal(&w->child, SIGKILL);
}

void
worker_tell_pool(struct worker_child *w, enum msg_type type, const struct msg_pool_state *m)
{
    struct buf b;
    struct writer out = {&b, 0};

    if (!w->control || !w->ready)
        return;
    buf_init(&b, IPC_BYTES_MAX);
    msg_pool_state_put(&out, m);
    if (send_payload(w, type, &b, out.error) < 0)
        child_signal(&w->child, SIGKILL);
}
