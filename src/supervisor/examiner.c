/*
 * An examiner's start and end: this side of it. It runs before the supervisor's loop, instead
 * of it (`hostel check`, `hostel cert`) or in a reload's thread beside it, on a loop of its
 * own. Floor 6, hostel.
 */
#include "examiner.h"
#include "supervisor.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUEUE_MAX (4 * 1024 * 1024)
#define ANSWER_MS 20000 /* for the next one to come */

void
examiner_leave(struct examiner *t, int error)
{
    if (!t->error)
        t->error = error;
    uv_stop(&t->loop);
}

static void
on_late(uv_timer_t *timer)
{
    examiner_leave(timer->data, -ETIMEDOUT);
}

void
examiner_on_end(void *data, int reason)
{
    struct examiner *t = data;

    t->open = false;
    examiner_leave(t, reason < 0 ? reason : -EPIPE);
}

static void
remove_root(struct examiner *t)
{
    if (*t->root)
        (void)rmdir(t->root);
    *t->root = '\0';
}

static void
on_spawned(void *data, pid_t pid, const struct spawn_error *error)
{
    struct examiner *t = data;

    (void)pid;
    remove_root(t); /* it is in there, and nobody else ever will be */
    if (!error)
        return;
    fprintf(stderr, "hostel: cannot start hostel-examiner: %s: %s\n", error->step,
            uv_strerror(error->error));
    examiner_leave(data, error->error);
}

/* Its root directory: nobody can ever make an entry in one that is removed already. */
static int
spawn_in(struct examiner *t, const struct conf *conf, int exe_fd, struct spawn_spec *spec,
         int channel)
{
    static char *const envp[] = {NULL};
    static char *const argv[] = {(char *)(uintptr_t) "hostel-examiner", NULL};
    pid_t pid;
    int rc;

    /*
     * With the acceptors' limit of descriptors too: those that they have on the way to workers
     * count as their user's, and over his limit the kernel passes on no more (ETOOMANYREFS).
     */
    spec_acceptor(spec, conf, &conf->acceptor_ids, NULL);
    spec->argv = argv;
    spec->envp = envp;
    /* 0 to 2 lead nowhere: a terminal can be read as well, and takes more than words */
    spec->nfds = 4;
    spec->fds[3] = channel;
    spec->exec_fd =
        exe_fd >= 0 ? fcntl(exe_fd, F_DUPFD_CLOEXEC, 3) : helper_open("hostel-examiner");
    if (spec->exec_fd < 0)
        return spec->exec_fd;
    if (conf->switching) {
        strcpy(t->root, EXAMINER_ROOT);
        if (!mkdtemp(t->root) || chmod(t->root, 0555) < 0)
            return -errno;
        spec->root_dir = t->root;
    }
    rc = spawn_prepare();
    if (rc == 0)
        rc = spawn_start(&t->loop, spec, on_spawned, t, &pid);
    /* a supervisor that reloads reaps all its children: by its number it could be another's */
    if (rc == 0)
        t->pid_fd = pidfd_open(pid, 0);
    return rc;
}

int
examiner_start(struct examiner *t, const struct conf *conf, int exe_fd,
               const struct channel_ops *ops)
{
    struct spawn_spec spec;
    int pair[2], rc;

    t->pid_fd = -1;
    rc = uv_loop_init(&t->loop);
    if (rc < 0)
        return rc;
    uv_timer_init(&t->loop, &t->late);
    t->late.data = t;
    rc = channel_pair(pair);
    if (rc < 0)
        return rc;
    rc = spawn_in(t, conf, exe_fd, &spec, pair[1]);
    fd_close(&pair[1]);
    if (spec.exec_fd >= 0)
        fd_close(&spec.exec_fd);
    if (rc < 0) {
        fd_close(&pair[0]);
        return rc;
    }
    rc = channel_open(&t->channel, &t->loop, pair[0], IPC_SUPERVISOR, IPC_EXAMINER, QUEUE_MAX,
                      ops, t);
    t->open = rc == 0;
    if (rc == 0)
        channel_phase(&t->channel, IPC_SERVING);
    return rc;
}

void
examiner_finish(struct examiner *t)
{
    if (t->open)
        channel_close(&t->channel, NULL);
    if (t->pid_fd >= 0) {
        (void)pidfd_send_signal(t->pid_fd, SIGKILL, NULL, 0);
        (void)waitid(P_PIDFD, (id_t)t->pid_fd, NULL, WEXITED);
    }
    fd_close(&t->pid_fd);
    remove_root(t);
    uv_close((uv_handle_t *)&t->late, NULL);
    /* a start that was under way ends as well; it was told to stop before that */
    while (uv_run(&t->loop, UV_RUN_DEFAULT) != 0)
        ;
    (void)uv_loop_close(&t->loop);
}

int
examiner_wait(struct examiner *t)
{
    uv_timer_start(&t->late, on_late, ANSWER_MS, 0);
    uv_run(&t->loop, UV_RUN_DEFAULT);
    return t->error;
}

void
examiner_heard(struct examiner *t)
{
    uv_timer_start(&t->late, on_late, ANSWER_MS, 0);
}
