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
 * O_NONBLOCK: a pipe in its place must not hold us up.
 *
 * ret  a regular file, open to read; or -errno
 */
static int
open_file(const char *path, uid_t owner, char **why)
{
    struct stat st;
    char *untrusted;
    int trusted = -1, fd;

    if (trust_file(path, &trusted, &untrusted) == 0) {
        char *link = mem_fmt("/proc/self/fd/%d", trusted);

        fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        free(link);
    } else {
        fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    if (fd < 0 || fstat(fd, &st) < 0) {
        int error = -errno;

        *why = mem_str(strerror(errno));
        free(untrusted);
        fd_close(&trusted);
        fd_close(&fd);
        return error;
    }
    if (!S_ISREG(st.st_mode))
        *why = mem_str("not a file");
    else if (trusted < 0 && (st.st_uid != owner || owner == 0))
        *why = mem_fmt("%s, and it does not belong to the site's user", untrusted);
    else if (st.st_size > SECRET_BYTES_MAX)
        *why = mem_fmt("more than %d bytes", SECRET_BYTES_MAX);
    free(untrusted);
    fd_close(&trusted);
    if (*why)
        fd_close(&fd);
    return *why ? -EPERM : fd;
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
