/*
 * The way down, one step after the other. Floor 6, hostel.
 *
 *   acceptors (no new connection; what is routed is handed over) -> workers (running answers
 *   finish) -> pools -> end. Whatever is left at stop_ms is killed.
 */
#include "admin.h"
#include "inherit.h"
#include "metrics.h"
#include "supervisor.h"
#include "hostel/base/date.h"
#include "hostel/base/log.h"
#include "hostel/sys/notify.h"

#define KILL_SLACK_MS 1000 /* children leave at stop_timeout by themselves */

static uint32_t
left_ms(const struct supervisor *s, uint64_t now_ms)
{
    uint64_t end = s->stop_ms - KILL_SLACK_MS;

    return now_ms < end ? (uint32_t)(end - now_ms) : 0;
}

void
supervisor_stop(struct supervisor *s, int exit_code)
{
    uint64_t now = date_mono_ms();

    if (s->stop != STOP_NOT) { /* asked twice: at once */
        s->stop_ms = now;
        return;
    }
    notify_manager("STOPPING=1");
    upgrade_cancel(s);
    if (s->announced)
        log_notice("stopping: running answers have %llu s",
                   (unsigned long long)(s->conf->stop_timeout_ms / 1000));
    s->stop = STOP_ACCEPTORS;
    s->exit_code = exit_code;
    s->stop_ms = now + s->conf->stop_timeout_ms + KILL_SLACK_MS;
    metrics_sweep(s, now); /* who asks is told */
    acceptors_stop(s, left_ms(s, now), MSG_STOP_SOON);
    if (s->announced) /* else an acceptor may still be about to get them */
        listeners_close(s, false);
    supervisor_stop_step(s, now);
}

/*
 * The next server accepts, and reads the users' channels: acceptors route whom they have
 * accepted, workers finish as at a reload. Nothing that has a name is removed: it has it now.
 */
void
supervisor_hand_over(struct supervisor *s)
{
    uint64_t now = date_mono_ms();

    if (s->stop != STOP_NOT)
        return;
    s->stop = STOP_ACCEPTORS;
    s->stop_ms = now + s->conf->drain_timeout_ms + KILL_SLACK_MS;
    notify_manager("MAINPID=%ld\nREADY=1", (long)s->upgrade.pid);
    admin_unlisten(s);
    metrics_stop(s);
    metrics_sockets_close(&s->metrics->sockets);
    acceptors_stop(s, left_ms(s, now), MSG_STOP_LAST);
    listeners_close(s, true);
    rooms_stop(s, left_ms(s, now), MSG_STOP_REPLACED);
    supervisor_stop_step(s, now);
}

/* Called with every exit of a child and with the sweep. */
void
supervisor_stop_step(struct supervisor *s, uint64_t now_ms)
{
    if (s->stop == STOP_ACCEPTORS && !acceptors_running(s)) {
        s->stop = STOP_WORKERS;
        rooms_stop(s, left_ms(s, now_ms), s->upgrade.done ? MSG_STOP_LAST : MSG_STOP_SOON);
    }
    if (s->stop == STOP_WORKERS && !rooms_any_worker(s)) {
        s->stop = STOP_POOLS;
        pools_stop(s);
        metrics_stop(s);
    }
    if (s->stop != STOP_NOT && !children_any(s) && !children_kill_orphans(s))
        uv_stop(&s->loop);
    else if (s->stop != STOP_NOT && now_ms >= s->stop_ms)
        children_kill_all(s);
}
