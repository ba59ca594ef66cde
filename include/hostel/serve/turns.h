/*
 * Work that is too long for one turn of the loop, in slices: one slice a turn for all of it
 * together, in a circle, so that neither it nor anybody else waits long. Floor 5; worker.
 */
#ifndef HOSTEL_SERVE_TURNS_H
#define HOSTEL_SERVE_TURNS_H

#include <sys/queue.h>
#include <stdbool.h>
#include <uv.h>

struct turn { /* embedded by who works; zeroed at first */
    TAILQ_ENTRY(turn) entry;
    bool waiting;
    void (*run)(struct turn *t);
};

/* Once a process, before the first turns_add(); the loop is lent. */
void turns_start(uv_loop_t *loop);

/* Nobody waits any more; the loop has to turn once more. */
void turns_stop(void);

/* Call t->run once, soon, but not now. It waits once, however often it is added. */
void turns_add(struct turn *t);

/* Do not call it; nothing to do for one that does not wait. */
void turns_remove(struct turn *t);

#endif
