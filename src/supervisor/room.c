/*
 * A room is one user: the channel his connections come through, and when his workers run. It
 * is made when somebody asks for him: until then he is a row of the generation.
 * Both ends of the channel, and the listeners that are his own, stay open here, so what waits
 * in them outlives every worker.
 * Floor 6, hostel.
 *
 *   EMPTY ──wanted, channel or listener readable──> (QUEUED) ──> OPEN ──all retired──> EMPTY
 *     ↑                                     │ crashed
 *     │         less than CRASHES_MAX times │ in a row: EMPTY again (what waits starts them)
 *     └──── back-off over ──── DOWN <───────┘ else
 */
#include "room.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CRASHES_MAX   3     /* in a row, before the user is down */
#define CRASH_CALM_MS 10000 /* a worker that lived longer starts a new count */
#define RETIRE_MIN_MS 500   /* one that leaves sooner did not retire, whatever its status */
#define DOWN_FIRST_MS 1000
#define DOWN_LAST_MS  30000
#define STARTS_MAX                                                                             \
    32 /* rooms at once: a thousand would starve each other to their deadlines                 \
        */
#define MUTE_MS       2000 /* a worker whose channel is closed ends by itself, or not */
#define DRAIN_LATE_MS 300  /* an acceptor notices the end of a back-off with its tick */
#define LEAVING_MAX   16 /* workers of earlier generations of one user; the oldest go at once */
#define TAKES_MS      1000 /* who is told to leave takes no more by then, or it hangs */
#define LEAVE_LATE_MS 1000 /* a worker that leaves does so by itself, or is ended */
/*
 * The send buffer of the acceptors' end; the kernel doubles it. Just enough for one CONN_PREFIX
 * (MSG_PREFIX_MAX), and for some fifty CONN datagrams with up to 64 sockets each: what does
 * not fit waits in the acceptor.
 */
#define CHANNEL_SNDBUF (26 * 1024)

/* --- watching while no worker does ---------------------------------------------
 */

static void
on_watch_closed(uv_handle_t *handle)
{
    free(handle);
}

void
room_unwatch(struct room *r)
{
    if (r->listens)
        listeners_unwatch(r);
    if (!r->watch)
        return;
    uv_poll_stop(r->watch);
    uv_close((uv_handle_t *)r->watch, on_watch_closed);
    r->watch = NULL;
}

static void open_room(struct room *r);
static void open_now(struct room *r);
static void refresh(struct room *r);

static void
on_readable(uv_poll_t *poll, int status, int events)
{
    struct room *r = poll->data;

    (void)status;
    (void)events;
    open_room(r);
}

void
room_woken(struct room *r)
{
    if (r->state == ROOM_EMPTY)
        open_room(r);
}

/* Nothing is read or accepted: a connection that waits there is the next worker's. */
void
room_watch(struct room *r)
{
    if (r->listens)
        listeners_watch(r);
    if (r->watch || r->back < 0)
        return;
    r->watch = mem_new(sizeof(*r->watch));
    if (uv_poll_init(&r->s->loop, r->watch, r->back) < 0) {
        free(r->watch);
        r->watch = NULL;
        return; /* the sweep tries again */
    }
    r->watch->data = r;
    uv_poll_start(r->watch, UV_READABLE, on_readable);
}

/* --- states ---------------------------------------------------------------------------------
 */

/* The wait before what failed so many times in a row is tried again. */
static uint64_t
back_off_ms(unsigned crashes, unsigned from)
{
    uint64_t wait = DOWN_FIRST_MS;

    for (unsigned i = from; i < crashes && wait < DOWN_LAST_MS; i++)
        wait *= 2;
    return wait < DOWN_LAST_MS ? wait : DOWN_LAST_MS;
}

static void
go_down(struct room *r)
{
    uint64_t wait = back_off_ms(r->crashes, CRASHES_MAX);

    log_error(
        "user %s is down: his worker failed %u times in a row; his visitors get 503, next "
        "try in %llu s",
        r->user->ids.name, r->crashes, (unsigned long long)(wait / 1000));
    room_unwatch(r);
    r->state = ROOM_DOWN;
    r->retry_ms = date_mono_ms() + wait + DRAIN_LATE_MS;
    acceptors_tell_down(r->s, r, (uint32_t)wait);
    porter_start(r);
}

static void
empty_room(struct room *r)
{
    r->state = ROOM_EMPTY;
    if (r->s->stop <= STOP_ACCEPTORS)
        room_watch(r);
}

static void
count_crash(struct room *r, uint64_t lived_ms)
{
    r->crashes = lived_ms > CRASH_CALM_MS ? 1 : r->crashes + 1;
    r->crashes_ever++;
}

static void
enqueue(struct room *r)
{
    if (r->queued)
        return;
    r->queued = true;
    r->s->nqueued++;
    STAILQ_INSERT_TAIL(&r->s->queued, r, in_queue);
}

