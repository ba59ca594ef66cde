/*
 * All rooms: who has one, and what becomes of them with time, a new generation and the end.
 * Floor 6, hostel.
 */
#include "logwriter.h"
#include "room.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <stdlib.h>

#define STARTS_SWEEP 4 /* more with each sweep, whatever became of those */

/* Those that are slow to start do not hold the others back for ever. */
static void
start_some(struct supervisor *s)
{
    struct room *r;

    for (unsigned i = 0; i < STARTS_SWEEP && (r = STAILQ_FIRST(&s->queued)); i++)
        room_open_queued(r);
}

void
rooms_sweep(struct supervisor *s, uint64_t now_ms)
{
    start_some(s);
    for (size_t i = 0; i < s->nrooms; i++)
        if (s->rooms[i])
            room_sweep(s->rooms[i], now_ms);
}

bool
rooms_any_worker(const struct supervisor *s)
{
    for (size_t i = 0; i < s->nrooms; i++)
        if (s->rooms[i] && !LIST_EMPTY(&s->rooms[i]->workers))
            return true;
    return false;
}

void
rooms_stop(struct supervisor *s, uint32_t timeout_ms, enum msg_stop_how how)
{
    struct worker_child *w;

    for (size_t i = 0; i < s->nrooms; i++) {
        struct room *r = s->rooms[i];

        if (!r)
            continue;
        room_unqueue(r);
        room_unwatch(r);
        porter_stop(r);
        LIST_FOREACH(w, &r->workers, link)
        worker_stop(w, timeout_ms, how);
    }
}

/* --- who has a room -------------------------------------------------------------------------
 */

static void
take_part(struct room *r, struct generation *g, size_t user)
{
    struct generation *before = r->gen;
    size_t user_before = r->user_index;
    uint32_t workers_before = r->user ? r->user->workers : 0;
    struct listener *last;

    if (r->listens)
        listeners_unwatch(r);
    r->gen = generation_hold(g);
    r->user_index = user;
    r->user = &g->conf->users[user];
    r->part = &g->parts[user];
    r->listens = listeners_all_of(r, &last);
    if (r->front >= 0 && r->user->workers != workers_before)
        acceptors_tell_channel(r->s, r); /* they share out what comes together */
    pools_take_generation(r);
    groups_take_generation(r);
    if (before)
        secrets_take_generation(r, before, user_before);
    generation_drop(&before);
}

static void
room_new(struct supervisor *s, struct generation *g, size_t user)
{
    struct room *r = mem_new(sizeof(*r));

    r->s = s;
    r->index = g->parts[user].room;
    r->front = r->back = r->commons_fd = -1;
    LIST_INIT(&r->workers);
    LIST_INIT(&r->all_pools);
    take_part(r, g, user);
    s->rooms[r->index] = r;
}

struct room *
room_at(struct supervisor *s, size_t index)
{
    if (generation_tenant(s->gen, index) && !s->rooms[index])
        room_new(s, s->gen, s->gen->tenants[index]);
    return index < s->nrooms ? s->rooms[index] : NULL;
}

/* All that is his ends at once; the room goes with his last process. */
void
room_close(struct room *r)
{
    r->s->rooms[r->index] = NULL;
    room_unqueue(r);
    room_stops_starting(r);
    room_unwatch(r);
    fd_close(&r->front);
    fd_close(&r->back);
    room_kill_workers(r);
    pools_kill(r);
    r->gone = true;
    LIST_INSERT_HEAD(&r->s->gone_rooms, r, in_gone);
    room_try_free(r);
}

void
room_try_free(struct room *r)
{
    if (!r->gone || !LIST_EMPTY(&r->workers) || !LIST_EMPTY(&r->all_pools) || !porter_free(r))
        return;
    LIST_REMOVE(r, in_gone);
    groups_leave(r);
    figures_room_gone(r);
    generation_drop(&r->gen);
    free(r->pools);
    free(r->past);
    log_account_drop(&r->log_account);
    secrets_free(&r->secrets);
    tickets_free(&r->tickets);
    limits_forget(r);
    free(r);
}

static void
grow(struct supervisor *s, size_t rooms)
{
    s->rooms = mem_grow(s->rooms, rooms * sizeof(struct room *));
    for (size_t i = s->nrooms; i < rooms; i++)
        s->rooms[i] = NULL;
    s->nrooms = rooms;
}

/* Those who stay take their parts, whoever has gone is closed. */
static void
take_or_leave(struct supervisor *s, const struct generation *before)
{
    for (size_t i = 0; i < s->nrooms; i++) {
        const struct conf_user *now = generation_tenant(s->gen, i);
        const struct conf_user *was = generation_tenant(before, i);
        bool goes =
            was && (!now || now->ids.uid != was->ids.uid || now->ids.gid != was->ids.gid);

        if (goes)
            acceptors_tell_gone(s, (uint32_t)i);
        if (goes && s->rooms[i])
            room_close(s->rooms[i]);
        else if (s->rooms[i])
            take_part(s->rooms[i], s->gen, s->gen->tenants[i]);
    }
}

void
rooms_take_generation(struct supervisor *s, const struct generation *before)
{
    if (s->gen->nrooms > s->nrooms)
        grow(s, s->gen->nrooms);
    take_or_leave(s, before);
    for (size_t i = 0; i < s->nrooms; i++) {
        const struct conf_user *u = generation_tenant(s->gen, i);
        struct room *r = s->rooms[i];

        if (r && (room_any_stale(r) || r->state == ROOM_DOWN))
            room_change(r);
        if (!r && u && listeners_any_of(s, &u->ids)) /* to be watched */
            r = room_at(s, i);
        if (r && r->listens && r->state == ROOM_EMPTY)
            room_watch(r);
    }
}

void
rooms_new(struct supervisor *s)
{
    STAILQ_INIT(&s->queued);
    LIST_INIT(&s->gone_rooms);
    LIST_INIT(&s->pools);
    rooms_take_generation(s, NULL);
}

static bool
any_on_its_way(const struct room *r)
{
    const struct worker_child *w;

    LIST_FOREACH(w, &r->workers, link)
    if (!w->leaving && !w->ready)
        return true;
    return r->queued;
}

/*
 * Visitors who come now come to workers of this generation; or there is no knowing when, and
 * nobody waits for those who cannot start.
 */
static bool
is_settled(const struct room *r)
{
    const struct worker_child *w;

    if (r->stale && r->crashes == 0 && any_on_its_way(r))
        return false;
    LIST_FOREACH(w, &r->workers, link)
    if (w->takes_ms)
        return false;
    return true;
}

bool
rooms_settled(const struct supervisor *s)
{
    for (size_t i = 0; i < s->nrooms; i++)
        if (s->rooms[i] && !is_settled(s->rooms[i]))
            return false;
    return true;
}
