/*
 * A room is one user: the channel his connections come through, and when his workers run.
 * Both ends of the channel stay open here, so what waits in it outlives every worker.
 * Floor 6, hostel.
 *
 *   EMPTY ──wanted, or channel readable──> (QUEUED) ──> OPEN ──all retired──> EMPTY
 *     ↑                                     │ crashed
 *     │         less than CRASHES_MAX times │ in a row: EMPTY again (what waits starts them)
 *     └──── back-off over ──── DOWN <───────┘ else
 */
#include "supervisor.h"
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
#define STARTS_SWEEP  4    /* more with each sweep, whatever became of those */
#define MUTE_MS       2000 /* a worker whose channel is closed ends by itself, or not */
#define DRAIN_LATE_MS 300  /* an acceptor notices the end of a back-off with its tick */
/*
 * The send buffer of the acceptors' end; the kernel doubles it. Just enough for one CONN_PREFIX
 * (MSG_PREFIX_MAX), and for some fifty CONN datagrams with up to 64 sockets each: what does
 * not fit waits in the acceptor.
 */
#define CHANNEL_SNDBUF (26 * 1024)

void
rooms_new(struct supervisor *s)
{
    STAILQ_INIT(&s->queued);
    s->rooms = mem_new_array(s->conf->nusers, sizeof(*s->rooms));
    for (size_t i = 0; i < s->conf->nusers; i++)
        s->rooms[i] = (struct room){
            .s = s, .index = (uint32_t)i, .user = &s->conf->users[i], .front = -1, .back = -1};
}

/* --- watching the channel while nobody reads it ---------------------------------------------
 */

static void
on_watch_closed(uv_handle_t *handle)
{
    free(handle);
}

static void
unwatch(struct room *r)
{
    if (!r->watch)
        return;
    uv_poll_stop(r->watch);
    uv_close((uv_handle_t *)r->watch, on_watch_closed);
    r->watch = NULL;
}

static void open_room(struct room *r);
static void open_now(struct room *r);
static void open_queued(struct room *r);

static void
on_readable(uv_poll_t *poll, int status, int events)
{
    struct room *r = poll->data;

    (void)status;
    (void)events;
    open_room(r);
}

/* Nothing is read: a connection that waits there is the next worker's. */
static void
watch(struct room *r)
{
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
    unwatch(r);
    r->state = ROOM_DOWN;
    r->retry_ms = date_mono_ms() + wait + DRAIN_LATE_MS;
    acceptors_tell_down(r->s, r, (uint32_t)wait);
}

static void
empty_room(struct room *r)
{
    r->state = ROOM_EMPTY;
    if (r->s->stop <= STOP_ACCEPTORS)
        watch(r);
}

static void
count_crash(struct room *r, uint64_t lived_ms)
{
    r->crashes = lived_ms > CRASH_CALM_MS ? 1 : r->crashes + 1;
}

static void
stops_starting(struct room *r)
{
    struct room *next;

    if (!r->starting)
        return;
    r->starting = false;
    r->s->starting--;
    next = STAILQ_FIRST(&r->s->queued);
    if (next && r->s->starting < STARTS_MAX)
        open_queued(next);
}

static void
start_workers(struct room *r)
{
    for (uint32_t i = 0; i < r->user->workers; i++) {
        r->workers[i].again_ms = 0;
        if (!r->workers[i].child.pid && worker_start(&r->workers[i]) == 0)
            r->running++;
    }
}

static void
open_room(struct room *r)
{
    unwatch(r);
    if (r->s->starting < STARTS_MAX) {
        open_now(r);
        return;
    }
    r->state = ROOM_QUEUED;
    STAILQ_INSERT_TAIL(&r->s->queued, r, in_queue);
}

static void
open_queued(struct room *r)
{
    STAILQ_REMOVE(&r->s->queued, r, room, in_queue);
    open_now(r);
}

