/*
 * The channel to the supervisor.
 *
 *   HELLO_WORKER ->   <- WORKER_INIT, OWN_LISTENER*, TICKETS?, COMMONS?, LOG*, POOL*,
 *                        (VHOST, TLS?, RULE*)*, START_WORKER
 *   READY_WORKER ->
 *   then              <- POOL_READY, POOL_FAILED, TICKETS, TLS, SYNC_WORKER, STOP_WORKER
 *                                                               POOL_*, SYNCED_WORKER ->
 *
 * Floor 6; worker.
 */
#include "hostel/base/counters.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "rule.h"
#include "worker.h"

#include <errno.h>
#include <stdlib.h>

/* Who waits for a responder of the user's own: as php.queue is by default. */
#define UPSTREAM_QUEUE_MAX 1024
#define UPSTREAM_QUEUE_MS  30000

static int
say(struct worker *w, enum msg_type type, const struct buf *payload, int error)
{
    int rc = error ? error : channel_send(&w->control, type, payload, NULL, 0);

    return rc < 0 ? rc : 0;
}

int
control_hello(struct worker *w)
{
    struct buf payload;
    struct writer out = {&payload, 0};
    int rc;

    buf_init(&payload, IPC_BYTES_MAX);
    msg_hello_put(&out, &(struct msg_hello){IPC_VERSION});
    rc = say(w, MSG_HELLO_WORKER, &payload, out.error);
    buf_done(&payload);
    return rc;
}

int
control_ready(struct worker *w)
{
    int rc = say(w, MSG_READY_WORKER, NULL, 0);

    if (rc == 0 && w->control.phase == IPC_STARTING)
        channel_phase(&w->control, IPC_SERVING);
    return rc;
}

/* --- what it is told before it serves --------------------------------------------------- */

static int
on_init(struct worker *w, struct message *m)
{
    struct msg_worker_init init;
    if (msg_worker_init_get(&m->payload, &init) < 0 || w->told)
        return -EBADMSG;
    w->told = true;
    w->account = mem_str_span(init.user);
    log_init(STDERR_FILENO, "hostel-worker", w->account);
    w->home = mem_str_span(init.home);
    /* disk before memory: a big upload shall not push out what is cached */
    w->spool_dirs[0] = "/var/tmp";
    w->spool_dirs[1] = "/tmp";
    w->spool_dirs[2] = *w->home ? w->home : NULL;
    w->idle_exit_ms = init.idle_exit_ms;
    w->settings = (struct conns_settings){
        .http2 = w->settings.http2,
        .head_ms = init.head_timeout_ms,
        .keepalive_ms = init.keepalive_ms,
        .body_ms = init.body_timeout_ms,
        .send_ms = init.send_timeout_ms,
        .acme = init.acme,
        .body_rate = init.body_rate,
        .conns_max = init.conns_max,
        .conns_per_addr = init.conns_per_addr,
        .trusted = init.trusted,
        .trusted_close = init.trusted_close,
    };
    w->php_limits.body_max = init.body_max;
    w->php_limits.spool_dirs = w->spool_dirs;
    return 0;
}

static int
on_counters(struct message *m)
{
    return reader_end(&m->payload) < 0 ? -EBADMSG : counters_use(m->fds[0]);
}

static int
on_commons(struct worker *w, struct message *m)
{
    struct msg_commons commons;

    if (msg_commons_get(&m->payload, &commons) < 0 || !w->told || w->settings.commons)
        return -EBADMSG;
    w->settings.place = commons.place;
    w->settings.user_conns_max = commons.conns_max;
    return commons_use(m->fds[0], &w->settings.commons);
}

static int
on_log(struct worker *w, struct message *m)
{
    struct msg_log log;

    if (msg_log_get(&m->payload, &log) < 0 || log.id != w->nlogs || w->nlogs == MSG_LOGS_MAX)
        return -EBADMSG;
    w->logs = mem_grow(w->logs, (w->nlogs + 1) * sizeof(*w->logs));
    w->logs[w->nlogs] = logfile_new(w->logfiles, m->fds[0]);
    return w->logs[w->nlogs++] ? 0 : -EBADMSG;
}

