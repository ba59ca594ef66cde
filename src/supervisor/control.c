/*
 * A child with a control channel: started with its end of it as descriptor 3, ended without
 * it. Acceptors and workers; a pool of PHP has none. Floor 6, hostel.
 */
#include "supervisor.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

int
control_start(struct channel **control, struct child *c, struct spawn_spec *spec,
              const struct control_end *end)
{
    static char *const envp[] = {NULL};
    char *const argv[] = {(char *)(uintptr_t)end->program, NULL};
    int pair[2];
    int rc = channel_pair(pair);

    if (rc < 0) {
        log_error("cannot start %s: %s", c->label, uv_strerror(rc));
        return rc;
    }
    spec->argv = argv;
    spec->envp = envp;
    spec->fds[2] = SPAWN_FD_LOG;
    spec->fds[3] = pair[1];
    rc = child_start(c, spec, NULL);
    fd_close(&pair[1]);
    if (rc < 0) {
        fd_close(&pair[0]);
        return rc;
    }
    *control = mem_new(sizeof(**control));
    rc = channel_open(*control, &c->s->loop, pair[0], IPC_SUPERVISOR, end->role,
                      end->queued_max, end->ops, c->owner);
    if (rc < 0) {
        free(*control);
        *control = NULL;
        child_signal(c, SIGKILL); /* its exit is counted like any crash */
    }
    return 0;
}

void
control_give_page(struct channel *control, enum msg_type type, const struct counters **page)
{
    int fd = -1;
    int rc = counters_make(&fd, page);

    if (rc == 0)
        rc = channel_send(control, type, NULL, &fd, 1);
    fd_close(&fd);
    if (rc < 0) {
        log_warn("what a child counts will not be seen: %s", uv_strerror(rc));
        counters_unmap(page);
    }
}

static void
free_channel(struct channel *c)
{
    free(c);
}

void
control_drop(struct channel **control)
{
    if (*control)
        channel_close(*control, free_channel);
    *control = NULL;
}

void
control_ended(struct channel **control, struct child *c, int reason)
{
    if (reason < 0) {
        log_error("%s (pid %ld) is ended: %s", c->label, (long)c->pid,
                  reason == -EPROTO ? "it said what it may not say" : uv_strerror(reason));
        child_signal(c, SIGKILL);
    }
    control_drop(control);
}
