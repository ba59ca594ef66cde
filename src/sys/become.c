/* Taking on a user's ids, between fork and exec. Floor 1; supervisor's children. */
#include "become.h"

#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <unistd.h>

int
become_user(const struct ids *ids, const char **step)
{
    *step = "setgroups, setgid";
    if (cap_setgroups(ids->gid, ids->ngroups, ids->groups) < 0)
        return -errno;
    *step = "setuid";
    if (cap_setuid(ids->uid) < 0)
        return -errno;
    return 0;
}

static bool
uids_are(uid_t want)
{
    uid_t r, e, s;

    /* setfsuid() of no id changes nothing and tells what it is */
    return getresuid(&r, &e, &s) == 0 && r == want && e == want && s == want &&
           (uid_t)setfsuid((uid_t)-1) == want;
}

static bool
gids_are(gid_t want)
{
    gid_t r, e, s;

    return getresgid(&r, &e, &s) == 0 && r == want && e == want && s == want &&
           (gid_t)setfsgid((gid_t)-1) == want;
}

static bool
among(gid_t gid, const gid_t *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (list[i] == gid)
            return true;
    return false;
}

/* The kernel sorts them, so they are compared as sets; ids holds no group twice. */
static bool
groups_are(const struct ids *ids)
{
    gid_t now[IDS_GROUPS_MAX];
    int n = getgroups(IDS_GROUPS_MAX, now);

    if (n < 0 || (unsigned)n != ids->ngroups)
        return false;
    for (unsigned i = 0; i < ids->ngroups; i++)
        if (!among(ids->groups[i], now, (unsigned)n))
            return false;
    return true;
}

/* True when some way back worked: then everything above was an illusion. */
static bool
can_go_back(void)
{
    static const gid_t root_group = 0;

    return setuid(0) == 0 || seteuid(0) == 0 || setreuid(0, 0) == 0 ||
           setresuid(0, 0, 0) == 0 || setgid(0) == 0 || setegid(0) == 0 ||
           setregid(0, 0) == 0 || setresgid(0, 0, 0) == 0 || setgroups(1, &root_group) == 0 ||
           setgroups(0, NULL) == 0;
}

int
become_look(const struct ids *ids, const char **step)
{
    *step = "look: root can be had back";
    if (can_go_back())
        return -EPERM;
    *step = "look: uids";
    if (!uids_are(ids->uid))
        return -EPERM;
    *step = "look: gids";
    if (!gids_are(ids->gid))
        return -EPERM;
    *step = "look: groups";
    if (!groups_are(ids))
        return -EPERM;
    return 0;
}
