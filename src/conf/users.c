/* The users of the vhosts. Floor 2; supervisor. */
#include "users.h"

#include "hostel/base/mem.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What was written, and what became of it; failures are kept as well. */
struct account {
    char *user;
    char *group; /* "" = the user's own */
    size_t row;
    char *why; /* NULL: row is good */
};

struct owner {
    uid_t uid;
    gid_t gid;
    size_t row;
};

static int
account_order(const void *a, const void *b)
{
    const struct account *x = a, *y = b;
    int order = strcmp(x->user, y->user);

    return order ? order : strcmp(x->group, y->group);
}

static int
owner_order(const void *a, const void *b)
{
    const struct owner *x = a, *y = b;

    if (x->uid != y->uid)
        return x->uid < y->uid ? -1 : 1;
    return x->gid == y->gid ? 0 : x->gid < y->gid ? -1 : 1;
}

static void
account_free(void *p)
{
    struct account *a = p;

    free(a->user);
    free(a->group);
    free(a->why);
    free(a);
}

void
users_init(struct users *u, struct conf *conf)
{
    *u = (struct users){.conf = conf};
}

void
users_done(struct users *u)
{
    tdestroy(u->accounts, account_free);
    tdestroy(u->owners, free);
    *u = (struct users){0};
}

static int
look_up(const char *user, const char *group, struct ids *ids, char why[static USERS_WHY_MAX])
{
    int rc = ids_lookup(user, group, ids);

    if (rc == 0)
        return 0;
    if (rc == -ENOENT)
        snprintf(why, USERS_WHY_MAX, "user `%s` does not exist", user);
    else if (rc == -ESRCH)
        snprintf(why, USERS_WHY_MAX, "group `%s` does not exist", group ? group : user);
    else if (rc == -E2BIG)
        snprintf(why, USERS_WHY_MAX, "user `%s` is in more than %d groups", user,
                 IDS_GROUPS_MAX);
    else if (rc == -EPERM)
        snprintf(why, USERS_WHY_MAX, "user `%s` is root or in group 0, which no site may be",
                 user);
    else
        snprintf(why, USERS_WHY_MAX, "user `%s` cannot be looked up: %s", user, strerror(-rc));
    return -EINVAL;
}

/* I5, with words for what ids_check() refuses. */
static int
check_numbers(const struct conf *c, const char *user, const struct ids *ids,
              char why[static USERS_WHY_MAX])
{
    if (ids_check(ids, c->min_uid) == 0)
        return 0;
    if (ids->uid == 0 || ids->gid == 0)
        snprintf(why, USERS_WHY_MAX, "user `%s` has %s 0, which no site may run as", user,
                 ids->uid == 0 ? "uid" : "gid");
    else if (ids->uid < c->min_uid)
        snprintf(why, USERS_WHY_MAX, "user `%s` has uid %u, below min_uid (%u)", user, ids->uid,
                 c->min_uid);
    else
        snprintf(why, USERS_WHY_MAX, "user `%s` has gid %u, below min_uid (%u)", user, ids->gid,
                 c->min_uid);
    return -EINVAL;
}

/*
 * Nothing is switched without root, so a vhost runs with the ids that this process has, and
 * must ask for no other. min_uid is a rule for switching and does not count here.
 */
static int
check_own(const char *user, const char *group, struct ids *ids, char why[static USERS_WHY_MAX])
{
    if (ids->uid != geteuid())
        snprintf(why, USERS_WHY_MAX, "user `%s` is not the invoking user: only root can switch",
                 user);
    else if (group && ids->gid != getegid())
        snprintf(why, USERS_WHY_MAX,
                 "group `%s` is not the invoking user's: only root can switch", group);
    else if (ids->uid == 0)
        snprintf(why, USERS_WHY_MAX, "user `%s` has uid 0, which no site may run as", user);
    else {
        ids->gid = getegid();
        return 0;
    }
    return -EINVAL;
}

static int
check_switch(const struct conf *c, const char *user, const struct ids *ids,
             char why[static USERS_WHY_MAX])
{
    int rc = check_numbers(c, user, ids, why);

    if (rc == 0 && ids->uid == c->acceptor_ids.uid) {
        snprintf(why, USERS_WHY_MAX, "user `%s` is the acceptors' and cannot own a site", user);
        rc = -EINVAL;
    }
    return rc;
}

/* out  ids  owned by the caller */
static int
resolve(const struct conf *c, const char *user, const char *group, struct ids *ids,
        char why[static USERS_WHY_MAX])
{
    int rc = look_up(user, group, ids, why);

    if (rc < 0)
        return rc;
    rc = c->switching ? check_switch(c, user, ids, why) : check_own(user, group, ids, why);
    if (rc < 0)
        ids_done(ids);
    return rc;
}

/* in  ids  takes */
static size_t
owner_row(struct users *u, struct ids *ids)
{
    struct owner *key = mem_new(sizeof(*key));
    struct conf *c = u->conf;
    struct owner **found;

    *key = (struct owner){ids->uid, ids->gid, c->nusers};
    found = tsearch(key, &u->owners, owner_order);
    if (!found)
        abort(); /* out of memory, as in mem.h */
    if (*found != key) {
        free(key);
        ids_done(ids);
        return (*found)->row;
    }
    if (c->nusers == u->room) {
        u->room = u->room ? 2 * u->room : 16;
        c->users = mem_grow(c->users, u->room * sizeof(*c->users));
    }
    c->users[c->nusers] = (struct conf_user){.ids = *ids};
    return c->nusers++;
}

int
users_find(struct users *u, const char *user, const char *group, size_t *row,
           char why[static USERS_WHY_MAX])
{
    struct account *key = mem_new(sizeof(*key));
    struct account **found;
    struct ids ids;

    *key = (struct account){.user = mem_str(user), .group = mem_str(group ? group : "")};
    found = tsearch(key, &u->accounts, account_order);
    if (!found)
        abort(); /* out of memory, as in mem.h */
    if (*found != key)
        account_free(key);
    else if (resolve(u->conf, user, group, &ids, why) < 0)
        key->why = mem_str(why);
    else
        key->row = owner_row(u, &ids);
    if ((*found)->why) {
        snprintf(why, USERS_WHY_MAX, "%s", (*found)->why);
        return -EINVAL;
    }
    *row = (*found)->row;
    return 0;
}

int
users_system(const struct conf *conf, const char *user, const char *preset, struct ids *out,
             char why[static USERS_WHY_MAX])
{
    struct ids ids;
    char self[16];
    int rc;

    if (conf->elsewhere) {
        *out = (struct ids){.name = "", .home = ""};
        return 0;
    }
    snprintf(self, sizeof(self), "%u", geteuid());
    if (!conf->switching)
        user = self;
    else if (!user && ids_lookup(preset, NULL, &ids) == 0) {
        ids_done(&ids);
        user = preset;
    } else if (!user)
        user = "nobody";
    rc = look_up(user, NULL, &ids, why);
    if (rc < 0)
        return rc;
    if (conf->switching && ids_check(&ids, 1) < 0) {
        snprintf(why, USERS_WHY_MAX, "user `%s` has uid or gid 0", user);
        ids_done(&ids);
        return -EINVAL;
    }
    *out = ids;
    return 0;
}

size_t
users_add_system(struct users *u, struct ids *ids)
{
    size_t row = owner_row(u, ids);

    if (u->conf->users[row].workers == 0) {
        u->conf->users[row].workers = 1;
        u->conf->users[row].system = true;
    }
    return row;
}
