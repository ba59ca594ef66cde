/*
 * The parent's side of a spawn: fork, then wait on the loop for one of these, never blocking.
 *
 *   status socket   child_note   it failed; or it execs; or it execs and its filter asks
 *   listener        one request  the exec: let through once, then the listener is closed
 *   status socket   end of file  exec took the socket away, or the child died
 *   deadline                     something stopped it: it is killed
 *
 * The child is in its user's hands from the switch of ids on: his processes may stop or kill
 * it at any moment. So every wait is on the loop, and every end goes through finish().
 * Floor 1; supervisor.
 */
#include "hostel/sys/spawn.h"
#include "cage.h"
#include "child.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 10000 /* fork to exec takes a few; a stopped child takes for ever */

struct spawn {
    uv_poll_t status, listener;
    uv_timer_t deadline;
    unsigned handles; /* open; the last one to close frees */
    int status_fd, listener_fd;
    int pid_fd; /* a number may be another process by the time of a kill; this is not */
    pid_t pid;
    bool execs; /* nothing is between the child and its exec any more */
    bool over;
    spawn_done_fn *done;
    void *data;
};

int
spawn_prepare(void)
{
    return cage_prepare();
}

/* --- the end ------------------------------------------------------------------------------ */

static void
on_closed(uv_handle_t *handle)
{
    struct spawn *s = handle->data;

    if (--s->handles == 0)
        free(s);
}

static void
close_listener(struct spawn *s)
{
    if (s->listener_fd < 0)
        return;
    uv_close((uv_handle_t *)&s->listener, on_closed);
    fd_close(&s->listener_fd);
}

/* Everything is given back; then the caller is told, once. */
static void
finish(struct spawn *s, const char *step, int error)
{
    struct spawn_error e = {step, error};

    if (s->over)
        return;
    s->over = true;
    if (error)
        pidfd_send_signal(s->pid_fd, SIGKILL, NULL, 0); /* mostly it is gone already */
    close_listener(s);
    uv_close((uv_handle_t *)&s->status, on_closed);
    uv_close((uv_handle_t *)&s->deadline, on_closed);
    fd_close(&s->status_fd);
    fd_close(&s->pid_fd);
    s->done(s->data, s->pid, error ? &e : NULL);
}

static void
on_deadline(uv_timer_t *timer)
{
    finish(timer->data, "still not running after 10 s", -ETIMEDOUT);
}

/* --- the one exec --------------------------------------------------------------------------
 */

/*
 * Take the request and let it through. A stop signal may interrupt the child in between: its
 * request is void then, and it will ask again.
 *
 * ret  0 let through; -EAGAIN nothing to let through now; or -errno
 */
static int
let_through(int listener, pid_t child)
{
    struct pollfd p = {.fd = listener, .events = POLLIN};
    struct seccomp_notif request = {0};
    struct seccomp_notif_resp answer = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

    /* only with a request waiting does the next call not block: a hang-up is not one */
    if (poll(&p, 1, 0) < 1 || !(p.revents & POLLIN))
        return p.revents & (POLLHUP | POLLERR) ? -ESRCH : -EAGAIN;
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
        return errno == ENOENT || errno == EINTR ? -EAGAIN : -errno;
    if (request.pid != (uint32_t)child)
        return -EPERM;
    answer.id = request.id;
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0)
        return errno == ENOENT || errno == EINTR ? -EAGAIN : -errno;
    return 0;
}

static void
on_listener(uv_poll_t *poll, int status, int events)
{
    struct spawn *s = poll->data;
    int rc;

    (void)events;
    rc = status < 0 ? status : let_through(s->listener_fd, s->pid);
    if (rc == -EAGAIN)
        return;
    if (rc == -ESRCH) { /* nobody is behind it: the status socket tells the rest */
        close_listener(s);
        return;
    }
    if (rc < 0) {
        finish(s, "let exec through", rc);
        return;
    }
    s->execs = true;
    close_listener(s); /* whoever asks again hears ENOSYS, for ever */
}

static int
watch_listener(struct spawn *s, int fd)
{
    int rc = uv_poll_init(s->status.loop, &s->listener, fd);

    if (rc < 0) {
        fd_close(&fd);
        return rc;
    }
    s->handles++;
    s->listener.data = s;
    s->listener_fd = fd;
    return uv_poll_start(&s->listener, UV_READABLE, on_listener);
}

