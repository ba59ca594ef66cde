/*
 * From one generation to the next, without a connection lost. Floor 6, hostel.
 *
 *   asked ──> a thread reads and checks the files ──> applied: listeners, rooms, acceptors
 *      ↑        beside the loop, which serves on          │ changed users get new workers
 *      └──────────── asked again meanwhile ───────────────┴──> settled: they are all ready,
 *                                                              and the others have said so
 *
 * A main file with errors changes nothing. What follows from the files is worked out in the
 * thread, which only reads what the loop does not change meanwhile: so the loop's part takes
 * milliseconds for ten thousand vhosts.
 */
#include "admin.h"
#include "metrics.h"
#include "supervisor.h"
#include "syslogs.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/date.h"
#include "hostel/base/mem.h"
#include "hostel/sys/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- answers --------------------------------------------------------------------------------
 */

/* One object a line of what is wrong, then the end, for each that waits. */
static void
answer_all(struct supervisor *s, const struct conf_errors *errors, bool ok, const char *message)
{
    struct admin_client *c, *next;

    for (c = LIST_FIRST(&s->admin.waiting); c; c = next) {
        next = LIST_NEXT(c, waiting);
        for (size_t i = 0; errors && i < errors->n && admin_room(c); i++) {
            struct json j = admin_begin(c);

            json_string(&j, "error", errors->lines[i]);
            admin_done(c, &j);
        }
        admin_end(c, ok, "%s", message);
    }
}

static void
say_errors(const struct conf_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++)
        log_error("not in effect: %s", errors->lines[i]);
}

static void
refuse(struct supervisor *s, const struct conf_errors *errors, const char *why)
{
    say_errors(errors);
    log_error("reload: %s: nothing has changed", why);
    answer_all(s, errors, false, why);
}

/* --- applying -------------------------------------------------------------------------------
 */

/* What cannot change while the server runs. */
static void
say_waiting(const struct conf *before, const struct conf *now)
{
    const struct {
        const char *name;
        bool changed;
    } rows[] = {
        {"acceptors", before->acceptors != now->acceptors},
        {"acceptor_user", before->acceptor_ids.uid != now->acceptor_ids.uid},
        {"cgroup", strcmp(before->cgroup, now->cgroup) != 0},
        {"run_dir", strcmp(before->run_dir, now->run_dir) != 0},
        {"pid_file", strcmp(before->pid_file ? before->pid_file : "",
                            now->pid_file ? now->pid_file : "") != 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].changed)
            log_notice("reload: %s changes with the next start only", rows[i].name);
}

static void
take_error_log(struct supervisor *s)
{
    char *error;
    struct log_target *t = logs_target(s, s->conf->error_log, &error);

    if (!t) {
        log_error("reload: error_log: %s", error);
        free(error);
        return;
    }
    if (dup3(t->fd, s->error_fd, O_CLOEXEC) < 0) /* whoever writes there has its number */
        log_error("reload: error_log: %s", strerror(errno));
    else
        syslogs_take_own(s->error_fd, t->syslog);
}

/* No part of any digest: whoever runs goes on, with more to say or less. */
static void
take_log_level(struct supervisor *s)
{
    struct worker_child *w;

    log_level_set(s->conf->log_level);
    for (size_t i = 0; i < s->nrooms; i++)
        if (s->rooms[i])
            LIST_FOREACH(w, &s->rooms[i]->workers, link)
    worker_tell_log_level(w);
}

static void
apply(struct supervisor *s, struct generation *gen)
{
    struct generation *before = s->gen;

    say_waiting(before->conf, gen->conf);
    logs_inherit(&gen->logs, &before->logs);
    s->gen = gen;
    s->conf = gen->conf;
    take_error_log(s);
    if (before->conf->log_level != gen->conf->log_level)
        take_log_level(s);
    acceptors_tell_generation(s); /* before they hear who is gone: see generation.c */
    rooms_take_generation(s, before);
    secrets_renew(s);
    generation_drop(&before);
    (void)malloc_trim(0); /* the one before, and what reading this one took */
}

static void
loaded(struct supervisor *s)
{
    struct reload *r = &s->reload;
    struct generation *gen = r->gen;
    struct metrics_sockets metrics;
    const char *what;
    int rc;

    r->gen = NULL;
    if (r->rc < 0) {
        refuse(s, &r->errors, "the configuration has errors");
        return;
    }
    rc = metrics_sockets_open(s, gen->conf, &metrics, &what);
    rc = rc < 0 ? rc : listeners_take(s, gen, &what, &r->errors);
    if (rc < 0) {
        char *why = mem_fmt("cannot listen on %s: %s", what, uv_strerror(rc));

        refuse(s, &r->errors, why);
        free(why);
        metrics_sockets_close(&metrics);
        generation_drop(&gen);
        return;
    }
    say_errors(&r->errors);
    conf_errors_done(&s->broken);
    s->broken = r->errors;
    r->errors = (struct conf_errors){0};
    apply(s, gen);
    metrics_use(s, &metrics);
    r->settling = true;
}

