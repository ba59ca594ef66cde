/* Other processes: their memory, descriptors, environment, life; and what was left open here.
 */
#include "attack.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static pid_t
pid_of(const char *text)
{
    return (pid_t)strtol(text, NULL, 10);
}

static int
try_ptrace(char **a)
{
    pid_t pid = pid_of(a[0]);

    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
        return -errno;
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return 0;
}

static int
open_proc(const char *pid, const char *what, int flags)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "/proc/%s/%s", pid, what);
    fd = open(path, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* An address that the process has, from its maps; 0 = they cannot be read. */
static unsigned long
address_in(const char *pid)
{
    char text[64] = {0};
    int fd = open_proc(pid, "maps", O_RDONLY);

    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    close(fd);
    return strtoul(text, NULL, 16);
}

static int
try_memory(char **a)
{
    char byte;
    int fd = open_proc(a[0], "mem", O_RDONLY);

    if (fd < 0)
        return fd;
    return result(pread(fd, &byte, 1, (off_t)address_in(a[0])));
}

static int
try_memory_write(char **a)
{
    int fd = open_proc(a[0], "mem", O_RDWR);

    return fd < 0 ? fd : 0;
}

static int
try_vm_read(char **a)
{
    char byte;
    unsigned long at = address_in(a[0]);
    struct iovec here = {&byte, 1};
    struct iovec there = {(void *)(at ? at : 0x400000), 1};

    return result(process_vm_readv(pid_of(a[0]), &here, 1, &there, 1, 0));
}

static int
try_maps(char **a)
{
    int fd = open_proc(a[0], "maps", O_RDONLY);

    return fd < 0 ? fd : 0;
}

static int
try_environ(char **a)
{
    int fd = open_proc(a[0], "environ", O_RDONLY);

    return fd < 0 ? fd : 0;
}

static int
try_fds(char **a)
{
    int fd = open_proc(a[0], "fd", O_RDONLY | O_DIRECTORY);

    return fd < 0 ? fd : 0;
}

static int
try_fd_reopen(char **a)
{
    int fd = open_proc(a[0], "fd/2", O_WRONLY);

    return fd < 0 ? fd : 0;
}

static int
try_cwd(char **a)
{
    int fd = open_proc(a[0], "cwd/.", O_RDONLY | O_DIRECTORY);

    return fd < 0 ? fd : 0;
}

static int
try_root(char **a)
{
    int fd = open_proc(a[0], "root/.", O_RDONLY | O_DIRECTORY);

    return fd < 0 ? fd : 0;
}

static int
try_pidfd_getfd(char **a)
{
    int fd = (int)syscall(SYS_pidfd_open, pid_of(a[0]), 0);

    return fd < 0 ? -errno : result(syscall(SYS_pidfd_getfd, fd, 3, 0));
}

/* SIGURG is ignored by whoever has not asked for it: sent is hurt enough. */
static int
try_kill(char **a)
{
    return result(kill(pid_of(a[0]), SIGURG));
}

static int
try_pidfd_kill(char **a)
{
    int fd = (int)syscall(SYS_pidfd_open, pid_of(a[0]), 0);

    return fd < 0 ? -errno : result(syscall(SYS_pidfd_send_signal, fd, SIGURG, NULL, 0));
}

static int
try_tgkill(char **a)
{
    return result(syscall(SYS_tgkill, pid_of(a[0]), pid_of(a[0]), SIGURG));
}

static int
try_renice(char **a)
{
    return result(setpriority(PRIO_PROCESS, (id_t)pid_of(a[0]), 19));
}

static int
try_limit(char **a)
{
    struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};

    return result(prlimit(pid_of(a[0]), RLIMIT_CORE, &r, NULL));
}

static int
try_migrate(char **a)
{
    unsigned long mask = 1;

    return result(syscall(SYS_sched_setaffinity, pid_of(a[0]), sizeof(mask), &mask));
}

/* Anything open above the three that everybody has. */
static int
try_left_open(char **a)
{
    (void)a;
    for (int fd = 3; fd < 65536; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            return fd;
    return -EBADF;
}

/* A name that only the supervisor's environment has. */
static int
try_environment(char **a)
{
    return getenv(a[0]) ? 0 : -ENOENT;
}

static int
try_parent_dies(char **a)
{
    int signal = 0;

    (void)a; /* living on after the supervisor: with no signal at its death, nothing ends us */
    if (prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0) < 0)
        return -errno;
    return signal == 0 ? 0 : -ECHILD;
}

static const struct attack attacks[] = {
    {"ptrace", try_ptrace, 1},
    {"memory", try_memory, 1},
    {"memory-write", try_memory_write, 1},
    {"vm-read", try_vm_read, 1},
    {"maps", try_maps, 1},
    {"environ", try_environ, 1},
    {"fds", try_fds, 1},
    {"fd-reopen", try_fd_reopen, 1},
    {"cwd", try_cwd, 1},
    {"root", try_root, 1},
    {"pidfd-getfd", try_pidfd_getfd, 1},
    {"kill", try_kill, 1},
    {"pidfd-kill", try_pidfd_kill, 1},
    {"tgkill", try_tgkill, 1},
    {"renice", try_renice, 1},
    {"limit", try_limit, 1},
    {"migrate", try_migrate, 1},
    {"left-open", try_left_open, 0},
    {"environment", try_environment, 1},
    {"outlive", try_parent_dies, 0},
};

ATTACK_MAIN(attacks)
