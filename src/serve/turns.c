/* Slices of long work, one a turn. Floor 5; worker. */
#include "hostel/serve/turns.h"

#include <assert.h>

static struct {
    uv_idle_t idle; /* active only while somebody waits: then the loop does not sleep */
    bool started;
    TAILQ_HEAD(, turn) waiting;
} turns;

void
turns_start(uv_loop_t *loop)
{
    assert(!turns.started);
    TAILQ_INIT(&turns.waiting);
    uv_idle_init(loop, &turns.idle);
    turns.started = true;
}

void
turns_stop(void)
{
    assert(turns.started && TAILQ_EMPTY(&turns.waiting));
    uv_close((uv_handle_t *)&turns.idle, NULL);
    turns.started = false;
}

static void
on_idle(uv_idle_t *idle)
{
    struct turn *t = TAILQ_FIRST(&turns.waiting);

    (void)idle;
    turns_remove(t); /* it may come again */
    t->run(t);
}

void
turns_add(struct turn *t)
{
    assert(turns.started);
    if (t->waiting)
        return;
    if (TAILQ_EMPTY(&turns.waiting))
        uv_idle_start(&turns.idle, on_idle);
    t->waiting = true;
    TAILQ_INSERT_TAIL(&turns.waiting, t, entry);
}

void
turns_remove(struct turn *t)
{
    if (!t->waiting)
        return;
    t->waiting = false;
    TAILQ_REMOVE(&turns.waiting, t, entry);
    if (TAILQ_EMPTY(&turns.waiting))
        uv_idle_stop(&turns.idle);
}
