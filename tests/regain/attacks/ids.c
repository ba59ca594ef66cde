/* Become somebody else: every call that changes an id, and programs that carry one. */
#include "attack.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static uid_t
id_of(const char *text)
{
    return (uid_t)strtoul(text, NULL, 10);
}

static int
try_setuid(char **a)
{
    return result(setuid(id_of(a[0])));
}

static int
try_seteuid(char **a)
{
    return result(seteuid(id_of(a[0])));
}

static int
try_setreuid(char **a)
{
    return result(setreuid(id_of(a[0]), id_of(a[0])));
}

static int
try_setresuid(char **a)
{
    return result(setresuid(id_of(a[0]), id_of(a[0]), id_of(a[0])));
}

/* Only the saved id: the way back that the itk of 2006 left open. */
static int
try_saved_uid(char **a)
{
    return result(setresuid((uid_t)-1, (uid_t)-1, id_of(a[0])));
}

static int
try_setfsuid(char **a)
{
    setfsuid(id_of(a[0]));
    errno = EPERM; /* the call itself does not say */
    return (uid_t)setfsuid((uid_t)-1) == id_of(a[0]) ? 0 : -EPERM;
}

static int
try_setgid(char **a)
{
    return result(setgid(id_of(a[0])));
}

static int
try_setresgid(char **a)
{
    return result(setresgid(id_of(a[0]), id_of(a[0]), id_of(a[0])));
}

static int
try_setfsgid(char **a)
{
    setfsgid(id_of(a[0]));
    return (gid_t)setfsgid((gid_t)-1) == id_of(a[0]) ? 0 : -EPERM;
}

static int
try_setgroups(char **a)
{
    gid_t gid = id_of(a[0]);

    return result(setgroups(1, &gid));
}

/* Fewer groups are more rights where a group is shut out. */
static int
try_no_groups(char **a)
{
    (void)a;
    return result(setgroups(0, NULL));
}

/* Run a program that is another user's by its mode or capable by its file: it says who it is.
 */
static int
run_program(const char *path, char *const argv[])
{
    int status;
    pid_t pid = fork();

    if (pid < 0 && (errno == EPERM || errno == ENOSYS)) {
        execv(path, argv); /* no fork in here: then instead of ourselves */
        return -errno;
    }
    if (pid == 0) {
        execv(path, argv);
        _exit(errno);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -errno;
    if (!WIFEXITED(status))
        return -EINTR;
    return -WEXITSTATUS(status);
}

static int
try_setuid_program(char **a)
{
    return run_program(a[0], (char *[]){a[0], "am-root", NULL});
}

static int
try_capable_program(char **a)
{
    return run_program(a[0], (char *[]){a[0], "am-capable", NULL});
}

/* The other half of the two above: its exit status is an errno. */
static int
am_root(char **a)
{
    (void)a;
    _exit(geteuid() == 0 ? 0 : EPERM);
}

static int
am_capable(char **a)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2] = {{0}};

    (void)a;
    syscall(SYS_capget, &h, d);
    _exit(d[0].effective || d[0].permitted ? 0 : EPERM);
}

/* Capabilities back into the sets. */
static int
try_capset(char **a)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2] = {
        {.effective = 1u << CAP_SETUID, .permitted = 1u << CAP_SETUID}};

    (void)a;
    return result(syscall(SYS_capset, &h, d));
}

static int
try_inheritable(char **a)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2] = {{.inheritable = 1u << CAP_SETUID}};

    (void)a;
    return result(syscall(SYS_capset, &h, d));
}

static int
try_ambient(char **a)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2] = {{0}};

    (void)a;
    syscall(SYS_capget, &h, d);
    d[0].inheritable = d[0].permitted;
    syscall(SYS_capset, &h, d);
    return result(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0));
}

static int
try_securebits(char **a)
{
    (void)a;
    return result(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
}

static int
try_keepcaps(char **a)
{
    (void)a;
    return result(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
}

/* A capability left in the bounding set could come back with a program. */
static int
try_bounding(char **a)
{
    (void)a;
    for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
            return 0;
    return -EPERM;
}

static const struct attack attacks[] = {
    {"setuid", try_setuid, 1},
    {"seteuid", try_seteuid, 1},
    {"setreuid", try_setreuid, 1},
    {"setresuid", try_setresuid, 1},
    {"saved-uid", try_saved_uid, 1},
    {"setfsuid", try_setfsuid, 1},
    {"setgid", try_setgid, 1},
    {"setresgid", try_setresgid, 1},
    {"setfsgid", try_setfsgid, 1},
    {"setgroups", try_setgroups, 1},
    {"no-groups", try_no_groups, 0},
    {"setuid-program", try_setuid_program, 1},
    {"capable-program", try_capable_program, 1},
    {"am-root", am_root, 0},
    {"am-capable", am_capable, 0},
    {"capset", try_capset, 0},
    {"inheritable", try_inheritable, 0},
    {"ambient", try_ambient, 0},
    {"securebits", try_securebits, 0},
    {"keepcaps", try_keepcaps, 0},
    {"bounding", try_bounding, 0},
};

ATTACK_MAIN(attacks)
