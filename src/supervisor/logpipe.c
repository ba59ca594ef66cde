/*
 * What a child says on its stderr: read in bounded amounts, written line by line with every
 * control character escaped. A child that floods is read at LOGPIPE_RATE bytes a second; its
 * own writes wait meanwhile. Floor 6, hostel.
 */
#include "supervisor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOGPIPE_LINE 1024        /* bytes of one line before escaping; more is cut */
#define LOGPIPE_RATE (64 * 1024) /* bytes a second */
#define LINE_COST    64 /* a line's own share of them: it is one write, however short */

struct logpipe {
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned handles;
    int fd, log_fd;
    bool own_log; /* log_fd is a copy of ours */
    char *prefix;
    char line[LOGPIPE_LINE];
    size_t have;
    bool cutting;       /* the rest of an overlong line is skipped */
    uint64_t second_ms; /* start of the second that spent belongs to */
    size_t spent;
};

static void
write_line(struct logpipe *p)
{
    struct span text = {p->line, p->have};
    struct buf out;

    buf_init(&out, LOGPIPE_LINE * 4 + 256);
    if (p->prefix) {
        time_t now = time(NULL);
        char stamp[32];
        struct tm tm;

        gmtime_r(&now, &tm);
        strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
        (void)buf_addf(&out, "%s %s: ", stamp, p->prefix);
    }
    /* quotes may stay: this is no quoted field */
    while (text.n) {
        size_t run = span_find(text, '"');

        log_escape(&out, (struct span){text.p, run});
        text = span_skip(text, run);
        if (text.n) {
            (void)buf_add(&out, "\"", 1);
            text = span_skip(text, 1);
        }
    }
    (void)buf_add(&out, "\n", 1);
    log_put(p->log_fd, buf_span(&out));
    buf_done(&out);
    p->have = 0;
    p->spent += LINE_COST;
}

static void
take(struct logpipe *p, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\n') {
            if (p->have)
                write_line(p);
            p->cutting = false;
        } else if (p->cutting) {
            continue;
        } else if (p->have == LOGPIPE_LINE) {
            write_line(p);
            p->cutting = true;
        } else {
            p->line[p->have++] = s.p[i];
        }
    }
}

/* ret  false at the end of the pipe */
static bool
drain(struct logpipe *p)
{
    char bytes[1024];

    while (p->spent < LOGPIPE_RATE) {
        ssize_t n = read(p->fd, bytes, sizeof(bytes));

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (n < 0)
            return true;
        p->spent += (size_t)n;
        take(p, span_of(bytes, (size_t)n));
    }
    return true;
}

static void on_bytes(uv_poll_t *poll, int status, int events);

static void
on_next_second(uv_timer_t *timer)
{
    struct logpipe *p = timer->data;

    uv_poll_start(&p->poll, UV_READABLE, on_bytes);
}

static void
on_bytes(uv_poll_t *poll, int status, int events)
{
    struct logpipe *p = poll->data;
    uint64_t now = date_mono_ms();

    (void)events;
    if (now - p->second_ms >= 1000) {
        p->second_ms = now;
        p->spent = 0;
    }
    if (p->spent >= LOGPIPE_RATE) {
        uv_poll_stop(&p->poll);
        uv_timer_start(&p->timer, on_next_second, 1000, 0);
        return;
    }
    if (status < 0 || !drain(p))
        uv_poll_stop(&p->poll); /* freed when the child is reaped */
}

void
logpipe_redirect(struct logpipe *p, int log_fd)
{
    int copy = log_fd < 0 ? -1 : fcntl(log_fd, F_DUPFD_CLOEXEC, 3);

    if (copy < 0)
        return;
    if (p->own_log)
        fd_close(&p->log_fd);
    p->own_log = true;
    p->log_fd = copy;
}

struct logpipe *
logpipe_new(uv_loop_t *loop, int fd, int log_fd, const char *prefix)
{
    struct logpipe *p = mem_new(sizeof(*p));

    p->fd = fd;
    p->log_fd = log_fd;
    logpipe_redirect(p, prefix ? log_fd : -1);
    p->prefix = mem_str(prefix);
    if (uv_poll_init(loop, &p->poll, fd) < 0) {
        fd_close(&p->fd);
        free(p->prefix);
        free(p);
        return NULL;
    }
    uv_timer_init(loop, &p->timer);
    p->handles = 2;
    p->poll.data = p->timer.data = p;
    uv_poll_start(&p->poll, UV_READABLE, on_bytes);
    return p;
}

static void
on_closed(uv_handle_t *handle)
{
    struct logpipe *p = handle->data;

    if (--p->handles)
        return;
    free(p->prefix);
    free(p);
}

void
logpipe_free(struct logpipe **pp)
{
    struct logpipe *p = *pp;

    *pp = NULL;
    if (!p)
        return;
    p->spent = 0;
    (void)drain(p); /* its last words */
    if (p->have)
        write_line(p);
    if (p->own_log)
        fd_close(&p->log_fd);
    uv_poll_stop(&p->poll);
    fd_close(&p->fd);
    uv_close((uv_handle_t *)&p->poll, on_closed);
    uv_close((uv_handle_t *)&p->timer, on_closed);
}
