/*
 * The listening sockets. Those of everybody have a number for their life, by which acceptors
 * know them; one user's own are his workers'. No socket is ever both, or two users': who held
 * it may hold it still. Floor 6, hostel.
 *
 *   made ──> in use ──address wanted by nobody, or by somebody else──> leaving ──> ended
 *                     there is another socket for that one, which gets
 *                     what comes; who has the old one takes what waits
 */
#include "inherit.h"
#include "supervisor.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/sys/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEAVE_MS 1000 /* for what waits there, and for handshakes that had begun */

/* --- who is who -----------------------------------------------------------------------------
 */

static struct listen_owner
owner_of(const struct conf *conf, const struct conf_listen *at)
{
    struct listen_owner o = {.own = at->user != CONF_SHARED};

    if (o.own) {
        o.uid = conf->users[at->user].ids.uid;
        o.gid = conf->users[at->user].ids.gid;
    }
    return o;
}

bool
listen_owner_is(const struct listen_owner *a, const struct listen_owner *b)
{
    return a->own == b->own && (!a->own || (a->uid == b->uid && a->gid == b->gid));
}

static bool
same_address(const struct conf_listen *a, const struct conf_listen *b)
{
    return a->addr_len == b->addr_len && memcmp(&a->addr, &b->addr, a->addr_len) == 0;
}

static bool
is(const struct listener *l, const struct conf *conf, const struct conf_listen *at)
{
    struct listen_owner o = owner_of(conf, at);

    return !l->leave_ms && l->at.tls == at->tls && same_address(&l->at, at) &&
           listen_owner_is(&l->owner, &o);
}

static bool
is_his(const struct listener *l, const struct ids *ids)
{
    const struct listen_owner o = {true, ids->uid, ids->gid};

    return listen_owner_is(&l->owner, &o);
}

static bool
is_of(const struct listener *l, const struct room *r)
{
    return is_his(l, &r->user->ids);
}

/* The next one that there is. in  l  NULL: the first */
static struct listener *
next(struct supervisor *s, struct listener *l)
{
    struct listener *end = s->listeners + LISTENERS_MAX;
    bool shared = !l || (l >= s->listeners && l < end);

    if (!shared)
        return LIST_NEXT(l, link);
    for (l = l ? l + 1 : s->listeners; l < end; l++)
        if (l->fd >= 0)
            return l;
    return LIST_FIRST(&s->own_listeners);
}

static struct listener *
find(struct supervisor *s, const struct conf *conf, const struct conf_listen *at)
{
    struct listener *l = NULL;

    while ((l = next(s, l)) && !is(l, conf, at))
        continue;
    return l;
}

/* Whosever it is. in  leaving  one that leaves, or one that is in use */
static struct listener *
find_address(struct supervisor *s, const struct conf_listen *at, bool leaving)
{
    struct listener *l = NULL;

    while ((l = next(s, l)) && (!same_address(&l->at, at) || (l->leave_ms > 0) != leaving))
        continue;
    return l;
}

/* ret  what is said of it there, or NULL: it is to go */
static const struct conf_listen *
wanted(const struct conf *conf, const struct listener *l)
{
    for (size_t i = 0; i < conf->nlisten; i++)
        if (is(l, conf, &conf->listen[i]))
            return &conf->listen[i];
    return NULL;
}

/* --- their ends -----------------------------------------------------------------------------
 */

static void
on_watch_closed(uv_handle_t *handle)
{
    free(handle);
}

static void
unwatch(struct listener *l)
{
    if (!l->watch)
        return;
    uv_poll_stop(l->watch);
    uv_close((uv_handle_t *)l->watch, on_watch_closed);
    l->watch = NULL;
}

static void
drop(struct listener *l)
{
    unwatch(l);
    fd_close(&l->fd);
    free(l->at.text);
    l->at.text = NULL;
    if (!l->owner.own)
        return;
    LIST_REMOVE(l, link);
    free(l);
}

static void
end(struct supervisor *s, struct listener *l)
{
    if (l->owner.own || l->leave_ms) /* a worker may keep it; acceptors may be slow */
        tcp_listen_end(l->fd);
    if (!l->owner.own)
        acceptors_tell_unlisten(s, (uint32_t)(l - s->listeners));
    drop(l);
}

