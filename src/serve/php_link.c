/*
 * A connection to a PHP process: sends the request, reads the answer. Floor 5; worker.
 *
 *   dial ──► RUNS ── END_REQUEST ──► KEPT ── next request ──► RUNS
 *             │  │                     └── PHP closes it, KEPT_MS, another generation ──►
 * closed │  └─ PHP closes it, no longer fit to be kept ──► closed └─ nobody wants the answer
 * ──► LEFT ── PHP closes it ──► closed └── too long: its script is ended ──► closed
 *
 * A connection pins its process for as long as it is open (F25): PHP waits for the next request
 * on it and takes no other. So one is opened when all of the request is here; the workers of a
 * user share the processes out among them, and count what is idle or left as well; and none is
 * kept for longer than LIFE_MS, whoever waits for its process then comes next.
 *
 * PHP may close a connection that is kept at any time, most of all right behind the last answer
 * before a process retires, when our next request may be on its way already (F24); and a
 * process that is killed may take a last connection with it. To know whether the request was
 * taken then, the last record of one without a body, the empty STDIN that PHP does not look at
 * before the next request, is held back: PHP runs the script when it has read all else. So a
 * connection that is reset was closed with some of it unread, and the request may go elsewhere;
 * one that just ends was not, and the request is never sent again. An answer that is whole
 * before the record went out spares it, and PHP a read(). Of a request with a body
 * that cannot be told: it gets a fresh connection, which only a process that waits for work
 * takes.
 *
 * A connection that is left is shut down, so that PHP's next write fails and ends the script as
 * soon as it lets it. That last record, which nobody reads, then tells when PHP is through: it
 * is gone from the socket when the other end is closed.
 */
#include "php_request.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/serve/upstream.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define READ_BYTES 65536 /* one recv() */
#define TURNS_MAX  8     /* recv() or send() calls of one wake-up; then the others' turn */
#define LIFE_MS    1000  /* of a connection that is kept */
#define AGAIN_MAX  4     /* times that one request goes elsewhere */
#define WEDGED_MS  2000  /* for a script to be ended that was asked for it */
#define ONCE_BYTES 65536 /* of a request: a fresh socket takes them with one send() */

static char scratch[READ_BYTES]; /* bytes live here within one turn of link_read() only */

static void on_poll(uv_poll_t *poll, int status, int events);

static void
watch_for(struct php_link *l, int events)
{
    if (events == l->watched)
        return;
    l->watched = events;
    if (events)
        uv_poll_start(&l->poll, events, on_poll);
    else
        uv_poll_stop(&l->poll);
}

static void
on_poll_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Its place is free then; who waits for it is the caller's to see. */
static void
link_close(struct php_link *l)
{
    struct php_pool *p = l->pool;

    if (l->state == LINK_KEPT)
        TAILQ_REMOVE(&p->kept, l, entry);
    else if (l->state == LINK_LEFT)
        TAILQ_REMOVE(&p->left, l, entry);
    deadline_clear(&l->deadline);
    uv_close((uv_handle_t *)&l->poll, on_poll_closed);
    fd_close(&l->fd);
    p->links--;
    php_socket_let(p, l->at);
}

/* The request has no link any more. */
static struct php_link *
part(struct php_request *r)
{
    struct php_link *l = r->link;

    r->link = NULL;
    l->r = NULL;
    if (r->reply.line.len)
        php_reply_err(r, SPAN("\n"));
    buf_done(&r->out);
    spool_done(&r->body);
    deadline_clear(&r->deadline);
    return l;
}

/* --- sending ----------------------------------------------------------------------------- */

/*
 * Append STDIN records until a good write is together.
 *
 * ret  0 or -errno: the spooled body could not be read
 */
static int
fill(struct php_request *r)
{
    while (!r->body_sent && r->out.len < FCGI_CONTENT_MAX) {
        uint64_t left = spool_bytes(&r->body);
        size_t n = left < FCGI_CONTENT_MAX ? (size_t)left : FCGI_CONTENT_MAX;
        FCGI_Header h;
        ssize_t got;
        char *p;

        if (left == 0 && r->body_open)
            break;
        p = buf_reserve(&r->out, sizeof(FCGI_Header) + n);
        if (!p)
            return -ENOBUFS;
        got = spool_take(&r->body, p + sizeof(h), n);
        if (got < 0)
            return (int)got;
        fcgi_stdin_header(&h, (size_t)got);
        memcpy(p, &h, sizeof(h));
        buf_claim(&r->out, sizeof(h) + (size_t)got);
        r->body_sent = got == 0;
    }
    return 0;
}