/* --- the thread -----------------------------------------------------------------------------
 */

static void
load(void *data)
{
    struct supervisor *s = data;

    if (s->reload.reopens)
        s->reload.nfresh = logs_open_fresh(&s->gen->logs, s->conf, &s->reload.fresh);
    else
        s->reload.rc = generation_load(s, s->config, &s->reload.gen, &s->reload.errors);
    uv_async_send(&s->reload.loaded);
}

static void
reopened(struct supervisor *s)
{
    size_t n = s->reload.nfresh, failed = logs_use_fresh(s->reload.fresh, n);
    struct admin_client *c, *next;

    s->reload.fresh = NULL;
    s->reload.reopens = false;
    take_error_log(s);
    pools_reopen_logs(s);
    log_notice("%zu log files are opened anew, %zu stay as they were", n - failed, failed);
    for (c = LIST_FIRST(&s->admin.reopening); c; c = next) {
        next = LIST_NEXT(c, waiting);
        admin_end(c, failed == 0, "%zu log files are opened anew, %zu stay as they were",
                  n - failed, failed);
    }
}

static void
on_loaded(uv_async_t *async)
{
    struct supervisor *s = async->data;
    struct reload *r = &s->reload;

    if (!r->running)
        return;
    (void)uv_thread_join(&r->thread);
    r->running = false;
    if (r->reopens)
        reopened(s);
    else if (s->stop == STOP_NOT)
        loaded(s);
    conf_errors_done(&r->errors);
    reload_step(s);
}

int
reload_init(struct supervisor *s)
{
    int rc = secrets_init(s);

    s->reload.loaded.data = s;
    return rc < 0 ? rc : uv_async_init(&s->loop, &s->reload.loaded, on_loaded);
}

static int
start_thread(struct supervisor *s, bool reopens)
{
    int rc;

    s->reload.reopens = reopens;
    s->reload.running = true;
    rc = uv_thread_create(&s->reload.thread, load, s);
    if (rc < 0)
        s->reload.running = s->reload.reopens = false;
    return rc;
}

void
reload_start(struct supervisor *s)
{
    struct reload *r = &s->reload;
    int rc;

    if (!s->config || s->stop != STOP_NOT || !s->announced || s->upgrade.poll) {
        const char *why = !s->config            ? "there is no configuration file"
                          : s->stop != STOP_NOT ? "the server is stopping"
                          : s->upgrade.poll     ? "an upgrade is on its way"
                                                : "the server is starting";
        log_notice("reload: %s", why);
        answer_all(s, NULL, false, why);
        return;
    }
    if (r->running || r->settling) {
        r->again = true; /* the files may have changed since they were read */
        return;
    }
    log_notice("reload: reading %s", s->config);
    notify_manager("RELOADING=1\nMONOTONIC_USEC=%llu",
                   (unsigned long long)date_mono_ms() * 1000);
    r->again = false;
    r->asked = true;
    rc = start_thread(s, false);
    if (rc < 0) {
        log_error("reload: %s", uv_strerror(rc));
        answer_all(s, NULL, false, uv_strerror(rc));
    }
}

void
reopen_start(struct supervisor *s)
{
    int rc = 0;

    s->reload.reopen_again = s->reload.running;
    if (!s->reload.running)
        rc = start_thread(s, true);
    if (rc < 0)
        log_error("logs cannot be opened anew: %s", uv_strerror(rc));
}

static char *
settled_message(const struct supervisor *s)
{
    size_t behind = 0;

    for (size_t i = 0; i < s->nrooms; i++)
        behind += s->rooms[i] && s->rooms[i]->stale;
    if (behind)
        return mem_fmt("generation %llu is in effect%s; of %zu users the workers before go on, "
                       "as new ones do not get ready",
                       (unsigned long long)s->gen->number,
                       s->broken.n ? ", but for what has errors" : "", behind);
    return mem_fmt("generation %llu is in effect%s", (unsigned long long)s->gen->number,
                   s->broken.n ? ", but for what has errors" : "");
}

void
reload_step(struct supervisor *s)
{
    struct reload *r = &s->reload;
    char *message;

    if (r->reopen_again && !r->running)
        reopen_start(s);
    if (r->running || (r->settling && (s->renewal.running || !rooms_settled(s))))
        return;
    if (r->settling && !r->syncing) {
        listeners_settle(s, false);
        r->syncing = true;
        sync_start(s);
    }
    if (r->syncing && !sync_done(s))
        return;
    if (r->settling) {
        r->settling = r->syncing = false;
        message = settled_message(s);
        log_notice("reload: %s", message);
        if (!r->again)
            answer_all(s, &s->broken, s->broken.n == 0, message);
        free(message);
    }
    if (r->again) {
        reload_start(s);
    } else if (r->asked) {
        r->asked = false;
        notify_manager("READY=1");
    }
}
