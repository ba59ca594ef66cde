/*
 * Constant answers to connections that go to no worker: bad heads, unknown names, a user who
 * is down; alerts to those that began with TLS. The answer is followed by a short linger (RFC
 * 9112 9.6): closing a socket with unread bytes in it would reset the connection and could take
 * the answer with it. Floor 6.
 */
#include "acceptor.h"
#include "hostel/base/log.h"
#include "hostel/base/counters.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define LINGER_MS    1000
#define LINGER_MAX   1024        /* connections; more are closed at once */
#define LINGER_BYTES (64 * 1024) /* read and thrown away in one turn */

static const struct {
    unsigned status;
    const char *title, *text;
} answers[] = {
    {400, "Bad Request", "The request could not be understood."},
    {404, "Not Found", "There is no site of this name here."},
    {408, "Request Timeout", "The request did not arrive in time."},
    {414, "URI Too Long", "The address asked for is too long."},
    {421, "Misdirected Request", "This site is not served on this connection."},
    {429, "Too Many Requests",
     "Too many connections from your address wait here. Please try again soon."},
    {431, "Request Header Fields Too Large", "The request's head is too large."},
    {501, "Not Implemented", "The request uses something this server does not know."},
    {503, "Service Unavailable", "This site cannot answer just now. Please try again soon."},
    {505, "HTTP Version Not Supported", "This version of HTTP is not spoken here."},
};

static size_t
format(unsigned status, char *text, size_t room)
{
    size_t i = 0, last = sizeof(answers) / sizeof(answers[0]) - 1;
    char page[512];
    int body, n;

    while (i < last && answers[i].status != status)
        i++;
    body = snprintf(page, sizeof(page),
                    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                    "<title>%u %s</title></head>\n<body><h1>%s</h1>\n<p>%s</p></body></html>\n",
                    answers[i].status, answers[i].title, answers[i].title, answers[i].text);
    n = snprintf(text, room,
                 "HTTP/1.1 %u %s\r\nDate: %.*s\r\nServer: hostel\r\n"
                 "Content-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n%s"
                 "Connection: close\r\n\r\n%s",
                 answers[i].status, answers[i].title, DATE_LEN, date_now().p, body,
                 status == 503 || status == 429 ? "Retry-After: 5\r\n" : "", page);
    return n > 0 && (size_t)n < room ? (size_t)n : 0;
}

/* ret  true while the client may still send */
static bool
discard(int fd)
{
    static char nowhere[16 * 1024];
    size_t total = 0;
    ssize_t n;

    while (total < LINGER_BYTES) {
        n = recv(fd, nowhere, sizeof(nowhere), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (n < 0)
            return true;
        total += (size_t)n;
    }
    return true;
}

static void
done(struct acceptor *a, struct waiting *w)
{
    wait_stop(a, w);
    fd_close(&w->fd);
    TAILQ_REMOVE(&a->lingering, w, link);
    a->nlingering--;
    free(w);
}

void
refuse_more(struct acceptor *a, struct waiting *w)
{
    if (!discard(w->fd))
        done(a, w);
}

static void
linger(struct acceptor *a, int fd)
{
    struct waiting *w;

    if (a->nlingering >= LINGER_MAX || a->stop_ms) {
        fd_close(&fd);
        return;
    }
    w = mem_new(sizeof(*w));
    *w = (struct waiting){.deadline_ms = date_mono_ms() + LINGER_MS, .fd = fd, .lingers = true};
    TAILQ_INSERT_TAIL(&a->lingering, w, link);
    a->nlingering++;
    if (wait_start(a, w) < 0) {
        done(a, w);
        return;
    }
    acceptor_tick_start(a);
}

/* The last words of a connection; takes fd. */
static void
say(struct acceptor *a, int fd, const char *text, size_t n)
{
    bool open = discard(fd);
    int lowat = 1;

    count(COUNT_REFUSED, 1);
    /* a fresh socket's send buffer takes this whole; a client that reads nothing loses it */
    (void)send(fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    if (!open) {
        fd_close(&fd);
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat));
    linger(a, fd);
}

void
refuse(struct acceptor *a, int fd, unsigned status)
{
    char text[1024];

    log_debug("a connection is answered %u", status);
    say(a, fd, text, format(status, text, sizeof(text)));
}

void
refuse_tls(struct acceptor *a, int fd, unsigned alert)
{
    /* record: alert, the version that all understand, two bytes: fatal, and what */
    const char record[] = {21, 3, 3, 0, 2, 2, (char)alert};

    say(a, fd, record, sizeof(record));
}

void
refuse_expire(struct acceptor *a, uint64_t now_ms)
{
    struct waiting *w;

    while ((w = TAILQ_FIRST(&a->lingering)) && w->deadline_ms <= now_ms)
        done(a, w);
}

void
refuse_drop_all(struct acceptor *a)
{
    while (!TAILQ_EMPTY(&a->lingering))
        done(a, TAILQ_FIRST(&a->lingering));
}
