/* Ways through the kernel: namespaces, mounts, what a filter must not let by, raised limits. */
#include "attack.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

static int
try_unshare_user(char **a)
{
    (void)a;
    return result(unshare(CLONE_NEWUSER));
}

/* ret  0 when a child came to be */
static int
reap(long pid)
{
    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return -errno;
    waitpid((pid_t)pid, NULL, 0);
    return 0;
}

static int
try_clone_user(char **a)
{
    (void)a;
    return reap(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static int
try_clone3_user(char **a)
{
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};

    (void)a;
    return reap(syscall(SYS_clone3, &args, sizeof(args)));
}

static int
try_unshare_mounts(char **a)
{
    (void)a;
    return result(unshare(CLONE_NEWNS));
}

static int
try_setns(char **a)
{
    int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

    (void)a;
    return fd < 0 ? -errno : result(setns(fd, CLONE_NEWUTS));
}

static int
try_mount(char **a)
{
    int rc = mount("none", a[0], "tmpfs", 0, NULL);

    if (rc < 0)
        return -errno;
    umount2(a[0], MNT_DETACH);
    return 0;
}

static int
try_fsopen(char **a)
{
    (void)a;
    return result(syscall(SYS_fsopen, "tmpfs", 0));
}

static int
try_chroot(char **a)
{
    return result(chroot(a[0]));
}

static int
try_fork(char **a)
{
    (void)a;
    return reap(fork());
}

static int
try_thread(char **a)
{
    static char stack[65536] __attribute__((aligned(16)));
    long rc =
        syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, stack + sizeof(stack), 0, 0, 0);

    (void)a;
    if (rc == 0)
        syscall(SYS_exit, 0);
    return reap(rc);
}

/* Any process, whatever it shares with us; a thread's ids and storage go to a scratch place. */
static int
try_clone(char **a)
{
    static char stack[65536] __attribute__((aligned(16)));
    static long scratch[512];
    long rc = syscall(SYS_clone, strtoul(a[0], NULL, 16), stack + sizeof(stack), scratch,
                      scratch + 1, scratch + 256);

    if (rc == 0)
        syscall(SYS_exit, 0);
    return reap(rc);
}

static int
try_exec(char **a)
{
    execl(a[0], a[0], (char *)NULL);
    return -errno;
}

/* A program that no file system holds. */
static int
try_exec_memory(char **a)
{
    static const char script[] = "#!/bin/true\n";
    int fd = memfd_create("x", 0);

    (void)a;
    if (fd < 0)
        return -errno;
    if (write(fd, script, sizeof(script) - 1) < 0)
        return -errno;
    fexecve(fd, (char *[]){"x", NULL}, (char *[]){NULL});
    return -errno;
}

/* The 32-bit door into the same kernel: fork is call 2 there. */
static int
try_other_architecture(char **a)
{
    long rc;

    (void)a;
#ifdef __x86_64__
    __asm__ volatile("int $0x80" : "=a"(rc) : "a"(2) : "memory", "r8", "r9", "r10", "r11");
    if (rc < 0)
        return (int)rc;
    return reap(rc);
#else
    rc = ENOSYS;
    return (int)-rc;
#endif
}

static int
try_ptrace_me(char **a)
{
    (void)a;
    return result(syscall(SYS_ptrace, 0 /* PTRACE_TRACEME */, 0, 0, 0));
}

static int
try_keyring(char **a)
{
    (void)a;
    return result(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1));
}

static int
try_bpf(char **a)
{
    union bpf_attr attr = {
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

    (void)a;
    return result(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int
try_perf(char **a)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
                                   .size = sizeof(attr),
                                   .config = PERF_COUNT_SW_TASK_CLOCK,
                                   .exclude_kernel = 1};

    (void)a;
    return result(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int
try_io_uring(char **a)
{
    struct io_uring_params p = {0};

    (void)a;
    return result(syscall(SYS_io_uring_setup, 4, &p));
}

static int
try_userfaultfd(char **a)
{
    (void)a;
    return result(syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* user mode only */));
}

static int
try_file_handle(char **a)
{
    struct {
        struct file_handle h;
        unsigned char bytes[MAX_HANDLE_SZ];
    } f = {.h = {.handle_bytes = MAX_HANDLE_SZ}};
    int mount_id, fd, root;

    if (name_to_handle_at(AT_FDCWD, a[0], &f.h, &mount_id, 0) < 0)
        return -errno;
    root = open("/", O_RDONLY);
    fd = open_by_handle_at(root, &f.h, O_RDONLY);
    return result(fd);
}

/* Typing into a terminal; high bits that a careless filter compares and the kernel drops. */
static int
sti(unsigned long request)
{
    int master, slave;
    char c = 'x';

    if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
        return -errno;
    return result(syscall(SYS_ioctl, slave, request, &c));
}

static int
try_tiocsti(char **a)
{
    (void)a;
    return sti(TIOCSTI);
}

static int
try_tiocsti_high(char **a)
{
    (void)a;
    return sti(TIOCSTI | (1ul << 40));
}

static int
try_write_exec(char **a)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0);

    (void)a;
    return p == MAP_FAILED ? -errno : 0;
}

