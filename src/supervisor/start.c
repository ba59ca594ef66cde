/*
 * From a checked configuration to "ready", and the loop. Everything that needs more than the
 * few capabilities that stay is done before caps_trim_supervisor(). Floor 6, hostel.
 */
#include "supervisor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/ipc/routes.h"
#include "hostel/supervisor/run.h"
#include "hostel/sys/caps.h"
#include "hostel/sys/rundir.h"
#include "hostel/sys/sockets.h"
#include "hostel/sys/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
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

static int
open_helpers(struct supervisor *s)
{
    s->acceptor_exe = helper_open("hostel-acceptor");
    if (s->acceptor_exe < 0)
        return cannot("cannot find", "hostel-acceptor", s->acceptor_exe);
    s->worker_exe = helper_open("hostel-worker");
    if (s->worker_exe < 0)
        return cannot("cannot find", "hostel-worker", s->worker_exe);
    s->worker_tls_exe = helper_open("hostel-worker-tls");
    if (s->worker_tls_exe < 0 && wants_tls(s->conf))
        return cannot("cannot find", "hostel-worker-tls", s->worker_tls_exe);
    s->tls_kernel = supervisor_ktls();
    return 0;
}

static int
open_run_dir(struct supervisor *s)
{
    int rc = rundir_prepare(s->conf->run_dir, s->conf->switching);

    if (rc < 0)
        return cannot("run_dir", s->conf->run_dir, rc);
    s->empty_dir = mem_fmt("%s/empty", s->conf->run_dir);
    s->php_dir = mem_fmt("%s/php", s->conf->run_dir);
    s->php_dir_fd = open(s->php_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (s->php_dir_fd < 0)
        return cannot("cannot open", s->php_dir, -errno);
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
write_pid(struct supervisor *s)
{
    const char *path = s->conf->pid_file;
    int fd;

    if (!path)
        return 0;
    fd = open_pid(path, s->conf->switching);
    if (fd < 0)
        return cannot("pid_file", path, fd);
    s->pid_fd = fd;
    if (flock(s->pid_fd, LOCK_EX | LOCK_NB) < 0) {
        fd_close(&s->pid_fd); /* the other one's: not to be removed at our end */
        return cannot("another hostel holds the pid_file", path, -EBUSY);
    }
    if (ftruncate(s->pid_fd, 0) < 0 || dprintf(s->pid_fd, "%ld\n", (long)getpid()) < 0)
        return cannot("pid_file", path, -errno);
    return 0;
}

static int
open_listeners(struct supervisor *s)
{
    s->listeners = mem_new_array(s->conf->nlisten, sizeof(int));
    for (size_t i = 0; i < s->conf->nlisten; i++)
        s->listeners[i] = -1;
    for (size_t i = 0; i < s->conf->nlisten; i++) {
        const struct conf_listen *l = &s->conf->listen[i];
        int rc = tcp_listen((const struct sockaddr *)&l->addr, l->addr_len, &s->listeners[i]);

        if (rc < 0)
            return cannot("cannot listen on", l->text, rc);
    }
    return 0;
}

/* A log that cannot be opened is found now, not at its user's first visitor. */
static int
open_logs(struct supervisor *s)
{
    char *error;

    logs_claim(s, s->conf->error_log, 0);
    for (size_t i = 0; i < s->conf->nvhosts; i++) {
        const struct conf_vhost *v = &s->conf->vhosts[i];
        gid_t gid = s->conf->users[v->user].ids.gid;

        if (v->access_log)
            logs_claim(s, v->access_log, gid);
        logs_claim(s, v->error_log, gid);
    }
    s->error_fd = logs_open(s, s->conf->error_log, &error);
    for (size_t i = 0; s->error_fd >= 0 && i < s->conf->nvhosts; i++) {
        const struct conf_vhost *v = &s->conf->vhosts[i];

        if ((v->access_log && logs_open(s, v->access_log, &error) < 0) ||
            logs_open(s, v->error_log, &error) < 0) {
            fprintf(stderr, "hostel: %s: vhost %s: %s\n", v->file, v->host, error);
            free(error);
            return -EACCES;
        }
    }
    if (s->error_fd < 0) {
        fprintf(stderr, "hostel: error_log: %s\n", error);
        free(error);
        return -EACCES;
    }
    log_init(s->error_fd, "hostel", NULL);
    return 0;
}

static int
build_routes(struct supervisor *s)
{
    const struct conf *conf = s->conf;
    uint32_t unknown = ROUTES_NO_USER, nameless = ROUTES_NO_USER;
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

        routes[n++] = (struct route){span_str(v->host), (uint32_t)v->user, v->tls};
        for (char **name = v->aliases; *name; name++)
            routes[n++] = (struct route){span_str(*name), (uint32_t)v->user, v->tls};
        if (v->by_default)
            unknown = (uint32_t)v->user;
        if (v->by_default && v->tls)
            nameless = (uint32_t)v->user;
    }
    rc = routes_build(routes, n, (uint32_t)conf->nusers, unknown, nameless,
                      conf->acme == CONF_NO_USER ? ROUTES_NO_USER : (uint32_t)conf->acme,
                      &s->routes_fd);
    free(routes);
    return rc < 0 ? cannot("routing table", "", rc) : 0;
}

/* --- events ---------------------------------------------------------------------------------
 */

static void
announce(struct supervisor *s)
{
    struct buf line;

    s->announced = true;
    if (!s->conf->switching)
        fprintf(stderr,
                "hostel: not root: serving the sites of uid %u only, without "
                "switching users\n",
                (unsigned)geteuid());
    buf_init(&line, 64 * 1024);
    for (size_t i = 0; i < s->conf->nlisten; i++)
        (void)buf_addf(&line, "%s%s%s", i ? ", " : "", s->conf->listen[i].text,
                       s->conf->listen[i].tls ? " (TLS)" : "");
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
        log_notice("SIGHUP: the configuration is read at the start only; restart to change it");
    } else if (number != SIGPIPE) {
        supervisor_stop(s, 0);
    }
}

