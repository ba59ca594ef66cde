/*
 * The other workers of the same user: who has more connections than they lets them go first,
 * for kept ones stay where they were taken. What stands in the memory that they share is a hint
 * and no more: at worst somebody waits a moment that he need not. Floor 6; worker.
 */
#include "hostel/base/commons.h"
#include "worker.h"

#define SLACK      4    /* connections more than the least: not worth a wait */
#define YIELD_MS   1    /* for the others to take what is there */
#define PATIENT_MS 100  /* they take nothing all the while: they cannot, stopped or crashed */
#define FORGET_MS  2000 /* then it is tried again */

void
peers_note(struct worker *w)
{
    const struct conns_settings *s = &w->settings;
    bool takes = w->serving && !w->paused && !w->stopping;

    if (s->commons)
        commons_takes(s->commons, s->place, takes ? (uint32_t)w->conns.count : COMMONS_NONE);
}

static void
on_yielded(uv_timer_t *timer)
{
    struct worker *w = timer->data;

    if (!peers_yield(w)) /* a message may bring many: not before the others had theirs */
        worker_take(w);
}

bool
peers_yield(struct worker *w)
{
    struct peers *p = &w->peers;
    uint64_t now_ms = uv_now(&w->loop);
    uint32_t least;

    if (!w->settings.commons || w->paused || w->stopping || w->takes_all)
        return false;
    least = commons_least(w->settings.commons, w->settings.place);
    if (least == COMMONS_NONE || w->conns.count <= (size_t)least + SLACK)
        return false;
    if (least != p->least || now_ms > p->least_ms + FORGET_MS) {
        p->least = least;
        p->least_ms = now_ms;
    }
    if (now_ms > p->least_ms + PATIENT_MS)
        return false;
    channel_pause(&w->user);
    listen_stop(w);
    uv_timer_start(&w->rest, on_yielded, YIELD_MS, 0);
    return true;
}
