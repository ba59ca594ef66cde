/* What a process is told of itself, and says of itself. Floor 2. */
#include "message_in.h"
#include "hostel/base/log.h"
#include "hostel/base/commons.h"

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
