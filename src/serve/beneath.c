/*
 * Opening below a root. Floor 5; worker. openat2(2), path_resolution(7)
 *
 * Nearly every path has no link in it, and one openat2() that follows none says so. Only where
 * that stumbles over a link, the policy is asked. With SYMLINKS_OWNER, and where a link is
 * absolute, the path is walked name by name then; what has been walked is kept as text without
 * any link in it, and each look starts at the root again with a call that follows no link:
 * whoever swaps a name meanwhile can make the walk fail, but not lead it through a link that
 * was not looked at.
 */
#include "beneath.h"
#include "hostel/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_TRIES 4   /* the tree may be changing under a path with ".." in a link */
#define HOPS_MAX   40  /* links in one path; as the kernel's own bound */
#define STEPS_MAX  256 /* names in one path, those of its links included */

/* O_NONBLOCK: a FIFO must not hold the worker up until somebody writes to it */
#define TO_READ (O_RDONLY | O_NONBLOCK | O_NOCTTY)
#define TO_LOOK (O_PATH | O_NOFOLLOW)

static int
open_once(int root_fd, const char *name, int flags, uint64_t more)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | more,
    };

    for (int i = 0; i < OPEN_TRIES; i++) {
        long fd = syscall(SYS_openat2, root_fd, *name ? name : ".", &how, sizeof(how));

        if (fd >= 0)
            return (int)fd;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

/* A link that was followed: whose it is, and how much of the path stood behind it. */
struct hop {
    uid_t uid;
    size_t behind;
};

struct walk {
    int root_fd;
    bool by_owner;           /* links are followed to what is their owner's */
    const char *const *tops; /* where absolute links may lead; NULL: nowhere */
    char done[PATH_MAX];     /* walked: no link, no "." and no ".." in it; "" = the root */
    size_t done_n;
    char rest[PATH_MAX]; /* still to walk; does not begin with "/" */
    size_t rest_n;
    struct hop hops[HOPS_MAX]; /* whose end is not reached yet */
    unsigned open_hops, all_hops;
    struct stat st; /* of done */
};

/*
 * Move the next name from rest to done.
 *
 * out  before   bytes of done without that name; those of done when it was "." or ".."
 * out  slashed  something, if only a slash, stood behind it
 */
static int
walk_name(struct walk *w, size_t *before, bool *slashed)
{
    size_t n = span_find((struct span){w->rest, w->rest_n}, '/');
    struct span name = {w->rest, n};
    size_t skip = n;

    while (skip < w->rest_n && w->rest[skip] == '/')
        skip++;
    *slashed = skip > n;
    if (span_eq(name, SPAN(".."))) {
        if (w->done_n == 0)
            return -EXDEV;
        while (w->done_n > 0 && w->done[--w->done_n] != '/')
            ;
    }
    *before = w->done_n;
    if (!span_eq(name, SPAN("..")) && !span_eq(name, SPAN("."))) {
        if (w->done_n + 1 + n >= sizeof(w->done))
            return -ENAMETOOLONG;
        if (w->done_n > 0)
            w->done[w->done_n++] = '/';
        memcpy(w->done + w->done_n, name.p, n);
        w->done_n += n;
    }
    w->done[w->done_n] = '\0';
    w->rest_n -= skip;
    memmove(w->rest, w->rest + skip, w->rest_n);
    return 0;
}

/* Is done what links point to, and are those its owner's? */
static int
walk_judge(struct walk *w)
{
    while (w->open_hops > 0 && w->hops[w->open_hops - 1].behind >= w->rest_n)
        if (w->hops[--w->open_hops].uid != w->st.st_uid && w->by_owner)
            return -EACCES;
    return 0;
}

const char *
beneath_rest(const char *dir, const char *path)
{
    size_t n = strlen(dir);

    while (n > 0 && dir[n - 1] == '/')
        n--;
    if (strncmp(dir, path, n) != 0 || path[n] != '/')
        return NULL;
    return path + n + 1;
}

/* ret  what an absolute link names below the root; or NULL: it is not below it */
static const char *
back_in(const struct walk *w, const char *target)
{
    const char *rest = NULL;

    for (size_t i = 0; w->tops && w->tops[i] && !rest; i++)
        rest = strcmp(target, w->tops[i]) == 0 ? "" : beneath_rest(w->tops[i], target);
    while (rest && *rest == '/')
        rest++;
    return rest && !*rest ? "." : rest;
}

/* done is a link, fd its descriptor: what it points to comes first in rest. */
static int
walk_link(struct walk *w, int fd, size_t before, bool slashed)
{
    char text[PATH_MAX];
    ssize_t got = readlinkat(fd, "", text, sizeof(text) - 1);
    const char *target = text;
    size_t n;

    if (got <= 0)
        return got < 0 ? -errno : -ENOENT;
    if (w->all_hops == HOPS_MAX)
        return -ELOOP;
    text[got] = '\0';
    if (*target == '/') {
        target = back_in(w, target);
        before = 0;
    }
    if (!target)
        return -EXDEV;
    n = strlen(target);
    if (n + slashed + w->rest_n > sizeof(w->rest))
        return -ENAMETOOLONG;
    w->hops[w->open_hops++] = (struct hop){w->st.st_uid, w->rest_n};
    w->all_hops++;
    memmove(w->rest + n + slashed, w->rest, w->rest_n);
    memcpy(w->rest, target, n);
    if (slashed)
        w->rest[n] = '/';
    w->rest_n += n + slashed;
    w->done_n = before;
    w->done[before] = '\0';
    return 0;
}

static int
walk_step(struct walk *w)
{
    size_t before;
    bool slashed;
    int rc = walk_name(w, &before, &slashed), fd;

    if (rc < 0)
        return rc;
    fd = open_once(w->root_fd, w->done, TO_LOOK, RESOLVE_NO_SYMLINKS);
    if (fd < 0)
        return fd;
    if (fstat(fd, &w->st) < 0)
        rc = -errno;
    if (rc == 0)
        rc = walk_judge(w);
    if (rc == 0 && S_ISLNK(w->st.st_mode)) /* "." and ".." were directories a moment ago */
        rc = before < w->done_n ? walk_link(w, fd, before, slashed) : -EAGAIN;
    else if (rc == 0 && slashed && !S_ISDIR(w->st.st_mode))
        rc = -ENOTDIR;
    fd_close(&fd);
    return rc;
}

/* Open what the walk ended at, if it is still that. */
static int
walk_open(const struct walk *w)
{
    int fd = open_once(w->root_fd, w->done, TO_READ, RESOLVE_NO_SYMLINKS);
    struct stat st;

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) == 0 && st.st_dev == w->st.st_dev && st.st_ino == w->st.st_ino &&
        st.st_uid == w->st.st_uid)
        return fd;
    fd_close(&fd);
    return -EAGAIN;
}

