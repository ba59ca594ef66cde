/* Who a process runs as: accounts and bare numbers. Floor 1; supervisor. */
#include "hostel/sys/ids.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#define ENTRY_BYTES     4096
#define ENTRY_BYTES_MAX (4u << 20)       /* a group of very many members is still an answer */
#define ID_MAX          (UINT32_MAX - 1) /* the last one means "leave as it is" to the kernel */

/*
 * ret  0 it is a number; -EINVAL it is a name; -ERANGE a number that is no id
 */
static int
number_of(const char *text, uint32_t *out)
{
    unsigned long long v;
    int rc = span_u64(span_str(text), ID_MAX, &v);

    if (rc == 0)
        *out = (uint32_t)v;
    return rc;
}

/*
 * One account. The entry's strings live in *bytes, which the caller frees in any case.
 *
 * ret  0; -ENOENT no such account; or -errno
 */
static int
account(const char *name, uid_t uid, struct passwd *pw, char **bytes)
{
    size_t size = ENTRY_BYTES;
    struct passwd *found = NULL;
    int error;

    *bytes = mem_new(size);
    for (;;) {
        error = name ? getpwnam_r(name, pw, *bytes, size, &found)
                     : getpwuid_r(uid, pw, *bytes, size, &found);
        if (error != ERANGE || size >= ENTRY_BYTES_MAX)
            break;
        size *= 2;
        *bytes = mem_grow(*bytes, size);
    }
    if (found)
        return 0;
    return error && error != ESRCH && error != EPERM ? -error : -ENOENT;
}

/* ret  0; -ESRCH no such group; or -errno */
static int
group_of(const char *text, gid_t *out)
{
    struct group gr, *found = NULL;
    size_t size = ENTRY_BYTES;
    char *bytes;
    int error;
    int rc = number_of(text, out);

    if (rc != -EINVAL)
        return rc ? -ESRCH : 0;
    bytes = mem_new(size);
    for (;;) {
        error = getgrnam_r(text, &gr, bytes, size, &found);
        if (error != ERANGE || size >= ENTRY_BYTES_MAX)
            break;
        size *= 2;
        bytes = mem_grow(bytes, size);
    }
    if (found)
        *out = gr.gr_gid;
    free(bytes);
    if (found)
        return 0;
    return error && error != ENOENT && error != EPERM ? -error : -ESRCH;
}

/* What is gathered of a user, before it is put into as little as it needs. */
struct found {
    uid_t uid;
    gid_t gid;
    unsigned ngroups;
    gid_t groups[IDS_GROUPS_MAX];
    char name[IDS_NAME_MAX];
    char home[IDS_HOME_MAX];
};

static int
add_group(struct found *f, gid_t gid)
{
    if (gid == 0)
        return -EPERM;
    for (unsigned i = 0; i < f->ngroups; i++)
        if (f->groups[i] == gid)
            return 0;
    if (f->ngroups == IDS_GROUPS_MAX)
        return -E2BIG;
    f->groups[f->ngroups++] = gid;
    return 0;
}

/* The account's supplementary groups, gid among them; name NULL: gid alone. */
static int
fill_groups(const char *name, struct found *f)
{
    gid_t list[IDS_GROUPS_MAX + 1];
    int n = IDS_GROUPS_MAX + 1;
    int rc = add_group(f, f->gid);

    if (rc < 0 || !name)
        return rc;
    if (getgrouplist(name, f->gid, list, &n) < 0)
        return -E2BIG;
    for (int i = 0; rc == 0 && i < n; i++)
        rc = add_group(f, list[i]);
    return rc;
}

static int
fill_account(const struct passwd *pw, struct found *f)
{
    size_t home = pw->pw_dir ? strlen(pw->pw_dir) : 0;

    if (strlen(pw->pw_name) >= sizeof(f->name))
        return -ENOENT;
    strcpy(f->name, pw->pw_name);
    if (home && home < sizeof(f->home))
        memcpy(f->home, pw->pw_dir, home);
    f->uid = pw->pw_uid;
    f->gid = pw->pw_gid;
    return 0;
}

static struct ids
ids_make(uid_t uid, gid_t gid, const gid_t *groups, unsigned n, const char *name,
         const char *home)
{
    size_t groups_bytes = n * sizeof(*groups);
    size_t name_bytes = strlen(name) + 1, home_bytes = strlen(home) + 1;
    char *all = mem_new(groups_bytes + name_bytes + home_bytes);
    struct ids ids = {.uid = uid,
                      .gid = gid,
                      .ngroups = n,
                      .groups = (gid_t *)(void *)all,
                      .name = all + groups_bytes,
                      .home = all + groups_bytes + name_bytes};

    memcpy(all, groups, groups_bytes);
    memcpy(all + groups_bytes, name, name_bytes);
    memcpy(all + groups_bytes + name_bytes, home, home_bytes);
    return ids;
}

int
ids_lookup(const char *user, const char *group, struct ids *out)
{
    struct found f = {0};
    struct passwd pw;
    char *bytes = NULL;
    uid_t uid = 0;
    int number = number_of(user, &uid);
    bool known;
    int rc;

    if (number == -ERANGE)
        return -ENOENT;
    rc = account(number == 0 ? NULL : user, uid, &pw, &bytes);
    known = rc == 0;
    if (known) {
        rc = fill_account(&pw, &f);
    } else if (rc == -ENOENT && number == 0) {
        f.uid = uid;
        f.gid = uid;
        snprintf(f.name, sizeof(f.name), "%u", uid);
        rc = 0;
    }
    if (rc == 0 && group)
        rc = group_of(group, &f.gid);
    if (rc == 0)
        rc = fill_groups(known ? f.name : NULL, &f);
    if (rc == 0)
        *out = ids_make(f.uid, f.gid, f.groups, f.ngroups, f.name, f.home);
    free(bytes);
    return rc;
}

struct ids
ids_copy(const struct ids *ids)
{
    return ids_make(ids->uid, ids->gid, ids->groups, ids->ngroups, ids->name, ids->home);
}

void
ids_done(struct ids *ids)
{
    free(ids->groups);
    *ids = (struct ids){0};
}

int
ids_check(const struct ids *ids, uint32_t min)
{
    if (ids->uid == 0 || ids->uid < min || ids->uid > ID_MAX)
        return -EPERM;
    if (ids->gid == 0 || ids->gid < min || ids->gid > ID_MAX)
        return -EPERM;
    if (ids->ngroups == 0 || ids->ngroups > IDS_GROUPS_MAX)
        return -EPERM;
    for (unsigned i = 0; i < ids->ngroups; i++)
        if (ids->groups[i] == 0)
            return -EPERM;
    return 0;
}
