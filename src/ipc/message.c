/* The payloads, in the order of the message table. Floor 2. */
#include "hostel/ipc/message.h"
#include "hostel/base/log.h"
#include "hostel/base/commons.h"
#include "hostel/ipc/table.h"

#include <errno.h>
#include <netinet/in.h>

/* A get that has read everything: were the bounds kept? */
static int
got(const struct reader *r, bool bounds)
{
    int rc = reader_end(r);

    return rc < 0 ? rc : bounds ? 0 : -EBADMSG;
}

static void
put_nets(struct writer *w, const struct nets *nets)
{
    put_u8(w, (uint8_t)nets->n);
    for (size_t i = 0; i < nets->n; i++) {
        put_bytes(w, nets->v[i].addr, sizeof(nets->v[i].addr));
        put_u8(w, nets->v[i].bits);
    }
}

static void
get_nets(struct reader *r, struct nets *nets)
{
    uint8_t n = get_u8(r);

    if (n > NETS_MAX)
        r->error = -EBADMSG;
    for (nets->n = 0; nets->n < n && !r->error; nets->n++) {
        struct net *net = &nets->v[nets->n];

        get_bytes(r, net->addr, sizeof(net->addr));
        net->bits = get_u8(r);
        if (net->bits > 8 * sizeof(net->addr))
            r->error = -EBADMSG;
    }
}

void
msg_hello_put(struct writer *w, const struct msg_hello *m)
{
    put_u32(w, m->version);
}

int
msg_hello_get(struct reader *r, struct msg_hello *m)
{
    m->version = get_u32(r);
    return got(r, true);
}

void
msg_listener_put(struct writer *w, const struct msg_listener *m)
{
    put_u32(w, m->id);
    put_u8(w, m->tls);
    put_nets(w, &m->proxies);
}

int
msg_listener_get(struct reader *r, struct msg_listener *m)
{
    m->id = get_u32(r);
    m->tls = get_u8(r);
    get_nets(r, &m->proxies);
    return got(r, m->id < MSG_LISTENERS_MAX && m->tls <= 1);
}

void
msg_start_put(struct writer *w, const struct msg_start *m)
{
    put_u32(w, m->head_timeout_ms);
    put_u32(w, m->conns_per_addr);
    put_u32(w, m->conns_max);
    put_u64(w, m->seal[0]);
    put_u64(w, m->seal[1]);
    put_nets(w, &m->trusted);
    put_u8(w, m->log_level);
}

int
msg_start_get(struct reader *r, struct msg_start *m)
{
    m->head_timeout_ms = get_u32(r);
    m->conns_per_addr = get_u32(r);
    m->conns_max = get_u32(r);
    m->seal[0] = get_u64(r);
    m->seal[1] = get_u64(r);
    get_nets(r, &m->trusted);
    m->log_level = get_u8(r);
    return got(r, m->head_timeout_ms && m->conns_per_addr && m->conns_max &&
                      m->log_level < LOG_LEVELS);
}

void
msg_log_level_put(struct writer *w, const struct msg_log_level *m)
{
    put_u8(w, m->level);
}

int
msg_log_level_get(struct reader *r, struct msg_log_level *m)
{
    m->level = get_u8(r);
    return got(r, m->level < LOG_LEVELS);
}

void
msg_sync_put(struct writer *w, const struct msg_sync *m)
{
    put_u32(w, m->no);
}

int
msg_sync_get(struct reader *r, struct msg_sync *m)
{
    m->no = get_u32(r);
    return got(r, m->no > 0);
}

void
msg_user_put(struct writer *w, const struct msg_user *m)
{
    put_u32(w, m->user);
    put_u32(w, m->retry_ms);
    put_u32(w, m->channel);
}

int
msg_user_get(struct reader *r, struct msg_user *m)
{
    m->user = get_u32(r);
    m->retry_ms = get_u32(r);
    m->channel = get_u32(r);
    return got(r, m->user != MSG_NONE);
}

void
msg_channel_put(struct writer *w, const struct msg_channel *m)
{
    put_u32(w, m->user);
    put_u32(w, m->channel);
    put_u32(w, m->workers);
}

