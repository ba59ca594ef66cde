/* Deadlines of many objects with one timer. Floor 3; worker. */
#include "hostel/net/deadline.h"

#include <stddef.h>

static void arm(struct deadlines *all, uint64_t at_ms);

static void
pass_class(struct deadline_class *class, uint64_t now_ms)
{
    struct deadline *d;

    while ((d = TAILQ_FIRST(&class->waiting)) && d->at_ms <= now_ms) {
        deadline_clear(d);
        class->passed(d);
    }
}

static void
on_timer(uv_timer_t *timer)
{
    struct deadlines *all = timer->data;
    uint64_t now_ms = uv_now(timer->loop), next_ms = UINT64_MAX;
    struct deadline_class *class;

    all->armed_ms = UINT64_MAX;
    SLIST_FOREACH(class, &all->classes, next)
    pass_class(class, now_ms);
    SLIST_FOREACH(class, &all->classes, next)
    {
        const struct deadline *first = TAILQ_FIRST(&class->waiting);

        if (first && first->at_ms < next_ms)
            next_ms = first->at_ms;
    }
    if (next_ms != UINT64_MAX)
        arm(all, next_ms);
}

/* Only ever set earlier: a timer that comes too early looks at the lists and sleeps again. */
static void
arm(struct deadlines *all, uint64_t at_ms)
{
    uint64_t now_ms = uv_now(all->timer.loop);

    if (at_ms >= all->armed_ms || uv_is_closing((uv_handle_t *)&all->timer))
        return;
    all->armed_ms = at_ms;
    uv_timer_start(&all->timer, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

void
deadlines_init(struct deadlines *all, uv_loop_t *loop)
{
    uv_timer_init(loop, &all->timer);
    all->timer.data = all;
    all->armed_ms = UINT64_MAX;
    SLIST_INIT(&all->classes);
}

void
deadlines_done(struct deadlines *all)
{
    uv_close((uv_handle_t *)&all->timer, NULL);
}

void
deadline_class_add(struct deadlines *all, struct deadline_class *class, uint64_t after_ms,
                   deadline_fn *passed)
{
    TAILQ_INIT(&class->waiting);
    class->all = all;
    class->after_ms = after_ms;
    class->passed = passed;
    SLIST_INSERT_HEAD(&all->classes, class, next);
}

void
deadline_set(struct deadline *d, struct deadline_class *class)
{
    deadline_clear(d);
    if (class->after_ms == 0)
        return;
    d->class = class;
    d->at_ms = uv_now(class->all->timer.loop) + class->after_ms;
    TAILQ_INSERT_TAIL(&class->waiting, d, entry);
    arm(class->all, d->at_ms);
}

void
deadline_keep(struct deadline *d, struct deadline_class *class)
{
    if (d->class != class)
        deadline_set(d, class);
}

void
deadline_clear(struct deadline *d)
{
    if (!d->class)
        return;
    TAILQ_REMOVE(&d->class->waiting, d, entry);
    d->class = NULL;
}