/* In an acceptor: machine code of any kind. */
static int
try_exec_page(char **a)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)a;
    if (p == MAP_FAILED)
        return -errno;
    return result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
try_socket_inet(char **a)
{
    (void)a;
    return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int
try_socket_packet(char **a)
{
    (void)a;
    return result(socket(AF_PACKET, SOCK_RAW, 0));
}

static int
try_socket_netlink(char **a)
{
    (void)a;
    return result(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int
try_socket_unix(char **a)
{
    (void)a;
    return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
try_low_port(char **a)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)atoi(a[0]))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0)
        return -errno;
    return result(bind(fd, (struct sockaddr *)&in, sizeof(in)));
}

/* Of a call on what is no socket (standard input): refused, or looked at by the kernel? */
static int
reached(long rc)
{
    return rc < 0 && errno == EPERM ? -EPERM : 0;
}

static int
try_accept(char **a)
{
    (void)a;
    return reached(accept4(0, NULL, NULL, 0));
}

static int
try_bind(char **a)
{
    struct sockaddr_in in = {.sin_family = AF_INET};

    (void)a;
    return reached(bind(0, (struct sockaddr *)&in, sizeof(in)));
}

static int
try_listen(char **a)
{
    (void)a;
    return reached(listen(0, 1));
}

/* A visitor's connection (standard input), dissolved, so that its socket can be used anew. */
static struct sockaddr_in
dissolve(const char *port)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};

    (void)connect(0, &none, sizeof(none));
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons((uint16_t)atoi(port))};
}

static int
try_reconnect(char **a)
{
    struct sockaddr_in in = dissolve(a[0]);

    return result(connect(0, (struct sockaddr *)&in, sizeof(in)));
}

static int
try_fast_open(char **a)
{
    struct sockaddr_in in = dissolve(a[0]);

    return result(sendto(0, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&in, sizeof(in)));
}

static int
try_dumpable(char **a)
{
    (void)a;
    return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
try_raise_core(char **a)
{
    struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};

    (void)a;
    return result(setrlimit(RLIMIT_CORE, &r));
}

/* One more than any child of the server is given. */
static int
try_raise_files(char **a)
{
    struct rlimit r = {65537, 65537};

    (void)a;
    return result(setrlimit(RLIMIT_NOFILE, &r));
}

static int
try_nice(char **a)
{
    (void)a;
    return result(setpriority(PRIO_PROCESS, 0, -20));
}

static int
try_realtime(char **a)
{
    struct sched_param p = {.sched_priority = 1};

    (void)a;
    /* the C library has a stub of its own in static programs */
    return result(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p));
}

static int
try_oom_score(char **a)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);

    (void)a;
    return fd < 0 ? -errno : result(write(fd, "-1000", 5));
}

static const struct attack attacks[] = {
    {"unshare-user", try_unshare_user, 0},
    {"clone-user", try_clone_user, 0},
    {"clone3-user", try_clone3_user, 0},
    {"unshare-mounts", try_unshare_mounts, 0},
    {"setns", try_setns, 0},
    {"mount", try_mount, 1},
    {"fsopen", try_fsopen, 0},
    {"chroot", try_chroot, 1},
    {"fork", try_fork, 0},
    {"thread", try_thread, 0},
    {"clone", try_clone, 1},
    {"exec", try_exec, 1},
    {"exec-memory", try_exec_memory, 0},
    {"other-architecture", try_other_architecture, 0},
    {"ptrace-me", try_ptrace_me, 0},
    {"keyring", try_keyring, 0},
    {"bpf", try_bpf, 0},
    {"perf", try_perf, 0},
    {"io-uring", try_io_uring, 0},
    {"userfaultfd", try_userfaultfd, 0},
    {"file-handle", try_file_handle, 1},
    {"tiocsti", try_tiocsti, 0},
    {"tiocsti-high-bits", try_tiocsti_high, 0},
    {"write-exec", try_write_exec, 0},
    {"exec-page", try_exec_page, 0},
    {"socket-inet", try_socket_inet, 0},
    {"socket-packet", try_socket_packet, 0},
    {"socket-netlink", try_socket_netlink, 0},
    {"socket-unix", try_socket_unix, 0},
    {"low-port", try_low_port, 1},
    {"accept", try_accept, 0},
    {"bind", try_bind, 0},
    {"listen", try_listen, 0},
    {"reconnect", try_reconnect, 1},
    {"fast-open", try_fast_open, 1},
    {"dumpable", try_dumpable, 0},
    {"raise-core", try_raise_core, 0},
    {"raise-files", try_raise_files, 0},
    {"nice", try_nice, 0},
    {"realtime", try_realtime, 0},
    {"oom-score", try_oom_score, 0},
};

ATTACK_MAIN(attacks)
