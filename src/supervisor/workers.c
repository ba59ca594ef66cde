/*
 * One worker: what it is told at its start (its user's vhosts and nothing else, I3) and what
 * it may ask for (its user's pools). Floor 6, hostel.
 *
 *   HELLO -> WORKER_INIT OWN_LISTENER* TICKETS? COMMONS? LOG* POOL* (VHOST TLS? RULE*)*
 *   START_WORKER -> READY -> POOL_WANT ... STOP
 */
#include "digest.h"
#include "logwriter.h"
#include "sends_rules.h"
#include "supervisor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/logring.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What waits for a worker that does not read: its vhosts, 32 KiB of names each at the most. */
#define START_QUEUE_MAX (64 * 1024 * 1024)
#define TALK_QUEUE_MAX                                                                         \
    (64 * 1024) /* and once it serves: answers of the size of a pool's name */

/*
 * What is told at the start. The same walk without a worker only makes the digest: two workers
 * with one digest were told the same, whatever changed elsewhere.
 */
struct telling {
    struct worker_child *w; /* NULL: nobody is told */
    const struct generation *gen;
    size_t user; /* in gen->conf */
    uint64_t digest;
    const char *logs[MSG_LOGS_MAX];
    uint32_t nlogs;
};

static void
digest(struct telling *t, const void *p, size_t n)
{
    t->digest = digest_add(t->digest, p, n);
}

static int
tell(struct telling *t, enum msg_type type, struct buf *b, int error, int *fds, unsigned nfds)
{
    struct span payload = b ? buf_span(b) : (struct span){NULL, 0};
    uint32_t head[2] = {(uint32_t)type, (uint32_t)payload.n};
    int rc = error;

    digest(t, head, sizeof(head));
    digest(t, payload.p, payload.n);
    if (rc == 0 && t->w)
        rc = channel_send(t->w->control, type, b, fds, nfds);
    if (b)
        buf_done(b);
    return rc < 0 ? rc : 0;
}

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
tell_init(struct telling *t)
{
    const struct conf *conf = t->gen->conf;
    const struct conf_user *user = &conf->users[t->user];
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
        .trusted = conf->trusted_proxies,
        .trusted_close = conf->trusted_proxies_close,
    };
    struct buf b;
    struct writer out = {&b, 0};

    buf_init(&b, IPC_BYTES_MAX);
    msg_worker_init_put(&out, &m);
    return tell(t, MSG_WORKER_INIT, &b, out.error, NULL, 0);
}

/* --- listeners of his own -------------------------------------------------------------------
 */

/*
 * He accepts there himself; they stay open here as well, and outlive every worker.
 *
 * in  fd  lent; -1: nobody is told
 */
static int
tell_listener(struct telling *t, uint32_t id, bool tls, int fd)
{
    int rc, copy = t->w ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
    struct buf b;
    struct writer out = {&b, 0};

    if (t->w && copy < 0)
        return -errno;
    buf_init(&b, IPC_BYTES_MAX);
    msg_listener_put(&out, &(struct msg_listener){.id = id, .tls = tls});
    rc = tell(t, MSG_OWN_LISTENER, &b, out.error, &copy, 1);
    fd_close(&copy);
    return rc;
}

static int
tell_listeners(struct telling *t)
{
    const struct conf *conf = t->gen->conf;
    struct listener *last = NULL;
    uint32_t id = 0;
    int rc = 0;

    if (t->w && t->w->begun != t->w->room->part->digest)
        return 0; /* it may not accept: they are its successor's */
    for (size_t i = 0; rc == 0 && i < conf->nlisten; i++) {
        const struct conf_listen *at = &conf->listen[i];
        int fd;

        if (at->user != t->user || at->missing)
            continue;
        digest(t, &at->addr, at->addr_len);
        fd = t->w ? listeners_of(t->w->room, at) : -1;
        if (!t->w || fd >= 0) /* it is closed when another server has taken over */
            rc = tell_listener(t, id++, at->tls, fd);
    }
    /* who is on his way to one that leaves finds it open yet; it makes no other worker */
    if (t->w)
        (void)listeners_all_of(t->w->room, &last);
    if (rc == 0 && last && id < MSG_LISTENERS_MAX)
        rc = tell_listener(t, id, last->at.tls, last->fd);
    return rc;
}

/* --- logs: each target once, however many vhosts share it -----------------------------------
 */

/* Few sites: much may come together before it is written; many: each has less. */
static size_t
ring_bytes(const struct telling *t)
{
    size_t sites = t->gen->parts[t->user].count;

    return sites <= 4 ? 524288 : sites <= 32 ? 262144 : LOGRING_MIN;
}

/*
 * A ring of the worker's own for a target; the target is there to stay as long as it lives.
 *
 * out  fd  owned by the caller
 * ret  0; -errno, and said in the log
 */