/* Has another one its address? */
static bool
is_replaced(struct supervisor *s, const struct listener *l)
{
    struct listener *o = NULL;

    while ((o = next(s, o)) && (o == l || o->leave_ms || !same_address(&o->at, &l->at)))
        continue;
    return o;
}

static void
leave(struct supervisor *s, struct listener *l)
{
    if (l->owner.own || is_replaced(s, l))
        l->leave_ms = date_mono_ms() + LEAVE_MS;
    else
        end(s, l); /* acceptors take what waits there, then close it */
}

void
listeners_sweep(struct supervisor *s, uint64_t now_ms)
{
    struct listener *l, *after;

    for (l = next(s, NULL); l; l = after) {
        after = next(s, l);
        if (l->leave_ms && s->inherited) /* until the server before has handed over */
            l->leave_ms = now_ms + LEAVE_MS;
        else if (l->leave_ms && now_ms >= l->leave_ms)
            end(s, l);
    }
    for (l = next(s, NULL); l; l = next(s, l))
        if (l->beside && !s->inherited && !l->leave_ms && !find_address(s, &l->at, true)) {
            l->beside = false;
            (void)tcp_listen_alone(l->fd);
        }
}

void
listeners_settle(struct supervisor *s, bool all)
{
    struct listener *l, *after;

    for (l = next(s, NULL); l; l = after) {
        after = next(s, l);
        if (l->leave_ms && (all || !is_replaced(s, l)))
            end(s, l);
    }
}

/* --- made -----------------------------------------------------------------------------------
 */

/* ret  a place for one, without a socket; NULL: there is none */
static struct listener *
place(struct supervisor *s, const struct listen_owner *owner)
{
    struct listener *l = s->listeners;

    if (owner->own) {
        l = mem_new(sizeof(*l));
        LIST_INSERT_HEAD(&s->own_listeners, l, link);
        return l;
    }
    while (l < s->listeners + LISTENERS_MAX && l->fd >= 0)
        l++;
    return l < s->listeners + LISTENERS_MAX ? l : NULL;
}

/* in  fd  takes. ret  it; NULL: what goes and what comes are more than LISTENERS_MAX together
 */
static struct listener *
put(struct supervisor *s, const struct listen_owner *owner, const struct conf_listen *at,
    int fd)
{
    struct listener *l = place(s, owner);

    if (!l) {
        fd_close(&fd);
        return NULL;
    }
    l->fd = fd;
    l->owner = *owner;
    l->at = *at;
    l->at.text = mem_str(at->text);
    l->fresh = true;
    l->beside = false;
    l->leave_ms = 0;
    return l;
}

/* What the server before had at this address, if it was this owner's; another's is to leave. */
static int
take_inherited(struct supervisor *s, const struct listen_owner *owner,
               const struct conf_listen *at)
{
    struct listen_owner whose = *owner;
    int fd = s->inherited ? inherit_listener(s->inherited, at, &whose) : -1;
    struct listener *l;

    if (fd < 0 || listen_owner_is(&whose, owner))
        return fd;
    l = put(s, &whose, at, fd);
    if (l)
        l->leave_ms = date_mono_ms() + LEAVE_MS;
    return -1;
}

static int
open_one(struct supervisor *s, const struct listen_owner *owner, const struct conf_listen *at,
         int *fd)
{
    const struct sockaddr *addr = (const struct sockaddr *)&at->addr;
    struct listener *old = find_address(s, at, false);

    *fd = take_inherited(s, owner, at);
    if (*fd >= 0)
        return 0;
    if (old && find_address(s, at, true))
        end(s, find_address(s, at, true)); /* beside one there is room for one */
    if (!old)
        old = find_address(s, at, true);
    return old ? tcp_listen_beside(addr, at->addr_len, old->fd, fd)
               : tcp_listen(addr, at->addr_len, fd);
}

static int
add(struct supervisor *s, const struct conf *conf, const struct conf_listen *at)
{
    struct listen_owner owner = owner_of(conf, at);
    struct listener *l;
    int fd, rc = open_one(s, &owner, at, &fd);

    if (rc < 0)
        return rc;
    l = put(s, &owner, at, fd);
    if (!l)
        return -EMFILE;
    l->beside = true; /* maybe; or the server before has left it so */
    return 0;
}

