/*
 * What workers and acceptors may ask of the kernel: nothing that is not in these lists.
 * Floor 1; supervisor.
 *
 * Missing on purpose: fork and exec (exec is cage.c's); every call that takes an id, a
 * capability or a limit; ptrace and its relatives; signals to anybody; namespaces and mounts;
 * writes at an offset, truncation and fcntl(F_SETFL), which would undo that a log is append
 * only; file names that are made, renamed, linked or removed. A process that wants to end by
 * abort() does: raise() is refused and abort() goes on to a trap.
 */
#include "rules.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <linux/sockios.h>
#include <linux/tls.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define ALWAYS(call)                                                                           \
    {                                                                                          \
        SCMP_SYS(call), 0,                                                                     \
        {                                                                                      \
            {                                                                                  \
                0                                                                              \
            }                                                                                  \
        }                                                                                      \
    }
#define WHEN(call, arg, v)                                                                     \
    {                                                                                          \
        SCMP_SYS(call), 1,                                                                     \
        {                                                                                      \
            {                                                                                  \
                (arg), SCMP_CMP_EQ, (v), 0                                                     \
            }                                                                                  \
        }                                                                                      \
    }
#define BITS(call, arg, mask, v)                                                               \
    {                                                                                          \
        SCMP_SYS(call), 1,                                                                     \
        {                                                                                      \
            {                                                                                  \
                (arg), SCMP_CMP_MASKED_EQ, (mask), (v)                                         \
            }                                                                                  \
        }                                                                                      \
    }
#define SOCKOPT(level, name)                                                                   \
    {                                                                                          \
        SCMP_SYS(setsockopt), 2,                                                               \
        {                                                                                      \
            {1, SCMP_CMP_EQ, (level), 0},                                                      \
            {                                                                                  \
                2, SCMP_CMP_EQ, (name), 0                                                      \
            }                                                                                  \
        }                                                                                      \
    }

/* Exactly what the C library makes a thread with: no bit for a process, a namespace, a parent.
 */
#define THREAD_FLAGS                                                                           \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |        \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

/* Never writable and executable in one call. */
#define WRITE_XOR_EXEC(call)                                                                   \
    BITS(call, 2, PROT_WRITE | PROT_EXEC, 0),                                                  \
        BITS(call, 2, PROT_WRITE | PROT_EXEC, PROT_WRITE),                                     \
        BITS(call, 2, PROT_WRITE | PROT_EXEC, PROT_EXEC)

#define NOT_EXEC(call) BITS(call, 2, PROT_EXEC, 0)

/* To read, without making or emptying a file; or a file without a name (a spooled body). */
#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))
#define OPEN_TO_READ(call, arg)                                                                \
    BITS(call, arg, OPEN_FLAGS, O_RDONLY),                                                     \
        BITS(call, arg, O_CREAT | (O_TMPFILE & ~O_DIRECTORY), O_TMPFILE & ~O_DIRECTORY)

