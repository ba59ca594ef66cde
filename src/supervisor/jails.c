/* A user's jail, where his vhosts ask for one: made anew for each start. Floor 6, hostel. */
#include "supervisor.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/sys/jail.h"

#include <stdlib.h>

struct paths {
    struct jail_path *v;
    size_t n;
};

static void
add(struct paths *p, const char *path, enum jail_right right)
{
    if (!path || !*path)
        return;
    p->v = mem_grow(p->v, (p->n + 1) * sizeof(*p->v));
    p->v[p->n++] = (struct jail_path){path, right};
}

/* Directories beside the root that a vhost's files may lie in: link roots and their like. */
static void
add_directories(struct paths *p, const struct conf_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rules[i].kind == CONF_ROOT || rules[i].kind == CONF_PATH)
            add(p, rules[i].value, JAIL_OWN);
}

static void
add_vhost(struct paths *p, const struct conf_vhost *v)
{
    add(p, v->root, JAIL_OWN);
    add_directories(p, v->rules, v->nrules);
    if (v->app)
        add_directories(p, v->app->rules, v->app->nrules);
}

int
jails_open(const struct conf *conf, const struct conf_user *user, int exe,
           const struct conf_php *php, int *fd)
{
    struct paths paths = {NULL, 0};
    const char *left_out;
    int rc;

    *fd = -1;
    if (!user->jailed)
        return 0;
    add(&paths, user->ids.home, JAIL_OWN);
    for (size_t i = 0; i < conf->nvhosts; i++)
        if (&conf->users[conf->vhosts[i].user] == user)
            add_vhost(&paths, &conf->vhosts[i]);
    if (php) {
        add(&paths, php->command, JAIL_READ);
        add(&paths, php->ini, JAIL_READ);
    }
    rc = jail_open(paths.v, paths.n, exe, fd, &left_out);
    if (rc < 0)
        log_error("user %s: jail: %s", user->ids.name, uv_strerror(rc));
    else if (left_out)
        log_warn("user %s: jail: %s leads through a symbolic link and is left out: name the "
                 "directory itself",
                 user->ids.name, left_out);
    free(paths.v);
    return rc;
}
