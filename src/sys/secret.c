/* Files that hold certificates and private keys. Floor 1; supervisor. */
#include "hostel/sys/secret.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/sys/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/*
 * What a path leads to, looked at before it is opened: to open a device is to do something
 * to it, and a user's link may lead to any.
 *
 * ret  O_PATH of a regular file; or -errno
 */
static int
find_file(const char *path, uid_t owner, char **why)
{
    char *untrusted = NULL;
    struct stat st;
    int fd = -1;
    bool trusted = trust_file(path, &fd, &untrusted) == 0;

    if (!trusted)
        fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        *why = mem_str(strerror(errno));
    else if (!S_ISREG(st.st_mode))
        *why = mem_str("not a file");
    else if (!trusted && (st.st_uid != owner || owner == 0))
        *why = mem_fmt("%s, and it does not belong to the site's user", untrusted);
    else if (st.st_size > SECRET_BYTES_MAX)
        *why = mem_fmt("more than %d bytes", SECRET_BYTES_MAX);
    free(untrusted);
    if (*why)
        fd_close(&fd);
    return *why ? -EPERM : fd;
}

/* ret  the file, open to read; or -errno */
static int
open_file(const char *path, uid_t owner, char **why)
{
    int found = find_file(path, owner, why), fd;
    char *link;

    if (found < 0)
        return found;
    link = mem_fmt("/proc/self/fd/%d", found);
    fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        *why = mem_str(strerror(errno));
    free(link);
    fd_close(&found);
    return fd < 0 ? -EPERM : fd;
}

/* ret  0 or -errno */
static int
copy(int from, int to)
{
    size_t done = 0;

    for (;;) {
        ssize_t n = sendfile(to, from, NULL, SECRET_BYTES_MAX + 1 - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        done += (size_t)n;
        if (done > SECRET_BYTES_MAX) /* it has grown */
            return -EFBIG;
    }
}

int
secret_read(const char *path, uid_t owner, int *memfd, char **why)
{
    int from, to = -1, rc;

    *why = NULL;
    from = open_file(path, owner, why);
    if (from < 0)
        return from;
    to = memfd_create("hostel-secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    rc = to < 0 ? -errno : copy(from, to);
    if (rc == 0 && fcntl(to, F_ADD_SEALS, SEALS) < 0)
        rc = -errno;
    if (rc == 0)
        *memfd = fd_take(&to);
    else
        *why = mem_str(strerror(-rc));
    fd_close(&from);
    fd_close(&to);
    return rc;
}
