/*
 * Paths to files. Floor 5; worker.
 *
 *   resolve -> look_up --- a directory ---> try_index -> look_up ... -> try_listing
 *                     \--- not there -----> try_path_info -> look_up
 */
#include "resolve.h"
#include "hostel/base/fd.h"
#include "roots.h"
#include "script.h"
#include "scripts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LINK_HOPS_MAX 8  /* links at the end of a path; a chain beyond it is refused */
#define SCRIPTS_MAX   16 /* names in one path that could be the script */

static void
nothing(struct found *f, unsigned status, int error)
{
    fd_close(&f->fd);
    f->kind = FOUND_NOTHING;
    f->status = status;
    f->error = error;
}

static unsigned
status_of(int error)
{
    switch (-error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        return 404;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
        return 503;
    default: /* EACCES; ELOOP; EXDEV: leaves the root; ENXIO, ENODEV: a socket, no driver */
        return 403;
    }
}

/* One hop of the walk below: which directory, which name in it. */
struct hop {
    int dir_fd;
    char name[PATH_MAX];
    size_t n;
};

/* Go into the directory part of the hop's name; what is left is the last segment. */
static int
hop_enter(struct hop *h)
{
    char *slash;
    int fd;

    while (h->n > 0 && h->name[h->n - 1] == '/')
        h->name[--h->n] = '\0';
    slash = strrchr(h->name, '/');
    if (!slash)
        return 0;
    *slash = '\0';
    fd = openat(h->dir_fd, slash == h->name ? "/" : h->name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    fd_close(&h->dir_fd);
    h->dir_fd = fd;
    h->n -= (size_t)(slash + 1 - h->name);
    memmove(h->name, slash + 1, h->n + 1);
    return 0;
}

static bool
hop_refused(const struct hop *h)
{
    struct span name = {h->name, h->n};

    return h->name[0] == '.' || script_kind(name) != SCRIPT_NONE;
}

/*
 * Follow the links at the end of name, looking at every last name on the way, and make sure
 * that the way ends at the very file that was opened.
 *
 * ret  0 fine; 403 a name on the way is one that is never sent; 404 it moved meanwhile
 */
static unsigned
check_links(const struct found *f)
{
    struct hop h = {.n = strlen(f->name)};
    char target[PATH_MAX];
    unsigned verdict = 403;
    struct stat st;

    memcpy(h.name, f->name, h.n + 1);
    h.dir_fd = openat(f->root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int hops = 0; h.dir_fd >= 0 && hops <= LINK_HOPS_MAX; hops++) {
        ssize_t n;

        if (hop_enter(&h) < 0 || hop_refused(&h))
            break;
        n = readlinkat(h.dir_fd, h.name, target, sizeof(target) - 1);
        if (n < 0) {
            if (fstatat(h.dir_fd, h.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                verdict = st.st_dev == f->st.st_dev && st.st_ino == f->st.st_ino ? 0 : 404;
            break;
        }
        h.n = (size_t)n;
        memcpy(h.name, target, h.n);
        h.name[h.n] = '\0';
    }
    fd_close(&h.dir_fd);
    return verdict;
}

/* f->st is of a regular file, f->fd open: may it be sent, is it run? */
static void
judge_file(const struct site *site, struct found *f, bool through_link)
{
    enum script_kind kind = script_kind(span_str(f->name));
    unsigned refused;

    if (kind == SCRIPT_NEVER || (kind == SCRIPT_RUN && !site->php)) {
        nothing(f, 403, 0);
        return;
    }
    if (kind == SCRIPT_RUN) {
        fd_close(&f->fd);
        f->kind = FOUND_SCRIPT;
        return;
    }
    refused = through_link ? check_links(f) : 0;
    if (refused)
        nothing(f, refused, 0);
    else
        f->kind = FOUND_FILE;
}

/* What is at f->name? A directory stays FOUND_DIRECTORY, whatever the path ended in. */
static void
look_up(const struct site *site, struct found *f)
{
    bool through_link = false;
    int fd = roots_open(site, f->root_fd, f->name, &through_link);

    f->fd = fd < 0 ? -1 : fd;
    if (fd < 0)
        nothing(f, status_of(fd), fd);
    else if (fstat(fd, &f->st) < 0)
        nothing(f, 503, -errno);
    else if (S_ISREG(f->st.st_mode))
        judge_file(site, f, through_link);
    else if (S_ISDIR(f->st.st_mode)) {
        fd_close(&f->fd);
        f->kind = FOUND_DIRECTORY;
    } else {
        nothing(f, 403, 0); /* FIFO, device */
    }
}

static bool
absent(const struct found *f)
{
    return f->kind == FOUND_NOTHING && (f->error == -ENOENT || f->error == -ENOTDIR);
}

/* f->name is a directory's again: that of one that has no index file. */
static void
try_listing(const struct site *site, struct found *f)
{
    int fd;

    if (!site->autoindex) {
        nothing(f, 403, 0);
        return;
    }
    fd = roots_open(site, f->root_fd, f->name, NULL);
    if (fd < 0) {
        nothing(f, status_of(fd), fd);
        return;
    }
    f->fd = fd;
    f->kind = FOUND_LISTING;
}

/* f->name is a directory's ("" = the root, else it ends in "/"): its first index file. */
static void
try_index(const struct site *site, struct found *f)
{
    size_t dir_n = strlen(f->name);

    for (char **index = site->index; index && *index; index++) {
        size_t n = strlen(*index);

        if (dir_n + n >= sizeof(f->name))
            continue;
        memcpy(f->name + dir_n, *index, n + 1);
        look_up(site, f);
        if (f->kind != FOUND_DIRECTORY && !absent(f))
            return;
    }
    f->name[dir_n] = '\0';
    try_listing(site, f);
}

/*
 * Is a name further up the path a script, and the rest its PATH_INFO? The longest one that
 * exists. A file whose name is not PHP is never run for what stands behind it.
 */
static void
try_path_info(const struct site *site, struct span path, struct found *f)
{
    struct span name = {f->name, path.n};
    int tried = 0;

    for (size_t at = path.n; at-- > 1 && tried < SCRIPTS_MAX;) {
        if (path.p[at] != '/')
            continue;
        name.n = at;
        if (script_kind(name) != SCRIPT_RUN)
            continue;
        tried++;
        memcpy(f->name, path.p, at);
        f->name[at] = '\0';
        look_up(site, f);
        if (f->kind == FOUND_DIRECTORY || absent(f))
            continue;
        if (f->kind == FOUND_SCRIPT)
            f->path_info = span_skip(path, at);
        return;
    }
    nothing(f, 404, 0);
}

void
resolve_entry(const struct site *site, int root_fd, struct found *f)
{
    f->root_fd = root_fd;
    f->fd = -1;
    f->path_info = (struct span){NULL, 0};
    look_up(site, f);
}

static void
resolve_anew(const struct site *site, struct span path, struct found *f)
{
    bool slash = path.n > 0 && path.p[path.n - 1] == '/';

    f->fd = -1;
    f->path_info = (struct span){NULL, 0};
    path = span_skip(path, 1);
    if (f->root_fd < 0 || path.n >= sizeof(f->name)) {
        nothing(f, 404, 0);
        return;
    }
    if (path.n == 0) {
        f->name[0] = '\0';
        try_index(site, f);
        return;
    }
    memcpy(f->name, path.p, path.n);
    f->name[path.n] = '\0';
    look_up(site, f);
    if (f->kind == FOUND_DIRECTORY && slash)
        try_index(site, f);
    else if (f->kind == FOUND_NOTHING && f->error == -ENOTDIR)
        try_path_info(site, path, f);
    else if (absent(f))
        nothing(f, 404, 0);
}

void
resolve(const struct site *site, struct span path, uint64_t now_ms, struct found *f)
{
    f->root_fd = site_dir_fd(site->dir, now_ms);
    if (site->php && scripts_find(site_dir_scripts(site->dir, false), path, now_ms, f))
        return;
    resolve_anew(site, path, f);
    if (f->kind == FOUND_SCRIPT)
        scripts_note(site_dir_scripts(site->dir, true), path, now_ms, f);
}