static int
on_log_level(struct message *m)
{
    struct msg_log_level l;

    if (msg_log_level_get(&m->payload, &l) < 0)
        return -EBADMSG;
    log_level_set((enum log_level)l.level);
    return 0;
}

static int
on_pool(struct worker *w, struct message *m)
{
    struct msg_pool pool;

    if (msg_pool_get(&m->payload, &pool) < 0 || pool.id != w->npools || !w->told ||
        w->npools == MSG_POOLS_MAX)
        return -EBADMSG;
    w->pools = mem_grow(w->pools, (w->npools + 1) * sizeof(*w->pools));
    w->restart_on = mem_grow(w->restart_on, (w->npools + 1) * sizeof(*w->restart_on));
    w->restart_on[w->npools] = mem_str_span(pool.restart_on);
    w->php_limits.request_timeout_ms = pool.request_timeout_ms;
    w->php_limits.queue_max = pool.queue;
    w->php_limits.queue_timeout_ms = pool.queue_timeout_ms;
    w->pools[w->npools] = php_pool_new(&w->loop, w->npools, pool.slots, pool.keep,
                                       pool.idle_exit_ms, &w->php_limits, &control_pool_ops, w);
    w->npools++;
    return 0;
}

/* ret  a NULL-ended list, owned: the lines of s */
static char **
lines(struct span s)
{
    char **list = mem_new(sizeof(*list));
    struct span line;
    size_t n = 0;

    while (span_cut(&s, '\n', &line)) {
        list = mem_grow(list, (n + 2) * sizeof(*list));
        list[n++] = mem_str_span(line);
        list[n] = NULL;
    }
    return list;
}

/* ret  lent; NULL: combined, or what was checked is none after all */
static const struct logformat *
format_of(struct worker *w, struct span text)
{
    char why[LOGFORMAT_WHY_MAX];
    struct logformat *f;

    if (text.n == 0)
        return NULL;
    for (size_t i = 0; i < w->nformats; i++)
        if (span_eq(text, span_str(w->formats[i]->text)))
            return w->formats[i];
    if (logformat_new(&f, text, why) < 0)
        return NULL;
    w->formats = mem_grow(w->formats, (w->nformats + 1) * sizeof(*w->formats));
    w->formats[w->nformats++] = f;
    return f;
}

static int
on_vhost(struct worker *w, struct message *m)
{
    static const enum site_symlinks symlinks[] = {
        [MSG_SYMLINKS_FOLLOW] = SYMLINKS_FOLLOW,
        [MSG_SYMLINKS_OWNER] = SYMLINKS_OWNER,
        [MSG_SYMLINKS_OFF] = SYMLINKS_OFF,
    };
    struct msg_vhost v;
    struct site *site;

    if (msg_vhost_get(&m->payload, &v) < 0 || v.names.n == 0 || v.root.n == 0 ||
        (v.access_log != MSG_NONE && v.access_log >= w->nlogs) ||
        (v.error_log != MSG_NONE && v.error_log >= w->nlogs) ||
        (v.pool != MSG_NONE && v.pool >= w->npools) || (v.rate && !w->settings.commons))
        return -EBADMSG;
    site = mem_new(sizeof(*site));
    site->names = lines(v.names);
    site->index = lines(v.index);
    site->root = mem_str_span(v.root);
    site->dir = site_dir_new(site->root);
    site->access_log = v.access_log == MSG_NONE ? NULL : w->logs[v.access_log];
    site->error_log = v.error_log == MSG_NONE ? NULL : w->logs[v.error_log];
    site->log_format = format_of(w, v.log_format);
    site->user = w->account;
    site->php = v.pool == MSG_NONE ? NULL : w->pools[v.pool];
    if (site->php)
        php_pool_watch(site->php, site->root, span_str(w->restart_on[v.pool]));
    site->by_default = v.by_default;
    site->autoindex = v.autoindex;
    site->compress = v.compress;
    site->stream = v.stream;
    site->compress_min = v.compress_min;
    site->symlinks = symlinks[v.symlinks];
    site->fallback = v.fallback.n ? mem_str_span(v.fallback) : NULL;
    site->conns_max = v.conns_max;
    site->rate = v.rate;
    site->burst = v.burst;
    site->rate_key = limits_name(span_str(site->names[0]));
    site->bounded = site->conns_max || site->rate;
    site->bandwidth = v.bandwidth;
    site->bandwidth_burst = v.bandwidth_burst;
    site->acme = v.acme;
    site->https_port = v.https_port;
    if (v.hsts_seconds != MSG_NONE)
        site->hsts = mem_fmt("max-age=%u%s", v.hsts_seconds,
                             v.hsts_subdomains ? "; includeSubDomains" : "");
    sites_add(w->sites, site);
    return 0;
}