int
msg_channel_get(struct reader *r, struct msg_channel *m)
{
    m->user = get_u32(r);
    m->channel = get_u32(r);
    m->workers = get_u32(r);
    return got(r, m->user != MSG_NONE && m->workers > 0);
}

void
msg_stop_put(struct writer *w, const struct msg_stop *m)
{
    put_u32(w, m->timeout_ms);
    put_u8(w, m->how);
}

int
msg_stop_get(struct reader *r, struct msg_stop *m)
{
    m->timeout_ms = get_u32(r);
    m->how = get_u8(r);
    return got(r, m->how < MSG_STOP_HOWS);
}

void
msg_worker_init_put(struct writer *w, const struct msg_worker_init *m)
{
    put_span(w, m->user);
    put_span(w, m->home);
    put_u64(w, m->body_max);
    put_u32(w, m->idle_exit_ms);
    put_u32(w, m->keepalive_ms);
    put_u32(w, m->head_timeout_ms);
    put_u32(w, m->body_timeout_ms);
    put_u32(w, m->send_timeout_ms);
    put_u32(w, m->conns_max);
    put_u32(w, m->conns_per_addr);
    put_u8(w, m->acme);
    put_u64(w, m->body_rate);
    put_nets(w, &m->trusted);
    put_u8(w, m->trusted_close);
}

int
msg_worker_init_get(struct reader *r, struct msg_worker_init *m)
{
    m->user = get_span(r, MSG_HOST_MAX);
    m->home = get_span(r, MSG_PATH_MAX);
    m->body_max = get_u64(r);
    m->idle_exit_ms = get_u32(r);
    m->keepalive_ms = get_u32(r);
    m->head_timeout_ms = get_u32(r);
    m->body_timeout_ms = get_u32(r);
    m->send_timeout_ms = get_u32(r);
    m->conns_max = get_u32(r);
    m->conns_per_addr = get_u32(r);
    m->acme = get_u8(r);
    m->body_rate = get_u64(r);
    get_nets(r, &m->trusted);
    m->trusted_close = get_u8(r);
    return got(r, m->user.n > 0 && m->conns_max && m->conns_per_addr && m->trusted_close <= 1);
}

void
msg_commons_put(struct writer *w, const struct msg_commons *m)
{
    put_u32(w, m->place);
    put_u32(w, m->conns_max);
}

int
msg_commons_get(struct reader *r, struct msg_commons *m)
{
    m->place = get_u32(r);
    m->conns_max = get_u32(r);
    return got(r, m->place < COMMONS_PLACES);
}

void
msg_log_put(struct writer *w, const struct msg_log *m)
{
    put_u32(w, m->id);
}

int
msg_log_get(struct reader *r, struct msg_log *m)
{
    m->id = get_u32(r);
    return got(r, m->id < MSG_LOGS_MAX);
}

void
msg_pool_put(struct writer *w, const struct msg_pool *m)
{
    put_u32(w, m->id);
    put_u32(w, m->slots);
    put_u8(w, m->keep);
    put_u32(w, m->idle_exit_ms);
    put_u32(w, m->request_timeout_ms);
    put_u32(w, m->queue);
    put_u32(w, m->queue_timeout_ms);
    put_span(w, m->restart_on);
}

int
msg_pool_get(struct reader *r, struct msg_pool *m)
{
    m->id = get_u32(r);
    m->slots = get_u32(r);
    m->keep = get_u8(r);
    m->idle_exit_ms = get_u32(r);
    m->request_timeout_ms = get_u32(r);
    m->queue = get_u32(r);
    m->queue_timeout_ms = get_u32(r);
    m->restart_on = get_span(r, MSG_RESTART_MAX);
    return got(r, m->id < MSG_POOLS_MAX && m->slots && m->keep <= 1);
}

void
msg_vhost_put(struct writer *w, const struct msg_vhost *m)
{
    put_span(w, m->names);
    put_span(w, m->root);
    put_span(w, m->index);
    put_u32(w, m->access_log);
    put_u32(w, m->error_log);
    put_u32(w, m->pool);
    put_u8(w, m->by_default);
    put_u8(w, m->autoindex);
    put_u8(w, m->compress);
    put_u8(w, m->stream);
    put_u8(w, m->symlinks);
    put_u64(w, m->compress_min);
    put_span(w, m->fallback);
    put_u32(w, m->conns_max);
    put_u16(w, m->https_port);
    put_u32(w, m->hsts_seconds);
    put_u8(w, m->hsts_subdomains);
    put_u8(w, m->acme);
    put_span(w, m->log_format);
    put_u32(w, m->rate);
    put_u32(w, m->burst);
    put_u64(w, m->bandwidth);
    put_u64(w, m->bandwidth_burst);
}

