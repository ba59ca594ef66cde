/* One room, for rooms.c, which has all of them. Floor 6, hostel. */
#ifndef SUPERVISOR_ROOM_H
#define SUPERVISOR_ROOM_H

#include "supervisor.h"

/* While it is empty: whoever comes wakes it. */
void room_watch(struct room *r);
void room_unwatch(struct room *r);
/* It waits for its turn to open: it may, or need not any more. */
void room_open_queued(struct room *r);
void room_unqueue(struct room *r);
/* No worker of it is on its way any more. */
void room_stops_starting(struct room *r);
void room_kill_workers(struct room *r);
/* Has it a worker that is not of its part as it is now? */
bool room_any_stale(const struct room *r);
/* Its part is another one: new workers, or another try where it was down. */
void room_change(struct room *r);
void room_sweep(struct room *r, uint64_t now_ms);

#endif
