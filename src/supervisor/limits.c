/*
 * What a user's processes may take: rlimits and nice of each, his share of PHP. Floor 6,
 * hostel.
 */
#include "digest.h"
#include "generation.h"
#include "supervisor.h"

#include "hostel/base/fd.h"

#include <errno.h>
#include <fcntl.h>

#define WORKER_FILES 65536
#define PHP_FILES    4096 /* ours is a million: programs that close all there could be crawl */

static bool
set(const struct conf_limits *l, enum conf_limit which)
{
    return l->value[which] > 0;
}

/*
 * Not its memory: a worker has bounds of its own for all that a visitor could make it hold, and
 * one that is refused memory ends with all of its visitors.
 */
void
limits_of_worker(struct spawn_spec *spec, const struct conf_limits *limits)
{
    spec->files_max =
        set(limits, LIMIT_OPEN_FILES) ? limits->value[LIMIT_OPEN_FILES] : WORKER_FILES;
    spec->nice = (int)limits->value[LIMIT_NICE];
}

/*
 * Processes of one user, with all that his scripts start, always have an end: a machine's or a
 * service's whole number of them is a few thousand, and without it one script that forks takes
 * them all, and nobody else's worker can be started. Where nobody is switched to, the number
 * would count a desktop's.
 */
void
limits_of_php(struct spawn_spec *spec, const struct conf *conf,
              const struct conf_limits *limits)
{
    spec->files_max =
        set(limits, LIMIT_OPEN_FILES) ? limits->value[LIMIT_OPEN_FILES] : PHP_FILES;
    spec->procs_max = conf->switching || conf_limit_set(limits, LIMIT_PROCESSES)
                          ? limits->value[LIMIT_PROCESSES]
                          : 0;
    spec->data_max = limits->value[LIMIT_MEMORY];
    spec->nice = (int)limits->value[LIMIT_NICE];
}

/* Of what a process takes from its start to its end: others have it changed while they run. */
uint64_t
limits_digest(const struct conf_limits *limits)
{
    static const enum conf_limit fixed[] = {LIMIT_OPEN_FILES, LIMIT_PROCESSES, LIMIT_MEMORY,
                                            LIMIT_NICE};
    uint64_t d = DIGEST_START;

    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        d = digest_add(d, &limits->value[fixed[i]], sizeof(limits->value[0]));
    return d;
}

void
limits_share_php(struct generation *g, size_t user)
{
    const struct part *p = &g->parts[user];
    const struct conf_limits *limits = conf_limits_of(g->conf, g->conf->users[user].limits);
    uint64_t most = limits->value[LIMIT_PHP_PROCESSES], all = 0;

    for (uint32_t id = 0; id < p->npools; id++)
        all += g->conf->vhosts[g->pool_vhosts[p->first_pool + id]].php->processes;
    if (most == 0 || all <= most)
        return;
    for (size_t i = p->first; i < p->first + p->count; i++) {
        struct conf_vhost *v = &g->conf->vhosts[g->order[i]];
        uint32_t share;

        if (!v->php)
            continue;
        share = (uint32_t)(v->php->processes * most / all);
        v->php = conf_php_with(g->conf, v->php, share ? share : 1);
    }
}

/* --- what workers count together ------------------------------------------------------------
 */

bool
limits_counted(const struct generation *g, size_t user)
{
    const struct conf_user *u = &g->conf->users[user];
    const struct part *p = &g->parts[user];

    if (set(conf_limits_of(g->conf, u->limits), LIMIT_CONNECTIONS))
        return true;
    if (u->workers > 1) /* each sees how busy the others are */
        return true;
    for (size_t i = p->first; i < p->first + p->count; i++)
        if (set(conf_limits_of(g->conf, g->conf->vhosts[g->order[i]].limits), LIMIT_REQUESTS))
            return true;
    return false;
}

/* ret  COMMONS_PLACES: all are taken */
static uint32_t
take_place(struct room *r)
{
    for (uint32_t i = 0; i < COMMONS_PLACES; i++)
        if (!(r->places[i / 64] >> i % 64 & 1)) {
            r->places[i / 64] |= UINT64_C(1) << i % 64;
            return i;
        }
    return COMMONS_PLACES;
}

int
limits_share(struct worker_child *w)
{
    struct room *r = w->room;
    const struct conf_limits *limits = conf_limits_of(r->gen->conf, r->user->limits);
    struct msg_commons m = {.conns_max = (uint32_t)limits->value[LIMIT_CONNECTIONS]};
    struct buf b;
    struct writer out = {&b, 0};
    int rc, fd;

    if (!limits_counted(r->gen, r->user_index))
        return 0;
    if (!r->commons && (rc = commons_make(&r->commons_fd, &r->commons)) < 0)
        return rc;
    m.place = w->place = take_place(r);
    if (w->place == COMMONS_PLACES)
        return -E2BIG;
    fd = fcntl(r->commons_fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return -errno;
    buf_init(&b, IPC_BYTES_MAX);
    msg_commons_put(&out, &m);
    rc = out.error ? out.error : channel_send(w->control, MSG_COMMONS, &b, &fd, 1);
    buf_done(&b);
    fd_close(&fd);
    return rc < 0 ? rc : 0;
}

/* However it has ended, what it had is nobody's any more. */
void
limits_leave(struct worker_child *w)
{
    struct room *r = w->room;

    if (w->place == COMMONS_PLACES)
        return;
    commons_connections(r->commons, w->place, 0);
    commons_takes(r->commons, w->place, COMMONS_NONE);
    r->places[w->place / 64] &= ~(UINT64_C(1) << w->place % 64);
    w->place = COMMONS_PLACES;
}

void
limits_forget(struct room *r)
{
    commons_unmap(&r->commons);
    fd_close(&r->commons_fd);
}
