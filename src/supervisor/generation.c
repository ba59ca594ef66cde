/* A configuration and all that follows from it. Floor 6, hostel. */
#include "digest.h"
#include "generation.h"
#include "inherit.h"
#include "supervisor.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/ipc/routes.h"
#include "hostel/supervisor/run.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define LINES_MAX 1000 /* of what is wrong: nobody reads more */

/* --- users and their vhosts -----------------------------------------------------------------
 */

/* Those of one user together: counted first, then put in their places. */
static void
order_vhosts(struct generation *g)
{
    const struct conf *c = g->conf;
    uint32_t *next = mem_new_array(c->nusers, sizeof(*next)), at = 0;

    for (size_t i = 0; i < c->nvhosts; i++)
        g->parts[c->vhosts[i].user].count++;
    for (size_t i = 0; i < c->nusers; i++) {
        g->parts[i].first = next[i] = at;
        at += g->parts[i].count;
    }
    for (size_t i = 0; i < c->nvhosts; i++)
        g->order[next[c->vhosts[i].user]++] = (uint32_t)i;
    free(next);
}

/* One pool for each distinct php section of a user. */
static void
find_pools(struct generation *g, struct part *p)
{
    p->first_pool = g->npool_vhosts;
    for (size_t i = p->first; i < p->first + p->count; i++) {
        uint32_t v = g->order[i];
        uint32_t id = 0;

        g->pool_of[v] = NO_POOL;
        if (!g->conf->vhosts[v].php)
            continue;
        while (id < p->npools && g->conf->vhosts[g->pool_vhosts[p->first_pool + id]].php !=
                                     g->conf->vhosts[v].php)
            id++;
        if (id == p->npools) {
            g->pool_vhosts[g->npool_vhosts++] = v;
            p->npools++;
        }
        g->pool_of[v] = id;
    }
}

/* What jails.c takes of a configuration, but for PHP's own, which is the pool's settings. */
static uint64_t
jail_of(const struct generation *g, size_t user)
{
    const struct conf_user *u = &g->conf->users[user];
    const struct part *p = &g->parts[user];
    uint64_t d = digest_str(DIGEST_START, u->ids.home);

    if (!u->jailed)
        return 0;
    for (size_t i = p->first; i < p->first + p->count; i++)
        d = digest_str(d, g->conf->vhosts[g->order[i]].root);
    return d ? d : 1;
}

/* in  conf, certificates  takes */
static struct generation *
generation_new(const struct supervisor *s, struct conf *conf, struct certificate *certificates)
{
    struct generation *g = mem_new(sizeof(*g));

    g->refs = 1;
    g->number = s->gen ? s->gen->number + 1 : 1;
    g->conf = conf;
    g->certificates = certificates;
    g->routes_fd = -1;
    g->parts = mem_new_array(conf->nusers, sizeof(*g->parts));
    g->order = mem_new_array(conf->nvhosts, sizeof(*g->order));
    g->pool_of = mem_new_array(conf->nvhosts, sizeof(*g->pool_of));
    g->pool_vhosts = mem_new_array(conf->nvhosts, sizeof(*g->pool_vhosts));
    order_vhosts(g);
    for (size_t i = 0; i < conf->nusers; i++) {
        find_pools(g, &g->parts[i]);
        g->parts[i].room = NO_ROOM;
        g->parts[i].jail = jail_of(g, i);
        g->parts[i].limits = limits_digest(conf_limits_of(conf, conf->users[i].limits));
        limits_share_php(g, i);
        g->parts[i].digest = worker_digest(g, i);
    }
    return g;
}

struct generation *
generation_hold(struct generation *g)
{
    g->refs++;
    return g;
}

void
generation_drop(struct generation **gen)
{
    struct generation *g = *gen;

    *gen = NULL;
    if (!g || --g->refs > 0)
        return;
    logs_close(&g->logs);
    fd_close(&g->routes_fd);
    certificates_free(&g->certificates, g->conf->nvhosts);
    conf_free(&g->conf);
    free(g->parts);
    free(g->tenants);
    free(g->order);
    free(g->pool_of);
    free(g->pool_vhosts);
    free(g);
}

/* --- rooms and routes -----------------------------------------------------------------------
 */

struct tenant {
    uid_t uid;
    gid_t gid;
    uint32_t room;
};