void
room_unqueue(struct room *r)
{
    if (!r->queued)
        return;
    r->queued = false;
    r->s->nqueued--;
    STAILQ_REMOVE(&r->s->queued, r, room, in_queue);
}

static void
starts(struct room *r)
{
    if (r->starting)
        return;
    r->starting = true;
    r->s->starting++;
}

void
room_stops_starting(struct room *r)
{
    struct room *next;

    if (!r->starting)
        return;
    r->starting = false;
    r->s->starting--;
    next = STAILQ_FIRST(&r->s->queued);
    if (next && r->s->starting < STARTS_MAX)
        room_open_queued(next);
}

static int
make_channel(struct room *r)
{
    int pair[2], size = CHANNEL_SNDBUF;
    int rc = channel_pair(pair);

    if (rc < 0)
        return rc;
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    r->front = pair[0];
    r->back = pair[1];
    r->channel_no = ++r->s->channels;
    acceptors_tell_channel(r->s, r);
    return 0;
}

static bool
is_fresh(const struct worker_child *w)
{
    return !w->told || w->told == w->room->part->digest;
}

/* ret  who has this seat and stays, or is on his way to it; else NULL */
static struct worker_child *
fresh_at(const struct room *r, uint32_t seat)
{
    struct worker_child *w;

    LIST_FOREACH(w, &r->workers, link)
    if (w->seat == seat && !w->leaving && is_fresh(w))
        return w;
    return NULL;
}

/* A worker for every seat. ret  how many are on their way */
static unsigned
start_workers(struct room *r)
{
    unsigned started = 0;

    r->again_ms = 0;
    for (uint32_t seat = 0; seat < r->user->workers; seat++) {
        if (fresh_at(r, seat))
            continue;
        if (worker_start(r, seat) == 0)
            started++;
        else
            r->again_ms = date_mono_ms() + DOWN_LAST_MS;
    }
    r->running += started;
    return started;
}

static void
open_room(struct room *r)
{
    room_unwatch(r);
    if (r->s->starting < STARTS_MAX) {
        open_now(r);
        return;
    }
    r->state = ROOM_QUEUED;
    enqueue(r);
}

void
room_open_queued(struct room *r)
{
    room_unqueue(r);
    if (r->state == ROOM_QUEUED)
        open_now(r);
    else if (r->stale)
        refresh(r);
}

static void
open_now(struct room *r)
{
    r->state = ROOM_OPEN;
    r->stale = false;
    if (r->back < 0 && make_channel(r) < 0) /* it came by a listener of his own */
        log_error("no channel for user %s", r->user->ids.name);
    if (start_workers(r) > 0) {
        starts(r);
        return;
    }
    count_crash(r, 0);
    if (r->crashes >= CRASHES_MAX)
        go_down(r);
    else
        empty_room(r);
}

/* --- from one generation to the next --------------------------------------------------------
 */

