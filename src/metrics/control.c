/* What the supervisor says, and the process's life. Floor 6, hostel-metrics. */
#include "metrics.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/ipc/message.h"

#include <errno.h>

#define QUEUE_MAX (64 * 1024)
#define TICK_MS   1000

static int
on_health(struct metrics *m, struct message *msg)
{
    struct msg_health health;

    if (msg_health_get(&msg->payload, &health) < 0)
        return -EPROTO;
    m->serving = health.serving;
    return 0;
}

static int
on_figures(struct metrics *m, struct message *msg)
{
    struct figures *f = NULL;
    struct page *p;
    int rc;

    if (reader_end(&msg->payload) < 0 || !m->asked || figures_open(msg->fds[0], &f) < 0)
        return -EPROTO;
    p = page_hold(NULL);
    rc = page_write(f, m->serving, &p->text);
    figures_close(&f);
    if (rc < 0) {
        log_error("the page would be too long");
        buf_done(&p->text);
    }
    page_drop(&m->page);
    m->page = p;
    m->page_ms = date_mono_ms();
    m->asked = false;
    visit_page(m);
    return 0;
}

static int
on_message(void *data, struct message *msg)
{
    struct metrics *m = data;

    switch (msg->type) {
    case MSG_METRICS_LISTEN:
        if (reader_end(&msg->payload) < 0)
            return -EPROTO;
        return visit_listen(m, fd_take(&msg->fds[0]));
    case MSG_HEALTH:
        return on_health(m, msg);
    case MSG_FIGURES:
        return on_figures(m, msg);
    default:
        return -EPROTO;
    }
}

static void
on_end(void *data, int reason)
{
    struct metrics *m = data;

    if (reason < 0)
        log_error("the supervisor's channel failed: %s", uv_strerror(reason));
    m->status = reason < 0;
    visit_last(m);
}

static const struct channel_ops ops = {on_message, on_end, NULL};

void
control_ask(struct metrics *m)
{
    if (m->asked)
        return;
    m->asked = true;
    (void)channel_send(&m->control, MSG_FIGURES_WANT, NULL, NULL, 0); /* on_end tells, if not */
}

int
control_open(struct metrics *m, int fd)
{
    struct msg_hello hello = {IPC_VERSION};
    struct buf b;
    struct writer w = {&b, 0};
    int rc = channel_open(&m->control, &m->loop, fd, IPC_METRICS, IPC_SUPERVISOR, QUEUE_MAX,
                          &ops, m);

    if (rc < 0)
        return rc;
    buf_init(&b, IPC_BYTES_MAX);
    msg_hello_put(&w, &hello);
    rc = w.error ? w.error : channel_send(&m->control, MSG_HELLO_METRICS, &b, NULL, 0);
    buf_done(&b);
    channel_phase(&m->control, IPC_SERVING);
    return rc < 0 ? rc : 0;
}

static void
on_tick(uv_timer_t *timer)
{
    visit_expire(timer->data, date_mono_ms());
}

int
metrics_run(int control_fd)
{
    struct metrics *m = mem_new(sizeof(*m));
    int rc = uv_loop_init(&m->loop);

    if (rc < 0)
        return 1;
    TAILQ_INIT(&m->visits);
    uv_timer_init(&m->loop, &m->tick);
    m->tick.data = m;
    uv_timer_start(&m->tick, on_tick, TICK_MS, TICK_MS);
    uv_unref((uv_handle_t *)&m->tick);
    rc = control_open(m, control_fd);
    if (rc < 0)
        return 1;
    uv_run(&m->loop, UV_RUN_DEFAULT);
    /* the process ends here: the kernel takes back what the loop still holds */
    return m->status;
}
