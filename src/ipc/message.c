/* The payloads, in the order of the message table. Floor 2. */
#include "hostel/ipc/message.h"
#include "hostel/ipc/table.h"

#include <errno.h>

/* A get that has read everything: were the bounds kept? */
static int
got(const struct reader *r, bool bounds)
{
    int rc = reader_end(r);

    return rc < 0 ? rc : bounds ? 0 : -EBADMSG;
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
}

int
msg_listener_get(struct reader *r, struct msg_listener *m)
{
    m->id = get_u32(r);
    return got(r, true);
}

void
msg_start_put(struct writer *w, const struct msg_start *m)
{
    put_u32(w, m->head_timeout_ms);
    put_u32(w, m->conns_per_addr);
    put_u32(w, m->conns_max);
}

int
msg_start_get(struct reader *r, struct msg_start *m)
{
    m->head_timeout_ms = get_u32(r);
    m->conns_per_addr = get_u32(r);
    m->conns_max = get_u32(r);
    return got(r, m->head_timeout_ms && m->conns_per_addr && m->conns_max);
}

void
msg_user_put(struct writer *w, const struct msg_user *m)
{
    put_u32(w, m->user);
    put_u32(w, m->retry_ms);
}

int
msg_user_get(struct reader *r, struct msg_user *m)
{
    m->user = get_u32(r);
    m->retry_ms = get_u32(r);
    return got(r, m->user != MSG_NONE);
}

void
msg_stop_put(struct writer *w, const struct msg_stop *m)
{
    put_u32(w, m->timeout_ms);
}

int
msg_stop_get(struct reader *r, struct msg_stop *m)
{
    m->timeout_ms = get_u32(r);
    return got(r, true);
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
    put_u32(w, m->request_timeout_ms);
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
    m->request_timeout_ms = get_u32(r);
    return got(r, m->user.n > 0);
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
    put_u32(w, m->processes);
    put_u32(w, m->workers);
    put_u32(w, m->idle_exit_ms);
}

int
msg_pool_get(struct reader *r, struct msg_pool *m)
{
    m->id = get_u32(r);
    m->processes = get_u32(r);
    m->workers = get_u32(r);
    m->idle_exit_ms = get_u32(r);
    return got(r, m->id < MSG_POOLS_MAX && m->processes && m->workers);
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
    return got(r, m->names.n && m->root.n && m->root.p[0] == '/' && m->by_default <= 1);
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
msg_conn_put(struct writer *w, const struct msg_conn *m)
{
    put_span(w, m->flags);
}

int
msg_conn_get(struct reader *r, struct msg_conn *m)
{
    m->flags = get_span(r, IPC_FDS_MAX);
    return got(r, m->flags.n > 0);
}

void
msg_conn_prefix_put(struct writer *w, const struct msg_conn_prefix *m)
{
    put_u8(w, m->flags);
    put_span(w, m->prefix);
}

int
msg_conn_prefix_get(struct reader *r, struct msg_conn_prefix *m)
{
    m->flags = get_u8(r);
    m->prefix = get_span(r, MSG_PREFIX_MAX);
    return got(r, m->prefix.n > 0);
}
