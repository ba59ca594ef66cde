/* Reads a configuration file whole. Floor 2; supervisor. */
#include "file.h"

#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const char *
read_all(int fd, size_t size, struct file *f)
{
    char *bytes = mem_new(size + 1);
    size_t n = 0;
    ssize_t got;

    do {
        got = read(fd, bytes + n, size - n);
        if (got > 0)
            n += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0) {
        free(bytes);
        return strerror(errno);
    }
    f->bytes = bytes;
    f->n = n;
    return NULL;
}

const char *
file_read(const char *path, bool strict, struct file *f)
{
    struct stat st;
    const char *why;
    int fd;

    /* non-blocking: opening a FIFO must not hang the server */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &st) < 0)
        why = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        why = "not a regular file";
    else if ((unsigned long long)st.st_size > FILE_BYTES_MAX)
        why = "larger than 64 MiB";
    else if (strict && (st.st_mode & S_IWOTH))
        why = "everybody may write to it: chmod o-w";
    else
        why = read_all(fd, (size_t)st.st_size, f);
    if (!why)
        f->st = st;
    fd_close(&fd);
    return why;
}

void
file_done(struct file *f)
{
    free(f->bytes);
    *f = (struct file){0};
}
