/*
 * The administrator's socket: who may ask, one question each, and answers that wait for
 * nobody. Floor 6, hostel.
 *
 *   accept, SO_PEERCRED -> a line -> its command -> lines -> the last line -> closed
 */
#include "admin.h"
#include "inherit.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/base/text.h"
#include "hostel/sys/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 16
#define CLIENT_MS   10000 /* for a question, and for each piece of an answer */
#define SOCKET_NAME "control.sock"

static void on_client(uv_poll_t *poll, int status, int events);

/* --- one client -----------------------------------------------------------------------------
 */

static void
on_client_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void
client_close(struct admin_client *c)
{
    LIST_REMOVE(c, link);
    if (c->waits)
        LIST_REMOVE(c, waiting);
    c->s->admin.nclients--;
    buf_done(&c->in);
    buf_done(&c->out);
    uv_poll_stop(&c->poll);
    uv_close((uv_handle_t *)&c->poll, on_client_closed);
    fd_close(&c->fd);
}

static void
client_watch(struct admin_client *c)
{
    bool says = c->out.len > 0 || c->ended || (c->command && c->command->more);
    int events = says ? UV_WRITABLE : UV_READABLE; /* readable: also that it left */

    uv_poll_start(&c->poll, events, on_client);
}

bool
admin_room(const struct admin_client *c)
{
    return !c->ended && c->out.len < ADMIN_OUT_LOW;
}

struct json
admin_begin(struct admin_client *c)
{
    struct json j = {.b = &c->out};

    json_open(&j, NULL, '{');
    return j;
}

void
admin_done(struct admin_client *c, struct json *j)
{
    json_close(j, '}');
    if (j->error || buf_add_str(&c->out, "\n") < 0) { /* half a line helps nobody */
        log_warn("control socket: an answer was too long and is cut");
        buf_consume(&c->out, c->out.len);
        c->ended = true;
    }
    client_watch(c);
}

void
admin_end(struct admin_client *c, bool ok, const char *fmt, ...)
{
    struct json j = admin_begin(c);
    struct buf message;
    va_list ap;

    buf_init(&message, LOG_LINE_MAX);
    va_start(ap, fmt);
    (void)buf_vaddf(&message, fmt, ap);
    va_end(ap);
    json_bool(&j, "ok", ok);
    json_span(&j, "message", buf_span(&message));
    buf_done(&message);
    c->deadline_ms = date_mono_ms() + CLIENT_MS;
    c->ended = true;
    if (c->waits)
        LIST_REMOVE(c, waiting);
    c->waits = false;
    admin_done(c, &j);
}

/* ret  false: the client is gone */
static bool
client_write(struct admin_client *c)
{
    while (c->out.len > 0) {
        struct span s = buf_span(&c->out);
        ssize_t n = send(c->fd, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n < 0) {
            client_close(c);
            return false;
        }
        c->deadline_ms = c->deadline_ms ? date_mono_ms() + CLIENT_MS : 0;
        buf_consume(&c->out, (size_t)n);
    }
    if (c->ended && c->out.len == 0) {
        client_close(c);
        return false;
    }
    if (admin_room(c) && c->command && c->command->more)
        c->command->more(c);
    client_watch(c);
    return true;
}

/* --- the question ---------------------------------------------------------------------------
 */

