/*
 * `hostel confine`: any program in exactly the confinement of a role, through the same specs
 * and the same spawn as the real ones. For audits and attacks. Floor 6, hostel.
 */
#include "supervisor.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/supervisor/run.h"
#include "hostel/sys/caps.h"
#include "hostel/sys/rundir.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANNOT 125 /* as env(1), timeout(1): ours, not the program's status */

struct confined {
    uv_loop_t loop;
    uv_signal_t child, term, interrupt;
    const char *program;
    pid_t pid;
    int status; /* what we exit with */
};

static void
on_spawned(void *data, pid_t pid, const struct spawn_error *error)
{
    struct confined *c = data;

    (void)pid;
    if (!error)
        return;
    fprintf(stderr, "hostel: cannot run %s: %s: %s\n", c->program, error->step,
            uv_strerror(error->error));
    c->status = CANNOT;
}

static void
on_signal(uv_signal_t *handle, int number)
{
    struct confined *c = handle->data;
    int status;

    if (number != SIGCHLD) {
        (void)kill(c->pid, number);
        return;
    }
    if (waitpid(c->pid, &status, WNOHANG) != c->pid)
        return;
    if (c->status != CANNOT)
        c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    uv_stop(&c->loop);
}

/* As execvp(3) would find it. */
static char *
find_program(const char *name)
{
    const char *path = getenv("PATH");
    struct span rest = span_str(path ? path : "/usr/bin:/bin"), dir;

    if (strchr(name, '/'))
        return mem_str(name);
    while (span_cut(&rest, ':', &dir)) {
        char *full = mem_fmt("%.*s/%s", (int)dir.n, dir.p, name);

        if (access(full, X_OK) == 0)
            return full;
        free(full);
    }
    return NULL;
}

/* Does the program need a loader or interpreter from the file system to start? */
static bool
needs_files(const char *path)
{
    Elf64_Ehdr e;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool needs = true;

    if (fd < 0)
        return false; /* the exec will say */
    if (pread(fd, &e, sizeof(e), 0) == sizeof(e) && memcmp(e.e_ident, ELFMAG, SELFMAG) == 0 &&
        e.e_ident[EI_CLASS] == ELFCLASS64 && e.e_phentsize == sizeof(Elf64_Phdr)) {
        needs = false;
        for (unsigned i = 0; i < e.e_phnum && !needs; i++) {
            Elf64_Phdr p;
            off_t at = (off_t)(e.e_phoff + i * sizeof(p));

            needs = pread(fd, &p, sizeof(p), at) != sizeof(p) || p.p_type == PT_INTERP;
        }
    }
    fd_close(&fd);
    return needs;
}

/* What his processes may take, if he has vhosts. */
static void
fill_limits(struct spawn_spec *spec, enum confine_role role, const struct conf *conf,
            const struct ids *ids)
{
    const struct conf_limits *limits = &conf->limits;

    for (size_t i = 0; i < conf->nusers; i++)
        if (conf->users[i].ids.uid == ids->uid)
            limits = conf_limits_of(conf, conf->users[i].limits);
    if (role == CONFINE_WORKER || role == CONFINE_LISTENING_WORKER)
        limits_of_worker(spec, limits);
    else if (role == CONFINE_PHP)
        limits_of_php(spec, conf, limits);
}

/* The jail of the vhosts of this user, if the configuration has such. */
static int
fill_jail(struct spawn_spec *spec, const struct conf *conf, const struct ids *ids,
          const char *program)
{
    int rc = 0, fd = open(program, O_PATH | O_CLOEXEC);

    for (size_t i = 0; i < conf->nusers && rc == 0; i++)
        if (conf->users[i].ids.uid == ids->uid && conf->users[i].jailed && spec->jail_fd < 0)
            rc = jails_open(conf, &conf->users[i], fd, NULL, &spec->jail_fd);
    fd_close(&fd);
    return rc;
}

static int
fill_spec(struct spawn_spec *spec, enum confine_role role, const struct conf *conf,
          const struct ids *ids, char *program)
{
    if (role == CONFINE_WORKER || role == CONFINE_LISTENING_WORKER)
        spec_worker(spec, conf, ids, mem_fmt("%s/php", conf->run_dir),
                    role == CONFINE_LISTENING_WORKER);
    else if (role == CONFINE_PHP)
        spec_php(spec, conf, ids);
    else
        spec_acceptor(spec, conf, ids, mem_fmt("%s/empty", conf->run_dir));
    fill_limits(spec, role, conf, ids);
    spec->own_group = false; /* stay with the terminal that asked */
    spec->path = program;
    if (role != CONFINE_ACCEPTOR)
        return fill_jail(spec, conf, ids, program);
    if (needs_files(program)) {
        fprintf(stderr,
                "hostel: %s needs files to start, and an acceptor's root directory is "
                "empty: link it statically (cc -static)\n",
                program);
        return -ENOEXEC;
    }
    spec->exec_fd = open(program, O_PATH | O_CLOEXEC);
    return spec->exec_fd < 0 ? -errno : 0;
}

static int
start(struct confined *c, const struct spawn_spec *spec)
{
    uv_signal_t *handles[] = {&c->child, &c->term, &c->interrupt};
    const int numbers[] = {SIGCHLD, SIGTERM, SIGINT};
    int rc = uv_loop_init(&c->loop);

    for (size_t i = 0; rc == 0 && i < 3; i++) {
        rc = uv_signal_init(&c->loop, handles[i]);
        handles[i]->data = c;
        if (rc == 0)
            rc = uv_signal_start(handles[i], on_signal, numbers[i]);
    }
    rc = rc < 0 ? rc : spawn_prepare();
    return rc < 0 ? rc : spawn_start(&c->loop, spec, on_spawned, c, &c->pid);
}

int
supervisor_confine(enum confine_role role, const char *user, const struct conf *conf,
                   char *const *argv)
{
    static char *const env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", NULL};
    /* one a process; what they hold goes with the process */
    static struct confined c;
    static struct spawn_spec spec;
    static char *program;
    static struct ids ids;
    int rc;

    c.program = argv[0];
    program = find_program(argv[0]);
    if (!program) {
        fprintf(stderr, "hostel: %s: not found in PATH\n", argv[0]);
        return CANNOT;
    }
    rc = ids_lookup(user, NULL, &ids);
    if (rc < 0) {
        fprintf(stderr, "hostel: user %s: %s\n", user, uv_strerror(rc));
        return CANNOT;
    }
    rc = rundir_prepare(conf->run_dir, conf->switching);
    if (rc < 0) {
        fprintf(stderr, "hostel: run_dir %s: %s\n", conf->run_dir, uv_strerror(rc));
        return CANNOT;
    }
    if (fill_spec(&spec, role, conf, &ids, program) < 0)
        return CANNOT;
    spec.argv = argv;
    spec.envp = env;
    spec.nfds = 3;
    for (int i = 0; i < 3; i++)
        spec.fds[i] = i;
    rc = conf->switching ? caps_trim_supervisor() : 0;
    rc = rc < 0 ? rc : start(&c, &spec);
    if (rc < 0) {
        fprintf(stderr, "hostel: cannot run %s as %s: %s\n", program, user, uv_strerror(rc));
        return CANNOT;
    }
    uv_run(&c.loop, UV_RUN_DEFAULT);
    return c.status;
}
