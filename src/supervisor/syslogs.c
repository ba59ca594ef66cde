/* Lines on their way to a syslog daemon. Floor 6, hostel. */
#include "syslogs.h"
#include "hostel/base/date.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define AGAIN_MS 1000

int
syslogs_open(const struct logsyslog *at)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    (void)connect(fd, (const struct sockaddr *)&at->to, sizeof(at->to));
    return fd;
}

static int
send_pieces(int fd, struct span head, struct span line)
{
    struct iovec v[] = {{(void *)(uintptr_t)head.p, head.n},
                        {(void *)(uintptr_t)line.p, line.n}};
    const struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};

    if (sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno == EMSGSIZE)
        return 0; /* too long for this daemon: it would never be shorter */
    return errno == ENOBUFS ? -EAGAIN : -errno;
}

int
syslogs_send(int fd, const struct logsyslog *at, uint64_t *tried_ms, struct span line)
{
    char room[LOGSYSLOG_HEAD_MAX];
    struct buf head = {.data = room, .cap = sizeof(room), .max = sizeof(room)};
    enum log_level level = logsyslog_level(&line);
    uint64_t now = date_mono_ms();
    int rc;

    logsyslog_head(&head, at, level);
    rc = send_pieces(fd, buf_span(&head), line);
    if (rc == 0 || rc == -EAGAIN)
        return rc;
    if (*tried_ms && now - *tried_ms < AGAIN_MS)
        return -ENOTCONN;
    *tried_ms = now;
    if (connect(fd, (const struct sockaddr *)&at->to, sizeof(at->to)) < 0)
        return -errno;
    return send_pieces(fd, buf_span(&head), line);
}

/* --- the server's own ------------------------------------------------------------------- */

static struct {
    bool used;
    int fd;
    struct logsyslog at;
    uint64_t tried_ms;
} own;

bool
syslogs_own(struct span line)
{
    if (!own.used)
        return false;
    if (span_ends(line, SPAN("\n")))
        line.n--;
    (void)syslogs_send(own.fd, &own.at, &own.tried_ms, line); /* or it is lost */
    return true;
}

static void
put_own(struct span line)
{
    (void)syslogs_own(line);
}

void
syslogs_take_own(int fd, const struct logsyslog *at)
{
    own.used = at != NULL;
    if (at) {
        own.fd = fd;
        own.at = *at;
    }
    log_divert(at ? put_own : NULL);
}