static int
add_ring(const struct telling *t, const char *path, int *fd)
{
    struct worker_child *w = t->w;
    const char *user = w->room->user->ids.name;
    char *error;
    struct log_target *target = logs_target(w->child.s, path, &error);
    int rc;

    if (!target) {
        log_error("user %s: %s", user, error);
        free(error);
        return -EACCES;
    }
    w->logs = mem_grow(w->logs, (w->nlogs + 1) * sizeof(*w->logs));
    if (!w->room->log_account)
        w->room->log_account = log_account_new();
    rc = log_source_new(target, w->room->log_account, ring_bytes(t), fd, &w->logs[w->nlogs]);
    if (rc < 0)
        log_error("user %s: log %s: no ring for it: %s", user, path, uv_strerror(rc));
    else
        w->nlogs++;
    return rc;
}

static int
log_id(struct telling *t, const char *path, uint32_t *id)
{
    struct buf b;
    struct writer out = {&b, 0};
    int rc, fd = -1;

    if (!path) {
        *id = MSG_NONE;
        return 0;
    }
    for (uint32_t i = 0; i < t->nlogs; i++)
        if (strcmp(t->logs[i], path) == 0) {
            *id = i;
            return 0;
        }
    if (t->nlogs == MSG_LOGS_MAX)
        return -E2BIG;
    if (t->w) {
        rc = add_ring(t, path, &fd);
        if (rc < 0)
            return rc;
    }
    digest(t, path, strlen(path) + 1);
    buf_init(&b, IPC_BYTES_MAX);
    msg_log_put(&out, &(struct msg_log){t->nlogs});
    rc = tell(t, MSG_LOG, &b, out.error, &fd, 1);
    fd_close(&fd);
    if (rc < 0)
        return rc;
    *id = t->nlogs;
    t->logs[t->nlogs++] = path;
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

static void
digest_list(struct telling *t, char *const *list)
{
    for (; *list; list++)
        digest(t, *list, strlen(*list) + 1);
    digest(t, "", 1);
}

/* Other settings are another pool, which it has to be told of: also those that no message has.
 */
static void
digest_php(struct telling *t, const struct conf_vhost *v)
{
    const struct conf_php *php = v->php;

    digest(t, &php->processes, sizeof(php->processes));
    digest(t, &php->max_requests, sizeof(php->max_requests));
    digest(t, php->command, strlen(php->command) + 1);
    if (php->ini)
        digest(t, php->ini, strlen(php->ini) + 1);
    digest_list(t, php->define);
    digest_list(t, php->env);
    if (v->error_log)
        digest(t, v->error_log, strlen(v->error_log) + 1);
}

static int
tell_pool(struct telling *t, uint32_t id)
{
    const struct part *part = &t->gen->parts[t->user];
    const struct conf *conf = t->gen->conf;
    const struct conf_vhost *v = &conf->vhosts[t->gen->pool_vhosts[part->first_pool + id]];
    uint32_t workers = conf->users[t->user].workers, seat = t->w ? t->w->seat : 0;
    struct msg_pool m = {
        .id = id,
        .slots = share(v->php->processes, workers, seat),
        .keep = workers <= v->php->processes,
        .idle_exit_ms = ms32(v->php->idle_exit_ms),
        .request_timeout_ms = ms32(v->php->request_timeout_ms),
        .queue = v->php->queue,
        .queue_timeout_ms = ms32(v->php->queue_timeout_ms),
    };
    struct buf b, list;
    struct writer out = {&b, 0};
    int rc = 0;

    buf_init(&b, IPC_BYTES_MAX);
    buf_init(&list, MSG_RESTART_MAX);
    for (char **name = v->php->restart_on; rc == 0 && *name; name++)
        rc = buf_addf(&list, "%s%s", name == v->php->restart_on ? "" : "\n", *name);
    m.restart_on = buf_span(&list);
    if (rc == 0)
        msg_pool_put(&out, &m);
    buf_done(&list);
    digest_php(t, v);
    return tell(t, MSG_POOL, &b, rc ? rc : out.error, NULL, 0);
}

static int
tell_rules(struct telling *t, const struct conf_rule *rules, size_t n)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct msg_rule m;
        struct buf b;
        struct writer out = {&b, 0};

        sends_rule(&rules[i], &m);
        buf_init(&b, IPC_BYTES_MAX);
        msg_rule_put(&out, &m);
        rc = tell(t, MSG_RULE, &b, out.error, NULL, 0);
    }
    return rc;
}

/* Where browsers are sent: the port that needs no saying, if there is one. */
static uint16_t
https_port(const struct conf *conf, size_t user)
{
    uint16_t port = 0;

    for (size_t i = 0; i < conf->nlisten && port != 443; i++) {
        const struct sockaddr_storage *a = &conf->listen[i].addr;
        uint16_t this =
            ntohs(a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
                                           : ((const struct sockaddr_in *)a)->sin_port);

        if (conf->listen[i].user != CONF_SHARED && conf->listen[i].user != user)
            continue;
        if (conf->listen[i].tls && (port == 0 || this == 443))
            port = this;
    }
    if (port == 0 && conf->trusted_proxies.n) /* theirs is the one that browsers know */
        port = 443;
    return port;
}

/*
 * Another certificate for the same site makes no other worker: those that run are sent it. So
 * what the pair is is no part of the digest.
 */
