/*
 * From a checked configuration to "ready", and the loop. Everything that needs more than the
 * few capabilities that stay is done before caps_trim_supervisor(). Floor 6, hostel.
 */
#include "admin.h"
#include "inherit.h"
#include "logwriter.h"
#include "metrics.h"
#include "supervisor.h"
#include "syslogs.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/ipc/routes.h"
#include "hostel/supervisor/run.h"
#include "hostel/sys/caps.h"
#include "hostel/sys/notify.h"
#include "hostel/sys/rundir.h"
#include "hostel/sys/sockets.h"
#include "hostel/sys/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* One line on stderr: the start has failed, and why. */
static int
cannot(const char *what, const char *name, int error)
{
    fprintf(stderr, "hostel: %s%s%s: %s\n", what, *name ? " " : "", name, uv_strerror(error));
    return error;
}

/* --- what is opened before anything is started ----------------------------------------------
 */

/* Beside this executable (a build directory), else in the libexec directory next to it. */
int
helper_open(const char *name)
{
    static const char *const places[] = {"", "../libexec/hostel/"};
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    const char *dir;

    if (n < 0)
        return -errno;
    self[n] = '\0';
    dir = dirname(self);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char *path = mem_fmt("%s/%s%s", dir, places[i], name);
        int fd = open(path, O_PATH | O_CLOEXEC);

        free(path);
        if (fd >= 0)
            return fd;
    }
    return -ENOENT;
}

static bool
wants_tls(const struct conf *conf)
{
    for (size_t i = 0; i < conf->nvhosts; i++)
        if (conf->vhosts[i].tls)
            return true;
    return false;
}

/* Where the next executable will lie: asked before this one is replaced. */
static char *
own_path(void)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    return n < 0 ? NULL : mem_str_span(span_of(self, (size_t)n));
}

static int
open_helpers(struct supervisor *s)
{
    s->self_path = own_path();
    if (!s->self_path)
        return cannot("cannot find", "/proc/self/exe", -errno);
    s->acceptor_exe = helper_open("hostel-acceptor");
    if (s->acceptor_exe < 0)
        return cannot("cannot find", "hostel-acceptor", s->acceptor_exe);
    s->worker_exe = helper_open("hostel-worker");
    if (s->worker_exe < 0)
        return cannot("cannot find", "hostel-worker", s->worker_exe);
    s->worker_tls_exe = helper_open("hostel-worker-tls");
    if (s->worker_tls_exe < 0 && wants_tls(s->conf))
        return cannot("cannot find", "hostel-worker-tls", s->worker_tls_exe);
    s->examiner_exe = helper_open("hostel-examiner"); /* of this build, whatever comes */
    if (s->examiner_exe < 0 && wants_tls(s->conf))
        return cannot("cannot find", "hostel-examiner", s->examiner_exe);
    s->tls_kernel = supervisor_ktls();
    return 0;
}

