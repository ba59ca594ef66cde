/* Files, sockets and directories of others; tricks with links and with a log's descriptor. */
#include "attack.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

static int
try_read(char **a)
{
    int fd = open(a[0], O_RDONLY | O_CLOEXEC);

    return result(fd);
}

/* The door whose flags a filter cannot see. */
static int
try_openat2(char **a)
{
    struct open_how how = {.flags = O_RDWR | O_CLOEXEC};

    return result(syscall(SYS_openat2, AT_FDCWD, a[0], &how, sizeof(how)));
}

static int
try_write(char **a)
{
    return result(open(a[0], O_WRONLY | O_APPEND | O_CLOEXEC));
}

static int
try_list(char **a)
{
    DIR *d = opendir(a[0]);

    return d ? 0 : -errno;
}

static int
try_stat(char **a)
{
    struct stat st;

    return result(stat(a[0], &st));
}

static int
try_create(char **a)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s/attack", a[0]);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    unlink(path);
    return 0;
}

static int
try_symlink(char **a)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/attack", a[0]);
    if (symlink("/etc/passwd", path) < 0)
        return -errno;
    unlink(path);
    return 0;
}

/* A hard link to another's file in a place of one's own. */
static int
try_hardlink(char **a)
{
    if (link(a[0], a[1]) < 0)
        return -errno;
    unlink(a[1]);
    return 0;
}

static int
try_rename(char **a)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s.attack", a[0]);
    if (rename(a[0], path) < 0)
        return -errno;
    rename(path, a[0]);
    return 0;
}

static int
try_remove(char **a)
{
    return result(unlink(a[0]));
}

static int
try_chmod(char **a)
{
    struct stat st;

    if (stat(a[0], &st) < 0)
        return -errno;
    return result(chmod(a[0], st.st_mode & 07777));
}

static int
try_chown(char **a)
{
    return result(chown(a[0], getuid(), getgid()));
}

static int
try_connect(char **a)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    snprintf(un.sun_path, sizeof(un.sun_path), "%s", a[0]);
    return result(connect(fd, (struct sockaddr *)&un, sizeof(un)));
}

/* What can be done to a log whose append-only descriptor one was given: descriptor 2. */
static int
try_log_truncate(char **a)
{
    (void)a;
    return result(ftruncate(2, 0));
}

static int
try_log_overwrite(char **a)
{
    int flags = fcntl(2, F_GETFL);

    (void)a;
    return result(fcntl(2, F_SETFL, flags & ~O_APPEND));
}

static int
try_log_punch(char **a)
{
    (void)a;
    return result(fallocate(2, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
}

static int
try_log_read(char **a)
{
    char byte;

    (void)a;
    return result(pread(2, &byte, 1, 0));
}

static int
try_log_chmod(char **a)
{
    struct stat st;

    (void)a;
    if (fstat(2, &st) < 0)
        return -errno;
    return result(fchmod(2, st.st_mode & 07777));
}

/* Up and out of the root directory. */
static int
try_climb(char **a)
{
    struct stat st;

    (void)a;
    for (int i = 0; i < 64; i++)
        if (chdir("..") < 0)
            return -errno;
    return result(stat("etc/passwd", &st));
}

static const struct attack attacks[] = {
    {"read", try_read, 1},
    {"openat2", try_openat2, 1},
    {"write", try_write, 1},
    {"list", try_list, 1},
    {"stat", try_stat, 1},
    {"create", try_create, 1},
    {"symlink", try_symlink, 1},
    {"hardlink", try_hardlink, 2},
    {"rename", try_rename, 1},
    {"remove", try_remove, 1},
    {"chmod", try_chmod, 1},
    {"chown", try_chown, 1},
    {"connect", try_connect, 1},
    {"log-truncate", try_log_truncate, 0},
    {"log-overwrite", try_log_overwrite, 0},
    {"log-punch", try_log_punch, 0},
    {"log-read", try_log_read, 0},
    {"log-chmod", try_log_chmod, 0},
    {"climb", try_climb, 0},
};

ATTACK_MAIN(attacks)