static void
on_sweep(uv_timer_t *timer)
{
    struct supervisor *s = timer->data;
    uint64_t now = date_mono_ms();

    if (s->stop == STOP_NOT)
        acceptors_sweep(s, now);
    rooms_sweep(s, now);
    pools_sweep(s, now);
    secrets_sweep(s, now);
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
    static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGPIPE};
    int rc = uv_loop_init(&s->loop);

    if (rc < 0)
        return cannot("event loop", "", rc);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uv_signal_init(&s->loop, &s->signals[i]);
        s->signals[i].data = s;
        uv_signal_start(&s->signals[i], on_signal, numbers[i]);
    }
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

static int
prepare(struct supervisor *s)
{
    int rc = open_helpers(s);

    raise_files();
    rc = rc < 0 ? rc : open_listeners(s);
    rc = rc < 0 ? rc : open_run_dir(s);
    rc = rc < 0 ? rc : write_pid(s);
    rc = rc < 0 ? rc : open_logs(s);
    rc = rc < 0 ? rc : build_routes(s);
    if (rc < 0)
        return rc;
    /* orphans of a pool whose parent died are ours to reap, and to end with their group */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    rc = s->conf->switching ? caps_trim_supervisor() : 0;
    if (rc < 0)
        return cannot("cannot give up capabilities", "", rc);
    rc = spawn_prepare();
    if (rc < 0)
        return cannot("cannot prepare the system call filters", "", rc);
    rc = start_loop(s);
    return rc;
}

void
supervisor_close_listeners(struct supervisor *s)
{
    for (size_t i = 0; s->listeners && i < s->conf->nlisten; i++)
        fd_close(&s->listeners[i]);
}

static void
finish(struct supervisor *s)
{
    pools_remove_sockets(s);
    if (s->conf->pid_file && s->pid_fd >= 0)
        (void)unlink(s->conf->pid_file);
    supervisor_close_listeners(s);
}

int
supervisor_serve(const struct conf *conf)
{
    static struct supervisor self; /* one a process; what it holds goes with the process */
    struct supervisor *s = &self;
    int rc;

    s->conf = conf;
    s->pid_fd = s->routes_fd = s->php_dir_fd = -1;
    LIST_INIT(&s->children);
    rc = prepare(s);
    if (rc < 0) {
        finish(s);
        return 1;
    }
    rooms_new(s);
    pools_new(s);
    rc = acceptors_start(s);
    if (rc < 0) {
        (void)cannot("cannot start", "hostel-acceptor", rc);
        supervisor_stop(s, 1);
    }
    uv_run(&s->loop, UV_RUN_DEFAULT);
    finish(s);
    if (s->announced)
        log_notice("stopped");
    return s->exit_code; /* the process ends: the kernel takes back the rest */
}
