/*
 * When what was told is in effect: who was told something is asked, after it, to say that he
 * has come so far. Floor 6, hostel.
 *
 * A user's worker may keep a reload waiting by its silence, and no longer than SYNC_LATE_MS.
 */
#include "supervisor.h"
#include "hostel/base/date.h"
#include "hostel/base/log.h"

#include <errno.h>

#define SYNC_LATE_MS 2000

/* ret  its number is to come back; 0: it cannot be asked */
static uint32_t
ask(struct channel *c, enum msg_type type, uint32_t no)
{
    struct buf b;
    struct writer w = {&b, 0};
    int rc;

    if (!c)
        return 0;
    buf_init(&b, IPC_BYTES_MAX);
    msg_sync_put(&w, &(struct msg_sync){no});
    rc = w.error ? w.error : channel_send(c, type, &b, NULL, 0);
    buf_done(&b);
    return rc < 0 ? 0 : no;
}

void
sync_start(struct supervisor *s)
{
    struct sync *y = &s->sync;
    struct worker_child *w;

    y->no = y->no == UINT32_MAX ? 1 : y->no + 1;
    y->late_ms = date_mono_ms() + SYNC_LATE_MS;
    for (uint32_t i = 0; i < s->nacceptors; i++) {
        struct acceptor_child *a = &s->acceptors[i];

        a->sync = a->greeted ? ask(a->control, MSG_SYNC, y->no) : 0;
    }
    for (size_t i = 0; i < s->nrooms; i++) {
        if (!s->rooms[i])
            continue;
        LIST_FOREACH(w, &s->rooms[i]->workers, link)
        {
            if (!w->renewed)
                continue;
            w->renewed = false;
            w->sync = ask(w->control, MSG_SYNC_WORKER, y->no);
        }
    }
}

static bool
waits(const struct supervisor *s, uint32_t sync, const struct child *c)
{
    if (sync == 0 || sync != s->sync.no || !c->pid)
        return false;
    if (date_mono_ms() < s->sync.late_ms)
        return true;
    log_warn("%s does not answer: it may go on as before for a while", c->label);
    return false;
}

bool
sync_done(struct supervisor *s)
{
    const struct worker_child *w;

    for (uint32_t i = 0; i < s->nacceptors; i++)
        if (waits(s, s->acceptors[i].sync, &s->acceptors[i].child))
            return false;
    for (size_t i = 0; i < s->nrooms; i++) {
        if (!s->rooms[i])
            continue;
        LIST_FOREACH(w, &s->rooms[i]->workers, link)
        if (waits(s, w->sync, &w->child))
            return false;
    }
    return true;
}

int
sync_answered(struct supervisor *s, uint32_t *asked, struct message *m)
{
    struct msg_sync answer;

    if (msg_sync_get(&m->payload, &answer) < 0 || *asked == 0 || answer.no > *asked)
        return -EPROTO;
    if (answer.no < *asked)
        return 0; /* it was late, and was asked once more meanwhile */
    *asked = 0;
    reload_step(s);
    return 0;
}
