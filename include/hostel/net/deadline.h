/*
 * Deadlines of many objects with one timer. Every class has one duration, so its list is in
 * order by itself: setting and clearing cost a few pointers, never a heap or a system call.
 * Floor 3; worker.
 */
#ifndef HOSTEL_NET_DEADLINE_H
#define HOSTEL_NET_DEADLINE_H

#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

struct deadline_class;

struct deadline { /* embedded in what waits; all zero = not set */
    TAILQ_ENTRY(deadline) entry;
    uint64_t at_ms; /* of the loop's clock */
    struct deadline_class *class;
};

/* The deadline has passed and is cleared already; it may be set again or freed here. */
typedef void deadline_fn(struct deadline *d);

struct deadline_class {
    TAILQ_HEAD(, deadline) waiting;
    SLIST_ENTRY(deadline_class) next;
    struct deadlines *all;
    uint64_t after_ms;
    deadline_fn *passed;
};

struct deadlines {
    uv_timer_t timer;
    uint64_t armed_ms; /* what the timer is set for; UINT64_MAX = it sleeps */
    SLIST_HEAD(, deadline_class) classes;
};

void deadlines_init(struct deadlines *all, uv_loop_t *loop);

/* Closes the timer; all must live until the loop has turned once more. */
void deadlines_done(struct deadlines *all);

/* in  after_ms  the class's duration; 0 = its deadlines never pass */
void deadline_class_add(struct deadlines *all, struct deadline_class *class, uint64_t after_ms,
                        deadline_fn *passed);

/* (Re)start d in this class, counting from the loop's now; leaves the class it was in. */
void deadline_set(struct deadline *d, struct deadline_class *class);

/* As deadline_set(), but a d that waits in this class already keeps its time. */
void deadline_keep(struct deadline *d, struct deadline_class *class);

void deadline_clear(struct deadline *d);

#endif