static int
tell_tls(struct telling *t, size_t index, uint32_t nth)
{
    const struct conf_vhost *v = &t->gen->conf->vhosts[index];

    if (!v->tls)
        return 0;
    if (t->w)
        return secrets_send_tls(t->w, nth);
    digest(t, &v->tls->version_min, sizeof(v->tls->version_min));
    return 0;
}

static int
tell_vhost(struct telling *t, uint32_t nth)
{
    const struct part *part = &t->gen->parts[t->user];
    size_t index = t->gen->order[part->first + nth];
    const struct conf_vhost *v = &t->gen->conf->vhosts[index];
    const struct conf_limits *limits = conf_limits_of(t->gen->conf, v->limits);
    uint32_t pool = t->gen->pool_of[index];
    struct msg_vhost m = {
        .root = span_str(v->root),
        .access_log = MSG_NONE,
        .pool = pool == NO_POOL ? MSG_NONE : pool,
        .by_default = v->by_default,
        .autoindex = v->autoindex,
        .compress = v->compress,
        .stream = v->stream,
        .symlinks = sends_symlinks(v->symlinks),
        .compress_min = v->compress_min,
        .fallback = span_str(v->fallback),
        .conns_max = v->connections,
        .https_port = v->https_redirect ? https_port(t->gen->conf, t->user) : 0,
        .hsts_seconds = v->hsts_seconds,
        .acme = v->acme,
        .log_format = span_str(v->log_format),
        .rate = (uint32_t)limits->value[LIMIT_REQUESTS],
        .burst =
            limits->value[LIMIT_REQUESTS] ? (uint32_t)limits->value[LIMIT_REQUESTS_BURST] : 0,
        .bandwidth = limits->value[LIMIT_BANDWIDTH],
        .bandwidth_burst = limits->value[LIMIT_BANDWIDTH_BURST],
        .hsts_subdomains = v->hsts_subdomains};
    struct buf b, names, list;
    struct writer out = {&b, 0};
    int rc = 0;

    buf_init(&b, IPC_BYTES_MAX);
    buf_init(&names, MSG_NAMES_MAX);
    buf_init(&list, MSG_INDEX_MAX);
    rc = log_id(t, v->access_log, &m.access_log);
    if (rc == 0)
        rc = log_id(t, v->error_log, &m.error_log);
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
    rc = tell(t, MSG_VHOST, &b, rc ? rc : out.error, NULL, 0);
    buf_done(&names);
    buf_done(&list);
    if (rc == 0)
        rc = tell_tls(t, index, nth);
    if (rc == 0)
        rc = tell_rules(t, v->rules, v->nrules);
    if (rc == 0 && v->app)
        rc = tell_rules(t, v->app->rules, v->app->nrules);
    return rc;
}

static int
tell_all(struct telling *t)
{
    const struct conf_user *user = &t->gen->conf->users[t->user];
    const struct conf_limits *limits = conf_limits_of(t->gen->conf, user->limits);
    const struct part *part = &t->gen->parts[t->user];
    int rc = tell_init(t);

    if (rc == 0)
        rc = tell_listeners(t);
    if (rc == 0 && t->w)
        rc = secrets_send_tickets(t->w);
    if (rc == 0 && t->w)
        rc = limits_share(t->w);
    digest(t, &limits->value[LIMIT_CONNECTIONS], sizeof(uint64_t));
    digest(t, &user->workers, sizeof(user->workers));
    digest(t, &part->jail, sizeof(part->jail));
    digest(t, &part->limits, sizeof(part->limits));
    digest(t, user->ids.groups, user->ids.ngroups * sizeof(user->ids.groups[0]));
    for (uint32_t id = 0; rc == 0 && id < part->npools; id++)
        rc = tell_pool(t, id);
    for (uint32_t nth = 0; rc == 0 && nth < part->count; nth++)
        rc = tell_vhost(t, nth);
    if (rc == 0)
        rc = tell(t, MSG_START_WORKER, NULL, 0, NULL, 0);
    return rc;
}

/* A fresh one, with room for all the logs there may be: too much for a stack that forks. */
static struct telling *
telling_new(struct worker_child *w, const struct generation *g, size_t user)
{
    struct telling *t = mem_new(sizeof(*t));

    t->w = w;
    t->gen = g;
    t->user = user;
    t->digest = DIGEST_START;
    return t;
}

uint64_t
worker_digest(const struct generation *g, size_t user)
{
    struct telling *t = telling_new(NULL, g, user);
    uint64_t result;

    (void)tell_all(t); /* what is too much for a message shows when it is sent */
    result = t->digest ? t->digest : 1;
    free(t);
    return result;
}

static int
send_all(struct worker_child *w)
{
    struct telling *t = telling_new(w, w->room->gen, w->room->user_index);
    int rc;

    control_give_page(w->control, MSG_COUNTERS_WORKER, &w->page);
    worker_tell_log_level(w);
    rc = tell_all(t);
    free(t);
    w->told = w->begun; /* if that is another one by now, it will have a successor */
    pools_tell_worker(w);
    if (rc < 0)
        log_error("%s: cannot be given its vhosts: %s", w->child.label, uv_strerror(rc));
    return rc;
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
