/*
 * One visitor's life:
 *
 *   AWAY -> CONNECTING -> GREETING (TLS) -> READING -> READING ...   a kept connection
 *                                                   -> LEAVING -> AWAY   a fresh one, or closed
 */
#include "visitor.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 65536,
    SAMPLED_FROM = 16384, /* bodies of more bytes are compared one in SAMPLE */
    SAMPLE = 16,
};

struct work work;

static SSL_SESSION *session;

void
visitor_part(struct visitor *v)
{
    if (v->ssl) /* a session whose end was not said is not resumed */
        SSL_set_shutdown(v->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(v->ssl);
    v->ssl = NULL;
    if (v->fd >= 0)
        close(v->fd);
    v->fd = -1;
    v->watched = 0;
    v->state = AWAY;
}

void
visitor_failed(struct visitor *v, const char *why, ...)
{
    va_list args;

    va_start(args, why);
    if (!work.text[0])
        vsnprintf(work.text, sizeof(work.text), why, args);
    va_end(args);
    work.errors++;
    visitor_part(v);
}

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static void
await(struct visitor *v, unsigned events)
{
    struct epoll_event e = {.events = events, .data.ptr = v};

    if (v->watched != events &&
        epoll_ctl(work.epoll, v->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, v->fd, &e) < 0)
        die("epoll_ctl");
    v->watched = events;
}

static void
ask(struct visitor *v)
{
    const struct host *h = &work.hosts[work.asked++ % (unsigned long)work.hosts_n];
    ssize_t n;

    v->host = h;
    v->got = 0;
    v->wrong = v->whole = 0;
    v->compared = h->bytes <= SAMPLED_FROM || work.asked % SAMPLE == 0;
    llhttp_reset(&v->parser);
    n = v->ssl ? SSL_write(v->ssl, h->request, (int)h->request_bytes)
               : send(v->fd, h->request, h->request_bytes, MSG_NOSIGNAL);
    if (n != (ssize_t)h->request_bytes) {
        visitor_failed(v, "a request was not taken");
        return;
    }
    v->state = READING;
    await(v, EPOLLIN);
}

static void
greet(struct visitor *v)
{
    int n;

    v->state = GREETING;
    if (v->ssl && (n = SSL_do_handshake(v->ssl)) != 1) {
        switch (SSL_get_error(v->ssl, n)) {
        case SSL_ERROR_WANT_READ:
            await(v, EPOLLIN);
            return;
        case SSL_ERROR_WANT_WRITE:
            await(v, EPOLLOUT);
            return;
        default:
            n = (int)ERR_get_error();
            visitor_failed(v, "no handshake: %s",
                           n ? ERR_reason_error_string((unsigned long)n) : strerror(errno));
            return;
        }
    }
    if (v->ssl && v->resumes && !SSL_session_reused(v->ssl))
        visitor_failed(v, "a session was not resumed");
    else
        ask(v);
}

/* A new connection, and as far as it gets at once. */
static void
come(struct visitor *v)
{
    int one = 1;

    v->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (v->fd < 0 || setsockopt(v->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
        die("socket");
    if (work.tls) {
        v->ssl = SSL_new(work.tls);
        v->resumes = work.resume && session;
        if (!v->ssl || !SSL_set_fd(v->ssl, v->fd) ||
            !SSL_set_tlsext_host_name(v->ssl, work.hosts[0].name) ||
            (v->resumes && !SSL_set_session(v->ssl, session)))
            die("SSL_new");
        SSL_set_connect_state(v->ssl);
    }
    if (connect(v->fd, (const struct sockaddr *)&work.server, sizeof(work.server)) == 0) {
        greet(v);
    } else if (errno == EINPROGRESS) {
        v->state = CONNECTING;
        await(v, EPOLLOUT);
    } else {
        visitor_failed(v, "connect: %s", strerror(errno));
    }
}

void
visitor_ask(struct visitor *v)
{
    if (v->state == AWAY)
        come(v);
    else
        ask(v);
}

static void
answered(struct visitor *v)
{
    if (v->parser.status_code != 200) {
        visitor_failed(v, "status %d", v->parser.status_code);
        return;
    }
    if (v->got != v->host->bytes) {
        visitor_failed(v, "a body of %zu bytes instead of %zu", v->got, v->host->bytes);
        return;
    }
    work.answers++;
    if (work.fresh || !v->keeps)
        v->state = LEAVING;
    else if (work.asking)
        ask(v);
}

/* > 0 bytes, 0 at the end, -1 when there is nothing yet, -2 when it broke */
static ssize_t
get(struct visitor *v, char *into)
{
    ssize_t n;

    if (!v->ssl) {
        n = recv(v->fd, into, READ_BYTES, 0);
        return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? -1 : -2;
    }
    n = SSL_read(v->ssl, into, READ_BYTES);
    if (n > 0)
        return n;
    switch (SSL_get_error(v->ssl, (int)n)) {
    case SSL_ERROR_WANT_READ:
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        ERR_clear_error();
        return -2;
    }
}

static void
hear(struct visitor *v)
{
    static char into[READ_BYTES];
    ssize_t n = get(v, into);

    if (n == -1)
        return;
    if (v->whole) { /* a fresh connection ends, or a kept one that asks for nothing */
        if (n > 0)
            visitor_failed(v, "more than the answer");
        else
            visitor_part(v);
        return;
    }
    if (n == -2) {
        visitor_failed(v, "a connection broke");
        return;
    }
    work.bytes += (unsigned long long)n;
    if ((n ? llhttp_execute(&v->parser, into, (size_t)n) : llhttp_finish(&v->parser)) != HPE_OK)
        visitor_failed(v, "%s",
                       v->wrong ? "not the body that the site has"
                                : llhttp_get_error_reason(&v->parser));
    else if (v->whole)
        answered(v);
    else if (n == 0)
        visitor_failed(v, "closed before the answer was whole");
}

void
visitor_go_on(struct visitor *v)
{
    socklen_t n = sizeof(int);
    int e = 0;

    switch (v->state) {
    case CONNECTING:
        if (getsockopt(v->fd, SOL_SOCKET, SO_ERROR, &e, &n) < 0 || e)
            visitor_failed(v, "connect: %s", strerror(e));
        else
            greet(v);
        break;
    case GREETING:
        greet(v);
        break;
    case READING:
    case LEAVING:
        /* of what TLS has taken off the socket already epoll does not tell */
        do
            hear(v);
        while (v->ssl && SSL_has_pending(v->ssl) && !v->whole);
        if (v->state == LEAVING)
            hear(v);
        break;
    case AWAY:
        break;
    }
    if (v->state == AWAY && work.asking)
        come(v);
}

int
visitor_waits(const struct visitor *v)
{
    return v->state != AWAY && (v->state != READING || !v->whole);
}

int
visitor_on_session(SSL *ssl, SSL_SESSION *s)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = s;
    return 1;
}

static int
on_body(llhttp_t *p, const char *at, size_t n)
{
    struct visitor *v = p->data;

    v->wrong = n > v->host->bytes - v->got ||
               (v->compared && memcmp(v->host->body + v->got, at, n) != 0);
    v->got += n;
    return v->wrong ? HPE_USER : HPE_OK;
}

static int
on_message_complete(llhttp_t *p)
{
    struct visitor *v = p->data;

    v->whole = 1;
    v->keeps = llhttp_should_keep_alive(p);
    return HPE_OK;
}

void
visitor_init(struct visitor *v)
{
    static llhttp_settings_t settings;

    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
    llhttp_init(&v->parser, HTTP_RESPONSE, &settings);
    v->parser.data = v;
    v->fd = -1;
}
