/* Jails, on the kernel's Landlock. Floor 1; supervisor, and its children before exec. */
#include "hostel/sys/jail.h"
#include "hostel/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What newer kernels know, by the version that brought it: the headers may be older. */
#define FS_TRUNCATE         (1ULL << 14) /* 3 */
#define FS_IOCTL_DEV        (1ULL << 15) /* 5 */
#define NET_BIND_TCP        (1ULL << 0)  /* 4 */
#define NET_CONNECT_TCP     (1ULL << 1)  /* 4 */
#define SCOPE_ABSTRACT_UNIX (1ULL << 0)  /* 6: sockets without a path of processes outside */
#define SCOPE_SIGNAL        (1ULL << 1)  /* 6: signals to processes outside */

struct ruleset_attr { /* the kernel's own, of version 6 */
    uint64_t fs, net, scoped;
};

#define RIGHTS_READ                                                                            \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_USE (RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define RIGHTS_FILE                                                                            \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |                               \
     LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define RIGHTS_ABI_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

const struct jail_path jail_system[] = {
    /* programs and libraries */
    {"/usr", JAIL_READ},
    {"/bin", JAIL_READ},
    {"/sbin", JAIL_READ},
    {"/lib", JAIL_READ},
    {"/lib32", JAIL_READ},
    {"/lib64", JAIL_READ},
    {"/opt", JAIL_READ},
    /* php.ini, certificates, names, time zones */
    {"/etc", JAIL_READ},
    {"/var/lib/php/modules", JAIL_READ},
    {"/run/systemd/resolve", JAIL_READ},
    /* of the machine, not of processes */
    {"/proc/cpuinfo", JAIL_READ},
    {"/proc/meminfo", JAIL_READ},
    {"/proc/loadavg", JAIL_READ},
    {"/proc/stat", JAIL_READ},
    {"/proc/uptime", JAIL_READ},
    {"/proc/version", JAIL_READ},
    {"/proc/filesystems", JAIL_READ},
    {"/proc/sys", JAIL_READ},
    {"/sys/devices/system/cpu", JAIL_READ},
    /* devices that are nobody's */
    {"/dev/null", JAIL_USE},
    {"/dev/zero", JAIL_USE},
    {"/dev/full", JAIL_USE},
    {"/dev/random", JAIL_USE},
    {"/dev/urandom", JAIL_USE},
    /* what every user may write to */
    {"/tmp", JAIL_OWN},
    {"/var/tmp", JAIL_OWN},
    {"/var/lib/php/sessions", JAIL_OWN},
    {NULL, JAIL_READ},
};

int
jail_version(void)
{
    long version =
        syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (version < 0)
        return -errno;
    return version < JAIL_ABI_MIN ? -EOPNOTSUPP : (int)version;
}

/* All that this kernel can take away. */
static struct ruleset_attr
everything(int version)
{
    struct ruleset_attr all = {.fs = RIGHTS_ABI_1 | LANDLOCK_ACCESS_FS_REFER};

    if (version >= 3)
        all.fs |= FS_TRUNCATE;
    if (version >= 5)
        all.fs |= FS_IOCTL_DEV;
    if (version >= 6)
        all.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
    return all;
}

/* in  where  O_PATH */
static int
allow(int jail, int where, enum jail_right right, uint64_t handled)
{
    static const uint64_t of[] = {
        [JAIL_READ] = RIGHTS_READ, [JAIL_USE] = RIGHTS_USE, [JAIL_OWN] = ~0ULL};
    struct landlock_path_beneath_attr rule = {.parent_fd = where};
    struct stat st;

    if (fstat(where, &st) < 0)
        return -errno;
    rule.allowed_access = of[right] & handled;
    if (!S_ISDIR(st.st_mode))
        rule.allowed_access &= RIGHTS_FILE;
    return syscall(SYS_landlock_add_rule, jail, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
               ? -errno
               : 0;
}

/*
 * ret  0, also when it is not there; -ELOOP: a link in a path that may have none; or -errno
 */
static int
allow_path(int jail, const struct jail_path *p, bool links, uint64_t handled)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                           .resolve = links ? 0 : RESOLVE_NO_SYMLINKS};
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, p->path, &how, sizeof(how));
    int rc;

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
    rc = allow(jail, fd, p->right, handled);
    fd_close(&fd);
    return rc;
}

int
jail_open(const struct jail_path *paths, size_t n, int program, int *fd, const char **left_out)
{
    int version = jail_version(), jail, rc = 0;
    struct ruleset_attr all;

    *left_out = NULL;
    if (version < 0)
        return version;
    all = everything(version);
    /* an older kernel takes a longer struct whose rest is zero */
    jail = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
    if (jail < 0)
        return -errno;
    for (const struct jail_path *p = jail_system; p->path && rc == 0; p++)
        rc = allow_path(jail, p, true, all.fs);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = allow_path(jail, &paths[i], false, all.fs);
        if (rc == -ELOOP) {
            *left_out = *left_out ? *left_out : paths[i].path;
            rc = 0;
        }
    }
    if (rc == 0 && program >= 0)
        rc = allow(jail, program, JAIL_READ, all.fs);
    if (rc < 0)
        fd_close(&jail);
    else
        *fd = jail;
    return rc;
}

int
jail_enter(int fd)
{
    return syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
}

int
jail_offline(void)
{
    const struct ruleset_attr net = {.net = NET_BIND_TCP | NET_CONNECT_TCP};
    int fd, rc;

    if (jail_version() < 4)
        return 0;
    fd = (int)syscall(SYS_landlock_create_ruleset, &net, sizeof(net), 0);
    if (fd < 0)
        return -errno;
    rc = jail_enter(fd);
    fd_close(&fd);
    return rc;
}
