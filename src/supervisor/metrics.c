/* hostel-metrics: its start, its end, what it asks for. Floor 6, hostel. */
#include "metrics.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX      (256 * 1024)
#define UNREAD_MAX     4096 /* half a dozen words: a snapshot that it does not take is memory */
#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS  5000
#define END_MS         1000
#define UNWELL_MS      2000

/* --- what it is told ------------------------------------------------------------------------
 */

/* An acceptor that is started anew is no reason to send visitors elsewhere; none for long is.
 */
static bool
is_serving(struct supervisor *s)
{
    struct metrics *m = s->metrics;
    uint64_t now_ms = date_mono_ms();

    if (s->stop != STOP_NOT || !s->announced)
        return false;
    for (uint32_t i = 0; i < s->nacceptors; i++)
        if (s->acceptors[i].ready)
            m->served_ms = now_ms;
    return now_ms - m->served_ms < UNWELL_MS;
}

static int
send_health(struct metrics *m)
{
    struct msg_health health = {is_serving(m->child.s)};
    struct buf b;
    struct writer w = {&b, 0};
    int rc;

    buf_init(&b, IPC_BYTES_MAX);
    msg_health_put(&w, &health);
    rc = w.error ? w.error : channel_send(m->control, MSG_HEALTH, &b, NULL, 0);
    buf_done(&b);
    m->told_serving = health.serving;
    return rc < 0 ? rc : 0;
}

static int
send_sockets(struct metrics *m)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < m->sockets.n; i++) {
        int copy = fcntl(m->sockets.at[i].fd, F_DUPFD_CLOEXEC, 3);

        if (copy < 0)
            return -errno;
        rc = channel_send(m->control, MSG_METRICS_LISTEN, NULL, &copy, 1);
        fd_close(&copy);
        rc = rc < 0 ? rc : 0;
    }
    return rc;
}

static int
on_hello(struct metrics *m, struct message *msg)
{
    struct msg_hello hello;
    int rc;

    if (msg_hello_get(&msg->payload, &hello) < 0 || m->greeted)
        return -EPROTO;
    if (hello.version != IPC_VERSION) {
        log_error("hostel-metrics is of another build than hostel: install them together");
        return -EPROTO;
    }
    m->greeted = true;
    channel_phase(m->control, IPC_SERVING);
    rc = send_health(m);
    return rc < 0 ? rc : send_sockets(m);
}

static int
on_message(void *data, struct message *msg)
{
    struct metrics *m = data;

    switch (msg->type) {
    case MSG_HELLO_METRICS:
        return on_hello(m, msg);
    case MSG_FIGURES_WANT:
        if (reader_end(&msg->payload) < 0 || channel_unread(m->control) > UNREAD_MAX)
            return -EPROTO;
        figures_wanted(m->child.s);
        return 0;
    default:
        return -EPROTO;
    }
}

/* --- its start and its end ------------------------------------------------------------------
 */

static void
on_end(void *data, int reason)
{
    struct metrics *m = data;

    child_signal(&m->child, SIGKILL); /* without its channel it is of no use */
    control_ended(&m->control, &m->child, reason);
}

static const struct channel_ops ops = {on_message, on_end, NULL};

static void
on_exit_of(struct child *c, bool clean)
{
    struct metrics *m = c->owner;
    uint64_t now = date_mono_ms(), wait = RETRY_FIRST_MS;

    (void)clean;
    control_drop(&m->control);
    m->greeted = false;
    m->end_ms = 0;
    m->crashes = now - c->since_ms > START_TIMEOUT_MS ? 1 : m->crashes + 1;
    for (unsigned i = 1; i < m->crashes && wait < RETRY_LAST_MS; i++)
        wait *= 2;
    m->retry_ms = now + (m->crashes == 1 ? 0 : wait);
    if (m->crashes == 1)
        metrics_sweep(c->s, now);
}

static int
start(struct supervisor *s)
{
    const struct control_end end = {
        .program = "hostel-metrics", .role = IPC_METRICS, .queued_max = QUEUE_MAX, .ops = &ops};
    struct spawn_spec spec;
    int exe = helper_open("hostel-metrics"), rc;

    if (exe < 0) {
        log_error("cannot find hostel-metrics: %s", uv_strerror(exe));
        return exe;
    }
    spec_metrics(&spec, s->conf, &s->acceptor_ids, s->empty_dir);
    spec.exec_fd = exe;
    spec.nfds = 4;
    rc = control_start(&s->metrics->control, &s->metrics->child, &spec, &end);
    fd_close(&exe);
    return rc;
}

void
metrics_sweep(struct supervisor *s, uint64_t now_ms)
{
    struct metrics *m = s->metrics;

    if (m->control && m->greeted && m->told_serving != is_serving(s) && send_health(m) < 0)
        child_signal(&m->child, SIGKILL);
    if (m->child.pid && m->end_ms && now_ms >= m->end_ms)
        child_signal(&m->child, SIGKILL);
    if (m->child.pid && !m->greeted && child_age_ms(&m->child, now_ms) > START_TIMEOUT_MS)
        child_signal(&m->child, SIGKILL);
    /* who comes before we serve waits; in an upgrade the server before answers him */
    if (!child_is_gone(&m->child) || m->sockets.n == 0 || !s->announced ||
        s->stop != STOP_NOT || now_ms < m->retry_ms)
        return;
    if (start(s) < 0)
        m->retry_ms = now_ms + RETRY_LAST_MS;
}

/* A child without its channel leaves. */
static void
end(struct metrics *m)
{
    if (!m->child.pid)
        return;
    control_drop(&m->control);
    m->crashes = 0;
    m->end_ms = date_mono_ms() + END_MS;
}

static bool
same(const struct metrics_sockets *a, const struct metrics_sockets *b)
{
    bool same = a->n == b->n;

    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->at[i].text, b->at[i].text) == 0;
    return same;
}

/* Names that are in no set any more. */
static void
remove_gone(const struct metrics_sockets *before, const struct metrics_sockets *now)
{
    for (size_t i = 0; i < before->n; i++) {
        struct metrics_sockets one = {.at[0] = before->at[i], .n = 1};
        bool stays = false;

        for (size_t k = 0; k < now->n; k++)
            stays = stays || strcmp(before->at[i].text, now->at[k].text) == 0;
        if (!stays)
            metrics_sockets_remove(&one);
    }
}

void
metrics_use(struct supervisor *s, struct metrics_sockets *next)
{
    struct metrics *m = s->metrics;
    bool changes = !same(&m->sockets, next);

    if (changes)
        remove_gone(&m->sockets, next);
    metrics_sockets_close(&m->sockets);
    m->sockets = *next;
    *next = (struct metrics_sockets){0};
    if (changes)
        end(m); /* the next one takes what waits there */
    metrics_sweep(s, date_mono_ms());
}

void
metrics_stop(struct supervisor *s)
{
    struct metrics *m = s->metrics;

    figures_drop(s);
    end(m);
}

void
metrics_init(struct supervisor *s)
{
    s->metrics = mem_new(sizeof(*s->metrics));
    s->metrics->child = (struct child){
        .s = s, .owner = s->metrics, .on_exit = on_exit_of, .label = "hostel-metrics"};
}
