/*
 * The listening sockets. Each has a number for its life, by which acceptors know it.
 * Floor 6, hostel.
 */
#include "inherit.h"
#include "supervisor.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/sys/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool
same(const struct conf_listen *a, const struct conf_listen *b)
{
    return a->tls == b->tls && a->addr_len == b->addr_len &&
           memcmp(&a->addr, &b->addr, a->addr_len) == 0;
}

static bool
wanted(const struct conf *conf, const struct listener *l)
{
    for (size_t i = 0; i < conf->nlisten; i++)
        if (same(&conf->listen[i], &l->at))
            return true;
    return false;
}

static struct listener *
find(struct supervisor *s, const struct conf_listen *at)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++)
        if (s->listeners[i].fd >= 0 && same(&s->listeners[i].at, at))
            return &s->listeners[i];
    return NULL;
}

static void
drop(struct listener *l)
{
    fd_close(&l->fd);
    free(l->at.text);
    l->at.text = NULL;
}

static int
add(struct supervisor *s, const struct conf_listen *at)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        struct listener *l = &s->listeners[i];
        int rc;

        if (l->fd >= 0)
            continue;
        l->fd = s->inherited ? inherit_listener(s->inherited, at) : -1;
        rc = l->fd >= 0 ? 0
                        : tcp_listen((const struct sockaddr *)&at->addr, at->addr_len, &l->fd);
        if (rc < 0)
            return rc;
        l->at = *at;
        l->at.text = mem_str(at->text);
        return 0;
    }
    return -EMFILE; /* what goes and what comes are more than LISTENERS_MAX together */
}

/* ret  0; -errno and which one, and those that were new are closed again */
static int
add_all(struct supervisor *s, const struct conf *conf, const char **what)
{
    bool is_new[LISTENERS_MAX];
    int rc = 0;

    for (unsigned i = 0; i < LISTENERS_MAX; i++)
        is_new[i] = s->listeners[i].fd < 0;
    for (size_t i = 0; rc == 0 && i < conf->nlisten; i++) {
        *what = conf->listen[i].text;
        if (!find(s, &conf->listen[i]))
            rc = add(s, &conf->listen[i]);
    }
    for (unsigned i = 0; rc < 0 && i < LISTENERS_MAX; i++)
        if (is_new[i])
            drop(&s->listeners[i]);
    return rc;
}

int
listeners_take(struct supervisor *s, const struct conf *conf, const char **what)
{
    int rc = add_all(s, conf, what);

    for (unsigned i = 0; rc == 0 && i < LISTENERS_MAX; i++) {
        struct listener *l = &s->listeners[i];

        if (l->fd < 0 || wanted(conf, l))
            continue;
        acceptors_tell_unlisten(s, i); /* it takes what waits there, then closes it */
        drop(l);
    }
    return rc;
}

void
listeners_close(struct supervisor *s)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++)
        drop(&s->listeners[i]);
}