static void
refuse_word(struct admin_client *c, const char *word)
{
    const char *names[32] = {NULL}, *near;

    for (size_t i = 0; i < admin_ncommands && i < 31; i++)
        names[i] = admin_commands[i].name;
    near = text_nearest(word, names);
    admin_end(c, false, "there is no command \"%s\"%s%s%s", word,
              near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void
answer(struct admin_client *c, char *line)
{
    char *words[ADMIN_WORDS_MAX + 1] = {NULL}, *rest = NULL;
    unsigned n = 0;

    for (char *w = strtok_r(line, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
        if (n == ADMIN_WORDS_MAX) {
            admin_end(c, false, "more than %d words", ADMIN_WORDS_MAX);
            return;
        }
        words[n++] = w;
    }
    if (n == 0) {
        admin_end(c, false, "an empty line asks for nothing");
        return;
    }
    for (size_t i = 0; i < admin_ncommands; i++) {
        const struct admin_command *command = &admin_commands[i];

        if (strcmp(words[0], command->name) != 0)
            continue;
        if (n - 1 != command->words) {
            admin_end(c, false, "%s takes %u words, not %u", command->name, command->words,
                      n - 1);
            return;
        }
        c->command = command;
        c->deadline_ms = 0; /* it takes what it takes */
        command->run(c, words + 1);
        return;
    }
    refuse_word(c, words[0]);
}

static void
client_read(struct admin_client *c)
{
    char bytes[ADMIN_LINE_MAX];
    ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    size_t end;
    char *line;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || c->command || buf_add(&c->in, bytes, (size_t)n) < 0) {
        client_close(c); /* it left; or it talks on */
        return;
    }
    end = span_find(buf_span(&c->in), '\n');
    if (end == c->in.len)
        return;
    line = mem_str_span(span_of(buf_span(&c->in).p, end));
    answer(c, line);
    free(line);
}

static void
on_client(uv_poll_t *poll, int status, int events)
{
    struct admin_client *c = poll->data;

    if (status < 0)
        client_close(c);
    else if (events & UV_WRITABLE)
        (void)client_write(c);
    else if (events & UV_READABLE)
        client_read(c);
}

/* --- who comes ------------------------------------------------------------------------------
 */

/* The socket's mode says so already; this holds whatever became of that. */
static bool
may_ask(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static void
admit(struct supervisor *s, int fd)
{
    struct admin_client *c;

    if (s->admin.nclients == CLIENTS_MAX || !may_ask(fd)) {
        fd_close(&fd);
        return;
    }
    c = mem_new(sizeof(*c));
    c->s = s;
    c->fd = fd;
    buf_init(&c->in, ADMIN_LINE_MAX);
    buf_init(&c->out, ADMIN_OUT_MAX);
    if (uv_poll_init(&s->loop, &c->poll, fd) < 0) {
        fd_close(&fd);
        free(c);
        return;
    }
    c->poll.data = c;
    c->deadline_ms = date_mono_ms() + CLIENT_MS;
    LIST_INSERT_HEAD(&s->admin.clients, c, link);
    s->admin.nclients++;
    client_watch(c);
}

static void
on_listener(uv_poll_t *poll, int status, int events)
{
    struct supervisor *s = poll->data;
    int fd;

    (void)events;
    if (status < 0)
        return;
    fd = accept4(s->admin.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        admit(s, fd);
}

int
admin_open(struct supervisor *s)
{
    int rc = 0;

    LIST_INIT(&s->admin.clients);
    LIST_INIT(&s->admin.waiting);
    LIST_INIT(&s->admin.upgrading);
    LIST_INIT(&s->admin.reopening);
    s->admin.fd = s->inherited ? fd_take(&s->inherited->control_fd) : -1;
    if (s->admin.fd < 0)
        rc = control_socket_create(s->run_dir_fd, SOCKET_NAME, CLIENTS_MAX, &s->admin.fd);
    if (rc == 0)
        rc = uv_poll_init(&s->loop, &s->admin.poll, s->admin.fd);
    if (rc < 0)
        return rc;
    s->admin.poll.data = s;
    return uv_poll_start(&s->admin.poll, UV_READABLE, on_listener);
}

void
admin_unlisten(struct supervisor *s)
{
    if (s->admin.fd < 0)
        return;
    uv_poll_stop(&s->admin.poll);
    fd_close(&s->admin.fd);
}

void
admin_close(struct supervisor *s)
{
    if (s->admin.fd >= 0)
        (void)unlinkat(s->run_dir_fd, SOCKET_NAME, 0);
    admin_unlisten(s);
}

void
admin_sweep(struct supervisor *s, uint64_t now_ms)
{
    struct admin_client *c, *next;

    for (c = LIST_FIRST(&s->admin.clients); c; c = next) {
        next = LIST_NEXT(c, link);
        if (c->deadline_ms && now_ms > c->deadline_ms)
            client_close(c);
    }
}
