/* What a server starts with that another had opened. Floor 6, hostel. */
#include "inherit.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/sys/sockets.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A descriptor that is named must be there; it is ours from here on. ret  it, or -1 */
static int
take_fd(int fd)
{
    return fd > 2 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
}

static void
take_named(struct inheritance *in, const char *name, int fd)
{
    const struct {
        const char *name;
        int *to;
    } known[] = {{"pid-file", &in->pid_fd},
                 {"php-dir", &in->php_dir_fd},
                 {"control", &in->control_fd},
                 {"ready", &in->ready_fd},
                 {"tickets", &in->tickets_fd}};

    if (strcmp(name, "listen") == 0 && in->nlisteners < INHERIT_MAX) {
        in->listeners[in->nlisteners] = (struct inherited){.fd = take_fd(fd)};
        (void)snprintf(in->listeners[in->nlisteners++].name, sizeof(in->listeners[0].name),
                       "of the server before");
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(name, known[i].name) == 0)
            *known[i].to = take_fd(fd);
}

static void
take_metrics(struct inheritance *in, int fd, const char *text)
{
    if (in->nmetrics == CONF_METRICS_MAX)
        return;
    in->metrics[in->nmetrics].fd = take_fd(fd);
    in->metrics[in->nmetrics++].text = mem_str(text);
}

static void
take_room(struct inheritance *in, uid_t uid, gid_t gid, int front, int back)
{
    struct inherited_room r = {uid, gid, take_fd(front), take_fd(back), in->nroom_lines++};

    if (r.front < 0 || r.back < 0) {
        fd_close(&r.front);
        fd_close(&r.back);
        return;
    }
    if ((in->nrooms & (in->nrooms + 1)) == 0) /* 0, 1, 3, 7, ...: double */
        in->rooms = mem_grow(in->rooms, (2 * in->nrooms + 1) * sizeof(*in->rooms));
    in->rooms[in->nrooms++] = r;
}

static void
take_own(struct inheritance *in, uid_t uid, gid_t gid, int fd)
{
    struct inherited_own own = {{true, uid, gid}, take_fd(fd)};

    if (own.fd < 0)
        return;
    if ((in->nown & (in->nown + 1)) == 0)
        in->own = mem_grow(in->own, (2 * in->nown + 1) * sizeof(*in->own));
    in->own[in->nown++] = own;
}

/* They come by name, as they stood in the configuration. */
static bool
take_site(struct inheritance *in, FILE *f, size_t n, const char *path)
{
    struct conf *last = &in->last;
    char *bytes;

    if (n > 64 * 1024 * 1024)
        return false;
    bytes = mem_new(n + 1);
    if (fread(bytes, 1, n, f) != n) {
        free(bytes);
        return false;
    }
    if ((last->nsites & (last->nsites + 1)) == 0)
        last->sites = mem_grow(last->sites, (2 * last->nsites + 1) * sizeof(*last->sites));
    last->sites[last->nsites++] = (struct conf_site){mem_str(path), bytes, n};
    return true;
}