static void
open_now(struct room *r)
{
    if (!r->workers) {
        r->workers = mem_new_array(r->user->workers, sizeof(*r->workers));
        for (uint32_t i = 0; i < r->user->workers; i++)
            r->workers[i].room = r;
    }
    r->state = ROOM_OPEN;
    start_workers(r);
    if (r->running) {
        r->starting = true;
        r->s->starting++;
        return;
    }
    count_crash(r, 0);
    if (r->crashes >= CRASHES_MAX)
        go_down(r);
    else
        empty_room(r);
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
    r->channel_no++;
    acceptors_tell_channel(r->s, r);
    return 0;
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
    for (uint32_t i = 0; r->workers && i < r->user->workers; i++)
        child_signal(&r->workers[i].child, SIGKILL);
    unwatch(r);
    fd_close(&r->front);
    fd_close(&r->back);
    if (make_channel(r) < 0)
        return; /* asked for again with the next connection */
    if (r->state == ROOM_EMPTY)
        watch(r);
}

void
room_worker_ready(struct room *r)
{
    stops_starting(r);
}

void
room_worker_exited(struct room *r, struct worker_child *w, bool clean)
{
    uint64_t lived_ms = date_mono_ms() - w->child.since_ms;

    if (--r->running == 0)
        stops_starting(r);
    pools_forget_worker(r->s, w);
    if (r->s->stop > STOP_ACCEPTORS)
        return;
    if (!clean || lived_ms < RETIRE_MIN_MS)
        count_crash(r, lived_ms);
    else
        r->crashes = 0;
    if (r->running) { /* the others serve meanwhile; one that retired has nothing to do */
        if (!clean)
            w->again_ms = date_mono_ms() + back_off_ms(r->crashes, 1);
        return;
    }
    if (r->crashes >= CRASHES_MAX)
        go_down(r);
    else
        empty_room(r);
}

/* Those that are slow to start do not hold the others back for ever. */
static void
start_some(struct supervisor *s)
{
    struct room *r;

    for (unsigned i = 0; i < STARTS_SWEEP && (r = STAILQ_FIRST(&s->queued)); i++)
        open_queued(r);
}

static void
sweep_worker(struct worker_child *w, uint64_t now_ms)
{
    if (!w->child.pid) {
        if (w->again_ms && now_ms >= w->again_ms && w->room->state == ROOM_OPEN &&
            w->room->s->stop == STOP_NOT) {
            w->again_ms = 0;
            if (worker_start(w) == 0)
                w->room->running++;
            else
                w->again_ms = now_ms + DOWN_LAST_MS;
        }
        return;
    }
    if (w->said >= WORKER_SAID_MAX && w->control)
        channel_resume(w->control);
    w->said = 0;
    if (!w->control && now_ms > w->mute_ms + MUTE_MS)
        child_signal(&w->child, SIGKILL);
    if (w->ready || child_age_ms(&w->child, now_ms) <= START_TIMEOUT_MS)
        return;
    log_error("%s (pid %ld) did not get ready and is ended", w->child.label,
              (long)w->child.pid);
    child_signal(&w->child, SIGKILL);
}

void
rooms_sweep(struct supervisor *s, uint64_t now_ms)
{
    start_some(s);
    for (size_t i = 0; i < s->conf->nusers; i++) {
        struct room *r = &s->rooms[i];

        if (s->stop == STOP_NOT && r->state == ROOM_DOWN && now_ms >= r->retry_ms)
            empty_room(r);
        else if (r->state == ROOM_EMPTY && s->stop == STOP_NOT)
            watch(r);
        for (uint32_t k = 0; r->workers && k < r->user->workers; k++)
            sweep_worker(&r->workers[k], now_ms);
    }
}

bool
rooms_any_worker(const struct supervisor *s)
{
    for (size_t i = 0; s->rooms && i < s->conf->nusers; i++)
        if (s->rooms[i].running)
            return true;
    return false;
}

void
rooms_stop(struct supervisor *s, uint32_t timeout_ms)
{
    STAILQ_INIT(&s->queued);
    for (size_t i = 0; s->rooms && i < s->conf->nusers; i++) {
        struct room *r = &s->rooms[i];

        unwatch(r);
        for (uint32_t k = 0; r->workers && k < r->user->workers; k++)
            worker_stop(&r->workers[k], timeout_ms);
    }
}
