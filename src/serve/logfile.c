/* Lines of one log, gathered. Floor 5; worker. */
#include "hostel/serve/logfile.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct logfile {
    uv_timer_t timer;
    int fd;
    bool plain;  /* a regular file: write() waits for no reader */
    bool armed;  /* the timer runs */
    bool torn;   /* the last write stopped inside a line */
    bool warned; /* the loss was reported */
    uint64_t dropped;
    size_t n;
    char *text; /* LOGFILE_GATHER_BYTES of room; NULL before the first line */
};

static void
look_at(struct logfile *log, int fd)
{
    struct stat st;

    log->fd = fd;
    log->plain = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

struct logfile *
logfile_new(uv_loop_t *loop, int fd)
{
    struct logfile *log = mem_new(sizeof(*log));

    look_at(log, fd);
    uv_timer_init(loop, &log->timer);
    log->timer.data = log;
    return log;
}

/* ret  bytes written, at most n; 0 = no more just now; -errno */
static ssize_t
write_some(const struct logfile *log, const char *p, size_t n)
{
    ssize_t wrote;

    /*
     * A pipe shares its file description with other processes, so it cannot be made
     * non-blocking here. While it polls writable, PIPE_BUF bytes go in without waiting.
     */
    if (!log->plain) {
        struct pollfd room = {.fd = log->fd, .events = POLLOUT};

        if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT))
            return 0;
        if (n > PIPE_BUF)
            n = PIPE_BUF;
    }
    do
        wrote = write(log->fd, p, n);
    while (wrote < 0 && errno == EINTR);
    return wrote < 0 ? -errno : wrote;
}

static void
lose(struct logfile *log, size_t n, ssize_t error)
{
    log->dropped += n;
    if (log->warned)
        return;
    log->warned = true;
    log_warn("log lines are being lost: %s",
             error < 0 ? strerror((int)-error) : "nobody reads the log, or its disk is full");
}

void
logfile_flush(struct logfile *log)
{
    size_t done = 0;
    ssize_t wrote = 0;

    if (log->torn && log->n > 0 && write_some(log, "\n", 1) == 1)
        log->torn = false;
    while (done < log->n) {
        wrote = write_some(log, log->text + done, log->n - done);
        if (wrote <= 0)
            break;
        done += (size_t)wrote;
    }
    if (done < log->n) {
        lose(log, log->n - done, wrote);
        log->torn = log->torn || (done > 0 && log->text[done - 1] != '\n');
    }
    log->n = 0;
}

void
logfile_reopen(struct logfile *log, int fd)
{
    logfile_flush(log);
    fd_close(&log->fd);
    look_at(log, fd);
    log->torn = log->warned = false;
}

static void
on_timer(uv_timer_t *timer)
{
    struct logfile *log = timer->data;

    log->armed = false;
    logfile_flush(log);
}

void
logfile_add(struct logfile *log, struct span line)
{
    if (line.n > LOGFILE_GATHER_BYTES - log->n)
        logfile_flush(log);
    if (line.n > LOGFILE_GATHER_BYTES) {
        lose(log, line.n, -EMSGSIZE);
        return;
    }
    if (!log->text)
        log->text = mem_raw(LOGFILE_GATHER_BYTES);
    memcpy(log->text + log->n, line.p, line.n);
    log->n += line.n;
    if (!log->armed) {
        log->armed = true;
        uv_timer_start(&log->timer, on_timer, LOGFILE_GATHER_MS, 0);
    }
}

uint64_t
logfile_dropped(const struct logfile *log)
{
    return log->dropped;
}

static void
on_closed(uv_handle_t *handle)
{
    struct logfile *log = handle->data;

    free(log->text);
    free(log);
}

void
logfile_free(struct logfile **log)
{
    if (!*log)
        return;
    logfile_flush(*log);
    fd_close(&(*log)->fd);
    uv_close((uv_handle_t *)&(*log)->timer, on_closed);
    *log = NULL;
}