static void
read_state(struct inheritance *in, int fd)
{
    FILE *f = fdopen(fd, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;

    if (!f || fseek(f, 0, SEEK_SET) < 0)
        return;
    while ((n = getline(&line, &room, f)) > 0) {
        char name[32];
        unsigned uid, gid;
        int at = 0, front, back;
        size_t bytes;

        line[n - 1] = '\0';
        if (sscanf(line, "fd %31s %d", name, &front) == 2)
            take_named(in, name, front);
        else if (sscanf(line, "seal %" SCNx64 " %" SCNx64, &in->seal[0], &in->seal[1]) == 2)
            continue;
        else if (sscanf(line, "room %u %u %d %d", &uid, &gid, &front, &back) == 4)
            take_room(in, (uid_t)uid, (gid_t)gid, front, back);
        else if (sscanf(line, "own %u %u %d", &uid, &gid, &front) == 3)
            take_own(in, (uid_t)uid, (gid_t)gid, front);
        else if (strcmp(line, "activated") == 0)
            in->activated = true;
        else if (sscanf(line, "metrics %d %n", &front, &at) == 1 && at > 0)
            take_metrics(in, front, line + at);
        else if (sscanf(line, "site %zu %n", &bytes, &at) == 1 && at > 0 &&
                 !take_site(in, f, bytes, line + at))
            break;
    }
    free(line);
    (void)fclose(f);
}

void
inherit_start(struct inheritance *in)
{
    const char *state = getenv(INHERIT_STATE);
    long pid;
    int fd;

    *in = (struct inheritance){
        .pid_fd = -1, .php_dir_fd = -1, .control_fd = -1, .ready_fd = -1, .tickets_fd = -1};
    in->nlisteners = inherit_take(in->listeners);
    in->activated = in->nlisteners > 0;
    if (state && sscanf(state, "%ld %d", &pid, &fd) == 2 && pid == (long)getpid()) {
        in->upgrade = true;
        read_state(in, fd);
    }
    (void)unsetenv(INHERIT_STATE);
}

int
inherit_listener(struct inheritance *in, const struct conf_listen *at,
                 struct listen_owner *whose)
{
    const struct sockaddr *addr = (const struct sockaddr *)&at->addr;
    int *other = NULL;

    for (size_t i = 0; i < in->nlisteners; i++) {
        if (in->listeners[i].fd < 0 || tcp_listen_adopt(addr, in->listeners[i].fd) < 0)
            continue;
        if (!whose->own)
            return fd_take(&in->listeners[i].fd);
        if (!in->activated)
            other = &in->listeners[i].fd;
    }
    for (size_t i = 0; i < in->nown; i++) {
        if (in->own[i].fd < 0 || tcp_listen_adopt(addr, in->own[i].fd) < 0)
            continue;
        *whose = in->own[i].owner; /* his, or who had it before */
        return fd_take(&in->own[i].fd);
    }
    if (!other)
        return -1;
    whose->own = false;
    return fd_take(other);
}

int
inherit_metrics(struct inheritance *in, const char *text)
{
    for (size_t i = 0; i < in->nmetrics; i++)
        if (strcmp(in->metrics[i].text, text) == 0)
            return fd_take(&in->metrics[i].fd);
    return -1;
}

static int
by_user(const void *a, const void *b)
{
    const struct inherited_room *x = a, *y = b;

    if (x->uid != y->uid)
        return x->uid < y->uid ? -1 : 1;
    return x->gid == y->gid ? 0 : x->gid < y->gid ? -1 : 1;
}

/* The sweep watches them from here on: what waits there wakes a worker. */
void
inherit_rooms(struct supervisor *s, struct inheritance *in)
{
    if (in->nrooms)
        qsort(in->rooms, in->nrooms, sizeof(*in->rooms), by_user);
    for (size_t i = 0; in->nrooms && i < s->nrooms; i++) {
        const struct conf_user *u = generation_tenant(s->gen, i);
        struct inherited_room key, *found;
        struct room *r;

        if (!u)
            continue;
        key = (struct inherited_room){u->ids.uid, u->ids.gid, -1, -1, 0};
        found = bsearch(&key, in->rooms, in->nrooms, sizeof(key), by_user);
        if (!found || found->front < 0)
            continue;
        r = room_at(s, i);
        r->front = fd_take(&found->front);
        r->back = fd_take(&found->back);
        r->channel_no = ++s->channels;
        if (in->tickets_fd >= 0)
            tickets_take_over(r, in->tickets_fd, found->nth, date_mono_ms());
    }
    for (size_t i = 0; i < in->nrooms; i++) { /* of users that are gone */
        fd_close(&in->rooms[i].front);
        fd_close(&in->rooms[i].back);
    }
    fd_close(&in->tickets_fd);
    free(in->rooms);
    in->rooms = NULL;
    in->nrooms = 0;
}

void
inherit_ready(struct inheritance *in)
{
    for (size_t i = 0; i < in->nlisteners; i++) {
        if (in->listeners[i].fd < 0)
            continue;
        log_warn("a listening socket (%s) that was handed over is in no listen: closed",
                 in->listeners[i].name);
        fd_close(&in->listeners[i].fd);
    }
    for (size_t i = 0; i < in->nown; i++) { /* of nobody any more, or there is another one */
        if (in->own[i].fd >= 0)
            tcp_listen_end(in->own[i].fd);
        fd_close(&in->own[i].fd);
    }
    free(in->own);
    in->own = NULL;
    in->nown = 0;
    for (size_t i = 0; i < in->nmetrics; i++) {
        fd_close(&in->metrics[i].fd);
        free(in->metrics[i].text);
    }
    in->nmetrics = 0;
    if (in->ready_fd >= 0 && write(in->ready_fd, "!", 1) != 1)
        log_error("the server before does not hear that this one is ready");
    fd_close(&in->ready_fd);
    for (size_t i = 0; i < in->last.nsites; i++) {
        free((char *)(uintptr_t)in->last.sites[i].file);
        free(in->last.sites[i].bytes);
    }
    free(in->last.sites);
    in->last = (struct conf){0};
}
