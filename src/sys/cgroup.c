/* Control groups, version 2: users' groups and their limits. Floor 1; supervisor. */
#include "hostel/sys/cgroup.h"
#include "cgroup_in.h"
#include "hostel/base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VALUE_MAX 64
#define PERIOD_US 100000 /* of cpu.max */
#define PREFIX    "user-"

const char *const cgroup_names[CGROUP_CONTROLLERS] = {"cpu", "memory", "pids", "io"};

/* The kernel takes or refuses a value as one write. ret  0 or -errno */
int
cgroup_put(int dir, const char *file, const char *value)
{
    /* non-blocking: from Linux 6.16 on who has more memory than memory.max is not waited for */
    int fd = openat(dir, file, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC), rc = 0;
    size_t n = strlen(value);

    if (fd < 0)
        return -errno;
    if (write(fd, value, n) != (ssize_t)n)
        rc = errno ? -errno : -EIO;
    fd_close(&fd);
    return rc;
}

/* ret  bytes of text, which ends with a NUL; -errno */
ssize_t
cgroup_get(int dir, const char *file, char *text, size_t size)
{
    int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = read(fd, text, size - 1);
    if (n < 0)
        n = -errno;
    fd_close(&fd);
    text[n > 0 ? n : 0] = '\0';
    return n;
}

static void
name_of(uid_t uid, char name[static VALUE_MAX])
{
    (void)snprintf(name, VALUE_MAX, PREFIX "%u", (unsigned)uid);
}

static int
open_user(const struct cgroup_tree *tree, uid_t uid)
{
    char name[VALUE_MAX];
    int fd;

    name_of(uid, name);
    fd = openat(tree->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static bool
has(const struct cgroup_tree *tree, enum cgroup_controller c)
{
    return tree->controllers >> c & 1;
}

/* --- limits ---------------------------------------------------------------------------------
 */

struct writing {
    const struct cgroup_tree *tree;
    int dir;
    int rc; /* the first failure */
    const char *failed;
};

/* Is that what the file says already? Without a limit cpu.max says its period as well. */
static bool
is_set(int dir, const char *file, const char *value)
{
    char text[2 * VALUE_MAX];
    size_t n = strlen(value);

    if (cgroup_get(dir, file, text, sizeof(text)) <= 0 || strncmp(text, value, n) != 0)
        return false;
    return text[n] == '\n' || (text[n] == ' ' && strcmp(value, "max") == 0);
}

/* A reload finds most of it set. memory.max costs even so: the kernel looks for memory to free.
 */
static int
put_new(int dir, const char *file, const char *value)
{
    return is_set(dir, file, value) ? 0 : cgroup_put(dir, file, value);
}

static void
put(struct writing *w, enum cgroup_controller c, const char *file, const char *value)
{
    int rc = has(w->tree, c) ? put_new(w->dir, file, value) : 0;

    if (rc == 0 || w->rc < 0)
        return;
    w->rc = rc;
    w->failed = file;
}

static void
put_max(struct writing *w, enum cgroup_controller c, const char *file, uint64_t max)
{
    char value[VALUE_MAX];

    (void)snprintf(value, sizeof(value), "%" PRIu64, max);
    put(w, c, file, max ? value : "max");
}

/* Without a scheduler or a cost model that knows weights there is no such file. */
static void
put_io(struct writing *w, uint64_t weight)
{
    /* BFQ counts to 1000; what is above the middle is drawn together */
    uint64_t bfq = weight <= 100 ? weight : 100 + (weight - 100) / 11;
    char value[VALUE_MAX];

    (void)snprintf(value, sizeof(value), "default %" PRIu64, weight);
    if (faccessat(w->dir, "io.weight", F_OK, 0) == 0)
        put(w, CGROUP_IO, "io.weight", value);
    (void)snprintf(value, sizeof(value), "default %" PRIu64, bfq);
    if (faccessat(w->dir, "io.bfq.weight", F_OK, 0) == 0)
        put(w, CGROUP_IO, "io.bfq.weight", value);
}

/* As the kernel keeps it. */
static uint64_t
whole_pages(uint64_t bytes)
{
    return bytes - bytes % (uint64_t)sysconf(_SC_PAGESIZE);
}

int
cgroup_user(const struct cgroup_tree *tree, uid_t uid, const struct cgroup_limits *limits,
            const char **failed)
{
    struct writing w = {.tree = tree, .dir = -1};
    char value[VALUE_MAX];

    name_of(uid, value);
    *failed = "its directory";
    if (mkdirat(tree->dir, value, 0755) < 0 && errno != EEXIST)
        return -errno;
    w.dir = open_user(tree, uid);
    if (w.dir < 0)
        return w.dir;
    (void)snprintf(value, sizeof(value), "%" PRIu64, limits->cpu_weight);
    put(&w, CGROUP_CPU, "cpu.weight", value);
    if (limits->cpu_max)
        (void)snprintf(value, sizeof(value), "%" PRIu64 " %d",
                       limits->cpu_max * (PERIOD_US / 100), PERIOD_US);
    put(&w, CGROUP_CPU, "cpu.max", limits->cpu_max ? value : "max");
    /* who is at his limit must not have the machine swap for him */
    if (has(tree, CGROUP_MEMORY))
        (void)put_new(w.dir, "memory.swap.max", limits->memory_max ? "0" : "max");
    put_max(&w, CGROUP_MEMORY, "memory.max", whole_pages(limits->memory_max));
    put_max(&w, CGROUP_PIDS, "pids.max", limits->pids_max);
    put_io(&w, limits->io_weight);
    fd_close(&w.dir);
    *failed = w.failed;
    return w.rc;
}

int
cgroup_user_procs(const struct cgroup_tree *tree, uid_t uid)
{
    int dir = open_user(tree, uid), fd;

    if (dir < 0)
        return dir;
    fd = openat(dir, "cgroup.procs", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        fd = -errno;
    fd_close(&dir);
    return fd;
}

/* --- what has happened ----------------------------------------------------------------------
 */

/* ret  the number behind a word at the beginning of a line; 0 */
static uint64_t
count_of(int dir, const char *file, const char *word)
{
    char text[512], *at = text;
    size_t n = strlen(word);

    if (cgroup_get(dir, file, text, sizeof(text)) <= 0)
        return 0;
    while (at && *at) {
        if (strncmp(at, word, n) == 0 && at[n] == ' ')
            return strtoull(at + n, NULL, 10);
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    return 0;
}

void
cgroup_user_events(const struct cgroup_tree *tree, uid_t uid, struct cgroup_events *e)
{
    int dir = open_user(tree, uid);

    *e = (struct cgroup_events){0};
    if (dir < 0)
        return;
    e->oom_kills = count_of(dir, "memory.events", "oom_kill");
    e->pids_fails = count_of(dir, "pids.events", "max");
    fd_close(&dir);
}

/* --- the end --------------------------------------------------------------------------------
 */

int
cgroup_user_remove(const struct cgroup_tree *tree, uid_t uid)
{
    char name[VALUE_MAX];

    name_of(uid, name);
    return unlinkat(tree->dir, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

void
cgroup_close(struct cgroup_tree *tree)
{
    DIR *d = tree->dir >= 0 ? fdopendir(fd_take(&tree->dir)) : NULL;
    struct dirent *entry;

    while (d && (entry = readdir(d)))
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0)
            (void)unlinkat(dirfd(d), entry->d_name, AT_REMOVEDIR);
    if (d)
        (void)closedir(d);
    /* the directory stays: another server may be about to make a group in it */
    *tree->path = '\0';
}
