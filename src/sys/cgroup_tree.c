/*
 * Control groups, version 2: which directory is ours to arrange. Floor 1; supervisor.
 *
 * With systemd a service may arrange what is below its own group when its unit says Delegate=;
 * systemd marks such a group with an attribute. As no group holds processes and hands
 * controllers down to others, the supervisor goes into a leaf of its own first:
 *
 *     hostel.slice/hostel.service/supervisor    hostel, its acceptors
 *                                /user-1000     alice's workers and PHP
 *
 * Where nobody arranges groups, hostel.slice is made below the root.
 */
#include "cgroup_in.h"
#include "hostel/base/fd.h"
#include "hostel/sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LEAF    "supervisor"
#define SLICE   "hostel.slice"
#define SERVICE SLICE "/hostel.service"

const struct cgroup_places cgroup_kernel = {"/proc/self/cgroup", "/proc/self/mountinfo",
                                            "/run/systemd/system"};

static void __attribute__((format(printf, 2, 3)))
none(struct cgroup_tree *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(t->why, sizeof(t->why), fmt, ap);
    va_end(ap);
    *t->path = *t->parent = *t->leaf = '\0';
    t->controllers = 0;
}

/* ret  false: too long */
static bool __attribute__((format(printf, 2, 3)))
path_of(char out[static CGROUP_PATH_MAX], const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(out, CGROUP_PATH_MAX, fmt, ap);
    va_end(ap);
    return n >= 0 && n < CGROUP_PATH_MAX;
}

static bool
is_group(const char *path)
{
    char file[CGROUP_PATH_MAX];

    return path_of(file, "%s/cgroup.controllers", path) && access(file, F_OK) == 0;
}

/* The controllers that a file of a group names. */
static unsigned
controllers_in(const char *path, const char *file)
{
    char text[512], name[CGROUP_PATH_MAX], *rest = text, *word;
    unsigned found = 0;

    if (!path_of(name, "%s/%s", path, file) ||
        cgroup_get(AT_FDCWD, name, text, sizeof(text)) <= 0)
        return 0;
    while ((word = strsep(&rest, " \n")))
        for (unsigned c = 0; c < CGROUP_CONTROLLERS; c++)
            if (strcmp(word, cgroup_names[c]) == 0)
                found |= 1u << c;
    return found;
}

/* --- where we are ---------------------------------------------------------------------------
 */

/* ret  false: this kernel has no version 2 */
static bool
own_group(const char *file, char out[static CGROUP_PATH_MAX])
{
    char line[CGROUP_PATH_MAX + 8];
    bool found = false;
    FILE *f = fopen(file, "re");

    while (f && !found && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        found = strncmp(line, "0::/", 4) == 0 && path_of(out, "%s", line + 3);
    }
    if (f)
        (void)fclose(f);
    return found;
}

/* Of the mounts of version 2 the one that shows our group; proc_pid_mountinfo(5). */
static bool
find_mount(const char *file, const char *own, char out[static CGROUP_PATH_MAX],
           char below[static CGROUP_PATH_MAX])
{
    char line[4096], root[1024], at[1024];
    bool found = false;
    FILE *f = fopen(file, "re");

    while (f && !found && fgets(line, sizeof(line), f)) {
        const char *type = strstr(line, " - ");
        size_t n;

        if (!type || strncmp(type, " - cgroup2 ", 11) != 0 ||
            sscanf(line, "%*s %*s %*s %1023s %1023s", root, at) != 2)
            continue;
        n = strcmp(root, "/") == 0 ? 0 : strlen(root);
        if (strncmp(own, root, n) != 0 || (own[n] && own[n] != '/'))
            continue;
        found = path_of(out, "%s", at) && path_of(below, "%s", own[n] ? own + n : "/");
    }
    if (f)
        (void)fclose(f);
    return found;
}

/* systemd says so; a container's runtime may. */
static bool
is_delegated(const char *path)
{
    static const char *const names[] = {"user.delegate", "trusted.delegate"};
    char value[4];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (getxattr(path, names[i], value, sizeof(value)) == 1 && value[0] == '1')
            return true;
    return false;
}

static void
find_auto(const struct cgroup_places *places, bool service, struct cgroup_tree *t)
{
    char own[CGROUP_PATH_MAX], mount[CGROUP_PATH_MAX], below[CGROUP_PATH_MAX], *name;

    if (!own_group(places->self, own)) {
        none(t, "this kernel has no cgroup v2");
        return;
    }
    if (!find_mount(places->mounts, own, mount, below)) {
        none(t, "cgroup v2 is not mounted");
        return;
    }
    if (service && path_of(t->path, "%s/" SERVICE, mount) && is_delegated(t->path)) {
        t->controllers = controllers_in(t->path, "cgroup.controllers");
        return;
    }
    if (strcmp(below, "/") == 0) {
        if (access(places->systemd, F_OK) == 0)
            none(t, "cgroup v2 is not delegated: in %s systemd arranges groups", mount);
        else if (path_of(t->parent, "%s", mount) && path_of(t->path, "%s/" SLICE, mount))
            t->controllers = controllers_in(mount, "cgroup.controllers");
        return;
    }
    name = strrchr(below, '/');
    if (strcmp(name, "/" LEAF) == 0) /* who started us is in it, and hands over to us */
        *name = '\0';
    if (!path_of(t->path, "%s%s", mount, below) ||
        !path_of(t->leaf, "%s%s/" LEAF, mount, below) || !is_delegated(t->path))
        none(t,
             "cgroup v2 is not delegated: %s%s is not ours to arrange (Delegate=yes in the "
             "unit of systemd)",
             mount, below);
    else
        t->controllers = controllers_in(t->path, "cgroup.controllers");
}