/* A responder of the user's own: for one path, or for the site's scripts. */
static void
add_upstream(struct worker *w, struct site *site, const struct msg_rule *rule)
{
    const struct php_limits limits = {
        .body_max = w->php_limits.body_max,
        .spool_dirs = w->spool_dirs,
        .request_timeout_ms = rule->b,
        .queue_max = UPSTREAM_QUEUE_MAX,
        .queue_timeout_ms = UPSTREAM_QUEUE_MS,
    };
    struct upstream *u = upstream_new(&w->loop, rule->value, rule->a, &limits);

    w->upstreams = mem_grow(w->upstreams, (w->nupstreams + 1) * sizeof(*w->upstreams));
    w->upstreams[w->nupstreams++] = u;
    site->rules.upstreams[site->rules.nupstreams - 1].pool = upstream_pool(u);
    if (rule->match.n == 0 && !site->php)
        site->php = upstream_pool(u);
}

static int
on_rule(struct worker *w, struct message *m)
{
    struct site *site = sites_last(w->sites);
    struct msg_rule rule;

    int rc;

    if (msg_rule_get(&m->payload, &rule) < 0 || !site)
        return -EBADMSG;
    rc = rule_add(&site->rules, &rule);
    if (rc == 0 && rule.kind == RULE_FASTCGI)
        add_upstream(w, site, &rule);
    return rc;
}

static int
on_listener(struct worker *w, struct message *m)
{
    struct msg_listener l;

    if (msg_listener_get(&m->payload, &l) < 0 || l.id != w->nlisteners ||
        w->nlisteners == WORKER_LISTENERS_MAX)
        return -EBADMSG;
    return listen_add(w, fd_take(&m->fds[0]), l.tls);
}

static int
on_start(struct worker *w, struct message *m)
{
    if (reader_end(&m->payload) < 0 || !w->told || w->serving)
        return -EBADMSG;
    return w->stopping ? 0 : worker_start(w);
}

/* --- and while it does ------------------------------------------------------------------ */

static int
on_pool_state(struct worker *w, struct message *m)
{
    struct msg_pool_state state;

    if (msg_pool_state_get(&m->payload, &state) < 0 || state.pool >= w->npools)
        return -EBADMSG;
    if (m->type == MSG_POOL_READY)
        php_pool_ready(w->pools[state.pool], state.generation, state.socket);
    else
        php_pool_failed(w->pools[state.pool], state.retry_ms);
    return 0;
}

/* What was said before has been done. */
static int
on_sync(struct worker *w, struct message *m)
{
    struct msg_sync sync;
    struct buf payload;
    struct writer out = {&payload, 0};
    int rc;

    if (msg_sync_get(&m->payload, &sync) < 0)
        return -EBADMSG;
    buf_init(&payload, IPC_BYTES_MAX);
    msg_sync_put(&out, &sync);
    rc = say(w, MSG_SYNCED_WORKER, &payload, out.error);
    buf_done(&payload);
    return rc;
}

