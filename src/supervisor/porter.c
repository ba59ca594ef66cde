/*
 * The porter: an acceptor of one room, which answers at the room's own listeners while it is
 * down. It knows that user's names only, and him as user 0, who is away. Floor 6, hostel.
 */
#include "supervisor.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define AWAY_MS     3600000 /* longer than any back-off: it is told to leave */
#define LAST_MS     1000    /* for its last answers */
#define KEPT_MAX_MS (2 * LAST_MS)

int
porter_tell(struct acceptor_child *a)
{
    const struct msg_user away = {.retry_ms = AWAY_MS};
    struct room *r = a->room;
    const struct conf *conf = r->gen->conf;
    int routes = -1, rc = 0;
    uint32_t id = 0;

    for (size_t i = 0; rc == 0 && i < conf->nlisten; i++) {
        const struct conf_listen *at = &conf->listen[i];
        const struct listener l = {.at = *at,
                                   .fd = at->user == r->user_index ? listeners_of(r, at) : -1};

        if (l.fd >= 0)
            rc = acceptor_tell_listener(a, id++, &l);
    }
    if (rc == 0)
        rc = generation_routes_of(r->gen, r->user_index, &routes);
    if (rc == 0)
        rc = acceptor_tell_routes(a, routes);
    fd_close(&routes);
    if (rc == 0)
        rc = acceptor_tell_user(a, MSG_USER_DOWN, &away, -1);
    return rc == 0 ? acceptor_tell_start(a) : rc;
}

void
porter_start(struct room *r)
{
    struct acceptor_child *a = r->porter;

    if (r->listens == 0)
        return;
    if (!a) {
        a = r->porter = mem_new(sizeof(*a));
        a->room = r;
        a->child.s = r->s;
        (void)snprintf(a->child.label, sizeof(a->child.label), "hostel-acceptor of %s",
                       r->user->ids.name);
    }
    if (child_is_gone(&a->child))
        (void)acceptor_start(
            a); /* said in the log; his visitors wait for the next worker then */
}

void
porter_stop(struct room *r)
{
    if (r->porter && r->porter->child.pid)
        acceptor_stop(r->porter, LAST_MS, MSG_STOP_LAST);
}

void
porter_sweep(struct room *r, uint64_t now_ms)
{
    if (r->state == ROOM_DOWN && r->s->stop == STOP_NOT)
        porter_start(r);
    else if (r->porter && r->porter->child.pid && now_ms > r->retry_ms + KEPT_MAX_MS)
        child_signal(&r->porter->child, SIGKILL);
}

bool
porter_free(struct room *r)
{
    if (r->porter && !child_is_gone(&r->porter->child)) {
        child_signal(&r->porter->child, SIGKILL);
        return false;
    }
    free(r->porter);
    r->porter = NULL;
    return true;
}
