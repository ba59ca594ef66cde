/*
 * Certificates and keys on their way to their user's workers, and the keys of his session
 * tickets. Floor 6, hostel.
 *
 * The bytes of a key never lie in this process's memory: the kernel copies the file into a
 * sealed memfd, and the memfd goes to the worker. One is kept for each file that a running
 * worker was given, so that the next worker of the same user gets the same pair, whatever has
 * become of the files since; a reload reads them anew.
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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define KEYS_MAX 2 /* the newest, and the one before */

struct secret_pair {
    const struct conf_vhost *vhost;
    int chain, key; /* sealed memfds; -1: could not be read */
};

struct room_secrets {
    struct secret_pair *pairs;
    size_t npairs;
    unsigned nkeys;
    unsigned char keys[KEYS_MAX][MSG_TICKET_BYTES];
    uint64_t turn_ms; /* a new key then */
};

bool
secrets_wanted(const struct room *r)
{
    for (size_t i = 0; i < r->part->count; i++)
        if (r->gen->conf->vhosts[r->gen->order[r->part->first + i]].tls)
            return true;
    return false;
}

/* The pairs belong to vhosts of the generation before: the same ones, or none that counts. */
void
secrets_take_generation(struct room *r, const struct generation *before, size_t user)
{
    const struct part *old = &before->parts[user];
    struct room_secrets *secrets = r->secrets;

    if (!secrets)
        return;
    for (size_t i = 0; i < secrets->npairs; i++) {
        struct secret_pair *p = &secrets->pairs[i];
        size_t k = 0;

        while (k < old->count &&
               &before->conf->vhosts[before->order[old->first + k]] != p->vhost)
            k++;
        if (k < old->count && old->digest == r->part->digest) {
            p->vhost = &r->gen->conf->vhosts[r->gen->order[r->part->first + k]];
            continue;
        }
        fd_close(&p->chain);
        fd_close(&p->key);
        *p = secrets->pairs[--secrets->npairs];
        i--;
    }
}

void
secrets_free(struct room_secrets **s)
{
    if (!*s)
        return;
    for (size_t i = 0; i < (*s)->npairs; i++) {
        fd_close(&(*s)->pairs[i].chain);
        fd_close(&(*s)->pairs[i].key);
    }
    free((*s)->pairs);
    explicit_bzero(*s, sizeof(**s));
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

/* --- session tickets ------------------------------------------------------------------------
 */

static int
turn_keys(struct room_secrets *secrets, uint64_t now_ms)
{
    unsigned char fresh[MSG_TICKET_BYTES];

    if (getrandom(fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh))
        return -EIO;
    memmove(secrets->keys[1], secrets->keys[0], (KEYS_MAX - 1) * MSG_TICKET_BYTES);
    memcpy(secrets->keys[0], fresh, sizeof(fresh));
    explicit_bzero(fresh, sizeof(fresh));
    if (secrets->nkeys < KEYS_MAX)
        secrets->nkeys++;
    secrets->turn_ms = now_ms + TICKETS_LIFE_MS;
    return 0;
}

static int
send_keys(struct worker_child *w)
{
    const struct room_secrets *secrets = w->room->secrets;
    struct msg_tickets m = {
        .kernel = w->child.s->tls_kernel,
        .keys = span_of(secrets->keys, (size_t)secrets->nkeys * MSG_TICKET_BYTES)};
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
secrets_send_tickets(struct worker_child *w)
{
    int rc = 0;

    if (!secrets_wanted(w->room))
        return 0;
    if (!w->room->secrets) {
        w->room->secrets = mem_new(sizeof(*w->room->secrets));
        rc = turn_keys(w->room->secrets, date_mono_ms());
    }
    return rc < 0 ? rc : send_keys(w);
}

void
secrets_sweep(struct supervisor *s, uint64_t now_ms)
{
    for (size_t i = 0; i < s->nrooms; i++) {
        struct room *r = s->rooms[i];
        struct worker_child *w;

        if (!r || !r->secrets || now_ms < r->secrets->turn_ms ||
            turn_keys(r->secrets, now_ms) < 0)
            continue;
        LIST_FOREACH(w, &r->workers, link)
        if (w->control && w->greeted && secrets_wanted(r) && send_keys(w) < 0)
            child_signal(&w->child, SIGKILL);
    }
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
        log_error("%s: vhost %s is not served with TLS: %s: %s", v->file, v->host, path, why);
    free(why);
    return fd;
}

static const struct secret_pair *
pair_of(struct room *r, const struct conf_vhost *v)
{
    struct room_secrets *secrets = r->secrets;
    struct secret_pair *p;

    for (size_t i = 0; i < secrets->npairs; i++)
        if (secrets->pairs[i].vhost == v && secrets->pairs[i].key >= 0)
            return &secrets->pairs[i];
    secrets->pairs = mem_grow(secrets->pairs, (secrets->npairs + 1) * sizeof(*p));
    p = &secrets->pairs[secrets->npairs++];
    *p = (struct secret_pair){v, -1, -1};
    p->chain = read_file(r, v, v->tls->certificate);
    if (p->chain >= 0)
        p->key = read_file(r, v, v->tls->key);
    if (p->key < 0) { /* the next worker tries again */
        fd_close(&p->chain);
        secrets->npairs--;
        return NULL;
    }
    return p;
}

int
secrets_send_tls(struct worker_child *w, const struct conf_vhost *v)
{
    const struct secret_pair *p = v->tls ? pair_of(w->room, v) : NULL;
    struct msg_tls m;
    struct buf b;
    struct writer out = {&b, 0};
    int fds[2], rc;

    if (!p)
        return 0;
    m.version_min = (uint8_t)v->tls->version_min;
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
