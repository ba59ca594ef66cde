/*
 * The next executable takes over from this one. Floor 6, hostel.
 *
 *   SIGUSR2 ──> started with all that is open ──> it says it is ready ──> this one drains, ends
 *                      │ it ends, or takes too long
 *                      └──> said in the log; nothing has changed
 *
 * Both have the listening sockets and both ends of every user's channel, so there is no moment
 * without an acceptor, and what waits for a user is read by whoever is left.
 */
#include "admin.h"
#include "inherit.h"
#include "metrics.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 60000 /* ten thousand vhosts are read in seconds */

static void
tell(struct supervisor *s, bool ok, const char *message)
{
    struct admin_client *c, *next;

    if (ok)
        log_notice("upgrade: %s", message);
    else
        log_error("upgrade: %s: nothing has changed", message);
    for (c = LIST_FIRST(&s->admin.upgrading); c; c = next) {
        next = LIST_NEXT(c, waiting);
        admin_end(c, ok, "%s", message);
    }
}

/* --- what is handed on ----------------------------------------------------------------------
 */

struct bequest {
    FILE *state;
    int state_fd, tickets_fd;
    int *keep; /* descriptors that stay open, by the numbers they have */
    size_t nkeep, room;
};

static void
keep(struct bequest *b, int fd)
{
    if (b->nkeep == b->room) {
        b->room = 2 * b->room + 16;
        b->keep = mem_grow(b->keep, b->room * sizeof(*b->keep));
    }
    b->keep[b->nkeep++] = fd;
}

static void
keep_named(struct bequest *b, const char *name, int fd)
{
    if (fd < 0)
        return;
    fprintf(b->state, "fd %s %d\n", name, fd);
    keep(b, fd);
}

/* Both ends of every channel; whose sessions go on takes his tickets' keys along. */
static void
write_rooms(struct supervisor *s, struct bequest *b)
{
    int tickets = memfd_create("hostel-tickets", MFD_CLOEXEC);
    uint64_t now_ms = date_mono_ms();
    uint32_t nth = 0;

    for (size_t i = 0; i < s->nrooms; i++) {
        const struct room *r = s->rooms[i];

        if (!r || r->front < 0)
            continue;
        fprintf(b->state, "room %u %u %d %d\n", (unsigned)r->user->ids.uid,
                (unsigned)r->user->ids.gid, r->front, r->back);
        keep(b, r->front);
        keep(b, r->back);
        if (tickets >= 0 && tickets_hand_on(r, tickets, nth, now_ms) < 0)
            fd_close(&tickets); /* whole handshakes, then */
        nth++;
    }
    b->tickets_fd = tickets;
    keep_named(b, "tickets", tickets);
}

/* in  ready  what it says "ready" to */
static int
write_state(struct supervisor *s, struct bequest *b, int ready)
{
    const struct listener *l;

    b->state_fd = memfd_create("hostel-state", MFD_CLOEXEC);
    b->state = b->state_fd < 0 ? NULL : fdopen(dup(b->state_fd), "w");
    if (!b->state)
        return -errno;
    for (unsigned i = 0; i < LISTENERS_MAX; i++)
        keep_named(b, "listen", s->listeners[i].fd);
    LIST_FOREACH(l, &s->own_listeners, link)
    {
        fprintf(b->state, "own %u %u %d\n", (unsigned)l->owner.uid, (unsigned)l->owner.gid,
                l->fd);
        keep(b, l->fd);
    }
    if (s->activated)
        fprintf(b->state, "activated\n");
    for (size_t i = 0; i < s->metrics->sockets.n; i++) {
        fprintf(b->state, "metrics %d %s\n", s->metrics->sockets.at[i].fd,
                s->metrics->sockets.at[i].text);
        keep(b, s->metrics->sockets.at[i].fd);
    }
    keep_named(b, "pid-file", s->pid_fd);
    keep_named(b, "php-dir", s->php_dir_fd);
    keep_named(b, "control", s->admin.fd);
    keep_named(b, "ready", ready);
    fprintf(b->state, "seal %" PRIx64 " %" PRIx64 "\n", s->seal[0], s->seal[1]);
    write_rooms(s, b);
    for (size_t i = 0; i < s->conf->nsites; i++) {
        const struct conf_site *site = &s->conf->sites[i];

        if (strchr(site->file, '\n'))
            continue;
        fprintf(b->state, "site %zu %s\n", site->n, site->file);
        (void)fwrite(site->bytes, 1, site->n, b->state);
    }
    return fflush(b->state) != 0 ? -errno : 0;
}

static void
bequest_done(struct bequest *b)
{
    if (b->state)
        (void)fclose(b->state);
    fd_close(&b->state_fd);
    fd_close(&b->tickets_fd);
    free(b->keep);
}

/* --- the start ------------------------------------------------------------------------------
 */