/* --- what the child says --------------------------------------------------------------------
 */

/*
 * ret  bytes of the note, 0 at the end of file, or -errno
 */
static ssize_t
receive_note(int status_fd, struct child_note *note, int *fd)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {note, sizeof(*note)};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(status_fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *cmsg;

    if (n < 0)
        return -errno;
    cmsg = CMSG_FIRSTHDR(&h);
    if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS &&
        cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
    return n;
}

static void
heed(struct spawn *s, struct child_note *note, int *fd)
{
    int rc;

    switch (note->word) {
    case CHILD_FAILED:
        note->step[sizeof(note->step) - 1] = '\0';
        finish(s, note->step, note->error < 0 ? note->error : -EPROTO);
        return;
    case CHILD_EXECS:
        s->execs = true;
        return;
    case CHILD_EXECS_ASKING:
        if (*fd < 0 || s->listener_fd >= 0 || s->execs)
            break;
        rc = watch_listener(s, fd_take(fd));
        if (rc < 0)
            finish(s, "watch the filter's listener", rc);
        return;
    default:
        break;
    }
    finish(s, "status socket", -EPROTO);
}

static void
on_status(uv_poll_t *poll, int status, int events)
{
    struct spawn *s = poll->data;
    struct child_note note;
    int fd = -1;
    ssize_t n;

    (void)events;
    n = status < 0 ? status : receive_note(s->status_fd, &note, &fd);
    if (n == -EAGAIN || n == -EINTR)
        return;
    if (n == 0 || n == -ECONNRESET) {
        if (s->execs)
            finish(s, NULL, 0);
        else
            finish(s, "ended before exec", -ESRCH);
    } else if (n != (ssize_t)sizeof(note)) {
        finish(s, "status socket", n < 0 ? (int)n : -EPROTO);
    } else {
        heed(s, &note, &fd);
    }
    fd_close(&fd);
}

/* --- the start ------------------------------------------------------------------------------
 */

/* The handlers of our loop must never run in the child: they would write to our pipe. */
static pid_t
fork_quiet(const struct spawn_spec *spec, int status[static 2])
{
    sigset_t all, before;
    pid_t parent = getpid();
    pid_t pid;
    int error;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0)
        child_run(spec, status[1], parent);
    error = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid < 0 ? -error : pid;
}

static int
check_spec(const struct spawn_spec *spec)
{
    if (spec->nfds > SPAWN_FDS_MAX || !cage_filter(spec->cage) ||
        (spec->exec_fd < 0 && !spec->path))
        return -EINVAL;
    if (!spec->ids) /* only who is not root may stay who he is */
        return geteuid() == 0 || getuid() == 0 ? -EPERM : 0;
    return ids_check(spec->ids, spec->min_uid);
}

static int
watch_status(struct spawn *s, uv_loop_t *loop)
{
    int rc = uv_poll_init(loop, &s->status, s->status_fd);

    if (rc < 0)
        return rc;
    uv_timer_init(loop, &s->deadline);
    s->handles = 2;
    s->status.data = s;
    s->deadline.data = s;
    uv_poll_start(&s->status, UV_READABLE, on_status);
    uv_timer_start(&s->deadline, on_deadline, DEADLINE_MS, 0);
    return 0;
}

/*
 * What cannot be watched must not live. It was born a moment ago and still runs our own code,
 * so waiting for its end is short.
 */
static int
give_up(struct spawn *s, int error)
{
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    fd_close(&s->pid_fd);
    fd_close(&s->status_fd);
    free(s);
    return error;
}

int
spawn_start(uv_loop_t *loop, const struct spawn_spec *spec, spawn_done_fn *done, void *data,
            pid_t *pid)
{
    struct spawn *s;
    int status[2];
    int rc = check_spec(spec);

    if (rc < 0)
        return rc;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, status) < 0)
        return -errno;
    s = mem_new(sizeof(*s));
    s->listener_fd = -1;
    s->pid_fd = -1;
    s->done = done;
    s->data = data;
    s->status_fd = status[0];
    s->pid = fork_quiet(spec, status);
    fd_close(&status[1]);
    if (s->pid < 0)
        return give_up(s, s->pid);
    s->pid_fd = pidfd_open(s->pid, 0);
    rc = s->pid_fd < 0 ? -errno : watch_status(s, loop);
    if (rc < 0)
        return give_up(s, rc);
    *pid = s->pid;
    return 0;
}
