/*
 * Certificates and keys on their way to their user's workers. Floor 6, hostel.
 *
 * The bytes of a key never lie in this process's memory: the kernel copies the file into a
 * sealed memfd, and the memfd goes to the worker. One is kept for each file that a worker was
 * given, so that the next worker of the same user gets the same pair, whatever has become of
 * the files since; a reload that finds others there, and good ones, has them read anew.
 */
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/supervisor/run.h"
#include "hostel/sys/secret.h"
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RENEWALS_TURN     16 /* of a turn of the loop: a millisecond's work */
#define RENEWAL_PAUSE_MS  1
#define RENEWAL_QUEUE_MAX (32 * 1024) /* a worker that has so much to read reads it first */
#define RENEWAL_LATE_MS   5000

struct secret_pair {
    uint64_t identity; /* of the files when they were read */
    int chain, key;    /* sealed memfds; -1: not read */
    bool due;          /* there is another to be read */
};

struct room_secrets {
    struct secret_pair *pairs; /* of the user's vhosts, in the order of his part */
    size_t npairs;
    size_t ndue;
};

bool
secrets_wanted(const struct room *r)
{
    for (size_t i = 0; i < r->part->count; i++)
        if (r->gen->conf->vhosts[r->gen->order[r->part->first + i]].tls)
            return true;
    return false;
}

static struct secret_pair *
pairs_new(size_t n)
{
    struct secret_pair *pairs = mem_new_array(n, sizeof(*pairs));

    for (size_t i = 0; i < n; i++)
        pairs[i].chain = pairs[i].key = -1;
    return pairs;
}

static void
pairs_free(struct secret_pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fd_close(&pairs[i].chain);
        fd_close(&pairs[i].key);
    }
    free(pairs);
}

/* The place of a vhost in a user's part, which goes upwards. ret  or part->count */
static size_t
place_of(const struct generation *g, const struct part *part, size_t vhost)
{
    size_t low = 0, high = part->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (g->order[part->first + mid] < vhost)
            low = mid + 1;
        else
            high = mid;
    }
    return low < part->count && g->order[part->first + low] == vhost ? low : part->count;
}

void
secrets_take_generation(struct room *r, const struct generation *before, size_t user)
{
    const struct part *old = &before->parts[user];
    struct room_secrets *secrets = r->secrets;
    struct secret_pair *last;
    size_t nlast;

    if (!secrets)
        return;
    last = secrets->pairs;
    nlast = secrets->npairs;
    secrets->npairs = r->part->count;
    secrets->pairs = pairs_new(secrets->npairs);
    secrets->ndue = 0;
    for (size_t i = 0; i < secrets->npairs; i++) {
        size_t vhost = r->gen->order[r->part->first + i], k;
        struct secret_pair *p = &secrets->pairs[i];
        struct certificate *c;

        if (!r->gen->conf->vhosts[vhost].tls)
            continue;
        c = &r->gen->certificates[vhost];
        if (c->before == NO_VHOST)
            continue;
        k = place_of(before, old, c->before);
        if (k >= nlast || last[k].key < 0)
            continue;
        *p = last[k];
        last[k].chain = last[k].key = -1;
        p->due = p->identity != c->identity;
        secrets->ndue += p->due;
        atomic_store(&c->held, !p->due);
    }
    pairs_free(last, nlast);
}

void
secrets_free(struct room_secrets **s)
{
    if (!*s)
        return;
    pairs_free((*s)->pairs, (*s)->npairs);
    free(*s);
    *s = NULL;
}

/* "mptcp tls": what the kernel can lay over TCP. */
bool
supervisor_ktls(void)
{
    char text[256];
    FILE *f = fopen("/proc/sys/net/ipv4/tcp_available_ulp", "re");
    struct span rest, word;
    bool found = false;

    if (!f)
        return false;
    if (fgets(text, sizeof(text), f)) {
        rest = span_str(text);
        if (rest.n && rest.p[rest.n - 1] == '\n')
            rest.n--;
        while (!found && span_cut(&rest, ' ', &word))
            found = span_eq(word, SPAN("tls"));
    }
    fclose(f);
    return found;
}

int
secrets_send_tickets(struct worker_child *w)
{
    struct room *r = w->room;

    if (!secrets_wanted(r))
        return 0;
    if (!r->secrets) {
        r->secrets = mem_new(sizeof(*r->secrets));
        r->secrets->npairs = r->part->count;
        r->secrets->pairs = pairs_new(r->part->count);
    }
    return tickets_send(w);
}

/* --- certificates ---------------------------------------------------------------------------
 */

/* ret  a memfd, or -1: it was said why not */
static int
read_file(const struct room *r, const struct conf_vhost *v, const char *path)
{
    char *why = NULL;
    int fd = -1;
    int rc = secret_read(path, r->s->conf->switching ? r->user->ids.uid : geteuid(), &fd, &why);

    if (rc < 0)
        log_error("%s: vhost %s: its certificate cannot be read: %s: %s", v->file, v->host,
                  path, why);
    free(why);
    return fd;
}

static int
read_pair(const struct room *r, const struct conf_vhost *v, struct secret_pair *p)
{
    *p = (struct secret_pair){certificate_identity(r->gen->conf, v), -1, -1, false};
    p->chain = read_file(r, v, v->tls->certificate);
    if (p->chain >= 0)
        p->key = read_file(r, v, v->tls->key);
    if (p->key >= 0)
        return 0;
    fd_close(&p->chain);
    return -ENOENT;
}