/* PHP may answer without having read the request to its end: that is no error here. */
static void
stop_sending(struct php_link *l)
{
    l->deaf = true;
    buf_done(&l->r->out);
    spool_done(&l->r->body);
}

/* PHP took or gave bytes; once the visitor is served that buys it no more time. */
static void
alive(struct php_request *r)
{
    if (r->x)
        deadline_set(&r->deadline, &r->pool->silence);
}

static void
link_write(struct php_link *l)
{
    struct php_request *r = l->r;

    for (int turn = 0; turn < TURNS_MAX && !l->deaf; turn++) {
        struct span out;
        ssize_t n;

        if (fill(r) < 0) {
            shutdown(l->fd,
                     SHUT_RDWR); /* the loop reports it as lost; no sink is called here */
            stop_sending(l);
            return;
        }
        out = buf_span(&r->out);
        if (out.n == 0 && r->body_open)
            return;
        if (out.n == 0) {
            l->sent = true;
            stop_sending(l);
            return;
        }
        n = send(l->fd, out.p, out.n, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) {
            stop_sending(l);
            return;
        }
        buf_consume(&r->out, (size_t)n);
        alive(r);
        if ((size_t)n < out.n)
            return;
    }
}

/* Is there something in the socket that PHP has not read? */
static bool
unread(const struct php_link *l)
{
    int bytes;

    return ioctl(l->fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

static void
pay(struct php_link *l)
{
    FCGI_Header end;
    ssize_t n;

    fcgi_stdin_header(&end, 0);
    n = send(l->fd, &end, sizeof(end), MSG_NOSIGNAL);
    l->owes = n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Time for what was held back, if PHP has read all else; it has not begun before. */
void
php_link_pay(struct php_link *l)
{
    if (l->owes && !unread(l))
        pay(l);
    if (l->owes)
        deadline_set(&l->deadline, &l->pool->owes_wait);
}

/*
 * All of a request in one call. It stays in r->out until PHP was heard.
 *
 * ret  0; -EPIPE: nothing was taken
 */
static int
send_at_once(struct php_link *l, struct php_request *r)
{
    struct span out;

    fcgi_keep(&r->out, l->pool->keep);
    out = buf_span(&r->out);
    /* PHP has read all that came before, so there is room for all or it has left */
    return send(l->fd, out.p, out.n, MSG_NOSIGNAL) == (ssize_t)out.n ? 0 : -EPIPE;
}

/* --- reading ----------------------------------------------------------------------------- */

/* ret  false when the request has no link any more */
static bool
feed(struct php_link *l, struct span bytes)
{
    struct php_request *r = l->r;
    struct span data = {NULL, 0};

    while (r->link) {
        switch (fcgi_next(&l->reader, &bytes, &data)) {
        case FCGI_EVENT_MORE:
            return true;
        case FCGI_EVENT_OUT:
            php_reply_out(r, data);
            break;
        case FCGI_EVENT_ERR:
            php_reply_err(r, data);
            break;
        case FCGI_EVENT_END:
            l->gone = bytes.n > 0; /* what follows is nobody's: not fit to be kept */
            php_reply_end(r, l->reader.protocol_status);
            return false;
        case FCGI_EVENT_BAD: {
            char why[128];

            snprintf(why, sizeof(why), "PHP sent %s", l->reader.why);
            php_request_fail(r, 502, why);
            break;
        }
        }
    }
    return false;
}

/* PHP closed the connection. error: 0 or -errno */
static void
lost(struct php_link *l, int error)
{
    struct php_request *r = l->r;
    struct php_pool *p = l->pool;

    l->gone = true;
    if (l->heard || !l->owes || error != -ECONNRESET || r->again++ == AGAIN_MAX) {
        php_request_fail(r, 502, "PHP closed the connection before its answer was whole");
        return;
    }
    r->link = NULL;
    l->r = NULL;
    link_close(l);
    php_pool_requeue(r);
    php_pool_run(p);
    if (r->stage == PHP_QUEUED && p->state == POOL_FAILED)
        php_request_fail(r, 503, NULL);
}

static void
link_read(struct php_link *l)
{
    struct php_request *r = l->r;

    for (int turn = 0; turn < TURNS_MAX && !php_reply_full(r); turn++) {
        ssize_t n = recv(l->fd, scratch, sizeof(scratch), 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0) {
            lost(l, n < 0 ? -errno : 0);
            return;
        }
        if (!l->heard && l->sent)
            buf_done(&r->out); /* it will not be sent again */
        l->heard = true;
        alive(r);
        if (!feed(l, span_of(scratch, (size_t)n)))
            break;
        if ((size_t)n < sizeof(scratch))
            break; /* that was all: no call just to hear it */
    }
    php_reply_flush(r);
}

/* --- what it waits for ------------------------------------------------------------------- */

/* A PHP that may not write for the visitor's sake is not silent. */
static void
watch_time(struct php_request *r)
{
    if (!r->x)
        deadline_keep(&r->deadline, &r->pool->drain);
    else if (php_reply_full(r) || r->body_open) /* the visitor has a deadline of his own */
        deadline_clear(&r->deadline);
    else
        deadline_keep(&r->deadline, &r->pool->silence);
}

static bool
may_send(const struct php_link *l)
{
    const struct php_request *r = l->r;

    return !l->deaf && (!r->body_open || r->out.len > 0 || spool_bytes(&r->body) > 0);
}

static void
watch(struct php_link *l)
{
    watch_time(l->r);
    watch_for(l, (php_reply_full(l->r) ? 0 : UV_READABLE) | (may_send(l) ? UV_WRITABLE : 0));
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct php_link *l = poll->data;
    struct php_request *r = l->r;

    if (status < 0)
        l->watched = 0; /* libuv stopped it: PHP left with some of the request unread */
    if (!r) {
        php_link_over(l); /* kept: PHP closes it, or says what nobody asked for */
        return;
    }
    php_request_hold(r);
    if (status == 0 && (events & UV_WRITABLE))
        link_write(l);
    if (status < 0 || (events & UV_READABLE))
        link_read(l);
    if (r->link)
        watch(r->link);
    php_request_drop(r);
}

void
php_link_more(struct php_request *r)
{
    if (!r->link)
        return;
    link_write(r->link);
    watch(r->link);
}

void
php_link_resume(struct php_request *r)
{
    if (r->link)
        watch(r->link);
}

/* --- its beginnings ---------------------------------------------------------------------- */

static int
dial(const struct sockaddr_un *to, bool foreign)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc = 0;

    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
        rc = -errno;
    else if (foreign)
        rc = upstream_peer(fd);
    if (rc < 0) {
        fd_close(&fd);
        return rc;
    }
    return fd;
}

static void
run(struct php_link *l, struct php_request *r)
{
    l->state = LINK_RUNS;
    l->r = r;
    l->heard = l->sent = false;
    fcgi_reader_init(&l->reader);
    r->link = l;
    php_pool_move(l->pool, r, PHP_RUNNING);
    deadline_set(&r->deadline, &l->pool->silence);
}

/* A responder that is not PHP may wait for the last record: nothing is held back from it. */
static bool
at_once(const struct php_request *r)
{
    return !r->pool->foreign && !r->body_open && spool_bytes(&r->body) == 0 &&
           r->out.len <= ONCE_BYTES;
}

/* All but its last record went out. in  sent_ns  before that: PHP may be quicker than we are */
static void
run_owing(struct php_link *l, struct php_request *r, uint64_t sent_ns)
{
    run(l, r);
    r->sent_ns = sent_ns;
    l->owes = l->deaf = l->sent = true;
    deadline_set(&l->deadline, &l->pool->owes_wait);
    watch(l);
}

int
php_link_open(struct php_request *r)
{
    struct php_pool *p = r->pool;
    int fd = dial(&p->at->to, p->foreign), rc;
    struct php_link *l;

    if (fd < 0)
        return fd;
    l = mem_new(sizeof(*l));
    rc = uv_poll_init(p->loop, &l->poll, fd);
    if (rc < 0) {
        free(l);
        fd_close(&fd);
        return rc;
    }
    l->poll.data = l;
    l->fd = fd;
    l->pool = p;
    l->at = p->at;
    l->born_ms = uv_now(p->loop);
    p->at->links++;
    p->links++;
    if (at_once(r)) {
        uint64_t sent_ns = uv_hrtime();

        rc = send_at_once(l, r);
        if (rc < 0) {
            link_close(l);
            return rc;
        }
        run_owing(l, r, sent_ns);
        return 0;
    }
    fcgi_keep(&r->out, p->keep);
    run(l, r);
    link_write(l);
    watch(l);
    return 0;
}

bool
php_link_reuse(struct php_request *r)
{
    struct php_pool *p = r->pool;
    struct php_link *l;

    if (!at_once(r))
        return false;
    while ((l = TAILQ_FIRST(&p->kept))) {
        uint64_t sent_ns = uv_hrtime();

        if (send_at_once(l, r) < 0) {
            link_close(l);
            continue;
        }
        TAILQ_REMOVE(&p->kept, l, entry);
        run_owing(l, r, sent_ns);
        return true;
    }
    return false;
}

/* --- its ends ---------------------------------------------------------------------------- */

/* Only one whose request went out whole may take another. */
static bool
keeps(const struct php_link *l)
{
    const struct php_pool *p = l->pool;

    return p->keep && !l->gone && l->sent && l->at == p->at && p->state == POOL_READY &&
           uv_now(p->loop) - l->born_ms < LIFE_MS;
}

void
php_link_done(struct php_request *r)
{
    struct php_link *l = part(r);
    struct php_pool *p = l->pool;

    l->owes = false; /* the request is over: no more of it is due */
    if (keeps(l)) {
        l->state = LINK_KEPT;
        TAILQ_INSERT_HEAD(&p->kept, l, entry);
        deadline_set(&l->deadline, &p->kept_wait);
        watch_for(l, UV_READABLE);
    } else {
        link_close(l);
    }
    php_pool_move(p, r, PHP_SENDING);
    php_pool_run(p);
}

static void
stuck(struct php_link *l)
{
    struct php_pool *p = l->pool;
    struct stat st;

    l->until_ms = uv_now(p->loop) + WEDGED_MS;
    l->asked = true;
    if (fstat(l->fd, &st) == 0)
        p->ops->stuck(p->data, p->id, l->at->generation, st.st_ino);
}

static void
leave(struct php_link *l)
{
    struct php_pool *p = l->pool;

    if (l->owes)
        pay(l);
    l->state = LINK_LEFT;
    TAILQ_INSERT_TAIL(&p->left, l, entry);
    watch_for(l, 0);
    shutdown(l->fd, SHUT_RDWR);
    l->until_ms = uv_now(p->loop) + p->limits.request_timeout_ms;
    if (l->stuck)
        stuck(l);
    deadline_set(&l->deadline, &p->left_wait);
}

/* Is PHP through with it? If not, and it could not be ended, its place is given away all the
 * same. */
void
php_link_look(struct php_link *l)
{
    bool late = uv_now(l->pool->loop) >= l->until_ms;

    if (!unread(l) || (late && l->asked)) {
        php_link_over(l);
        return;
    }
    if (late)
        stuck(l);
    deadline_set(&l->deadline, &l->pool->left_wait);
}

void
php_link_leave(struct php_request *r)
{
    struct php_link *l = r->link;
    struct php_pool *p = r->pool;

    if (!l)
        return;
    (void)part(r);
    if (l->gone || p->closing)
        link_close(l);
    else
        leave(l);
    php_pool_move(p, r, PHP_SENDING);
    php_pool_run(p);
}

void
php_link_over(struct php_link *l)
{
    struct php_pool *p = l->pool;

    link_close(l);
    php_pool_run(p);
}

bool
php_links_drop_kept(struct php_pool *p, bool all)
{
    struct php_link *l;
    bool any = false;

    while ((l = TAILQ_LAST(&p->kept, php_links)) && (all || !any)) {
        link_close(l);
        any = true;
    }
    return any;
}

void
php_links_done(struct php_pool *p)
{
    struct php_link *l;

    (void)php_links_drop_kept(p, true);
    while ((l = TAILQ_FIRST(&p->left)))
        link_close(l);
}
