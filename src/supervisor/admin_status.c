/*
 * "status": what runs, one object for the server, each listener, acceptor and user. It is
 * written a few users at a time, as fast as it is read. Floor 6, hostel.
 */
#include "admin.h"
#include "logwriter.h"
#include "metrics.h"
#include "hostel/base/date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void
say_server(struct admin_client *c)
{
    struct supervisor *s = c->s;
    struct json j = admin_begin(c);
    char limits[CGROUP_SAID_MAX];

    json_string(&j, "is", "server");
    json_string(&j, "version", HOSTEL_VERSION);
    json_number(&j, "pid", (uint64_t)getpid());
    json_number(&j, "uptime_s", (date_mono_ms() - s->start_ms) / 1000);
    json_number(&j, "generation", s->gen->number);
    json_string(&j, "config", s->conf->files[0]);
    json_string(&j, "state", s->stop != STOP_NOT ? "stopping" : "serving");
    cgroup_say(&s->groups, limits);
    json_string(&j, "limits", limits + strlen("limits: "));
    json_number(&j, "users", s->conf->nusers);
    json_number(&j, "vhosts", s->conf->nvhosts);
    json_number(&j, "errors", s->broken.n); /* all of them, also where not all are listed */
    json_number(&j, "broken_files", figures_broken_files(s));
    json_number(&j, "acceptor_restarts", s->acceptor_restarts);
    admin_done(c, &j);
}

/* Those of the main file; a user's own stand with him. */
static void
say_listeners(struct admin_client *c)
{
    const struct conf *conf = c->s->conf;

    for (size_t i = 0; i < conf->nlisten; i++) {
        const struct conf_listen *l = &conf->listen[i];
        struct json j;

        if (l->vhost != CONF_SHARED)
            continue;
        j = admin_begin(c);
        json_string(&j, "is", "listener");
        json_string(&j, "address", l->text);
        if (l->user != CONF_SHARED)
            json_string(&j, "user", conf->users[l->user].ids.name);
        admin_done(c, &j);
    }
}

/* Counts and levels of a kind of process, in an object that is open. */
static void
say_counters(struct json *j, const struct counters *c, enum counter first, enum counter last)
{
    for (enum counter i = first; i <= last; i++)
        json_number(j, counter_name(i), c->value[i]);
}

static void
say_worker_counters(struct json *j, const struct counters *c)
{
    say_counters(j, c, COUNT_CONNECTIONS, COUNT_PHP_QUEUED);
    json_number(j, "p50_us", counters_time_us(c, 50));
    json_number(j, "p99_us", counters_time_us(c, 99));
}

static const char *
state_of(const struct child *child, bool ready)
{
    return !child->pid ? "ended" : ready ? "serving" : "starting";
}

/* pid, age_s, state of a child, in an object that is open. */
static void
say_child(struct json *j, const struct child *child, const char *state)
{
    json_number(j, "pid", child->pid > 0 ? (uint64_t)child->pid : 0);
    json_number(j, "age_s", child->pid ? child_age_ms(child, date_mono_ms()) / 1000 : 0);
    json_string(j, "state", state);
    json_number(j, "rss_kib", child_memory_kib(child));
}

static void
say_acceptors(struct admin_client *c)
{
    for (uint32_t i = 0; c->s->acceptors && i < c->s->nacceptors; i++) {
        const struct acceptor_child *a = &c->s->acceptors[i];
        struct json j = admin_begin(c);
        struct counters sum = {0};

        counters_add(&sum, a->page);

        json_string(&j, "is", "acceptor");
        say_child(&j, &a->child, state_of(&a->child, a->ready));
        say_counters(&j, &sum, COUNT_WAITING, COUNT_REFUSED);
        admin_done(c, &j);
    }
}

/* Who shows numbers, where somebody wants them. */
static void
say_metrics(struct admin_client *c)
{
    const struct metrics *m = c->s->metrics;
    struct json j;

    if (m->sockets.n == 0)
        return;
    j = admin_begin(c);
    json_string(&j, "is", "metrics");
    say_child(&j, &m->child, state_of(&m->child, m->greeted));
    json_open(&j, "listens", '[');
    for (size_t i = 0; i < m->sockets.n; i++)
        json_string(&j, NULL, m->sockets.at[i].text);
    json_close(&j, ']');
    admin_done(c, &j);
}

/* --- users ----------------------------------------------------------------------------------
 */

/* All his pools together: a worker does not count by pool. */
static void
say_php(struct json *j, const struct room *r, const struct counters *sum)
{
    const struct pool *p;
    uint64_t running = 0;

    LIST_FOREACH(p, &r->all_pools, in_room)
    running += p->now ? p->php->processes : 0;
    json_open(j, "php", '{');
    json_number(j, "running", running); /* processes */
    json_number(j, "busy", sum->value[COUNT_PHP_RUNNING]);
    json_number(j, "queued", sum->value[COUNT_PHP_QUEUED]);
    json_number(j, "starts", r->php_starts); /* of pools */
    json_number(j, "restarts", r->php_restarts);
    json_number(j, "slow", sum->value[COUNT_PHP_SLOW]);
    json_close(j, '}');
}