static uint32_t
clamp32(uint64_t ms)
{
    return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

/* It takes no new connection, finishes what it has, and is ended when that takes too long. */
static void
leave(struct worker_child *w)
{
    struct room *r = w->room;
    uint64_t within = r->gen->conf->drain_timeout_ms;
    struct worker_child *other, *oldest = NULL;
    unsigned n = 0;

    if (w->leaving)
        return;
    LIST_FOREACH(other, &r->workers, link)
    if (other->leaving && other->end_ms) {
        n++;
        oldest = other; /* the list has the newest first */
    }
    if (n >= LEAVING_MAX && oldest) {
        oldest->end_ms = 0;
        child_signal(&oldest->child, SIGKILL);
    }
    w->leaving = true;
    r->running--;
    w->end_ms = date_mono_ms() + within + LEAVE_LATE_MS;
    w->takes_ms = date_mono_ms() + TAKES_MS;
    worker_stop(w, clamp32(within), MSG_STOP_REPLACED);
}

bool
room_any_stale(const struct room *r)
{
    const struct worker_child *w;

    LIST_FOREACH(w, &r->workers, link)
    if (!w->leaving && (!is_fresh(w) || w->seat >= r->user->workers))
        return true;
    return false;
}

/* Who has a successor, or no seat any more, leaves. */
static void
dismiss(struct room *r)
{
    struct worker_child *w, *next, *fresh;

    for (w = LIST_FIRST(&r->workers); w; w = next) {
        next = LIST_NEXT(w, link);
        if (w->leaving || (is_fresh(w) && w->seat < r->user->workers))
            continue;
        fresh = fresh_at(r, w->seat < r->user->workers ? w->seat : 0);
        if (!fresh || !fresh->ready)
            continue;
        pools_pass_on(w, fresh);
        leave(w);
    }
    r->stale = room_any_stale(r);
    reload_step(r->s);
}

/*
 * His part has changed: successors start beside the workers that run, which go on until those
 * are ready. If they never are, what worked goes on working.
 */
static void
refresh(struct room *r)
{
    r->stale = room_any_stale(r);
    if (r->state != ROOM_OPEN || r->s->stop != STOP_NOT)
        return;
    if (r->s->starting >= STARTS_MAX) {
        r->stale = true;
        enqueue(r);
        return;
    }
    if (start_workers(r) > 0)
        starts(r);
    dismiss(r);
}

/* --- what others tell it --------------------------------------------------------------------
 */

void
room_wanted(struct room *r)
{
    if (r->state == ROOM_DOWN)
        return;
    if (r->front < 0) {
        int rc = make_channel(r);

        if (rc < 0) {
            log_error("no channel for user %s: %s", r->user->ids.name, uv_strerror(rc));
            return;
        }
    } else {
        /* an acceptor that has started since, or that had lost it */
        acceptors_tell_channel(r->s, r);
    }
    if (r->state == ROOM_EMPTY)
        open_room(r);
}

void
room_kill_workers(struct room *r)
{
    struct worker_child *w;

    LIST_FOREACH(w, &r->workers, link)
    child_signal(&w->child, SIGKILL);
}

/*
 * His workers said something on the channel that no worker says: they are not trusted with a
 * connection any more. They end, and their channel with all that is in it.
 */
void
room_bad(struct room *r, uint32_t channel_no)
{
    if (channel_no != r->channel_no)
        return; /* another acceptor has said so: this one's new channel is on its way */
    log_error("user %s: his workers broke the protocol and are ended", r->user->ids.name);
    room_kill_workers(r);
    room_unwatch(r);
    fd_close(&r->front);
    fd_close(&r->back);
    if (make_channel(r) < 0)
        return; /* asked for again with the next connection */
    if (r->state == ROOM_EMPTY)
        room_watch(r);
}

void
room_worker_ready(struct worker_child *w)
{
    struct room *r = w->room;

    room_stops_starting(r);
    if (w->leaving || r->gone)
        return;
    if (!is_fresh(w)) /* the next generation came while it was starting */
        refresh(r);
    else
        dismiss(r);
}

void
room_worker_leaves(struct worker_child *w)
{
    w->takes_ms = 0;
    reload_step(w->room->s);
}

/* One that was not leaving has ended: how is the room now? */
static void
lost_worker(struct room *r, bool clean, uint64_t lived_ms)
{
    if (!clean || lived_ms < RETIRE_MIN_MS)
        count_crash(r, lived_ms);
    else
        r->crashes = 0;
    if (r->running) { /* the others serve meanwhile; one that retired has nothing to do */
        if (!clean)
            r->again_ms = date_mono_ms() + back_off_ms(r->crashes, 1);
        return;
    }
    if (r->crashes >= CRASHES_MAX)
        go_down(r);
    else
        empty_room(r);
}

void
room_worker_exited(struct worker_child *w, bool clean)
{
    struct room *r = w->room;
    uint64_t lived_ms = date_mono_ms() - w->child.since_ms;
    bool leaving = w->leaving, ready = w->ready;

    pools_forget_worker(w);
    LIST_REMOVE(w, link); /* last: its room is not free before */
    free(w);
    if (r->gone) {
        room_try_free(r);
        return;
    }
    if (!leaving)
        r->running--;
    if (!ready || r->running == 0)
        room_stops_starting(r);
    if (!leaving && r->s->stop <= STOP_ACCEPTORS)
        lost_worker(r, clean && ready, lived_ms);
    reload_step(r->s);
}

static void
sweep_worker(struct worker_child *w, uint64_t now_ms)
{
    if (w->said >= WORKER_SAID_MAX && w->control)
        channel_resume(w->control);
    w->said = 0;
    if (!w->control && now_ms > w->mute_ms + MUTE_MS)
        child_signal(&w->child, SIGKILL);
    if (w->takes_ms && now_ms > w->takes_ms)
        room_worker_leaves(w);
    if (w->leaving && now_ms > w->end_ms)
        child_signal(&w->child, SIGKILL);
    if (w->ready || child_age_ms(&w->child, now_ms) <= START_TIMEOUT_MS)
        return;
    log_error("%s (pid %ld) did not get ready and is ended", w->child.label,
              (long)w->child.pid);
    child_signal(&w->child, SIGKILL);
}

void
room_sweep(struct room *r, uint64_t now_ms)
{
    struct worker_child *w;

    porter_sweep(r, now_ms);
    if (r->s->stop == STOP_NOT) {
        if (r->state == ROOM_DOWN && now_ms >= r->retry_ms) {
            porter_stop(r);
            empty_room(r);
        } else if (r->state == ROOM_EMPTY)
            room_watch(r);
        else if (r->state == ROOM_OPEN && r->again_ms && now_ms >= r->again_ms)
            (void)start_workers(r);
    }
    LIST_FOREACH(w, &r->workers, link)
    sweep_worker(w, now_ms);
}

/* Whoever was down by what his configuration was gets another try. */
void
room_change(struct room *r)
{
    r->crashes = 0;
    if (r->state == ROOM_DOWN)
        r->retry_ms = 0; /* the next sweep; acceptors know of no other time than theirs */
    else if (r->state == ROOM_OPEN)
        refresh(r);
}
