/*
 * Each role's confinement, in one place: the children's starts and `hostel confine` both come
 * here, so that what is audited is what runs. Floor 6, hostel.
 */
#include "supervisor.h"

/*
 * Descriptors. The kernel counts sockets that lie unread in users' channels against the
 * acceptor's limit: high enough for a hundred users whose workers are stopped.
 */
#define ACCEPTOR_FILES 524288
#define METRICS_FILES  256

static void
spec_common(struct spawn_spec *spec, enum cage cage, const struct conf *conf,
            const struct ids *ids)
{
    *spec = (struct spawn_spec){
        .cage = cage,
        .ids = conf->switching ? ids : NULL,
        .exec_fd = -1,
        .jail_fd = -1,
        .group_fd = -1,
    };
    for (unsigned i = 0; i < SPAWN_FDS_MAX; i++)
        spec->fds[i] = -1;
}

/* A system account: what keeps it low is that it has no way to anything, not its number. */
void
spec_acceptor(struct spawn_spec *spec, const struct conf *conf, const struct ids *ids,
              const char *empty_dir)
{
    spec_common(spec, CAGE_ACCEPTOR, conf, ids);
    spec->min_uid = 1;
    spec->root_dir = conf->switching ? empty_dir : NULL;
    spec->files_max = ACCEPTOR_FILES;
}

/* The like, for the few who ask for numbers. */
void
spec_metrics(struct spawn_spec *spec, const struct conf *conf, const struct ids *ids,
             const char *empty_dir)
{
    spec_acceptor(spec, conf, ids, empty_dir);
    spec->files_max = METRICS_FILES;
}

/* Its working directory is where the sockets of PHP pools are: it connects by file name. */
void
spec_worker(struct spawn_spec *spec, const struct conf *conf, const struct ids *ids,
            const char *php_dir, bool listens)
{
    spec_common(spec, listens ? CAGE_LISTENING_WORKER : CAGE_WORKER, conf, ids);
    spec->min_uid = conf->min_uid;
    spec->work_dir = php_dir;
}

void
spec_php(struct spawn_spec *spec, const struct conf *conf, const struct ids *ids)
{
    spec_common(spec, CAGE_PHP, conf, ids);
    spec->min_uid = conf->min_uid;
    spec->own_group = true;
}