static void
say_workers(struct json *j, const struct room *r)
{
    const struct worker_child *w;
    struct counters sum = {0};

    if (r->past)
        sum = *r->past;
    json_open(j, "workers", '[');
    LIST_FOREACH(w, &r->workers, link)
    {
        struct counters own = {0};

        json_open(j, NULL, '{');
        counters_add(&own, w->page);
        counters_add(&sum, w->page);
        say_child(j, &w->child, w->leaving ? "leaving" : state_of(&w->child, w->ready));
        say_worker_counters(j, &own);
        json_close(j, '}');
    }
    json_close(j, ']');
    say_worker_counters(j, &sum); /* all of his, also of workers that have ended */
    say_php(j, r, &sum);
}

static void
say_pools(struct json *j, struct room *r)
{
    static const struct child nothing;
    const struct pool *p;

    json_open(j, "pools", '[');
    LIST_FOREACH(p, &r->all_pools, in_room)
    {
        const char *state = p->state == POOL_DOWN ? "down" : p->now ? "serving" : "asleep";

        json_open(j, NULL, '{');
        json_string(j, "command", p->php->command);
        say_child(j, p->now ? &p->now->child : &nothing, state);
        json_number(j, "processes", p->php->processes);
        json_number(j, "starts", p->starts);
        json_number(j, "restarts", p->restarts);
        json_bool(j, "retired", p->retired);
        json_close(j, '}');
    }
    json_close(j, ']');
}

/* Where his workers take connections themselves. */
static void
say_own_listeners(struct json *j, const struct room *r)
{
    const struct conf *conf = r->gen->conf;

    json_open(j, "listens", '[');
    for (size_t i = 0; r->listens && i < conf->nlisten; i++)
        if (conf->listen[i].user == r->user_index && !conf->listen[i].missing)
            json_string(j, NULL, conf->listen[i].text);
    json_close(j, ']');
}

static void
say_user(struct admin_client *c, struct room *r)
{
    static const char *const states[] = {[ROOM_EMPTY] = "asleep",
                                         [ROOM_QUEUED] = "starting",
                                         [ROOM_OPEN] = "awake",
                                         [ROOM_DOWN] = "down"};
    struct json j = admin_begin(c);

    json_string(&j, "is", "user");
    json_string(&j, "user", r->user->ids.name);
    json_number(&j, "uid", r->user->ids.uid);
    json_number(&j, "gid", r->user->ids.gid);
    json_string(&j, "state", states[r->state]);
    json_number(&j, "crashes", r->crashes); /* in a row */
    json_number(&j, "worker_starts", r->starts);
    json_number(&j, "worker_crashes", r->crashes_ever);
    say_own_listeners(&j, r);
    json_number(&j, "oom_kills", r->oom_kills);
    json_number(&j, "log_lost_bytes", log_account_lost(r->log_account));
    say_workers(&j, r);
    say_pools(&j, r);
    admin_done(c, &j);
}

/* Who was never asked for has a room for as long as this takes. */
static void
say_room(struct admin_client *c, size_t index)
{
    bool never = !c->s->rooms[index];
    struct room *r = room_at(c->s, index);

    if (!r)
        return;
    say_user(c, r);
    if (never)
        room_close(r);
}

static void
say_certificate(struct admin_client *c, size_t vhost)
{
    const struct generation *g = c->s->gen;
    const struct conf_vhost *v = &g->conf->vhosts[vhost];
    const struct certificate *cert = &g->certificates[vhost];
    uint64_t now = (uint64_t)time(NULL);
    struct json j = admin_begin(c);

    json_string(&j, "is", "certificate");
    json_string(&j, "vhost", v->host);
    json_string(&j, "user", g->conf->users[v->user].ids.name);
    if (cert->until) {
        json_number(&j, "until", cert->until);
        json_number(&j, "days_left", cert->until > now ? (cert->until - now) / 86400 : 0);
        json_bool(&j, "expired", cert->until <= now);
    }
    json_bool(&j, "kept", cert->kept); /* what its files hold now is no good */
    admin_done(c, &j);
}

/* The files of which something is not in effect. */
static void
say_broken(struct admin_client *c)
{
    for (size_t i = 0; i < c->s->broken.n && admin_room(c); i++) {
        struct json j = admin_begin(c);

        json_string(&j, "is", "broken");
        json_string(&j, "error", c->s->broken.lines[i]);
        admin_done(c, &j);
    }
}

void
admin_status(struct admin_client *c, char *const *words)
{
    (void)words;
    say_server(c);
    say_broken(c);
    say_listeners(c);
    say_acceptors(c);
    say_metrics(c);
}

void
admin_status_more(struct admin_client *c)
{
    const struct conf *conf = c->s->conf;
    size_t nrooms = c->s->nrooms;

    while (admin_room(c)) {
        if (c->cursor >= nrooms + conf->nvhosts) {
            admin_end(c, true, "%s", "");
            return;
        }
        if (c->cursor >= nrooms && conf->vhosts[c->cursor - nrooms].tls)
            say_certificate(c, c->cursor - nrooms);
        else if (c->cursor < nrooms)
            say_room(c, c->cursor);
        c->cursor++;
    }
}
