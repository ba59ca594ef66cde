/* A user's pools, vhosts and rules, and what becomes of the pools. Floor 2. */
#include "message_in.h"

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
