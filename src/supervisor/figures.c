/*
 * What everybody has counted, for hostel-metrics: some users at a time, so that nobody waits
 * for ten thousand of them. Floor 6, hostel.
 *
 * A user is given a row of his own when he is first seen awake, as long as there are some
 * left, and keeps it; who was added to the others stays with them. So no sum ever falls.
 */
#include "logwriter.h"
#include "metrics.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define USERS_TURN 64  /* of a turn of the loop: a millisecond's work at the most */
#define PAUSE_MS   1   /* between two of them */
#define REST_MS    500 /* between two snapshots, whoever asks */

/* --- one user -------------------------------------------------------------------------------
 */

static void
add_user(struct figures_user *f, struct room *r)
{
    const struct worker_child *w;
    const struct pool *p;

    counters_add(&f->counters, r->past);
    LIST_FOREACH(w, &r->workers, link)
    {
        counters_add(&f->counters, w->page);
        f->value[FIGURE_WORKERS] += w->ready && !w->leaving;
        f->value[FIGURE_WORKER_MEMORY] += child_memory_kib(&w->child) * 1024;
    }
    f->value[FIGURE_WORKER_STARTS] += r->starts;
    f->value[FIGURE_WORKER_CRASHES] += r->crashes_ever;
    f->value[FIGURE_DOWN] += r->state == ROOM_DOWN;
    f->value[FIGURE_PHP_STARTS] += r->php_starts;
    f->value[FIGURE_PHP_RESTARTS] += r->php_restarts;
    f->value[FIGURE_LOG_LOST] += log_account_lost(r->log_account);
    LIST_FOREACH(p, &r->all_pools, in_room)
    if (p->now) {
        f->value[FIGURE_PHP_POOLS]++;
        f->value[FIGURE_PHP_PROCESSES] += p->php->processes;
    }
}

static bool
has_row(struct supervisor *s, struct room *r)
{
    struct figures_work *work = &s->metrics->work;

    if (r->figures == FIGURES_OWN && work->rows > s->conf->metrics_users_max) {
        r->figures = FIGURES_OTHERS; /* there are fewer by now */
        work->rows--;
    } else if (r->figures == FIGURES_NONE && (r->past || !LIST_EMPTY(&r->workers))) {
        bool own = work->rows < s->conf->metrics_users_max;

        r->figures = own ? FIGURES_OWN : FIGURES_OTHERS;
        work->rows += own;
    }
    return r->figures == FIGURES_OWN;
}

static void
put_user(struct writer *w, struct supervisor *s, struct room *r)
{
    struct figures_user f = {0};

    if (!has_row(s, r)) {
        add_user(&s->metrics->work.others, r);
        return;
    }
    f.name = span_str(r->user->ids.name);
    f.gid = r->user->ids.gid;
    add_user(&f, r);
    figures_put_user(w, &f);
}

void
figures_room_gone(struct room *r)
{
    struct figures_work *work = r->s->metrics ? &r->s->metrics->work : NULL;

    if (!work)
        return;
    if (r->figures == FIGURES_OWN) {
        work->rows--;
        return;
    }
    if (r->past)
        counters_add_past(&work->gone.counters, r->past);
    work->gone.value[FIGURE_WORKER_STARTS] += r->starts;
    work->gone.value[FIGURE_WORKER_CRASHES] += r->crashes_ever;
    work->gone.value[FIGURE_PHP_STARTS] += r->php_starts;
    work->gone.value[FIGURE_PHP_RESTARTS] += r->php_restarts;
    work->gone.value[FIGURE_LOG_LOST] += log_account_lost(r->log_account);
}

/* --- everything else ------------------------------------------------------------------------
 */

/* Lines of one file stand together: "file:line: what". */
uint64_t
figures_broken_files(const struct supervisor *s)
{
    const struct conf_errors *errors = &s->broken;
    uint64_t n = 0;

    for (size_t i = 0; i < errors->n; i++) {
        struct span line = span_str(errors->lines[i]);
        struct span file = span_of(line.p, span_find(line, ':'));

        n += i == 0 || !span_starts(span_str(errors->lines[i - 1]), file);
    }
    return n;
}