/* One user's own is his trouble: he is served on the main ones meanwhile. */
static void
go_without(struct conf *conf, struct conf_listen *at, int rc, struct conf_errors *errors)
{
    const struct conf_vhost *v = &conf->vhosts[at->vhost];

    at->missing = true;
    generation_error(errors, mem_fmt("%s:%zu: vhost %s: cannot listen on %s: %s", v->file,
                                     v->line, v->host, at->text, uv_strerror(rc)));
}

/* ret  0; -errno and which one, and those that were new are closed again */
static int
add_all(struct supervisor *s, struct conf *conf, const char **what, struct conf_errors *errors)
{
    struct listener *l, *after;
    int rc = 0;

    for (l = next(s, NULL); l; l = next(s, l))
        l->fresh = false;
    for (size_t i = 0; rc == 0 && i < conf->nlisten; i++) {
        struct conf_listen *at = &conf->listen[i];

        *what = at->text;
        if (find(s, conf, at))
            continue;
        rc = add(s, conf, at);
        if (rc < 0 && at->vhost != CONF_SHARED) {
            go_without(conf, at, rc, errors);
            rc = 0;
        }
    }
    for (l = next(s, NULL); rc < 0 && l; l = after) {
        after = next(s, l);
        if (l->fresh && !l->leave_ms)
            drop(l);
        else if (!l->leave_ms && !l->beside)
            (void)tcp_listen_alone(l->fd);
    }
    return rc;
}

int
listeners_take(struct supervisor *s, struct generation *g, const char **what,
               struct conf_errors *errors)
{
    int rc = add_all(s, g->conf, what, errors);
    struct listener *l, *after;

    if (rc < 0)
        return rc;
    for (l = next(s, NULL); l; l = after) {
        const struct conf_listen *now = l->leave_ms ? NULL : wanted(g->conf, l);

        after = next(s, l);
        if (now && memcmp(&l->at.proxies, &now->proxies, sizeof(now->proxies)) != 0) {
            l->at.proxies = now->proxies;
            acceptors_tell_proxies(s, (uint32_t)(l - s->listeners)); /* no user's own has any */
        }
        if (!l->leave_ms && !now)
            leave(s, l);
    }
    for (size_t i = 0; i < g->conf->nlisten; i++) /* he is told of fewer than was thought */
        if (g->conf->listen[i].missing)
            g->parts[g->conf->listen[i].user].digest =
                worker_digest(g, g->conf->listen[i].user);
    return 0;
}

void
listeners_close(struct supervisor *s, bool goes_on)
{
    struct listener *l, *after;

    for (l = next(s, NULL); l; l = after) {
        after = next(s, l);
        if (l->owner.own && (!goes_on || l->leave_ms))
            tcp_listen_end(l->fd);
        drop(l);
    }
}

/* --- a user's own ---------------------------------------------------------------------------
 */

int
listeners_of(struct room *r, const struct conf_listen *at)
{
    struct listener *l = find(r->s, r->gen->conf, at);

    return l ? l->fd : -1;
}

unsigned
listeners_all_of(struct room *r, struct listener **last)
{
    struct listener *l;
    unsigned n = 0;

    *last = NULL;
    LIST_FOREACH(l, &r->s->own_listeners, link)
    {
        n += is_of(l, r);
        if (l->leave_ms && is_of(l, r))
            *last = l;
    }
    return n;
}

bool
listeners_any_of(const struct supervisor *s, const struct ids *ids)
{
    const struct listener *l;

    LIST_FOREACH(l, &s->own_listeners, link)
    if (is_his(l, ids))
        return true;
    return false;
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
    struct room *r = poll->data;

    (void)status, (void)events;
    room_woken(r);
}

void
listeners_watch(struct room *r)
{
    struct listener *l;

    LIST_FOREACH(l, &r->s->own_listeners, link)
    {
        if (l->watch || !is_of(l, r))
            continue;
        (void)tcp_listen_again(l->fd); /* a worker may have shut it down */
        l->watch = mem_new(sizeof(*l->watch));
        if (uv_poll_init(&r->s->loop, l->watch, l->fd) < 0) {
            free(l->watch);
            l->watch = NULL; /* the sweep tries again */
            continue;
        }
        l->watch->data = r;
        uv_poll_start(l->watch, UV_READABLE, on_readable);
    }
}

void
listeners_unwatch(struct room *r)
{
    struct listener *l;

    LIST_FOREACH(l, &r->s->own_listeners, link)
    if (l->watch && l->watch->data == r)
        unwatch(l);
}