static int
tenant_order(const void *a, const void *b)
{
    const struct tenant *x = a, *y = b;

    if (x->uid != y->uid)
        return x->uid < y->uid ? -1 : 1;
    return x->gid == y->gid ? 0 : x->gid < y->gid ? -1 : 1;
}

/* The rooms are given: whose is each? */
static void
note_tenants(struct generation *g)
{
    g->tenants = mem_new_array(g->nrooms, sizeof(*g->tenants));
    for (uint32_t i = 0; i < g->nrooms; i++)
        g->tenants[i] = NO_TENANT;
    for (size_t i = 0; i < g->conf->nusers; i++)
        if (g->parts[i].room != NO_ROOM)
            g->tenants[g->parts[i].room] = (uint32_t)i;
}

const struct conf_user *
generation_tenant(const struct generation *g, size_t room)
{
    if (!g || room >= g->nrooms || g->tenants[room] == NO_TENANT)
        return NULL;
    return &g->conf->users[g->tenants[room]];
}

/*
 * Who has a room keeps it: its number stands in acceptors' queues. New ones fill the gaps, but
 * no number goes from one user to another in one step: acceptors hear that the first is gone
 * before any table says the second's name.
 */
static void
give_rooms(struct generation *g, const struct generation *before)
{
    uint32_t nbefore = before ? before->nrooms : 0, next = 0;
    struct tenant *tenants = mem_new_array(nbefore, sizeof(*tenants));
    bool *taken;
    size_t n = 0;

    for (uint32_t i = 0; i < nbefore; i++) {
        const struct conf_user *u = generation_tenant(before, i);

        if (u)
            tenants[n++] = (struct tenant){u->ids.uid, u->ids.gid, i};
    }
    if (n)
        qsort(tenants, n, sizeof(*tenants), tenant_order);
    taken = mem_new_array(nbefore + g->conf->nusers, sizeof(*taken));
    for (size_t i = 0; i < n; i++)
        taken[tenants[i].room] = true;
    g->nrooms = nbefore;
    for (size_t i = 0; i < g->conf->nusers; i++) {
        const struct ids *ids = &g->conf->users[i].ids;
        struct tenant key = {ids->uid, ids->gid, 0}, *old = NULL;

        if (g->parts[i].count && n)
            old = bsearch(&key, tenants, n, sizeof(key), tenant_order);
        if (old)
            g->parts[i].room = old->room;
    }
    for (size_t i = 0; i < g->conf->nusers; i++) {
        if (!g->parts[i].count || g->parts[i].room != NO_ROOM)
            continue;
        while (taken[next])
            next++;
        taken[next] = true;
        g->parts[i].room = next;
        if (next >= g->nrooms)
            g->nrooms = next + 1;
    }
    free(taken);
    free(tenants);
    note_tenants(g);
}

/* in  only  a user, who is number 0 then; CONF_NO_USER: all of them, by their rooms */
static int
build_routes(const struct generation *g, size_t only, uint32_t rooms, int *memfd)
{
    const struct conf *conf = g->conf;
    uint32_t unknown = ROUTES_NO_USER, nameless = ROUTES_NO_USER, acme = ROUTES_NO_USER;
    struct route *routes;
    size_t n = 0;
    int rc;

    for (size_t i = 0; i < conf->nvhosts; i++)
        for (char **name = conf->vhosts[i].aliases; *name; name++)
            n++;
    routes = mem_new_array(n + conf->nvhosts, sizeof(*routes));
    n = 0;
    for (size_t i = 0; i < conf->nvhosts; i++) {
        const struct conf_vhost *v = &conf->vhosts[i];
        uint32_t room = only == CONF_NO_USER ? g->parts[v->user].room : 0;

        if (only != CONF_NO_USER && v->user != only)
            continue;
        routes[n++] = (struct route){span_str(v->host), room, v->tls};
        for (char **name = v->aliases; *name; name++)
            routes[n++] = (struct route){span_str(*name), room, v->tls};
        if (v->by_default)
            unknown = room;
        if (v->by_default && v->tls)
            nameless = room;
    }
    if (conf->acme != CONF_NO_USER && only == CONF_NO_USER)
        acme = g->parts[conf->acme].room;
    rc = routes_build(routes, n, rooms, unknown, nameless, acme, memfd);
    free(routes);
    return rc;
}