static int
open_run_dir(struct supervisor *s)
{
    int rc = rundir_prepare(s->conf->run_dir, s->conf->switching);

    if (rc < 0)
        return cannot("run_dir", s->conf->run_dir, rc);
    s->run_dir = mem_str(s->conf->run_dir);
    s->empty_dir = mem_fmt("%s/empty", s->run_dir);
    s->php_dir = mem_fmt("%s/php", s->run_dir);
    if (s->inherited && s->inherited->php_dir_fd >= 0) /* with its lock */
        s->php_dir_fd = fd_take(&s->inherited->php_dir_fd);
    else
        s->php_dir_fd = open(s->php_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (s->php_dir_fd < 0)
        return cannot("cannot open", s->php_dir, -errno);
    s->run_dir_fd = open(s->conf->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->run_dir_fd < 0)
        return cannot("cannot open", s->conf->run_dir, -errno);
    if (flock(s->php_dir_fd, LOCK_EX | LOCK_NB) < 0) /* its sockets' names would be ours */
        return cannot("another hostel uses the run_dir", s->conf->run_dir, -EBUSY);
    return 0;
}

/* In a place where a user can put a file of his, root would write, and an administrator read.
 */
static int
open_pid(const char *path, bool switching)
{
    char *above = mem_str(path), *name = strrchr(above, '/');
    struct stat st;
    int dir = -1, fd = -1, rc = -EINVAL;

    if (name) {
        *name++ = '\0';
        rc = switching ? trust_dir(*above ? above : "/", NULL, NULL, &dir, NULL)
             : (dir = open(*above ? above : "/", O_PATH | O_CLOEXEC)) < 0 ? -errno
                                                                          : 0;
    }
    if (rc == 0) {
        fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
        rc = fd < 0 || fstat(fd, &st) < 0 ? -errno : fd;
    }
    if (rc >= 0 && (!S_ISREG(st.st_mode) || !trust_uid(st.st_uid)))
        rc = -EPERM;
    if (rc < 0)
        fd_close(&fd);
    fd_close(&dir);
    free(above);
    return rc;
}

static int
put_pid(struct supervisor *s)
{
    if (s->pid_fd < 0)
        return 0;
    if (ftruncate(s->pid_fd, 0) < 0 || lseek(s->pid_fd, 0, SEEK_SET) < 0 ||
        dprintf(s->pid_fd, "%ld\n", (long)getpid()) < 0)
        return cannot("pid_file", s->pid_file, -errno);
    return 0;
}

static int
write_pid(struct supervisor *s)
{
    const char *path = s->pid_file = mem_str(s->conf->pid_file);
    int fd;

    if (!path)
        return 0;
    fd = s->inherited ? fd_take(&s->inherited->pid_fd) : -1;
    if (fd >= 0) { /* with its lock; it is written when we are ready */
        s->pid_fd = fd;
        return 0;
    }
    fd = open_pid(path, s->conf->switching);
    if (fd < 0)
        return cannot("pid_file", path, fd);
    s->pid_fd = fd;
    if (flock(s->pid_fd, LOCK_EX | LOCK_NB) < 0) {
        fd_close(&s->pid_fd); /* the other one's: not to be removed at our end */
        return cannot("another hostel holds the pid_file", path, -EBUSY);
    }
    return put_pid(s);
}

static int
open_listeners(struct supervisor *s)
{
    const char *what;
    int rc = listeners_take(s, s->gen, &what, &s->broken);

    return rc < 0 ? cannot("cannot listen on", what, rc) : 0;
}

/* After the run directory, which a socket of it may lie in. */
static int
open_metrics(struct supervisor *s)
{
    struct metrics_sockets sockets;
    const char *what;
    int rc = metrics_sockets_open(s, s->conf, &sockets, &what);

    if (rc < 0)
        return cannot("metrics_listen: cannot listen on", what, rc);
    s->metrics->sockets = sockets;
    return 0;
}

/* Its own descriptor, whose number stays when a reload names another file. */
static int
open_error_log(struct supervisor *s)
{
    char *error;
    struct log_target *t = logs_target(s, s->conf->error_log, &error);

    if (!t) {
        fprintf(stderr, "hostel: error_log: %s\n", error);
        free(error);
        return -EACCES;
    }
    s->error_fd = fcntl(t->fd, F_DUPFD_CLOEXEC, 3);
    if (s->error_fd < 0)
        return cannot("error_log", "", -errno);
    log_init(s->error_fd, "hostel", NULL);
    syslogs_take_own(s->error_fd, t->syslog);
    log_level_set(s->conf->log_level);
    return 0;
}

/* --- events ---------------------------------------------------------------------------------
 */

static void
announce(struct supervisor *s)
{
    struct buf line;

    s->announced = true;
    metrics_sweep(s, date_mono_ms());
    if (s->inherited) {
        (void)put_pid(s);
        inherit_ready(s->inherited);
    }
    free(s->inherited);
    s->inherited = NULL;
    notify_manager("READY=1\nMAINPID=%ld", (long)getpid());
    if (!s->conf->switching)
        fprintf(stderr,
                "hostel: not root: serving the sites of uid %u only, without "
                "switching users\n",
                (unsigned)geteuid());
    buf_init(&line, 64 * 1024);
    for (size_t i = 0; i < s->conf->nlisten; i++) {
        const struct conf_listen *l = &s->conf->listen[i];

        if (l->vhost == CONF_SHARED)
            (void)buf_addf(&line, "%s%s%s", i ? ", " : "", l->text, l->tls ? " (TLS)" : "");
        else if (!l->missing)
            (void)buf_addf(&line, ", %s (%s%s alone)", l->text, l->tls ? "TLS, " : "",
                           s->conf->users[l->user].ids.name);
    }
    fprintf(stderr, "hostel: ready, listening on %.*s\n", (int)line.len,
            line.data + line.start);
    buf_done(&line);
}

static void
on_signal(uv_signal_t *handle, int number)
{
    struct supervisor *s = handle->data;

    if (number == SIGCHLD) {
        children_reap(s);
        if (s->stop != STOP_NOT)
            supervisor_stop_step(s, date_mono_ms());
    } else if (number == SIGHUP) {
        reload_start(s);
    } else if (number == SIGUSR1) {
        reopen_start(s);
    } else if (number == SIGUSR2) {
        upgrade_start(s);
    } else if (number != SIGPIPE) {
        supervisor_stop(s, 0);
    }
}

static void
on_sweep(uv_timer_t *timer)
{
    struct supervisor *s = timer->data;
    uint64_t now = date_mono_ms();

    admin_sweep(s, now);
    upgrade_sweep(s, now);
    if (s->stop == STOP_NOT)
        acceptors_sweep(s, now);
    listeners_sweep(s, now);
    metrics_sweep(s, now);
    rooms_sweep(s, now);
    pools_sweep(s, now);
    groups_sweep(s, now);
    tickets_sweep(s, now);
    logwriter_sweep();
    logs_say_trouble(&s->gen->logs, now);
    reload_step(s); /* somebody may be late */
    supervisor_stop_step(s, now);
}

void
supervisor_acceptor_ready(struct supervisor *s)
{
    if (!s->announced && acceptors_ready(s))
        announce(s);
}

static int
start_loop(struct supervisor *s)
{
    static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2};
    int rc = uv_loop_init(&s->loop);

    if (rc < 0)
        return cannot("event loop", "", rc);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uv_signal_init(&s->loop, &s->signals[i]);
        s->signals[i].data = s;
        uv_signal_start(&s->signals[i], on_signal, numbers[i]);
    }
    rc = reload_init(s);
    rc = rc < 0 ? rc : figures_init(s);
    if (rc < 0)
        return cannot("event loop", "", rc);
    uv_timer_init(&s->loop, &s->sweep);
    s->sweep.data = s;
    uv_timer_start(&s->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    return 0;
}

