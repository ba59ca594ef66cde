/*
 * Bandwidth of one stream. Nothing is counted when bytes leave: what was sent is known anyhow,
 * and is paid for when the next ones want to. Who has no credit is held: no event of the socket
 * wakes him, but the next turn of his deadline's class, so that a thousand slow visitors are
 * one timer. Floor 3; worker.
 */
#include "throttle.h"

#include "hostel/base/mem.h"

#include <stddef.h>
#include <stdlib.h>

struct throttle {
    struct stream *stream;
    struct deadline wake;
    struct deadline_class *class; /* lent */
    uint64_t rate, burst;         /* bytes (a second) */
    bool off;            /* no bound now, but there was one, and what it had is known */
    int64_t credit;      /* of a CREDIT-th of a byte; below 0: sent ahead */
    uint64_t paid_bytes; /* of sent_bytes, */
    uint64_t since_ms;   /* by then */
};

#define SLICES_PER_S                                                                           \
    20                   /* what goes out at once is what comes in of credit in this time ...  \
                          */
#define SLICE_BYTES 1400 /* ... and not less than a packet, if that is less than a second's */
#define SLICES_KEPT 8    /* of credit, for a loop that is late */
#define CREDIT      1000 /* of it to a byte: so the remainder of a millisecond is not lost */
#define LATE_MAX_MS                                                                            \
    60000 /* longer than any bucket of slices; a burst comes back in its time                  \
           */

static uint64_t
slice_of(uint64_t rate)
{
    uint64_t slice = rate / SLICES_PER_S, least = rate < SLICE_BYTES ? rate : SLICE_BYTES;

    return slice > least ? slice : least;
}

/* A bucket as a new stream has it. */
static int64_t
full(const struct throttle *t)
{
    return (int64_t)((t->burst + slice_of(t->rate)) * CREDIT);
}

static int64_t
bounded(const struct throttle *t, int64_t credit)
{
    int64_t most = (int64_t)((t->burst + SLICES_KEPT * slice_of(t->rate)) * CREDIT);

    return credit < most ? credit : most;
}

/* Pay for what was sent, and take in what has come since. */
static void
settle(struct stream *s)
{
    struct throttle *t = s->throttle;
    uint64_t now_ms = uv_now(s->loop);
    uint64_t took_ms = now_ms - t->since_ms < LATE_MAX_MS ? now_ms - t->since_ms : LATE_MAX_MS;

    if (!t->off)
        t->credit -= (int64_t)((s->sent_bytes - t->paid_bytes) * CREDIT);
    t->credit += (int64_t)(t->rate * took_ms); /* a byte a second is a CREDIT-th a ms */
    t->credit = bounded(t, t->credit);
    t->paid_bytes = s->sent_bytes;
    t->since_ms = now_ms;
}

static void
begin(struct stream *s, uint64_t rate, uint64_t burst, struct deadline_class *wake)
{
    struct throttle *t = mem_new(sizeof(*t));

    *t = (struct throttle){.stream = s, .class = wake, .rate = rate, .burst = burst};
    t->credit = full(t);
    t->paid_bytes = s->sent_bytes;
    t->since_ms = uv_now(s->loop);
    s->throttle = t;
}

void
stream_limit(struct stream *s, uint64_t rate, uint64_t burst, struct deadline_class *wake)
{
    struct throttle *t = s->throttle;

    if (!t && rate)
        begin(s, rate, burst, wake);
    if (!t || (!t->off && t->rate == rate && t->burst == burst))
        return;
    settle(s);
    t->off = rate == 0;
    if (t->off) {
        s->held = false;
        deadline_clear(&t->wake);
        return;
    }
    /* credit is time: who has used his up has it in no other bound either */
    t->credit = (int64_t)((double)t->credit / (double)t->rate * (double)rate);
    t->rate = rate;
    t->burst = burst;
    t->credit = bounded(t, t->credit);
}

bool
stream_is_unspent(struct stream *s)
{
    if (!s->throttle)
        return true;
    settle(s);
    return s->throttle->credit >= full(s->throttle);
}

size_t
throttle_room(struct stream *s)
{
    struct throttle *t = s->throttle;
    uint64_t slice = slice_of(t->rate), room;

    if (t->off)
        return SIZE_MAX;
    settle(s);
    room = t->credit > 0 ? (uint64_t)t->credit / CREDIT : 0;
    /* crumbs are not worth a packet each */
    if (room < slice && room < s->put_bytes - s->sent_bytes)
        room = 0;
    s->held = room == 0;
    if (s->held)
        deadline_keep(&t->wake, t->class);
    return room < SIZE_MAX ? (size_t)room : SIZE_MAX;
}

void
throttle_drop(struct stream *s)
{
    struct throttle *t = s->throttle;

    s->throttle = NULL;
    s->held = false;
    if (t)
        deadline_clear(&t->wake);
    free(t);
}

struct stream *
stream_of_wake(struct deadline *d)
{
    return ((struct throttle *)((char *)d - offsetof(struct throttle, wake)))->stream;
}