static void
find_named(const char *path, struct cgroup_tree *t)
{
    const char *name = strrchr(path, '/');

    if (!path_of(t->path, "%s", path) ||
        !path_of(t->parent, "%.*s", (int)(name - path), path)) {
        none(t, "cgroup %s: its path is too long", path);
    } else if (is_group(t->path)) {
        *t->parent = '\0';
        t->controllers = controllers_in(t->path, "cgroup.controllers");
    } else if (is_group(t->parent)) {
        t->controllers = controllers_in(t->parent, "cgroup.controllers");
    } else {
        none(t, "cgroup %s: neither it nor what is above is a group of cgroup v2", path);
    }
}

/* A container may see groups that it may not arrange. */
static bool
is_read_only(const char *path)
{
    return access(path, W_OK) < 0 && errno == EROFS;
}

void
cgroup_find(const struct cgroup_places *places, const char *want, bool service,
            struct cgroup_tree *t)
{
    *t = (struct cgroup_tree){.dir = -1};
    if (strcmp(want, "off") == 0) {
        none(t, "cgroup: off");
        return;
    }
    if (want[0] == '/')
        find_named(want, t);
    else
        find_auto(places, service, t);
    if (*t->path && !t->controllers)
        none(t, "cgroup v2 has no controller to give at %s (version 1 may have them all)",
             *t->parent ? t->parent : t->path);
    if (*t->path && is_read_only(*t->parent ? t->parent : t->path))
        none(t, "cgroup v2 is mounted read-only at %s", *t->parent ? t->parent : t->path);
}

void
cgroup_say(const struct cgroup_tree *t, char said[static CGROUP_SAID_MAX])
{
    char names[64] = "";

    for (unsigned c = 0; c < CGROUP_CONTROLLERS; c++)
        if (t->controllers >> c & 1) {
            size_t n = strlen(names);

            (void)snprintf(names + n, sizeof(names) - n, " %s", cgroup_names[c]);
        }
    if (*t->path)
        (void)snprintf(said, CGROUP_SAID_MAX, "limits: cgroup v2 in %s/user-UID, with%s",
                       t->path, names);
    else
        (void)snprintf(said, CGROUP_SAID_MAX, "limits: rlimits and nice only: %s", t->why);
}

/* --- making it so ---------------------------------------------------------------------------
 */

/* Hand each controller down by itself: one that is refused costs no other. */
static void
hand_down(const char *path, unsigned controllers)
{
    char file[CGROUP_PATH_MAX], value[16];

    if (!path_of(file, "%s/cgroup.subtree_control", path))
        return;
    for (unsigned c = 0; c < CGROUP_CONTROLLERS; c++)
        if (controllers >> c & 1) {
            (void)snprintf(value, sizeof(value), "+%s", cgroup_names[c]);
            (void)cgroup_put(AT_FDCWD, file, value);
        }
}

/* ret  0 or -errno */
static int
enter_leaf(const struct cgroup_tree *t)
{
    char file[CGROUP_PATH_MAX];

    if (mkdir(t->leaf, 0755) < 0 && errno != EEXIST)
        return -errno;
    if (!path_of(file, "%s/cgroup.procs", t->leaf))
        return -ENAMETOOLONG;
    return cgroup_put(AT_FDCWD, file, "0");
}

void
cgroup_open(struct cgroup_tree *t)
{
    int rc = 0;

    if (!*t->path)
        return;
    if (*t->leaf && (rc = enter_leaf(t)) < 0) {
        none(t, "cgroup v2: cannot enter %s: %s", t->leaf, strerror(-rc));
        return;
    }
    if (*t->parent) {
        hand_down(t->parent, t->controllers);
        if (mkdir(t->path, 0755) < 0 && errno != EEXIST) {
            none(t, "cgroup v2: cannot make %s: %s", t->path, strerror(errno));
            return;
        }
    }
    hand_down(t->path, t->controllers);
    t->controllers &= controllers_in(t->path, "cgroup.subtree_control");
    t->dir = open(t->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (t->dir < 0)
        none(t, "cgroup v2: cannot open %s: %s", t->path, strerror(errno));
    else if (!t->controllers)
        none(t, "cgroup v2: %s hands no controller down", t->path);
    if (!*t->path)
        fd_close(&t->dir);
}