/* --- the order of a life --------------------------------------------------------------------
 */

/* Many logs, channels and children: as many descriptors as the machine gives. */
static void
raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    if (limit.rlim_max < FILES_WANTED) {
        struct rlimit more = {FILES_WANTED, FILES_WANTED};

        if (geteuid() == 0 && setrlimit(RLIMIT_NOFILE, &more) == 0)
            return;
    }
    limit.rlim_cur = limit.rlim_max; /* a container may not give more */
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Connections that workers still have from before an upgrade are vouched for with its key. */
static int
make_seal(struct supervisor *s)
{
    const uint64_t *before = s->inherited ? s->inherited->seal : NULL;

    if (before && (before[0] || before[1])) {
        s->seal[0] = before[0];
        s->seal[1] = before[1];
    } else if (getrandom(s->seal, sizeof(s->seal), 0) != sizeof(s->seal)) {
        return cannot("no random bytes", "", -errno);
    }
    return 0;
}

static int
prepare(struct supervisor *s)
{
    int rc = open_helpers(s);

    rc = rc < 0 ? rc : open_listeners(s);
    rc = rc < 0 ? rc : open_run_dir(s);
    rc = rc < 0 ? rc : write_pid(s);
    rc = rc < 0 ? rc : open_error_log(s);
    rc = rc < 0 ? rc : open_metrics(s);
    if (rc < 0)
        return rc;
    /* orphans of a pool whose parent died are ours to reap, and to end with their group */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    groups_start(s);
    rc = s->conf->switching ? caps_trim_supervisor() : 0;
    if (rc < 0)
        return cannot("cannot give up capabilities", "", rc);
    rc = spawn_prepare();
    if (rc < 0)
        return cannot("cannot prepare the system call filters", "", rc);
    rc = start_loop(s);
    if (rc < 0)
        return rc;
    rc = admin_open(s);
    return rc < 0 ? cannot("no control socket in", s->run_dir, rc) : 0;
}