/*
 * What is there is what was looked at, or the one before that is kept. Where there is another
 * it takes its place, once it can be read.
 *
 * ret  NULL: there is none
 */
static const struct secret_pair *
pair_of(struct room *r, uint32_t nth)
{
    size_t vhost = r->gen->order[r->part->first + nth];
    struct certificate *c = &r->gen->certificates[vhost];
    struct secret_pair *p, fresh;

    if (!r->secrets || nth >= r->secrets->npairs)
        return NULL;
    p = &r->secrets->pairs[nth];
    if (p->key >= 0 && !p->due)
        return p;
    r->secrets->ndue -= p->due;
    p->due = false;
    if (read_pair(r, &r->gen->conf->vhosts[vhost], &fresh) < 0)
        return p->key >= 0 ? p : NULL; /* the next worker tries again */
    fd_close(&p->chain);
    fd_close(&p->key);
    *p = fresh;
    atomic_store(&c->held, p->identity == c->identity); /* else nobody has looked at it */
    return p;
}

int
secrets_send_tls(struct worker_child *w, uint32_t nth)
{
    const struct room *r = w->room;
    const struct conf_vhost *v = &r->gen->conf->vhosts[r->gen->order[r->part->first + nth]];
    const struct secret_pair *p = v->tls ? pair_of(w->room, nth) : NULL;
    struct msg_tls m;
    struct buf b;
    struct writer out = {&b, 0};
    int fds[2], rc;

    if (!p)
        return 0;
    m = (struct msg_tls){nth, (uint8_t)v->tls->version_min};
    fds[0] = fcntl(p->chain, F_DUPFD_CLOEXEC, 3);
    fds[1] = fcntl(p->key, F_DUPFD_CLOEXEC, 3);
    buf_init(&b, IPC_BYTES_MAX);
    msg_tls_put(&out, &m);
    rc = fds[0] < 0 || fds[1] < 0 ? -EMFILE : out.error;
    if (rc == 0)
        rc = channel_send(w->control, MSG_TLS, &b, fds, 2);
    buf_done(&b);
    fd_close_all(fds, 2);
    return rc < 0 ? rc : 0;
}

/* --- to workers that run --------------------------------------------------------------------
 *
 * Their connections go on with what they began with; who comes now gets the new one. Files are
 * read and messages sent a few at a time, so that nobody else waits for many of them.
 */

/* It was told of this part's vhosts, so it knows them by their numbers. */
static bool
takes_renewals(const struct worker_child *w)
{
    return w->control && !w->leaving && w->told == w->room->part->digest;
}

static bool
any_takes(const struct room *r)
{
    const struct worker_child *w;

    LIST_FOREACH(w, &r->workers, link)
    if (takes_renewals(w))
        return true;
    return false;
}

/* ret  0; -EAGAIN: some worker has no room for it just now */
static int
renew(struct room *r, uint32_t nth, bool late)
{
    struct worker_child *w;

    LIST_FOREACH(w, &r->workers, link)
    if (takes_renewals(w) && w->control->queued_bytes > RENEWAL_QUEUE_MAX && !late)
        return -EAGAIN;
    LIST_FOREACH(w, &r->workers, link)
    {
        if (!takes_renewals(w))
            continue;
        if (w->control->queued_bytes > RENEWAL_QUEUE_MAX)
            log_error("%s does not read: it goes on with the certificates that it has",
                      w->child.label);
        else if (secrets_send_tls(w, nth) < 0)
            log_error("%s cannot be sent a certificate: it goes on with the one it has",
                      w->child.label);
        else
            w->renewed = true;
    }
    return 0;
}

/* ret  0: through; -EAGAIN: to be continued */
static int
renew_some(struct supervisor *s, uint64_t now_ms)
{
    struct renewal *n = &s->renewal;
    unsigned done = 0;

    for (; n->room < s->nrooms; n->room++, n->nth = 0) {
        struct room *r = s->rooms[n->room];

        if (!r || !r->secrets || r->secrets->ndue == 0 || !any_takes(r))
            continue;
        for (; n->nth < r->secrets->npairs; n->nth++) {
            if (!r->secrets->pairs[n->nth].due)
                continue;
            if (done++ == RENEWALS_TURN || renew(r, (uint32_t)n->nth, now_ms > n->late_ms) < 0)
                return -EAGAIN;
            n->late_ms = now_ms + RENEWAL_LATE_MS;
        }
    }
    return 0;
}

static void
on_renewal(uv_timer_t *timer)
{
    struct supervisor *s = timer->data;

    if (s->stop == STOP_NOT && renew_some(s, date_mono_ms()) < 0)
        return;
    uv_timer_stop(timer);
    s->renewal.running = false;
    reload_step(s);
}

int
secrets_init(struct supervisor *s)
{
    s->renewal.timer.data = s;
    return uv_timer_init(&s->loop, &s->renewal.timer);
}

void
secrets_renew(struct supervisor *s)
{
    s->renewal.running = true;
    s->renewal.room = s->renewal.nth = 0;
    s->renewal.late_ms = date_mono_ms() + RENEWAL_LATE_MS;
    uv_timer_start(&s->renewal.timer, on_renewal, 0, RENEWAL_PAUSE_MS);
}
