/*
 * What a user's processes may take: rlimits and nice of each, his share of PHP. Floor 6,
 * hostel.
 */
#include "digest.h"
#include "generation.h"
#include "supervisor.h"

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
    uint64_t most = g->conf->users[user].limits.value[LIMIT_PHP_PROCESSES], all = 0;

    for (uint32_t id = 0; id < p->npools; id++)
        all += g->conf->vhosts[g->pool_vhosts[p->first_pool + id]].php->processes;
    if (most == 0 || all <= most)
        return;
    for (size_t i = p->first; i < p->first + p->count; i++) {
        struct conf_vhost *v = &g->conf->vhosts[g->order[i]];

        if (!v->php)
            continue;
        v->php->processes = (uint32_t)(v->php->processes * most / all);
        if (v->php->processes == 0)
            v->php->processes = 1;
    }
}
