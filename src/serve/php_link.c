/*
 * A connection to a PHP process: sends the request, reads the answer. One request each: a kept
 * connection would pin its process, and the next worker of the user would hang. So it is opened
 * when all of the request is here, and closed at END_REQUEST. Floor 5; worker.
 */
#include "php_request.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define READ_BYTES 65536 /* one recv() */
#define TURNS_MAX  8     /* recv() or send() calls of one wake-up; then the others' turn */

struct php_link {
    uv_poll_t poll;
    int fd;
    int watched; /* what poll is started for */
    bool deaf;   /* it takes no more of the request; its answer may still come */
    struct php_request *r;
    struct fcgi_reader reader;
};

static char scratch[READ_BYTES]; /* bytes live here within one turn of link_read() only */

static void
on_poll_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void
php_link_close(struct php_request *r)
{
    struct php_link *l = r->link;

    if (!l)
        return;
    r->link = NULL;
    l->r = NULL;
    if (r->reply.line.len)
        php_reply_err(r, SPAN("\n"));
    uv_poll_stop(&l->poll);
    uv_close((uv_handle_t *)&l->poll, on_poll_closed);
    fd_close(&l->fd);
    buf_done(&r->out);
    spool_done(&r->body);
    deadline_clear(&r->deadline);
    php_pool_move(r->pool, r, PHP_SENDING);
    php_pool_run(r->pool);
}

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
        char *p = buf_reserve(&r->out, sizeof(FCGI_Header) + n);
        FCGI_Header h;
        ssize_t got;

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
        if (out.n == 0) {
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

/* ret  false when the link is closed */
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
            php_reply_end(r, l->reader.protocol_status);
            break;
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

static void
link_read(struct php_link *l)
{
    struct php_request *r = l->r;

    for (int turn = 0; turn < TURNS_MAX && !php_reply_full(r); turn++) {
        ssize_t n = recv(l->fd, scratch, sizeof(scratch), 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0) {
            php_request_fail(r, 502, "PHP closed the connection before its answer was whole");
            return;
        }
        alive(r);
        if (!feed(l, span_of(scratch, (size_t)n)))
            break;
        if ((size_t)n < sizeof(scratch))
            break; /* that was all: no call just to hear it */
    }
    php_reply_flush(r);
}

static void watch(struct php_link *l);

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct php_link *l = poll->data;
    struct php_request *r = l->r;

    php_request_hold(r);
    if (status < 0)
        l->watched = 0; /* libuv stopped it: PHP left with some of the request unread */
    else if (events & UV_WRITABLE)
        link_write(l);
    if (status < 0 || (events & UV_READABLE))
        link_read(l);
    if (r->link)
        watch(r->link);
    php_request_drop(r);
}

/* A PHP that may not write for the visitor's sake is not silent. */
static void
watch_time(struct php_request *r)
{
    if (!r->x)
        deadline_keep(&r->deadline, &r->pool->drain);
    else if (php_reply_full(r))
        deadline_clear(&r->deadline);
    else
        deadline_keep(&r->deadline, &r->pool->silence);
}

static void
watch(struct php_link *l)
{
    struct php_request *r = l->r;
    int events = (php_reply_full(r) ? 0 : UV_READABLE) | (l->deaf ? 0 : UV_WRITABLE);

    watch_time(r);
    if (events == l->watched)
        return;
    l->watched = events;
    if (events)
        uv_poll_start(&l->poll, events, on_poll);
    else
        uv_poll_stop(&l->poll);
}

void
php_link_resume(struct php_request *r)
{
    if (r->link)
        watch(r->link);
}

static int
dial(const struct sockaddr_un *to)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
        int error = -errno;

        fd_close(&fd);
        return error;
    }
    return fd;
}

int
php_link_open(struct php_request *r)
{
    int fd = dial(&r->pool->socket), rc;
    struct php_link *l;

    if (fd < 0)
        return fd;
    l = mem_new(sizeof(*l));
    rc = uv_poll_init(r->pool->loop, &l->poll, fd);
    if (rc < 0) {
        free(l);
        fd_close(&fd);
        return rc;
    }
    l->poll.data = l;
    l->fd = fd;
    l->r = r;
    fcgi_reader_init(&l->reader);
    r->link = l;
    php_pool_move(r->pool, r, PHP_RUNNING);
    deadline_set(&r->deadline, &r->pool->silence);
    link_write(l);
    watch(l);
    return 0;
}
