/*
 * System call filters: rules compiled by libseccomp, once, and loaded between fork and exec
 * with the raw call, because the listener's descriptor must reach the supervisor. Floor 1.
 *
 *   workers, acceptor  what is in the rules; exec asks the listener; all else EPERM
 *   PHP                everything but what is in the rules
 *   all                a call of another architecture ends the process
 */
#include "cage.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "rules.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAGES 4

static struct sock_fprog filters[CAGES];

static int
add_rules(scmp_filter_ctx ctx, uint32_t action, const struct rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int rc = seccomp_rule_add_array(ctx, action, rules[i].call, rules[i].nargs,
                                        rules[i].nargs ? rules[i].args : NULL);

        if (rc < 0)
            return rc;
    }
    return 0;
}

/* As if the kernel were old: the C library then uses clone(), whose flags can be seen. */
static const struct rule clone3_rule[] = {{SCMP_SYS(clone3), 0, {{0}}}};

/* Everything that is not allowed is refused, and exec is asked for. */
static int
fill_allow_list(scmp_filter_ctx ctx, const struct rule *own, size_t n, bool accepting)
{
    static const struct rule exec[] = {{SCMP_SYS(execve), 0, {{0}}},
                                       {SCMP_SYS(execveat), 0, {{0}}}};
    int rc = add_rules(ctx, SCMP_ACT_ALLOW, rules_shared, rules_shared_count);

    if (rc == 0)
        rc = add_rules(ctx, SCMP_ACT_ALLOW, own, n);
    if (rc == 0 && accepting)
        rc = add_rules(ctx, SCMP_ACT_ALLOW, rules_accepting, rules_accepting_count);
    if (rc == 0)
        rc = add_rules(ctx, SCMP_ACT_NOTIFY, exec, sizeof(exec) / sizeof(exec[0]));
    if (rc == 0)
        rc = add_rules(ctx, SCMP_ACT_ERRNO(ENOSYS), clone3_rule, 1);
    return rc;
}

static int
fill_deny_list(scmp_filter_ctx ctx)
{
    int rc = add_rules(ctx, SCMP_ACT_ERRNO(EPERM), rules_php, rules_php_count);

    if (rc == 0)
        rc = add_rules(ctx, SCMP_ACT_ERRNO(ENOSYS), clone3_rule, 1);
    return rc;
}

static int
fill(scmp_filter_ctx ctx, enum cage cage)
{
    switch (cage) {
    case CAGE_WORKER:
    case CAGE_LISTENING_WORKER:
        return fill_allow_list(ctx, rules_worker, rules_worker_count,
                               cage == CAGE_LISTENING_WORKER);
    case CAGE_ACCEPTOR:
        return fill_allow_list(ctx, rules_acceptor, rules_acceptor_count, true);
    case CAGE_PHP:
        return fill_deny_list(ctx);
    }
    return -EINVAL;
}

/* libseccomp gives the program to a descriptor only; it is read back from there. */
static int export(scmp_filter_ctx ctx, struct sock_fprog *out)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    struct stat st;
    int rc;

    if (fd < 0)
        return -errno;
    rc = seccomp_export_bpf(ctx, fd);
    if (rc == 0 && fstat(fd, &st) < 0)
        rc = -errno;
    if (rc == 0 && (st.st_size <= 0 || (size_t)st.st_size % sizeof(struct sock_filter) ||
                    (size_t)st.st_size / sizeof(struct sock_filter) > BPF_MAXINSNS))
        rc = -E2BIG;
    if (rc == 0) {
        size_t bytes = (size_t)st.st_size;
        struct sock_filter *code = mem_new(bytes);

        if (pread(fd, code, bytes, 0) == st.st_size) {
            out->filter = code;
            out->len = (unsigned short)(bytes / sizeof(*code));
        } else {
            free(code);
            rc = -EIO;
        }
    }
    fd_close(&fd);
    return rc;
}

static int
compile(enum cage cage)
{
    uint32_t otherwise = cage == CAGE_PHP ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM);
    scmp_filter_ctx ctx = seccomp_init(otherwise);
    int rc;

    if (!ctx)
        return -ENOMEM;
    rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0) /* a tree, not a list: the filter runs before every call */
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc == 0)
        rc = fill(ctx, cage);
    if (rc == 0)
        rc = export(ctx, &filters[cage]);
    seccomp_release(ctx);
    return rc;
}

int
cage_prepare(void)
{
    for (unsigned c = 0; c < CAGES; c++) {
        int rc = filters[c].filter ? 0 : compile((enum cage)c);

        if (rc < 0)
            return rc;
    }
    return 0;
}

const struct sock_fprog *
cage_filter(enum cage cage)
{
    return filters[cage].filter ? &filters[cage] : NULL;
}

bool
cage_execs_once(enum cage cage)
{
    return cage != CAGE_PHP;
}

int
cage_enter(enum cage cage, int *listener)
{
    const struct sock_fprog *prog = cage_filter(cage);
    unsigned flags = cage_execs_once(cage) ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    long rc;

    if (!prog)
        return -EINVAL;
    rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
    if (rc < 0)
        return -errno;
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER)
        return -EPERM;
    *listener = flags ? (int)rc : -1;
    return 0;
}
