/* Bytes that wait, in memory and in an unlinked file. Floor 5; worker. */
#include "spool.h"
#include "hostel/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void
spool_init(struct spool *s, size_t memory_max, uint64_t file_max, const char *const *dirs)
{
    *s = (struct spool){.memory_max = memory_max, .file_max = file_max, .fd = -1, .dirs = dirs};
    buf_init(&s->memory, memory_max + SPOOL_PIECE_MAX);
}

void
spool_done(struct spool *s)
{
    buf_done(&s->memory);
    fd_close(&s->fd);
    s->put = s->got = 0;
}

/* O_EXCL: nobody can give the file a name later, it goes with its last descriptor. */
static int
open_file(const char *const *dirs)
{
    int error = -ENOENT;

    for (; dirs && *dirs; dirs++) {
        int fd = open(*dirs, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

        if (fd >= 0)
            return fd;
        error = -errno;
    }
    return error;
}

/* ret  0, or -errno; what was written before is counted in s->put either way */
static int
write_file(struct spool *s, struct span bytes, size_t *done)
{
    *done = 0;
    while (*done < bytes.n) {
        ssize_t n = write(s->fd, bytes.p + *done, bytes.n - *done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        *done += (size_t)n;
        s->put += (uint64_t)n;
    }
    return 0;
}

/* Everything in the file was read: begin it anew, old bytes are written over. */
static void
rewind_file(struct spool *s)
{
    if (s->fd < 0 || s->got < s->put || s->put == 0)
        return;
    if (lseek(s->fd, 0, SEEK_SET) < 0)
        return;
    s->put = s->got = 0;
    s->error = 0; /* a disk that was full may have room again */
}

/* Move what is in memory into the file. What does not go stays; s->error says why. */
static void
spill(struct spool *s)
{
    struct span bytes = buf_span(&s->memory);
    size_t done;

    rewind_file(s);
    if (s->error)
        return;
    if (bytes.n > s->file_max || s->put > s->file_max - bytes.n) {
        s->error = -EFBIG;
        return;
    }
    if (s->fd < 0) {
        int fd = open_file(s->dirs);

        if (fd < 0) {
            s->error = fd;
            return;
        }
        s->fd = fd;
    }
    s->error = write_file(s, bytes, &done);
    buf_consume(&s->memory, done);
}

int
spool_add(struct spool *s, struct span bytes)
{
    while (bytes.n > SPOOL_PIECE_MAX) {
        int rc = spool_add(s, span_of(bytes.p, SPOOL_PIECE_MAX));

        if (rc < 0)
            return rc;
        bytes = span_skip(bytes, SPOOL_PIECE_MAX);
    }
    if (buf_add_span(&s->memory, bytes) < 0)
        return -ENOBUFS;
    if (s->memory.len > s->memory_max)
        spill(s);
    return 0;
}

bool
spool_full(const struct spool *s)
{
    return s->memory.len > s->memory_max;
}

static ssize_t
take_file(struct spool *s, void *p, size_t n)
{
    ssize_t got;

    if (n > s->put - s->got)
        n = (size_t)(s->put - s->got);
    do
        got = pread(s->fd, p, n, (off_t)s->got);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got < 0 ? -errno : -EIO;
    s->got += (uint64_t)got;
    return got;
}

ssize_t
spool_take(struct spool *s, void *p, size_t n)
{
    ssize_t got;

    if (n == 0)
        return 0;
    if (s->got < s->put) {
        got = take_file(s, p, n);
        rewind_file(s);
        return got;
    }
    if (n > s->memory.len)
        n = s->memory.len;
    if (n) {
        memcpy(p, buf_span(&s->memory).p, n);
        buf_consume(&s->memory, n);
    }
    return (ssize_t)n;
}
