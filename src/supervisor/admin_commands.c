/*
 * What an administrator may ask for: one row a command. Floor 6, hostel.
 */
#include "admin.h"
#include "inherit.h"

#include <string.h>

static void
stop(struct admin_client *c, char *const *words)
{
    (void)words;
    admin_end(c, true, "stopping");
    supervisor_stop(c->s, 0);
}

static void
reload(struct admin_client *c, char *const *words)
{
    (void)words;
    LIST_INSERT_HEAD(&c->s->admin.waiting, c, waiting);
    c->waits = true;
    reload_start(c->s);
}

static void
upgrade(struct admin_client *c, char *const *words)
{
    (void)words;
    LIST_INSERT_HEAD(&c->s->admin.upgrading, c, waiting);
    c->waits = true;
    upgrade_start(c->s);
}

static void
php_restart(struct admin_client *c, char *const *words)
{
    unsigned n = 0;
    bool known = false;

    for (size_t i = 0; i < c->s->nrooms; i++) {
        const struct conf_user *u = generation_tenant(c->s->gen, i);

        if (!u || strcmp(u->ids.name, words[0]) != 0)
            continue;
        known = true;
        if (c->s->rooms[i])
            n += pools_restart(c->s->rooms[i]);
    }
    if (known)
        admin_end(c, true, "%u PHP pools of %s start anew", n, words[0]);
    else
        admin_end(c, false, "user %s has no vhost", words[0]);
}

static void
logs_reopen(struct admin_client *c, char *const *words)
{
    (void)words;
    LIST_INSERT_HEAD(&c->s->admin.reopening, c, waiting);
    c->waits = true;
    reopen_start(c->s);
}

const struct admin_command admin_commands[] = {
    {.name = "reload", .words = 0, .run = reload},
    {.name = "status", .words = 0, .run = admin_status, .more = admin_status_more},
    {.name = "logs-reopen", .words = 0, .run = logs_reopen},
    {.name = "php-restart", .words = 1, .run = php_restart},
    {.name = "upgrade", .words = 0, .run = upgrade},
    {.name = "stop", .words = 0, .run = stop},
};
const size_t admin_ncommands = sizeof(admin_commands) / sizeof(admin_commands[0]);
