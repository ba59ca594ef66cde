/* The acceptor's life: start, the tick, stop. Floor 6, hostel-acceptor. */
#include "acceptor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#define TICK_MS 100 /* how late a deadline may be noticed */

static bool
nothing_waits(const struct acceptor *a)
{
    return a->nwaiting == 0 && a->nlingering == 0 && handover_idle(a);
}

static void
on_tick(uv_timer_t *timer)
{
    struct acceptor *a = timer->data;
    uint64_t now = date_mono_ms();

    accept_wake(a);
    look_expire(a, now);
    handover_expire(a, now);
    refuse_expire(a, now);
    if (a->stop_ms && (nothing_waits(a) || now >= a->stop_ms)) {
        uv_stop(&a->loop);
        return;
    }
    if (!a->stop_ms && nothing_waits(a)) {
        a->ticking = false;
        uv_timer_stop(&a->tick);
    }
}

void
acceptor_tick_start(struct acceptor *a)
{
    if (a->ticking)
        return;
    a->ticking = true;
    uv_timer_start(&a->tick, on_tick, TICK_MS, TICK_MS);
}

static void
on_check(uv_check_t *check)
{
    handover_flush(check->data);
}

int
acceptor_run(int control_fd)
{
    struct acceptor *a = mem_new(sizeof(*a));
    int rc = uv_loop_init(&a->loop);

    if (rc < 0)
        return rc;
    TAILQ_INIT(&a->waiting);
    TAILQ_INIT(&a->lingering);
    LIST_INIT(&a->busy);
    STAILQ_INIT(&a->dirty);
    STAILQ_INIT(&a->spare);
    rc = tally_init(&a->addrs);
    if (rc == 0)
        rc = wait_open(a);
    if (rc < 0)
        return rc;
    uv_timer_init(&a->loop, &a->tick);
    a->tick.data = a;
    uv_check_init(&a->loop, &a->flush);
    a->flush.data = a;
    uv_check_start(&a->flush, on_check);
    rc = control_open(a, control_fd);
    if (rc < 0)
        return rc;
    uv_run(&a->loop, UV_RUN_DEFAULT);
    /* the process ends here: the kernel takes back what the loop still holds */
    return 0;
}
