/*
 * Scripts that do not end. A worker says which of its connections has one behind it, by the
 * number of its socket; the process at the other end is killed and its parent replaces it. What
 * a worker says is not believed: only a child of this very pool can be hit. Floor 6, hostel.
 */
#include "supervisor.h"
#include "hostel/base/log.h"
#include "hostel/sys/peer.h"

#include <errno.h>
#include <stdio.h>

static void
kill_if_stuck(const struct pool_run *run, pid_t pid, const uint64_t *inodes, unsigned n)
{
    const struct pool *p = run->pool;
    const struct ids *ids = &p->room->user->ids;

    if (peer_kill(pid, run->group, p->s->conf->switching ? ids : NULL, inodes, n) == 0)
        log_warn("php-cgi of %s (pid %ld): its script ran for too long and was ended",
                 ids->name, (long)pid);
}

static void
end_in(const struct pool_run *run, const uint64_t *inodes, unsigned n)
{
    char path[64];
    long pid;
    FILE *f;

    for (unsigned i = 0; i < run->nstrays; i++)
        kill_if_stuck(run, run->strays[i], inodes, n);
    if (run->child.pid <= 0)
        return;
    (void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)run->child.pid,
                   (long)run->child.pid);
    f = fopen(path, "re");
    if (!f) {
        log_warn("%s: its children cannot be listed: %s", path, uv_strerror(-errno));
        return;
    }
    while (fscanf(f, "%ld", &pid) == 1)
        if (pid > 0)
            kill_if_stuck(run, (pid_t)pid, inodes, n);
    (void)fclose(f);
}

void
pool_end_stuck(struct pool *p)
{
    struct pool_run *run;

    LIST_FOREACH(run, &p->runs, link)
    {
        uint64_t inodes[POOL_STUCK_MAX];
        unsigned n = 0;

        for (unsigned i = 0; i < p->nstuck; i++)
            if (p->stuck[i].generation == run->generation &&
                peer_inode(p->stuck[i].inode, &inodes[n]) == 0 && inodes[n])
                n++;
        if (n > 0)
            end_in(run, inodes, n);
    }
}
