/*
 * What a worker is told at its start: its user's vhosts and nothing else, I3. Floor 6, hostel.
 *
 *   WORKER_INIT OWN_LISTENER* TICKETS? COMMONS? LOG* POOL* (VHOST TLS? RULE*)* START_WORKER
 */
#include "digest.h"
#include "logwriter.h"
#include "sends_rules.h"
#include "supervisor.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/logring.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

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

    return sites <= 4 ? 2097152 : sites <= 32 ? 524288 : LOGRING_MIN;
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

int
worker_tell_all(struct worker_child *w)
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
