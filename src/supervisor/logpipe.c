/*
 * What a child says on its stderr: read in bounded amounts, written line by line with every
 * control character escaped. A child that floods is read at LOGPIPE_RATE bytes a second; its
 * own writes wait meanwhile. Floor 6, hostel.
 */
#include "supervisor.h"
#include "syslogs.h"
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
    int fd, log_fd;            /* log_fd: of the server's own log; lent */
    struct log_target *target; /* held; NULL: the server's own */
    uint64_t tried_ms;
    char *prefix;
    char line[LOGPIPE_LINE];
    size_t have;
    bool cutting;       /* the rest of an overlong line is skipped */
    uint64_t second_ms; /* start of the second that spent belongs to */
    size_t spent;
};

/* A child's own lines are the server's; others have a target that may be a daemon. */
static void
put_line(struct logpipe *p, struct span line)
{
    if (p->target && p->target->syslog)
        (void)syslogs_send(p->target->fd, p->target->syslog, &p->tried_ms,
                           span_of(line.p, line.n - 1));
    else if (p->target)
        log_put(p->target->fd, line);
    else if (!syslogs_own(line))
        log_put(p->log_fd, line);
}

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
    put_line(p, buf_span(&out));
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
logpipe_redirect(struct logpipe *p, struct log_target *target)
{
    if (p->target)
        log_target_drop(&p->target);
    p->target = target ? log_target_hold(target) : NULL;
}

struct logpipe *
logpipe_new(uv_loop_t *loop, int fd, int log_fd, struct log_target *target, const char *prefix)
{
    struct logpipe *p = mem_new(sizeof(*p));

    p->fd = fd;
    p->log_fd = log_fd;
    logpipe_redirect(p, target);
    p->prefix = mem_str(prefix);
    if (uv_poll_init(loop, &p->poll, fd) < 0) {
        logpipe_redirect(p, NULL);
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
    logpipe_redirect(p, NULL);
    uv_poll_stop(&p->poll);
    fd_close(&p->fd);
    uv_close((uv_handle_t *)&p->poll, on_closed);
    uv_close((uv_handle_t *)&p->timer, on_closed);
}
