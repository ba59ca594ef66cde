/*
 * One visit: a request, an answer, closed. Floor 6, hostel-metrics.
 *
 *   accept -> head -> /health, an error ----------> answer -> its rest is read -> closed
 *               \---> /metrics: a page is waited for --/
 */
#include "metrics.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define VISIT_MS     10000 /* for all of it */
#define LINGER_BYTES 65536 /* read of who does not stop talking */

#define TEXT    "text/plain; charset=utf-8"
#define METRICS "text/plain; version=0.0.4; charset=utf-8"

static void on_event(uv_poll_t *poll, int status, int events);

/* --- coming and going -----------------------------------------------------------------------
 */

static void listen_on(struct metrics *m, bool on);

/* A visit, or a listener. */
static void
on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void
leave(struct visit *v)
{
    struct metrics *m = v->m;

    TAILQ_REMOVE(&m->visits, v, link);
    page_drop(&v->page);
    buf_done(&v->in);
    buf_done(&v->out);
    uv_poll_stop(&v->poll);
    uv_close((uv_handle_t *)&v->poll, on_closed);
    fd_close(&v->fd);
    if (m->nvisits-- == VISITS_MAX && !m->leaving)
        listen_on(m, true);
    if (m->leaving && m->nvisits == 0)
        uv_stop(&m->loop);
}

void
visit_expire(struct metrics *m, uint64_t now_ms)
{
    struct visit *v, *next;

    for (v = TAILQ_FIRST(&m->visits); v && now_ms >= v->end_ms; v = next) { /* oldest first */
        next = TAILQ_NEXT(v, link);
        leave(v);
    }
}

/* --- the answer -----------------------------------------------------------------------------
 */

/* in  body  lent; NULL: a page follows */
static void
answer(struct visit *v, unsigned status, const char *type, const char *body, size_t length)
{
    static const char *const reasons[][2] = {{"200", "OK"},
                                             {"400", "Bad Request"},
                                             {"404", "Not Found"},
                                             {"405", "Method Not Allowed"},
                                             {"503", "Service Unavailable"}};
    const char *reason = "Error";
    char code[4];

    snprintf(code, sizeof(code), "%u", status);
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (strcmp(reasons[i][0], code) == 0)
            reason = reasons[i][1];
    (void)buf_addf(&v->out,
                   "HTTP/1.1 %s %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                   "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s"
                   "Connection: close\r\n\r\n%s",
                   code, reason, type, length, status == 405 ? "Allow: GET, HEAD\r\n" : "",
                   body && !v->bodiless ? body : "");
}

static void
answer_text(struct visit *v, unsigned status, const char *body)
{
    answer(v, status, TEXT, body, strlen(body));
}

static void
answer_page(struct visit *v)
{
    v->waits = false;
    if (!v->m->page || v->m->page->text.len == 0) {
        answer_text(v, 503, "no numbers are to be had\n");
        return;
    }
    v->page = page_hold(v->m->page);
    answer(v, 200, METRICS, NULL, v->page->text.len);
    if (v->bodiless)
        v->page_sent = v->page->text.len;
}

static void
route(struct visit *v, const struct head *h)
{
    struct metrics *m = v->m;

    v->bodiless = span_eq(h->method_text, SPAN("HEAD"));
    if (!v->bodiless && !span_eq(h->method_text, SPAN("GET"))) {
        answer_text(v, 405, "GET or HEAD\n");
    } else if (span_eq(h->path, SPAN("/health"))) {
        answer_text(v, m->serving ? 200 : 503, m->serving ? "ok\n" : "stopping\n");
    } else if (!span_eq(h->path, SPAN("/metrics"))) {
        answer_text(v, 404, "there are /metrics and /health\n");
    } else if (m->page && date_mono_ms() - m->page_ms < PAGE_MS) {
        answer_page(v);
    } else {
        v->waits = true;
        control_ask(m);
    }
}

/* ret  false: it is gone */
static bool
write_out(struct visit *v)
{
    struct span rest = buf_span(&v->out);
    ssize_t n;

    do {
        bool own = rest.n > 0;

        if (!own && v->page)
            rest = span_skip(buf_span(&v->page->text), v->page_sent);
        if (rest.n == 0)
            break;
        n = send(v->fd, rest.p, rest.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n < 0) {
            leave(v);
            return false;
        }
        if (own)
            buf_consume(&v->out, (size_t)n);
        else
            v->page_sent += (size_t)n;
        rest = buf_span(&v->out);
    } while (true);
    v->lingers = true; /* an unread byte would cut the answer short */
    (void)shutdown(v->fd, SHUT_WR);
    return true;
}