/* The bytes that have to be a path: absolute, if there are any. */
static bool
absolute(struct span path)
{
    return path.n == 0 || path.p[0] == '/';
}

int
msg_vhost_get(struct reader *r, struct msg_vhost *m)
{
    m->names = get_span(r, MSG_NAMES_MAX);
    m->root = get_span(r, MSG_PATH_MAX);
    m->index = get_span(r, MSG_INDEX_MAX);
    m->access_log = get_u32(r);
    m->error_log = get_u32(r);
    m->pool = get_u32(r);
    m->by_default = get_u8(r);
    m->autoindex = get_u8(r);
    m->compress = get_u8(r);
    m->stream = get_u8(r);
    m->symlinks = get_u8(r);
    m->compress_min = get_u64(r);
    m->fallback = get_span(r, MSG_PATH_MAX);
    m->conns_max = get_u32(r);
    m->https_port = get_u16(r);
    m->hsts_seconds = get_u32(r);
    m->hsts_subdomains = get_u8(r);
    m->acme = get_u8(r);
    m->log_format = get_span(r, MSG_FORMAT_MAX);
    m->rate = get_u32(r);
    m->burst = get_u32(r);
    m->bandwidth = get_u64(r);
    m->bandwidth_burst = get_u64(r);
    return got(r, m->names.n && m->root.n && absolute(m->root) && absolute(m->fallback) &&
                      m->by_default <= 1 && m->autoindex <= 1 && m->compress <= 1 &&
                      m->stream <= 1 && m->symlinks <= MSG_SYMLINKS_OFF &&
                      m->hsts_subdomains <= 1 && m->acme <= 1 && m->rate <= MSG_RATE_MAX &&
                      m->burst <= MSG_RATE_MAX && (m->rate == 0) == (m->burst == 0) &&
                      m->bandwidth <= MSG_BANDWIDTH_MAX &&
                      m->bandwidth_burst <= MSG_BANDWIDTH_MAX);
}

void
msg_tls_put(struct writer *w, const struct msg_tls *m)
{
    put_u32(w, m->vhost);
    put_u8(w, m->version_min);
}

int
msg_tls_get(struct reader *r, struct msg_tls *m)
{
    m->vhost = get_u32(r);
    m->version_min = get_u8(r);
    return got(r, m->version_min == 12 || m->version_min == 13);
}

void
msg_tickets_put(struct writer *w, const struct msg_tickets *m)
{
    put_u8(w, m->kernel);
    put_span(w, m->keys);
}

int
msg_tickets_get(struct reader *r, struct msg_tickets *m)
{
    m->kernel = get_u8(r);
    m->keys = get_span(r, MSG_TICKETS_MAX * MSG_TICKET_BYTES);
    return got(r, m->kernel <= 1 && m->keys.n > 0 && m->keys.n % MSG_TICKET_BYTES == 0);
}

void
msg_rule_put(struct writer *w, const struct msg_rule *m)
{
    put_u8(w, m->kind);
    put_u8(w, m->op);
    put_u32(w, m->a);
    put_u32(w, m->b);
    put_span(w, m->match);
    put_span(w, m->name);
    put_span(w, m->value);
}

static bool
statuses(const struct msg_rule *m, uint32_t lowest)
{
    return m->a >= lowest && m->a <= m->b && m->b <= 599;
}