static int
open_walking(struct walk *w, const char *name)
{
    w->rest_n = strlen(name);
    if (w->rest_n >= sizeof(w->rest))
        return -ENAMETOOLONG;
    memcpy(w->rest, name, w->rest_n);
    for (int steps = 0; w->rest_n > 0; steps++) {
        int rc = steps < STEPS_MAX ? walk_step(w) : -ENAMETOOLONG;

        if (rc < 0)
            return rc;
    }
    return walk_open(w);
}

static int
open_by_owner(int root_fd, const char *name)
{
    struct walk w = {.root_fd = root_fd, .by_owner = true};

    return open_walking(&w, name);
}

int
beneath_open_back(int root_fd, const char *const tops[], const char *name)
{
    struct walk w = {.root_fd = root_fd, .tops = tops};

    return *name ? open_walking(&w, name) : -EXDEV;
}

int
beneath_open(int root_fd, const char *name, enum site_symlinks links, bool *linked)
{
    int fd = open_once(root_fd, name, TO_READ, RESOLVE_NO_SYMLINKS);
    bool stumbled = fd == -ELOOP;

    if (stumbled && links == SYMLINKS_FOLLOW)
        fd = open_once(root_fd, name, TO_READ, 0);
    else if (stumbled && links == SYMLINKS_OWNER)
        fd = open_by_owner(root_fd, name);
    if (fd >= 0 && linked)
        *linked = stumbled;
    return fd;
}