static void
put_server(struct writer *w, struct supervisor *s)
{
    struct figures_server f = {0};
    struct counters sum = s->acceptors_past;

    f.value[FIGURE_START_TIME_S] = (uint64_t)time(NULL) - (date_mono_ms() - s->start_ms) / 1000;
    f.value[FIGURE_GENERATION] = s->gen->number;
    f.value[FIGURE_USERS] = s->conf->nusers;
    f.value[FIGURE_VHOSTS] = s->conf->nvhosts;
    f.value[FIGURE_ERRORS] = s->broken.n;
    f.value[FIGURE_BROKEN_FILES] = figures_broken_files(s);
    f.value[FIGURE_ACCEPTOR_RESTARTS] = s->acceptor_restarts;
    for (uint32_t i = 0; i < s->nacceptors; i++) {
        f.value[FIGURE_ACCEPTORS] += s->acceptors[i].ready;
        counters_add(&sum, s->acceptors[i].page);
    }
    f.value[FIGURE_WAITING] = sum.value[COUNT_WAITING];
    f.value[FIGURE_ROUTED] = sum.value[COUNT_ROUTED];
    f.value[FIGURE_REFUSED] = sum.value[COUNT_REFUSED];
    figures_put_server(w, &f);
}

static void
put_certificates(struct writer *w, const struct supervisor *s)
{
    const struct conf *conf = s->conf;
    struct figures_certificate others = {0};
    uint32_t rows = 0;

    for (size_t i = 0; i < conf->nvhosts; i++) {
        const struct conf_vhost *v = &conf->vhosts[i];
        struct figures_certificate f = {0};

        if (!v->tls || !s->gen->certificates[i].until)
            continue;
        f.until = s->gen->certificates[i].until;
        if (rows == conf->metrics_users_max) {
            if (!others.until || f.until < others.until)
                others.until = f.until;
            continue;
        }
        f.vhost = span_str(v->host);
        f.user = span_str(conf->users[v->user].ids.name);
        figures_put_certificate(w, &f);
        rows++;
    }
    if (others.until)
        figures_put_certificate(w, &others);
}

/* --- a snapshot -----------------------------------------------------------------------------
 */

static void
begin(struct supervisor *s, struct writer *w)
{
    struct figures_work *work = &s->metrics->work;

    work->begun = true;
    work->last_ms = date_mono_ms();
    work->room = 0;
    work->others = work->gone;
    buf_init(&work->out, FIGURES_BYTES_MAX);
    put_server(w, s);
}

static void
finish(struct supervisor *s, struct writer *w)
{
    struct metrics *m = s->metrics;
    int fd = -1, rc;

    figures_put_user(w, &m->work.others);
    figures_put_end(w);
    put_certificates(w, s);
    figures_put_end(w);
    rc = w->error ? w->error : figures_seal(&m->work.out, &fd);
    if (rc == 0 && m->control && m->greeted)
        rc = channel_send(m->control, MSG_FIGURES, NULL, &fd, 1);
    if (rc < 0) {
        log_error("the metrics cannot be gathered: %s", uv_strerror(rc));
        child_signal(&m->child, SIGKILL); /* it waits for an answer; the next one asks anew */
    }
    fd_close(&fd);
    figures_drop(s);
}

static void
on_turn(uv_timer_t *timer)
{
    struct supervisor *s = timer->data;
    struct figures_work *work = &s->metrics->work;
    struct writer w = {&work->out, 0};

    if (!work->begun)
        begin(s, &w);
    for (unsigned i = 0; i < USERS_TURN && work->room < s->nrooms; i++, work->room++)
        if (s->rooms[work->room])
            put_user(&w, s, s->rooms[work->room]);
    if (w.error || work->room >= s->nrooms)
        finish(s, &w);
}

void
figures_wanted(struct supervisor *s)
{
    struct figures_work *work = &s->metrics->work;
    uint64_t now_ms = date_mono_ms(), due_ms = work->last_ms + REST_MS;

    if (!uv_is_active((uv_handle_t *)&work->timer))
        uv_timer_start(&work->timer, on_turn,
                       work->last_ms && now_ms < due_ms ? due_ms - now_ms : 0, PAUSE_MS);
}

void
figures_drop(struct supervisor *s)
{
    struct figures_work *work = &s->metrics->work;

    uv_timer_stop(&work->timer);
    work->begun = false;
    buf_done(&work->out);
}

int
figures_init(struct supervisor *s)
{
    s->metrics->work.timer.data = s;
    return uv_timer_init(&s->loop, &s->metrics->work.timer);
}