/* Has a rule what its kind needs, and nothing else? */
static bool
rule_holds(const struct msg_rule *m)
{
    bool match = m->match.n > 0, name = m->name.n > 0, value = m->value.n > 0;
    bool plain = !m->op && !m->b;

    switch (m->kind) {
    case RULE_HEADER:
        return m->op <= MSG_HEADER_REMOVE && statuses(m, 100) && name &&
               !(value && m->op == MSG_HEADER_REMOVE);
    case RULE_EXPIRES:
        return plain && match && !name && !value;
    case RULE_REDIRECT:
        return plain && m->a >= 300 && m->a <= 399 && match && !name && value;
    case RULE_ERROR_PAGE:
        return !m->op && statuses(m, 400) && !match && !name && value && absolute(m->value);
    case RULE_AUTH:
        return plain && !m->a && name && value && absolute(m->value);
    case RULE_ACCESS:
        return m->op <= 1 && m->a <= 8 * MSG_NET_BYTES && !m->b &&
               m->match.n == MSG_NET_BYTES && !name && !value;
    case RULE_PATH:
        return m->op <= MSG_SERVE_FORBIDDEN && m->a <= 1 && !m->b && match && !name &&
               absolute(m->value) && (!value || (m->op == MSG_SERVE_INTERNAL && !m->a));
    case RULE_REWRITE:
        return plain && !m->a && match && !name && value && absolute(m->value);
    case RULE_PARAM:
        return plain && !m->a && !match && name;
    case RULE_FASTCGI:
        return !m->op && m->a && m->b && !name && value && absolute(m->value) &&
               m->value.n <= MSG_SOCKET_PATH_MAX;
    case RULE_ROOT:
        return m->op <= 1 && !m->a && !m->b && !match && !name && value && absolute(m->value);
    default:
        return false;
    }
}

int
msg_rule_get(struct reader *r, struct msg_rule *m)
{
    bool text;

    m->kind = get_u8(r);
    m->op = get_u8(r);
    m->a = get_u32(r);
    m->b = get_u32(r);
    m->match = get_span(r, MSG_PATH_MAX);
    m->name = get_span(r, MSG_NAME_MAX);
    m->value = get_span(r, MSG_VALUE_MAX);
    text = span_find(m->name, '\0') == m->name.n && span_find(m->value, '\0') == m->value.n &&
           (m->kind == RULE_ACCESS || span_find(m->match, '\0') == m->match.n);
    return got(r, text && rule_holds(m));
}

void
msg_pool_state_put(struct writer *w, const struct msg_pool_state *m)
{
    put_u32(w, m->pool);
    put_u32(w, m->generation);
    put_u32(w, m->retry_ms);
    put_span(w, m->socket);
}

int
msg_pool_state_get(struct reader *r, struct msg_pool_state *m)
{
    m->pool = get_u32(r);
    m->generation = get_u32(r);
    m->retry_ms = get_u32(r);
    m->socket = get_span(r, MSG_SOCKET_MAX);
    return got(r, m->pool < MSG_POOLS_MAX);
}

void
msg_pool_stuck_put(struct writer *w, const struct msg_pool_stuck *m)
{
    put_u32(w, m->pool);
    put_u32(w, m->generation);
    put_u64(w, m->inode);
}

int
msg_pool_stuck_get(struct reader *r, struct msg_pool_stuck *m)
{
    m->pool = get_u32(r);
    m->generation = get_u32(r);
    m->inode = get_u64(r);
    return got(r, m->pool < MSG_POOLS_MAX);
}

void
msg_visitor_from(struct msg_visitor *v, const struct sockaddr_storage *addr)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    memset(v->ip, 0, sizeof(v->ip));
    v->port = 0;
    if (addr->ss_family == AF_INET) {
        memcpy(&v4, addr, sizeof(v4));
        memcpy(v->ip, mapped, sizeof(mapped));
        memcpy(v->ip + sizeof(mapped), &v4.sin_addr, sizeof(v4.sin_addr));
        v->port = ntohs(v4.sin_port);
    } else if (addr->ss_family == AF_INET6) {
        memcpy(&v6, addr, sizeof(v6));
        memcpy(v->ip, &v6.sin6_addr, sizeof(v->ip));
        v->port = ntohs(v6.sin6_port);
    }
}

void
msg_visitor_to(const struct msg_visitor *v, struct sockaddr_storage *addr)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(v->port)};

    memcpy(&v6.sin6_addr, v->ip, sizeof(v->ip));
    memcpy(addr, &v6, sizeof(v6));
}

