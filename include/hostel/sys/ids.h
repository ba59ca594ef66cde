/* Who a process runs as. Floor 1; supervisor. */
#ifndef HOSTEL_SYS_IDS_H
#define HOSTEL_SYS_IDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define IDS_GROUPS_MAX 64
#define IDS_NAME_MAX   64

#define IDS_HOME_MAX 256

struct ids {
    uid_t uid;
    gid_t gid;
    unsigned ngroups;
    gid_t *groups;    /* supplementary, without gid 0; at least gid itself; owned */
    const char *name; /* account name, or the number when there is no account */
    const char *home; /* home directory, "" when there is no account */
    /* name and home lie behind the groups, in their allocation: there may be many of these */
};

/*
 * Look an account up. A number that no account has is a user with that uid, and with a gid
 * of the same number unless group says otherwise, and no supplementary groups.
 *
 * in   user   name or decimal uid
 * in   group  name or decimal gid; NULL = the account's own
 * out  out    owned by the caller, ids_done()
 * ret  0; -ENOENT no such user; -ESRCH no such group; -E2BIG more than IDS_GROUPS_MAX groups;
 *      -EPERM a supplementary or primary group is 0
 */
int ids_lookup(const char *user, const char *group, struct ids *out);

/* ret  the same once more, owned by the caller, ids_done() */
struct ids ids_copy(const struct ids *ids);

/* Frees what it owns and empties it. */
void ids_done(struct ids *ids);

/*
 * I5: uid and gid neither 0 nor below min.
 *
 * ret  0 or -EPERM
 */
int ids_check(const struct ids *ids, uint32_t min);

#endif
