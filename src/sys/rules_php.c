/*
 * What PHP and the programs that it runs are refused: the calls that lead to privilege, into
 * other processes, or deep into the kernel for nothing that a web site does. All else is
 * theirs: NO_NEW_PRIVS and the empty capability sets are the wall, this is the ditch before it.
 * Floor 1; supervisor.
 */
#include "rules.h"

#include <asm/termbits.h>
#include <sched.h>
#include <sys/ioctl.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define REFUSED(call)                                                                          \
    {                                                                                          \
        SCMP_SYS(call), 0,                                                                     \
        {                                                                                      \
            {                                                                                  \
                0                                                                              \
            }                                                                                  \
        }                                                                                      \
    }
#define FLAG(call, arg, flag)                                                                  \
    {                                                                                          \
        SCMP_SYS(call), 1,                                                                     \
        {                                                                                      \
            {                                                                                  \
                (arg), SCMP_CMP_MASKED_EQ, (flag), (flag)                                      \
            }                                                                                  \
        }                                                                                      \
    }
#define COMMAND(call, arg, v)                                                                  \
    {                                                                                          \
        SCMP_SYS(call), 1,                                                                     \
        {                                                                                      \
            {                                                                                  \
                (arg), SCMP_CMP_MASKED_EQ, 0xffffffff, (v)                                     \
            }                                                                                  \
        }                                                                                      \
    }

/* A new user namespace holds every capability inside; the others are reached through it. */
#define NAMESPACES(call)                                                                       \
    FLAG(call, 0, CLONE_NEWUSER), FLAG(call, 0, CLONE_NEWNS), FLAG(call, 0, CLONE_NEWPID),     \
        FLAG(call, 0, CLONE_NEWNET), FLAG(call, 0, CLONE_NEWIPC), FLAG(call, 0, CLONE_NEWUTS), \
        FLAG(call, 0, CLONE_NEWCGROUP)

/* clang-format off */
const struct rule rules_php[] = {
    /* namespaces; clone3 hides its flags in memory, so it does not exist (cage.c) */
    NAMESPACES(clone), NAMESPACES(unshare), FLAG(unshare, 0, CLONE_NEWTIME), REFUSED(setns),

    /* mounts and roots */
    REFUSED(mount), REFUSED(umount2), REFUSED(pivot_root), REFUSED(chroot), REFUSED(fsopen),
    REFUSED(fsconfig), REFUSED(fsmount), REFUSED(fspick), REFUSED(move_mount),
    REFUSED(open_tree), REFUSED(mount_setattr),

    /* other processes, the worker of the same user first */
    REFUSED(ptrace), REFUSED(process_vm_readv), REFUSED(process_vm_writev), REFUSED(pidfd_getfd),
    REFUSED(kcmp), REFUSED(process_madvise),

    /* large and often broken parts of the kernel */
    REFUSED(keyctl), REFUSED(add_key), REFUSED(request_key), REFUSED(bpf),
    REFUSED(perf_event_open), REFUSED(userfaultfd), REFUSED(io_uring_setup),
    REFUSED(io_uring_enter), REFUSED(io_uring_register), REFUSED(fanotify_init),

    /* files past their directories' rights */
    REFUSED(name_to_handle_at), REFUSED(open_by_handle_at),

    /* typing into a terminal that another process reads */
    COMMAND(ioctl, 1, TIOCSTI), COMMAND(ioctl, 1, TIOCLINUX), COMMAND(ioctl, 1, TIOCSETD),

    /* the machine */
    REFUSED(kexec_load), REFUSED(kexec_file_load), REFUSED(init_module),
    REFUSED(finit_module), REFUSED(delete_module), REFUSED(iopl), REFUSED(ioperm),
    REFUSED(swapon), REFUSED(swapoff), REFUSED(reboot), REFUSED(sethostname),
    REFUSED(setdomainname), REFUSED(quotactl), REFUSED(quotactl_fd), REFUSED(acct),
    REFUSED(settimeofday), REFUSED(clock_settime), REFUSED(adjtimex), REFUSED(clock_adjtime),
    REFUSED(syslog), REFUSED(vhangup),
};
/* clang-format on */

const size_t rules_php_count = COUNT(rules_php);
