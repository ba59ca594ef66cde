/*
 * The keys of a user's session tickets: made here, known to all of his workers and to nobody
 * else, a new one every few hours. Floor 6, hostel.
 */
#include "hostel/base/date.h"
#include "hostel/base/mem.h"
#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define KEYS_MAX 2                  /* the newest, and the one before */
#define LIFE_MS  (8 * 3600 * 1000u) /* as the newest; as long again as an older one */

struct room_tickets {
    unsigned nkeys;
    unsigned char keys[KEYS_MAX][MSG_TICKET_BYTES];
    uint64_t turn_ms; /* a new key then */
};

static int
turn_keys(struct room_tickets *t, uint64_t now_ms)
{
    unsigned char fresh[MSG_TICKET_BYTES];

    if (getrandom(fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh))
        return -EIO;
    memmove(t->keys[1], t->keys[0], (KEYS_MAX - 1) * MSG_TICKET_BYTES);
    memcpy(t->keys[0], fresh, sizeof(fresh));
    explicit_bzero(fresh, sizeof(fresh));
    if (t->nkeys < KEYS_MAX)
        t->nkeys++;
    t->turn_ms = now_ms + LIFE_MS;
    return 0;
}

void
tickets_free(struct room_tickets **t)
{
    if (!*t)
        return;
    explicit_bzero(*t, sizeof(**t));
    free(*t);
    *t = NULL;
}

static int
send_keys(struct worker_child *w)
{
    const struct room_tickets *t = w->room->tickets;
    struct msg_tickets m = {.kernel = w->child.s->tls_kernel,
                            .keys = span_of(t->keys, (size_t)t->nkeys * MSG_TICKET_BYTES)};
    struct buf b;
    struct writer out = {&b, 0};
    int rc;

    buf_init(&b, IPC_BYTES_MAX);
    msg_tickets_put(&out, &m);
    rc = out.error ? out.error : channel_send(w->control, MSG_TICKETS, &b, NULL, 0);
    if (b.data)
        explicit_bzero(b.data, b.cap);
    buf_done(&b);
    return rc < 0 ? rc : 0;
}

int
tickets_send(struct worker_child *w)
{
    struct room *r = w->room;
    int rc = 0;

    if (!r->tickets) {
        r->tickets = mem_new(sizeof(*r->tickets));
        rc = turn_keys(r->tickets, date_mono_ms());
        if (rc < 0)
            tickets_free(&r->tickets);
    }
    return rc < 0 ? rc : send_keys(w);
}

void
tickets_sweep(struct supervisor *s, uint64_t now_ms)
{
    for (size_t i = 0; i < s->nrooms; i++) {
        struct room *r = s->rooms[i];
        struct worker_child *w;

        if (!r || !r->tickets || now_ms < r->tickets->turn_ms ||
            turn_keys(r->tickets, now_ms) < 0)
            continue;
        LIST_FOREACH(w, &r->workers, link)
        if (w->control && w->greeted && secrets_wanted(r) && send_keys(w) < 0)
            child_signal(&w->child, SIGKILL);
    }
}

/* --- over an upgrade ------------------------------------------------------------------------
 *
 * Without them every visitor of before would ask for a whole handshake, all at the same time.
 * They go from this process to the next one in a memfd that nobody else has.
 */

struct record {
    uint32_t bytes; /* of this: one of another shape, of another version, is none */
    uint32_t nkeys;
    uid_t uid;
    gid_t gid;
    uint64_t left_ms; /* until the next turn */
    unsigned char keys[KEYS_MAX][MSG_TICKET_BYTES];
};

int
tickets_hand_on(const struct room *r, int fd, uint32_t nth, uint64_t now_ms)
{
    const struct room_tickets *t = r->tickets;
    struct record rec = {
        .bytes = sizeof(rec), .uid = r->user->ids.uid, .gid = r->user->ids.gid};
    ssize_t n;

    if (!t)
        return 0;
    rec.nkeys = t->nkeys;
    rec.left_ms = t->turn_ms > now_ms ? t->turn_ms - now_ms : 0;
    memcpy(rec.keys, t->keys, sizeof(rec.keys));
    n = pwrite(fd, &rec, sizeof(rec), (off_t)(nth * sizeof(rec)));
    explicit_bzero(&rec, sizeof(rec));
    return n == (ssize_t)sizeof(rec) ? 0 : -EIO;
}

void
tickets_take_over(struct room *r, int fd, uint32_t nth, uint64_t now_ms)
{
    struct record rec = {0};
    ssize_t n = pread(fd, &rec, sizeof(rec), (off_t)(nth * sizeof(rec)));

    if (n == (ssize_t)sizeof(rec) && rec.bytes == sizeof(rec) && rec.nkeys >= 1 &&
        rec.nkeys <= KEYS_MAX && rec.uid == r->user->ids.uid && rec.gid == r->user->ids.gid &&
        !r->tickets) {
        r->tickets = mem_new(sizeof(*r->tickets));
        r->tickets->nkeys = rec.nkeys;
        memcpy(r->tickets->keys, rec.keys, sizeof(rec.keys));
        r->tickets->turn_ms = now_ms + (rec.left_ms < LIFE_MS ? rec.left_ms : LIFE_MS);
    }
    explicit_bzero(&rec, sizeof(rec));
}
