/* The logs of a worker. Floor 5; worker. */
#include "hostel/serve/logfile.h"
#include "hostel/base/logring.h"
#include "hostel/base/mem.h"

#include <stdlib.h>
#include <sys/queue.h>

struct logfile {
    SLIST_ENTRY(logfile) entry;
    struct logfiles *all;
    struct logring *ring;
};

struct logfiles {
    uv_timer_t timer;
    bool armed;
    bool (*ask)(void *data);
    void *data;
    SLIST_HEAD(, logfile) list;
};

struct logfiles *
logfiles_new(uv_loop_t *loop, bool (*ask)(void *data), void *data)
{
    struct logfiles *all = mem_new(sizeof(*all));

    all->ask = ask;
    all->data = data;
    uv_timer_init(loop, &all->timer);
    all->timer.data = all;
    uv_unref((uv_handle_t *)&all->timer); /* lines are safe where they are */
    return all;
}

struct logfile *
logfile_new(struct logfiles *all, int fd)
{
    struct logfile *log = mem_new(sizeof(*log));

    if (logring_use(fd, &log->ring) < 0) {
        free(log);
        return NULL;
    }
    log->all = all;
    SLIST_INSERT_HEAD(&all->list, log, entry);
    return log;
}

static void
on_timer(uv_timer_t *timer)
{
    struct logfiles *all = timer->data;

    all->armed = !all->ask(all->data);
    if (all->armed)
        uv_timer_start(timer, on_timer, LOGFILE_GATHER_MS, 0);
}

void
logfile_add(struct logfile *log, struct span line)
{
    struct logfiles *all = log->all;

    (void)logring_put(log->ring, line);
    if (!all->armed && !logring_watched(log->ring)) {
        all->armed = true;
        uv_timer_start(&all->timer, on_timer, LOGFILE_GATHER_MS, 0);
    }
    if (logring_urgent(log->ring))
        (void)all->ask(all->data); /* the timer still runs */
}

static void
on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void
logfiles_free(struct logfiles **all)
{
    struct logfile *log;

    if (!*all)
        return;
    while ((log = SLIST_FIRST(&(*all)->list))) {
        SLIST_REMOVE_HEAD(&(*all)->list, entry);
        logring_free(&log->ring);
        free(log);
    }
    uv_close((uv_handle_t *)&(*all)->timer, on_closed);
    *all = NULL;
}