/* clang-format off */
const struct rule rules_shared[] = {
    /* bytes of what is open already */
    ALWAYS(read), ALWAYS(readv), ALWAYS(recvfrom), ALWAYS(recvmsg),
    ALWAYS(write), ALWAYS(writev),
    BITS(sendto, 3, MSG_FASTOPEN, 0), BITS(sendmsg, 2, MSG_FASTOPEN, 0), /* never to connect */
    ALWAYS(close), ALWAYS(fstat), ALWAYS(lseek),

    /* a connection's life, never its making; the options that a server sets */
    ALWAYS(shutdown),
    ALWAYS(getsockopt), ALWAYS(getpeername), ALWAYS(getsockname),
    SOCKOPT(SOL_SOCKET, SO_RCVLOWAT), SOCKOPT(SOL_SOCKET, SO_LINGER),
    SOCKOPT(SOL_SOCKET, SO_KEEPALIVE), SOCKOPT(SOL_SOCKET, SO_SNDBUF),
    SOCKOPT(SOL_SOCKET, SO_RCVBUF),
    SOCKOPT(IPPROTO_TCP, TCP_NODELAY), SOCKOPT(IPPROTO_TCP, TCP_CORK),
    SOCKOPT(IPPROTO_TCP, TCP_QUICKACK), SOCKOPT(IPPROTO_TCP, TCP_USER_TIMEOUT),
    SOCKOPT(IPPROTO_TCP, TCP_NOTSENT_LOWAT), SOCKOPT(IPPROTO_TCP, TCP_KEEPIDLE),
    SOCKOPT(IPPROTO_TCP, TCP_KEEPINTVL), SOCKOPT(IPPROTO_TCP, TCP_KEEPCNT),
    WHEN(ioctl, 1, FIONBIO), WHEN(ioctl, 1, FIONREAD), WHEN(ioctl, 1, FIOCLEX),
    WHEN(ioctl, 1, TCGETS),
    WHEN(fcntl, 1, F_GETFD), WHEN(fcntl, 1, F_SETFD), WHEN(fcntl, 1, F_GETFL),
    WHEN(fcntl, 1, F_DUPFD_CLOEXEC), WHEN(fcntl, 1, F_DUPFD), WHEN(fcntl, 1, F_GET_SEALS),

    /* the event loop */
    ALWAYS(epoll_create1), ALWAYS(epoll_ctl), ALWAYS(epoll_wait), ALWAYS(epoll_pwait),
    ALWAYS(epoll_pwait2), ALWAYS(poll), ALWAYS(ppoll), ALWAYS(eventfd2), ALWAYS(pipe2),
    ALWAYS(timerfd_create), ALWAYS(timerfd_settime), ALWAYS(timerfd_gettime),

    /* memory */
    ALWAYS(munmap), ALWAYS(mremap), ALWAYS(brk), ALWAYS(madvise),

    /* time, and a call that was interrupted by a stop */
    ALWAYS(clock_gettime), ALWAYS(clock_getres), ALWAYS(gettimeofday), ALWAYS(time),
    ALWAYS(nanosleep), ALWAYS(clock_nanosleep), ALWAYS(restart_syscall),

    /* looking at oneself */
    ALWAYS(getpid), ALWAYS(gettid), ALWAYS(getppid), ALWAYS(getpgrp), ALWAYS(getpgid),
    ALWAYS(getsid), ALWAYS(getuid), ALWAYS(geteuid), ALWAYS(getgid), ALWAYS(getegid),
    ALWAYS(getresuid), ALWAYS(getresgid), ALWAYS(getgroups), ALWAYS(capget),
    ALWAYS(getrlimit), ALWAYS(getrusage), ALWAYS(times), ALWAYS(uname), ALWAYS(sysinfo),
    ALWAYS(sched_getaffinity), ALWAYS(getcpu),
    WHEN(prlimit64, 2, 0), /* no new limit: only asked for */
    /* no core files, which is so already: sanitizers make sure of it when they start */
    {SCMP_SYS(prlimit64), 2, {{0, SCMP_CMP_EQ, 0, 0}, {1, SCMP_CMP_EQ, RLIMIT_CORE, 0}}},
    WHEN(setrlimit, 0, RLIMIT_CORE),
    WHEN(prctl, 0, PR_SET_NAME), WHEN(prctl, 0, PR_GET_NAME), WHEN(prctl, 0, PR_GET_DUMPABLE),
    {SCMP_SYS(prctl), 2, {{0, SCMP_CMP_EQ, PR_SET_DUMPABLE, 0}, {1, SCMP_CMP_EQ, 0, 0}}},
    WHEN(prctl, 0, PR_GET_NO_NEW_PRIVS), WHEN(prctl, 0, PR_GET_SECCOMP),
    WHEN(prctl, 0, PR_GET_SECUREBITS), WHEN(prctl, 0, PR_GET_KEEPCAPS),
    WHEN(prctl, 0, PR_GET_PDEATHSIG), WHEN(prctl, 0, PR_CAPBSET_READ),
    {SCMP_SYS(prctl), 2, {{0, SCMP_CMP_EQ, PR_CAP_AMBIENT, 0},
                          {1, SCMP_CMP_EQ, PR_CAP_AMBIENT_IS_SET, 0}}},
    WHEN(prctl, 0, PR_SET_VMA), /* names for anonymous memory */

    /* the C library's own */
    ALWAYS(rt_sigaction), ALWAYS(rt_sigprocmask), ALWAYS(rt_sigreturn), ALWAYS(sigaltstack),
    ALWAYS(exit), ALWAYS(exit_group), ALWAYS(futex), ALWAYS(getrandom), ALWAYS(arch_prctl),
    ALWAYS(set_tid_address), ALWAYS(set_robust_list), ALWAYS(rseq), ALWAYS(sched_yield),
};

/*
 * Taking connections. A worker has it only when it holds listeners of its user's own, and then
 * these are all it can accept from: nothing here makes, binds or listens on a socket.
 */
const struct rule rules_accepting[] = {
    ALWAYS(accept4),
};

const struct rule rules_worker[] = {
    /* the user's files, as the user: to read them and to look at them */
    OPEN_TO_READ(openat, 2), OPEN_TO_READ(open, 1),
    ALWAYS(openat2), /* its flags lie in memory, where a filter cannot look: the user's rights rule */
    ALWAYS(newfstatat), ALWAYS(stat), ALWAYS(lstat), ALWAYS(statx), ALWAYS(statfs),
    ALWAYS(fstatfs), ALWAYS(access), ALWAYS(faccessat), ALWAYS(faccessat2), ALWAYS(readlink),
    ALWAYS(readlinkat), ALWAYS(getdents64), ALWAYS(getcwd), ALWAYS(pread64), ALWAYS(preadv),
    ALWAYS(sendfile), ALWAYS(fadvise64), ALWAYS(inotify_init1), ALWAYS(inotify_add_watch),
    ALWAYS(inotify_rm_watch), ALWAYS(dup),

    /* the thread that checks passwords: these flags make a thread of this process, no other */
    WHEN(clone, 0, THREAD_FLAGS),

    /* the kernel encrypts (kTLS), where its module is loaded: nobody here can load it */
    SOCKOPT(IPPROTO_TCP, TCP_ULP), SOCKOPT(SOL_TLS, TLS_TX), SOCKOPT(SOL_TLS, TLS_RX),

    /* PHP's socket; has PHP read what it was sent, is it through? */
    WHEN(socket, 0, AF_UNIX), ALWAYS(connect), WHEN(ioctl, 1, SIOCOUTQ),

    /* the dynamic loader maps code */
    WRITE_XOR_EXEC(mmap), WRITE_XOR_EXEC(mprotect),
};

const struct rule rules_acceptor[] = {
    /* the C library's fstat(): of a descriptor, not of a name */
    BITS(newfstatat, 3, AT_EMPTY_PATH, AT_EMPTY_PATH),

    /* a connection that a proxy's header was taken of is marked, where nobody can unmark it */
    SOCKOPT(SOL_SOCKET, SO_LOCK_FILTER),

    /* static: nothing is loaded */
    NOT_EXEC(mmap), NOT_EXEC(mprotect),
};
/* clang-format on */

const size_t rules_shared_count = COUNT(rules_shared);
const size_t rules_accepting_count = COUNT(rules_accepting);
const size_t rules_worker_count = COUNT(rules_worker);
const size_t rules_acceptor_count = COUNT(rules_acceptor);
