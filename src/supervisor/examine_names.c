/* Whose names a certificate covers, and who can read a key. Floor 6, hostel. */
#include "examine.h"

#include "hostel/base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_MAX_LEN 255

/* Every host name of the configuration, by what stands behind its first label, then by itself.
 */
struct entry {
    struct span name, below; /* "www.a.test", "a.test" */
    const struct conf_vhost *vhost;
};

struct examine_names {
    struct entry *all;
    size_t n;
};

static int
span_order(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;

    return order ? order : a.n < b.n ? -1 : a.n > b.n;
}

static int
entry_order(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = span_order(x->below, y->below);

    return order ? order : span_order(x->name, y->name);
}

static struct span
below(struct span name)
{
    return span_skip(name, span_find(name, '.') + 1);
}

static void
add(struct examine_names *n, const char *name, const struct conf_vhost *v)
{
    struct span s = span_str(name);

    n->all[n->n++] = (struct entry){s, below(s), v};
}

struct examine_names *
examine_names_new(const struct conf *conf)
{
    struct examine_names *n = mem_new(sizeof(*n));
    size_t count = conf->nvhosts;

    for (size_t i = 0; i < conf->nvhosts; i++)
        for (char **a = conf->vhosts[i].aliases; *a; a++)
            count++;
    n->all = mem_new_array(count, sizeof(*n->all));
    for (size_t i = 0; i < conf->nvhosts; i++) {
        add(n, conf->vhosts[i].host, &conf->vhosts[i]);
        for (char **a = conf->vhosts[i].aliases; *a; a++)
            add(n, *a, &conf->vhosts[i]);
    }
    qsort(n->all, n->n, sizeof(*n->all), entry_order);
    return n;
}

void
examine_names_free(struct examine_names **n)
{
    free((*n)->all);
    free(*n);
    *n = NULL;
}

/* The first entry that is not before this one. */
static size_t
lower(const struct examine_names *n, const struct entry *key)
{
    size_t low = 0, high = n->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (entry_order(&n->all[mid], key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static const struct conf_vhost *
exact(const struct examine_names *n, struct span name)
{
    struct entry key = {name, below(name), NULL};
    size_t i = lower(n, &key);

    return i < n->n && entry_order(&n->all[i], &key) == 0 ? n->all[i].vhost : NULL;
}

/* As routes are found: the name itself, else the longest wildcard above it. */
static const struct conf_vhost *
serves(const struct examine_names *n, struct span name)
{
    const struct conf_vhost *v = exact(n, name);
    char wildcard[NAME_MAX_LEN + 3] = "*";

    while (!v && name.n > 0) {
        name = span_skip(name, span_find(name, '.'));
        if (name.n < 2)
            break;
        memcpy(wildcard + 1, name.p, name.n);
        v = exact(n, span_of(wildcard, name.n + 1));
        name = span_skip(name, 1);
    }
    return v;
}

const struct conf_vhost *
examine_names_other(const struct examine_names *n, struct span name, size_t user)
{
    char low[NAME_MAX_LEN + 1];
    const struct conf_vhost *v;
    struct entry key = {{NULL, 0}, {NULL, 0}, NULL};

    if (name.n == 0 || name.n > NAME_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < name.n; i++)
        low[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i];
    name = span_of(low, name.n);
    v = serves(n, name);
    if (v && v->user != user)
        return v;
    if (!span_starts(name, SPAN("*.")))
        return NULL;
    key.below = span_skip(name, 2);
    for (size_t i = lower(n, &key); i < n->n && span_eq(n->all[i].below, key.below); i++)
        if (n->all[i].vhost->user != user)
            return n->all[i].vhost;
    return NULL;
}

const struct conf_vhost *
examine_names_host(const struct examine_names *n, const char *host)
{
    const struct conf_vhost *v = exact(n, span_str(host));

    return v && strcmp(v->host, host) == 0 ? v : NULL;
}

/* Browsers use a connection for every name of its certificate, and would meet 421 there. */
const struct conf_vhost *
examine_names_span(const struct examine_names *n, struct span covered, size_t user,
                   struct span *name)
{
    while (span_cut(&covered, '\n', name)) {
        const struct conf_vhost *other = examine_names_other(n, *name, user);

        if (other)
            return other;
    }
    return NULL;
}

/* --- who can read a file -------------------------------------------------------------------
 */

static bool
in_groups(gid_t gid, const struct ids *ids)
{
    for (unsigned i = 0; i < ids->ngroups; i++)
        if (ids->groups[i] == gid)
            return true;
    return gid == ids->gid;
}

/* in  right  4 read, 1 search */
static bool
may(const struct stat *st, const struct ids *ids, mode_t right)
{
    if (st->st_uid == ids->uid)
        return st->st_mode & (right << 6);
    if (in_groups(st->st_gid, ids))
        return st->st_mode & (right << 3);
    return st->st_mode & right;
}

bool
examine_readable(const char *path, const struct ids *ids)
{
    char real[PATH_MAX];
    struct stat st;

    if (!realpath(path, real) || stat(real, &st) < 0)
        return false;
    if (st.st_uid == ids->uid) /* he can give it any mode */
        return true;
    if (!may(&st, ids, 4))
        return false;
    for (char *slash = real + 1; (slash = strchr(slash, '/')); slash++) {
        bool search;

        *slash = '\0';
        search = stat(real, &st) == 0 && (st.st_uid == ids->uid || may(&st, ids, 1));
        *slash = '/';
        if (!search)
            return false;
    }
    return true;
}
