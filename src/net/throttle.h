/*
 * How fast a stream may send: a bucket of credit that fills with time. Beside stream.c and the
 * transports; floor 3, worker.
 */
#ifndef NET_THROTTLE_H
#define NET_THROTTLE_H

#include "hostel/net/stream.h"

/* ret  bytes that may go out now; 0: none, and s is held until throttle.wake has passed */
size_t throttle_room(struct stream *s);

/* ret  at most n: what may go out now; 0: nothing, s is held */
static inline size_t
throttle(struct stream *s, size_t n)
{
    size_t room;

    if (!s->throttle)
        return n;
    room = throttle_room(s);
    return n < room ? n : room;
}

/* It is closed, or unbounded from here on. */
void throttle_drop(struct stream *s);

#endif