static void
finish(struct supervisor *s)
{
    pools_remove_sockets(s);
    groups_stop(s);
    if (s->announced && !s->upgrade.done) /* else they are another server's */
        metrics_sockets_remove(&s->metrics->sockets);
    admin_close(s);
    if (s->pid_file && s->pid_fd >= 0 && !s->upgrade.done)
        (void)unlink(s->pid_file);
    listeners_close(s, s->upgrade.done);
}

/* Everything that does not go with the process by itself is gone when it returns. */
static int
serve(struct supervisor *s)
{
    int rc;

    s->conf = s->gen->conf;
    s->acceptor_ids = ids_copy(&s->conf->acceptor_ids);
    s->nacceptors = s->conf->acceptors;
    rc = make_seal(s);
    if (rc == 0)
        rc = prepare(s);
    if (rc < 0) {
        finish(s);
        return 1;
    }
    for (size_t i = 0; i < s->broken.n; i++)
        log_error("not in effect: %s", s->broken.lines[i]);
    rooms_new(s);
    (void)malloc_trim(0); /* what reading the configuration took */
    if (s->inherited) {
        inherit_rooms(s, s->inherited);
        rooms_sweep(s, date_mono_ms()); /* something may wait there already */
    }
    rc = acceptors_start(s);
    if (rc < 0) {
        (void)cannot("cannot start", "hostel-acceptor", rc);
        supervisor_stop(s, 1);
    }
    uv_run(&s->loop, UV_RUN_DEFAULT);
    if (s->reload.running) /* it only reads, and has to be through before what it reads goes */
        (void)uv_thread_join(&s->reload.thread);
    logwriter_stop();
    finish(s);
    if (s->announced)
        log_notice("stopped");
    return s->exit_code; /* the process ends: the kernel takes back the rest */
}

static struct supervisor *
supervisor_new(void)
{
    static struct supervisor self; /* one a process; what it holds goes with the process */
    struct supervisor *s = &self;

    s->start_ms = date_mono_ms();
    s->pid_fd = s->php_dir_fd = s->run_dir_fd = s->admin.fd = s->error_fd = s->groups.dir = -1;
    for (unsigned i = 0; i < LISTENERS_MAX; i++)
        s->listeners[i].fd = -1;
    s->upgrade.ready_fd = s->upgrade.pid_fd = -1;
    LIST_INIT(&s->children);
    raise_files();
    s->inherited = mem_new(sizeof(*s->inherited));
    inherit_start(s->inherited);
    s->activated = s->inherited->activated;
    metrics_init(s);
    return s;
}

static void
print_errors(const struct conf_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++)
        fprintf(stderr, "%s\n", errors->lines[i]);
}

int
supervisor_serve(const char *config)
{
    struct supervisor *s = supervisor_new();
    int rc = generation_load(s, config, &s->gen, &s->broken);

    print_errors(&s->broken);
    if (rc < 0)
        return 1;
    if (s->broken.n)
        fprintf(stderr, "hostel: the other files are served\n");
    s->config = config;
    return serve(s);
}

int
supervisor_serve_conf(struct conf *conf)
{
    struct supervisor *s = supervisor_new();

    if (generation_of(s, conf, &s->gen, &s->broken) < 0) {
        print_errors(&s->broken);
        return 1;
    }
    return serve(s);
}