/* --- the request ----------------------------------------------------------------------------
 */

/* ret  false: there is no more, or never will be */
static bool
read_in(struct visit *v)
{
    char bytes[4096];
    ssize_t n = recv(v->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    if (v->lingers) {
        v->seen += (size_t)n;
        return v->seen < LINGER_BYTES;
    }
    return buf_add(&v->in, bytes, (size_t)n) == 0;
}

/* ret  false: it is gone */
static bool
read_head(struct visit *v)
{
    static struct head head; /* big, and of one request at a time */
    enum head_verdict verdict;

    if (!read_in(v)) {
        leave(v);
        return false;
    }
    if (v->lingers || v->waits)
        return true;
    verdict = head_parse(buf_span(&v->in), &v->seen, &head);
    if (verdict == HEAD_MORE)
        return true;
    v->seen = 0;
    if (verdict == HEAD_OK)
        route(v, &head);
    else
        answer_text(v, 400, "that is no request\n");
    return v->waits || write_out(v);
}

static void
watch(struct visit *v)
{
    bool says = v->out.len > 0 || (v->page && v->page_sent < v->page->text.len);

    uv_poll_start(&v->poll, says ? UV_WRITABLE : UV_READABLE, on_event);
}

static void
on_event(uv_poll_t *poll, int status, int events)
{
    struct visit *v = poll->data;

    if (status < 0)
        leave(v);
    else if (events & UV_WRITABLE ? write_out(v) : read_head(v))
        watch(v);
}

void
visit_page(struct metrics *m)
{
    struct visit *v, *next;

    for (v = TAILQ_FIRST(&m->visits); v; v = next) {
        next = TAILQ_NEXT(v, link);
        if (!v->waits)
            continue;
        answer_page(v);
        if (write_out(v))
            watch(v);
    }
    if (!m->leaving)
        listen_on(m, true);
}

void
visit_last(struct metrics *m)
{
    m->leaving = true;
    listen_on(m, false);
    while (m->nlisteners) {
        struct listener *l = m->listeners[--m->nlisteners];

        uv_close((uv_handle_t *)&l->poll, on_closed);
        fd_close(&l->fd);
    }
    visit_page(m); /* no newer one will come */
    if (m->nvisits == 0)
        uv_stop(&m->loop);
}

/* --- who comes ------------------------------------------------------------------------------
 */

/*
 * Whoever can connect could keep all places by saying nothing, or by taking nothing: when they
 * are all taken, who came first has had his time.
 *
 * ret  false: all of them wait for us
 */
static bool
make_room(struct metrics *m)
{
    struct visit *v = TAILQ_FIRST(&m->visits);

    while (v && v->waits)
        v = TAILQ_NEXT(v, link);
    if (v)
        leave(v);
    return v;
}

static void
admit(struct metrics *m, int fd)
{
    struct visit *v = mem_new(sizeof(*v));

    v->m = m;
    v->fd = fd;
    v->end_ms = date_mono_ms() + VISIT_MS;
    buf_init(&v->in, HEAD_MAX);
    buf_init(&v->out, HEAD_MAX);
    if (uv_poll_init(&m->loop, &v->poll, fd) < 0) {
        fd_close(&fd);
        free(v);
        return;
    }
    v->poll.data = v;
    TAILQ_INSERT_TAIL(&m->visits, v, link);
    m->nvisits++;
    watch(v);
}

static void
on_listener(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    int fd;

    (void)events;
    if (status < 0)
        return;
    if (l->m->nvisits == VISITS_MAX && !make_room(l->m)) {
        listen_on(l->m, false); /* until a page has come, or somebody has left */
        return;
    }
    fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        admit(l->m, fd);
}

static void
listen_on(struct metrics *m, bool on)
{
    for (unsigned i = 0; i < m->nlisteners; i++) {
        if (on)
            uv_poll_start(&m->listeners[i]->poll, UV_READABLE, on_listener);
        else
            uv_poll_stop(&m->listeners[i]->poll);
    }
}

int
visit_listen(struct metrics *m, int fd)
{
    struct listener *l;
    int rc;

    if (m->nlisteners == LISTENERS_MAX) {
        fd_close(&fd);
        return -EPROTO;
    }
    l = mem_new(sizeof(*l));
    l->m = m;
    l->fd = fd;
    rc = uv_poll_init(&m->loop, &l->poll, fd);
    if (rc < 0) {
        fd_close(&l->fd);
        free(l);
        return rc;
    }
    l->poll.data = l;
    m->listeners[m->nlisteners++] = l;
    uv_poll_start(&l->poll, UV_READABLE, on_listener);
    return 0;
}