/* In the child: a copy of everything, which execs at once. No other thread is there. */
static void
become_next(struct supervisor *s, const struct bequest *b, int ready)
{
    char state[64];

    for (size_t i = 0; i < b->nkeep; i++)
        if (fcntl(b->keep[i], F_SETFD, 0) < 0)
            _exit(126);
    (void)snprintf(state, sizeof(state), "%ld %d", (long)getpid(), b->state_fd);
    (void)dprintf(ready, "%ld\n", (long)getpid());
    if (fcntl(b->state_fd, F_SETFD, 0) == 0 && setenv(INHERIT_STATE, state, 1) == 0)
        execl(s->self_path, "hostel", "serve", "--config", s->config, (char *)NULL);
    dprintf(STDERR_FILENO, "hostel: cannot start %s: %s\n", s->self_path, strerror(errno));
    _exit(127);
}

static void
on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void
close_ready(struct supervisor *s)
{
    if (!s->upgrade.poll)
        return;
    uv_poll_stop(s->upgrade.poll);
    uv_close((uv_handle_t *)s->upgrade.poll, on_closed);
    s->upgrade.poll = NULL;
    fd_close(&s->upgrade.ready_fd);
    fd_close(&s->upgrade.pid_fd);
}

/* First its number, when it is born; then a "!", when it serves. */
static void
heed(struct supervisor *s, const char *words, size_t n)
{
    char *message;

    if (s->upgrade.pid == 0) {
        s->upgrade.pid = (pid_t)strtol(words, NULL, 10);
        s->upgrade.pid_fd = s->upgrade.pid > 0 ? pidfd_open(s->upgrade.pid, 0) : -1;
    }
    if (!memchr(words, '!', n))
        return;
    close_ready(s);
    s->upgrade.done = true;
    message = mem_fmt("process %ld has taken over", (long)s->upgrade.pid);
    tell(s, true, message);
    free(message);
    supervisor_hand_over(s);
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
    struct supervisor *s = poll->data;
    char words[64] = "";
    ssize_t n = read(s->upgrade.ready_fd, words, sizeof(words) - 1);

    (void)status;
    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        heed(s, words, (size_t)n);
        return;
    }
    close_ready(s);
    tell(s, false, "the new server ended before it was ready; its words are on stderr");
}

/*
 * It shall be nobody's child here: whoever serves next must not be taken for an orphan of a
 * pool by those before. So its parent ends at once, at a moment when we are no subreaper.
 */
static int
start(struct supervisor *s, int ready)
{
    struct bequest b = {.state_fd = -1, .tickets_fd = -1};
    int rc = write_state(s, &b, ready);
    pid_t between;

    if (rc == 0) {
        (void)prctl(PR_SET_CHILD_SUBREAPER, 0);
        between = fork();
        if (between == 0) {
            if (fork() == 0)
                become_next(s, &b, ready);
            _exit(0);
        }
        if (between < 0)
            rc = -errno;
        else
            (void)waitpid(between, NULL, 0); /* it only forks */
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    }
    bequest_done(&b);
    return rc;
}

void
upgrade_start(struct supervisor *s)
{
    int ready[2], rc;

    if (!s->config || s->stop != STOP_NOT || !s->announced || s->upgrade.poll ||
        s->reload.running) {
        tell(s, false,
             !s->config            ? "there is no configuration file"
             : s->upgrade.poll     ? "one is on its way already"
             : s->reload.running   ? "a reload is on its way"
             : s->stop != STOP_NOT ? "the server is stopping"
                                   : "the server is starting");
        return;
    }
    listeners_settle(s, true);
    log_notice("upgrade: starting %s", s->self_path);
    if (pipe2(ready, O_CLOEXEC | O_NONBLOCK) < 0) {
        tell(s, false, strerror(errno));
        return;
    }
    s->upgrade.pid = 0;
    rc = start(s, ready[1]);
    fd_close(&ready[1]);
    s->upgrade.ready_fd = ready[0];
    s->upgrade.poll = mem_new(sizeof(*s->upgrade.poll));
    if (rc == 0)
        rc = uv_poll_init(&s->loop, s->upgrade.poll, ready[0]);
    if (rc < 0) {
        free(s->upgrade.poll);
        s->upgrade.poll = NULL;
        fd_close(&s->upgrade.ready_fd);
        tell(s, false, uv_strerror(rc));
        return;
    }
    s->upgrade.poll->data = s;
    s->upgrade.late_ms = date_mono_ms() + READY_MS;
    uv_poll_start(s->upgrade.poll, UV_READABLE, on_ready);
}

void
upgrade_cancel(struct supervisor *s)
{
    if (!s->upgrade.poll)
        return;
    if (s->upgrade.pid_fd >= 0)
        (void)pidfd_send_signal(s->upgrade.pid_fd, SIGTERM, NULL, 0);
    close_ready(s);
    tell(s, false, "the server is stopping");
}

void
upgrade_sweep(struct supervisor *s, uint64_t now_ms)
{
    if (!s->upgrade.poll || s->upgrade.done || now_ms < s->upgrade.late_ms)
        return;
    log_error("upgrade: the new server is not ready after %d s and is ended", READY_MS / 1000);
    if (s->upgrade.pid_fd >= 0)
        (void)pidfd_send_signal(s->upgrade.pid_fd, SIGKILL, NULL, 0);
    s->upgrade.late_ms = now_ms + READY_MS;
}