/* Give each user his room, by uid and gid, and build the routing table. */
static int
route(struct generation *g, const struct supervisor *s)
{
    give_rooms(g, s->gen);
    return build_routes(g, CONF_NO_USER, g->nrooms, &g->routes_fd);
}

int
generation_routes_of(const struct generation *g, size_t user, int *memfd)
{
    return build_routes(g, user, 1, memfd);
}

/* --- loading --------------------------------------------------------------------------------
 */

struct judge {
    void *logs;
    void *const *before; /* of the generation in effect; NULL: there is none */
};

static void
judge_begin(void *data, const struct conf *c)
{
    struct judge *j = data;

    logs_close(&j->logs);
    logs_claim(&j->logs, c);
}

/* A log that cannot be opened is found now, not at its user's first visitor. */
static char *
judge_vhost(void *data, const struct conf *c, const struct conf_vhost *v)
{
    struct judge *j = data;
    char *error;

    if (v->access_log && logs_prepare(&j->logs, j->before, c, v->access_log, &error) < 0)
        return error;
    if (logs_prepare(&j->logs, j->before, c, v->error_log, &error) < 0)
        return error;
    return NULL;
}

void
generation_error(struct conf_errors *errors, char *line)
{
    errors->said++;
    if (errors->n >= LINES_MAX) {
        free(line);
        return;
    }
    errors->lines = mem_grow(errors->lines, (errors->n + 1) * sizeof(*errors->lines));
    errors->lines[errors->n++] = line;
}

/*
 * What a service manager has opened it keeps open, longer than any user: it stays with the
 * acceptors. So that nobody has to know which of them these are, all of the main ones do.
 */
static void
share_main_listeners(struct conf *conf)
{
    for (size_t i = 0; i < conf->nlisten; i++)
        if (conf->listen[i].vhost == CONF_SHARED)
            conf->listen[i].user = CONF_SHARED;
}

/* The server's own log comes last: it is the main file's. */
static int
finish(const struct supervisor *s, struct judge *j, struct conf *conf, struct generation **out,
       struct conf_errors *errors)
{
    struct certificate *certificates;
    struct generation *g;
    char *error;
    int rc;

    if (logs_prepare(&j->logs, j->before, conf, conf->error_log, &error) < 0) {
        generation_error(errors, mem_fmt("%s: error_log: %s", conf->files[0], error));
        free(error);
        logs_close(&j->logs);
        conf_free(&conf);
        return -EINVAL;
    }
    if (s->activated)
        share_main_listeners(conf);
    rc = certificates_load(s, conf, &certificates, errors);
    g = generation_new(s, conf, certificates);
    g->logs = j->logs;
    if (rc == 0) {
        rc = route(g, s);
        if (rc < 0)
            generation_error(errors, mem_fmt("routing table: %s", uv_strerror(rc)));
    }
    if (rc < 0) {
        generation_drop(&g);
        return -EINVAL;
    }
    *out = g;
    return 0;
}

int
generation_load(const struct supervisor *s, const char *path, struct generation **out,
                struct conf_errors *errors)
{
    struct judge j = {.before = s->gen ? &s->gen->logs : NULL};
    const struct conf_judge judge = {&j, judge_begin, judge_vhost};
    const struct conf *last = s->gen ? s->gen->conf : s->inherited ? &s->inherited->last : NULL;
    struct conf *conf;

    if (conf_load_tolerant(path, geteuid() == 0, last, &judge, &conf, errors) < 0) {
        logs_close(&j.logs);
        return -EINVAL;
    }
    return finish(s, &j, conf, out, errors);
}

int
generation_of(const struct supervisor *s, struct conf *conf, struct generation **out,
              struct conf_errors *errors)
{
    struct judge j = {0};

    *errors = (struct conf_errors){0};
    judge_begin(&j, conf);
    for (size_t i = 0; i < conf->nvhosts; i++) {
        char *error = judge_vhost(&j, conf, &conf->vhosts[i]);

        if (!error)
            continue;
        generation_error(errors, error);
        logs_close(&j.logs);
        conf_free(&conf);
        return -EINVAL;
    }
    return finish(s, &j, conf, out, errors);
}
