/* Any child: started, listened to, reaped. Floor 6, hostel. */
#include "supervisor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAP_MAX 64 /* in one turn of the loop */

static void
on_spawned(void *data, pid_t pid, const struct spawn_error *error)
{
    struct child *c = data;

    c->spawning = false;
    if (error)
        log_error("cannot start %s (pid %ld): %s: %s", c->label, (long)pid, error->step,
                  uv_strerror(error->error));
    if (c->pid == 0) /* reaped before this was known */
        c->on_exit(c, c->clean);
}

int
child_start(struct child *c, struct spawn_spec *spec, struct log_target *log)
{
    int pipe_fds[2];
    int rc;

    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0) {
        rc = -errno;
        log_error("cannot start %s: pipe: %s", c->label, uv_strerror(rc));
        return rc;
    }
    /*
     * PHP's end blocks: it waits when it talks too much, and nothing is lost. Ours may not wait
     * for anybody, least of all an acceptor: their words beyond what the pipe holds are lost.
     */
    if (spec->cage == CAGE_PHP)
        (void)fcntl(pipe_fds[1], F_SETFL, 0);
    for (unsigned i = 0; i < spec->nfds; i++)
        if (spec->fds[i] == SPAWN_FD_LOG)
            spec->fds[i] = pipe_fds[1];
    c->own_group = spec->own_group;
    rc = spawn_start(&c->s->loop, spec, on_spawned, c, &c->pid);
    fd_close(&pipe_fds[1]);
    if (rc < 0) {
        log_error("cannot start %s: %s", c->label, uv_strerror(rc));
        fd_close(&pipe_fds[0]);
        c->pid = 0;
        return rc;
    }
    log_debug("%s (pid %ld) is started", c->label, (long)c->pid);
    c->spawning = true;
    c->since_ms = date_mono_ms();
    c->log = logpipe_new(&c->s->loop, pipe_fds[0], c->s->error_fd, log,
                         spec->cage == CAGE_PHP ? c->label : NULL);
    LIST_INSERT_HEAD(&c->s->children, c, link);
    return 0;
}

void
child_signal(struct child *c, int signal)
{
    if (c->pid <= 0)
        return;
    /* a child that was born a moment ago has no group of its own yet */
    if (!c->own_group || (kill(-c->pid, signal) < 0 && errno == ESRCH))
        (void)kill(c->pid, signal);
}

uint64_t
child_memory_kib(const struct child *c)
{
    unsigned long pages = 0;
    char path[64];
    FILE *f;

    if (c->pid <= 0)
        return 0;
    (void)snprintf(path, sizeof(path), "/proc/%ld/statm", (long)c->pid);
    f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%*u %lu", &pages) != 1)
        pages = 0;
    (void)fclose(f);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

uint64_t
child_age_ms(const struct child *c, uint64_t now_ms)
{
    return now_ms > c->since_ms ? now_ms - c->since_ms : 0;
}

static struct child *
find(struct supervisor *s, pid_t pid)
{
    struct child *c;

    LIST_FOREACH(c, &s->children, link)
    if (c->pid == pid)
        return c;
    return NULL;
}

static void
say_end(const struct child *c, const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED && info->si_status == 0) {
        log_debug("%s (pid %ld) has ended", c->label, (long)c->pid);
        return;
    }
    if (info->si_code == CLD_EXITED)
        log_warn("%s (pid %ld) exited with %d", c->label, (long)c->pid, info->si_status);
    else
        log_warn("%s (pid %ld) was ended by signal %d (%s)", c->label, (long)c->pid,
                 info->si_status, strsignal(info->si_status));
}

/*
 * Look before reaping: as long as the leader is a zombie its group's number cannot be anybody
 * else's, so the rest of the group can be ended without hitting a stranger.
 */
void
children_reap(struct supervisor *s)
{
    siginfo_t info;

    for (unsigned turn = 0;; turn++) {
        struct child *c;
        pid_t pid;

        if (turn == REAP_MAX) { /* orphans may come as fast as they are reaped: others first */
            (void)kill(getpid(), SIGCHLD);
            return;
        }
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
            return;
        pid = info.si_pid;
        c = find(s, pid);
        if (c && c->on_dead)
            c->on_dead(c);
        else if (c && c->own_group)
            (void)kill(-pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        if (!c) { /* an orphan of a pool's: we are its reaper */
            runs_reaped(s, pid);
            continue;
        }
        c->clean = info.si_code == CLD_EXITED && info.si_status == 0;
        if (s->stop == STOP_NOT)
            say_end(c, &info);
        LIST_REMOVE(c, link);
        c->pid = 0;
        logpipe_free(&c->log);
        if (!c->spawning) /* else soon: its last word is on its way */
            c->on_exit(c, c->clean);
    }
}

/*
 * What PHP started and put in a session of its own outlives the group. Once its parents are
 * gone it is our child, as we are the subreaper, and nobody else reaps: the numbers hold.
 */
bool
children_kill_orphans(struct supervisor *s)
{
    char path[64];
    long pid;
    bool any = false;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%ld/children", (long)getpid());
    f = fopen(path, "re");
    while (f && fscanf(f, "%ld", &pid) == 1) {
        if (pid <= 0 || find(s, (pid_t)pid))
            continue;
        any = true;
        (void)kill((pid_t)pid, SIGKILL);
    }
    if (f)
        (void)fclose(f);
    return any;
}

bool
children_any(const struct supervisor *s)
{
    return !LIST_EMPTY(&s->children);
}

void
children_kill_all(struct supervisor *s)
{
    struct child *c;

    LIST_FOREACH(c, &s->children, link)
    child_signal(c, SIGKILL);
}