static void
put_visitor(struct writer *w, const struct msg_visitor *v)
{
    put_u8(w, v->flags);
    put_bytes(w, v->ip, sizeof(v->ip));
    put_u16(w, v->port);
    if (!(v->flags & CONN_PROXIED))
        return; /* nearly all of them: as short as can be */
    put_bytes(w, v->to_ip, sizeof(v->to_ip));
    put_u16(w, v->to_port);
    put_u64(w, v->seal);
}

static void
get_visitor(struct reader *r, struct msg_visitor *v)
{
    *v = (struct msg_visitor){.flags = get_u8(r)};
    get_bytes(r, v->ip, sizeof(v->ip));
    v->port = get_u16(r);
    if (v->flags & CONN_PROXIED) {
        get_bytes(r, v->to_ip, sizeof(v->to_ip));
        v->to_port = get_u16(r);
        v->seal = get_u64(r);
    } else if (v->flags & CONN_SECURE) {
        r->error = -EBADMSG;
    }
    if (v->flags & ~CONN_FLAGS)
        r->error = -EBADMSG;
}

void
msg_conn_put(struct writer *w, const struct msg_conn *m)
{
    for (unsigned i = 0; i < m->n; i++)
        put_visitor(w, &m->visitors[i]);
}

int
msg_conn_get(struct reader *r, struct msg_conn *m)
{
    for (m->n = 0; r->rest.n > 0 && !r->error && m->n < IPC_FDS_MAX; m->n++)
        get_visitor(r, &m->visitors[m->n]);
    return got(r, m->n > 0);
}

void
msg_conn_prefix_put(struct writer *w, const struct msg_conn_prefix *m)
{
    put_visitor(w, &m->visitor);
    put_span(w, m->prefix);
}

int
msg_conn_prefix_get(struct reader *r, struct msg_conn_prefix *m)
{
    get_visitor(r, &m->visitor);
    m->prefix = get_span(r, MSG_PREFIX_MAX);
    return got(r, m->prefix.n > 0);
}

void
msg_conn_back_put(struct writer *w, const struct msg_conn_back *m)
{
    put_visitor(w, &m->visitor);
    put_span(w, m->prefix);
}

int
msg_conn_back_get(struct reader *r, struct msg_conn_back *m)
{
    get_visitor(r, &m->visitor);
    m->prefix = get_span(r, MSG_PREFIX_MAX);
    return got(r, !(m->visitor.flags & ~CONN_BACK_FLAGS));
}

void
msg_examine_put(struct writer *w, const struct msg_examine *m)
{
    put_u32(w, m->version);
    put_u32(w, m->id);
    put_span(w, m->names);
}

int
msg_examine_get(struct reader *r, struct msg_examine *m)
{
    m->version = get_u32(r);
    m->id = get_u32(r);
    m->names = get_span(r, MSG_NAMES_MAX);
    return got(r, m->version == IPC_VERSION);
}

void
msg_examined_put(struct writer *w, const struct msg_examined *m)
{
    put_u32(w, m->id);
    put_span(w, m->found);
    put_span(w, m->covered);
    put_u64(w, m->until);
}

int
msg_examined_get(struct reader *r, struct msg_examined *m)
{
    m->id = get_u32(r);
    m->found = get_span(r, MSG_FOUND_MAX);
    m->covered = get_span(r, MSG_NAMES_MAX);
    m->until = get_u64(r);
    return got(r, true);
}

void
msg_make_put(struct writer *w, const struct msg_make *m)
{
    put_u32(w, m->version);
    put_u32(w, m->days);
    put_span(w, m->names);
}

int
msg_make_get(struct reader *r, struct msg_make *m)
{
    m->version = get_u32(r);
    m->days = get_u32(r);
    m->names = get_span(r, MSG_NAMES_MAX);
    return got(r, m->version == IPC_VERSION && m->days >= 1 && m->days <= 36500 && m->names.n);
}

void
msg_made_put(struct writer *w, const struct msg_made *m)
{
    put_span(w, m->certificate);
    put_span(w, m->key);
}

int
msg_made_get(struct reader *r, struct msg_made *m)
{
    m->certificate = get_span(r, MSG_PEM_MAX);
    m->key = get_span(r, MSG_PEM_MAX);
    return got(r, m->certificate.n && m->key.n);
}