static int
on_stop(struct worker *w, struct message *m)
{
    struct msg_stop stop;

    if (msg_stop_get(&m->payload, &stop) < 0)
        return -EBADMSG;
    channel_phase(&w->control, IPC_LEAVING);
    worker_stop(w, stop.timeout_ms, (enum msg_stop_how)stop.how);
    (void)say(w, MSG_LEAVES, NULL, 0); /* a supervisor that is gone has its end of its own */
    return 0;
}

static int
on_message(void *data, struct message *m)
{
    struct worker *w = data;

    switch (m->type) {
    case MSG_WORKER_INIT:
        return on_init(w, m);
    case MSG_COUNTERS_WORKER:
        return on_counters(m);
    case MSG_COMMONS:
        return on_commons(w, m);
    case MSG_LOG_LEVEL:
        return on_log_level(m);
    case MSG_LOG:
        return on_log(w, m);
    case MSG_POOL:
        return on_pool(w, m);
    case MSG_VHOST:
        return on_vhost(w, m);
    case MSG_RULE:
        return on_rule(w, m);
    case MSG_TICKETS:
        return secure_tickets(w, m);
    case MSG_TLS:
        return secure_site(w, m);
    case MSG_OWN_LISTENER:
        return on_listener(w, m);
    case MSG_START_WORKER:
        return on_start(w, m);
    case MSG_POOL_READY:
    case MSG_POOL_FAILED:
        return on_pool_state(w, m);
    case MSG_SYNC_WORKER:
        return on_sync(w, m);
    case MSG_STOP_WORKER:
        return on_stop(w, m);
    default:
        return -EPROTO;
    }
}

/* A worker whose supervisor is gone has nobody to answer to. */
static void
on_end(void *data, int reason)
{
    if (reason < 0)
        log_error("the supervisor's channel is broken: %s", uv_strerror(reason));
    worker_exit(data, reason < 0);
}

const struct channel_ops control_ops = {on_message, on_end, NULL};

/* --- logs ------------------------------------------------------------------------------- */

bool
control_log_lines(void *data)
{
    struct worker *w = data;

    return w->control.phase != IPC_STARTING && say(w, MSG_LOG_LINES, NULL, 0) == 0;
}

/* --- pools ------------------------------------------------------------------------------ */

static void
say_pool(struct worker *w, enum msg_type type, uint32_t pool, uint32_t generation)
{
    struct msg_pool_state state = {.pool = pool, .generation = generation};
    struct buf payload;
    struct writer out = {&payload, 0};
    int rc;

    buf_init(&payload, IPC_BYTES_MAX);
    msg_pool_state_put(&out, &state);
    rc = say(w, type, &payload, out.error);
    buf_done(&payload);
    if (rc < 0 && rc != -EPIPE) /* its end is told by on_end */
        log_error("the supervisor cannot be told of PHP pool %u: %s", pool, uv_strerror(rc));
}

static void
pool_want(void *data, uint32_t pool)
{
    say_pool(data, MSG_POOL_WANT, pool, 0);
}

static void
pool_release(void *data, uint32_t pool, uint32_t generation)
{
    say_pool(data, MSG_POOL_RELEASE, pool, generation);
}

static void
pool_broken(void *data, uint32_t pool, uint32_t generation)
{
    say_pool(data, MSG_POOL_BROKEN, pool, generation);
}

static void
pool_renew(void *data, uint32_t pool, uint32_t generation)
{
    say_pool(data, MSG_POOL_RENEW, pool, generation);
}

static void
pool_stuck(void *data, uint32_t pool, uint32_t generation, uint64_t inode)
{
    struct worker *w = data;
    struct buf payload;
    struct writer out = {&payload, 0};

    buf_init(&payload, IPC_BYTES_MAX);
    msg_pool_stuck_put(&out, &(struct msg_pool_stuck){pool, generation, inode});
    if (say(w, MSG_POOL_STUCK, &payload, out.error) < 0)
        log_error("the supervisor cannot be told of a script that does not end");
    buf_done(&payload);
}

const struct php_pool_ops control_pool_ops = {pool_want, pool_release, pool_broken, pool_renew,
                                              pool_stuck};
