/*
 * Log files: opened and written by the supervisor alone. A file
 * whose directory, or which itself, a site's user could replace is refused: root would write
 * wherever he points (CVE-2016-1247 and its kin). Floor 6, hostel.
 */
#include "generation.h"
#include "logwriter.h"
#include "syslogs.h"
#include "supervisor.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/sys/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MODE 0640

/* A group that a site's user is in could put anything in a log's place. */
static bool
is_a_sites(const void *data, gid_t gid)
{
    const struct conf *conf = data;

    for (size_t i = 0; i < conf->nusers; i++) {
        const struct ids *ids = &conf->users[i].ids;

        for (unsigned k = 0; k < ids->ngroups; k++)
            if (ids->groups[k] == gid)
                return true;
    }
    return false;
}

/* ret  what is wrong, owned; or NULL */
static char *
check_file(int fd, const char *path)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return mem_fmt("log %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return mem_fmt("log %s: is no regular file", path);
    if (!trust_uid(st.st_uid))
        return mem_fmt("log %s: belongs to uid %u: remove it or give it to root", path,
                       st.st_uid);
    if (st.st_nlink != 1)
        return mem_fmt("log %s: has a second hard link: remove it", path);
    return NULL;
}

static int
open_file(const struct conf *conf, const char *path, gid_t group, char **error)
{
    char *above = mem_str(path), *name = strrchr(above, '/'), *why;
    int dir = -1, fd = -1;

    if (name)
        *name++ = '\0';
    if (!name || trust_dir(*above ? above : "/", is_a_sites, conf, &dir, &why) < 0) {
        *error = mem_fmt("log %s: its directory: %s", path, name ? why : "not absolute");
        if (name)
            free(why);
        free(above);
        return -1;
    }
    fd = openat(dir, name,
                O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                LOG_MODE);
    if (fd < 0)
        *error = mem_fmt("log %s: %s%s", path, strerror(errno),
                         errno == ELOOP ? " (it is a symbolic link)" : "");
    else
        *error = check_file(fd, path);
    if (!*error && geteuid() == 0 &&
        (fchown(fd, (uid_t)-1, group) < 0 || fchmod(fd, LOG_MODE) < 0))
        *error = mem_fmt("log %s: its group and mode: %s", path, strerror(errno));
    if (*error)
        fd_close(&fd);
    fd_close(&dir);
    free(above);
    return fd;
}

static int
by_path(const void *a, const void *b)
{
    return strcmp(((const struct log_target *)a)->path, ((const struct log_target *)b)->path);
}

static char *
key_of(const char *path)
{
    return (char *)(uintptr_t)(path ? path : "/dev/null");
}

/* ret  the target of a path, or NULL: it is not known */
static struct log_target *
find(void *const *logs, const char *path)
{
    struct log_target key = {.path = key_of(path)};
    struct log_target **known = tfind(&key, logs, by_path);

    return known ? *known : NULL;
}

/* ret  the target of a path, made when it is not known yet */
static struct log_target *
target_of(void **logs, const char *path, gid_t group)
{
    struct log_target *t = find(logs, path);

    if (t)
        return t;
    t = mem_new(sizeof(*t));
    t->refs = 1;
    t->path = mem_str(key_of(path));
    t->fd = -1;
    t->group = group;
    if (!tsearch(t, logs, by_path))
        abort(); /* out of memory */
    return t;
}

static void
claim(void **logs, const char *path, gid_t group)
{
    struct log_target *t = target_of(logs, path, group);

    if (t->group != group)
        t->group = 0;
}

void
logs_claim(void **logs, const struct conf *conf)
{
    claim(logs, conf->error_log, 0);
    for (size_t i = 0; i < conf->nvhosts; i++) {
        const struct conf_vhost *v = &conf->vhosts[i];
        gid_t gid = conf->users[v->user].ids.gid;

        if (v->access_log)
            claim(logs, v->access_log, gid);
        claim(logs, v->error_log, gid);
    }
}

static int
open_syslog(struct log_target *t, char **error)
{
    struct logsyslog at;
    const char *wrong = logsyslog_parse(span_str(t->path), &at);
    int fd;

    if (wrong) { /* a user's name made it so */
        *error = mem_fmt("log %s: %s", t->path, wrong);
        return -1;
    }
    fd = syslogs_open(&at);
    if (fd < 0) {
        *error = mem_fmt("log %s: %s", t->path, strerror(-fd));
        return -1;
    }
    if (!t->syslog)
        t->syslog = mem_new(sizeof(*t->syslog));
    *t->syslog = at;
    return fd;
}

static int
open_target(struct log_target *t, const struct conf *conf, char **error)
{
    struct stat st;

    *error = NULL;
    if (strcmp(t->path, "-") == 0)
        t->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    else if (strcmp(t->path, "/dev/null") == 0)
        t->fd = open(t->path, O_WRONLY | O_CLOEXEC);
    else if (logsyslog_is(t->path))
        t->fd = open_syslog(t, error);
    else
        t->fd = open_file(conf, t->path, t->group, error);
    if (t->fd < 0 && !*error)
        *error = mem_fmt("log %s: %s", t->path, strerror(errno));
    t->plain = t->fd >= 0 && fstat(t->fd, &st) == 0 && S_ISREG(st.st_mode);
    return t->fd < 0 ? -1 : 0;
}

int
logs_prepare(void **logs, void *const *before, const struct conf *conf, const char *path,
             char **error)
{
    struct log_target *t = target_of(logs, path, 0);

    *error = NULL;
    if (t->fd >= 0 || (before && find(before, path)))
        return 0;
    return open_target(t, conf, error);
}

struct log_target *
logs_target(struct supervisor *s, const char *path, char **error)
{
    struct log_target *t = target_of(&s->gen->logs, path, 0);

    *error = NULL;
    return t->fd < 0 && open_target(t, s->conf, error) < 0 ? NULL : t;
}

static struct inherit {
    void **before;
} inheriting; /* twalk(3) takes no data */

static void
inherit(const void *node, VISIT visit, int depth)
{
    struct log_target **at = (struct log_target **)(uintptr_t)node, *t = *at, *old;

    (void)depth;
    if (visit == preorder || visit == endorder)
        return;
    old = find(inheriting.before, t->path);
    if (!old || t->fd >= 0)
        return;
    if (t->group != old->group && old->fd >= 0 && geteuid() == 0 &&
        fchown(old->fd, (uid_t)-1, t->group) < 0)
        log_warn("log %s: its group stays: %s", t->path, strerror(errno));
    old->group = t->group;
    *at = log_target_hold(old); /* the same path: the tree stays in order */
    log_target_drop(&t);
}

void
logs_inherit(void **logs, void **before)
{
    inheriting.before = before;
    twalk(*logs, inherit);
}

/* --- what has befallen them -----------------------------------------------------------------
 */

#define SAID_AGAIN_MS 60000 /* about one log */

static uint64_t say_now_ms; /* twalk(3) takes no data */
static bool say_later;

/* The trouble is over, maybe before it was said. */
static void
say_lost(struct log_target *t, uint64_t lost)
{
    unsigned long long bytes = lost;
    int why = atomic_exchange(&t->lost_to, 0);

    if (t->said)
        log_notice("log %s: can be written again; %llu bytes of lines were lost", t->path,
                   bytes);
    else if (why && why != EAGAIN)
        log_error("log %s: %s: %llu bytes of lines were lost; it can be written again", t->path,
                  strerror(why), bytes);
    else
        log_warn("log %s: %llu bytes of lines were lost: they came faster than they are taken",
                 t->path, bytes);
}

static void
say_trouble(const void *node, VISIT visit, int depth)
{
    struct log_target *t = *(struct log_target *const *)node;
    int trouble = atomic_load(&t->trouble);
    uint64_t lost = atomic_load(&t->lost) - t->lost_said;

    (void)depth;
    if (visit == preorder || visit == endorder || (t->said == 0 && trouble == 0 && lost == 0) ||
        (t->said && trouble))
        return;
    if (t->said_ms && say_now_ms - t->said_ms < SAID_AGAIN_MS && (trouble || !t->said)) {
        say_later = true;
        return;
    }
    t->said_ms = say_now_ms;
    if (trouble && trouble != EAGAIN) {
        log_error("log %s: %s: its lines are lost until it can be written again", t->path,
                  trouble == ETIME ? "a write does not come back" : strerror(trouble));
        t->said = trouble;
        return;
    }
    say_lost(t, lost);
    t->said = 0;
    t->lost_said += lost;
}

void
logs_say_trouble(void *const *logs, uint64_t now_ms)
{
    if (!logwriter_news() && !say_later)
        return;
    say_later = false;
    say_now_ms = now_ms;
    twalk(*logs, say_trouble);
}

/* --- moved away, and opened anew ------------------------------------------------------------
 */

static struct reopening {
    const struct conf *conf;
    struct log_fresh *fresh;
    size_t n, room;
} reopening; /* twalk(3) takes no data */

static void
open_fresh(const void *node, VISIT visit, int depth)
{
    struct log_target *t = *(struct log_target *const *)node, new;
    struct reopening *r = &reopening;
    char *error;

    (void)depth;
    if (visit == preorder || visit == endorder || t->fd < 0 || strcmp(t->path, "-") == 0 ||
        strcmp(t->path, "/dev/null") == 0 || t->syslog)
        return;
    new = (struct log_target){.path = t->path, .fd = -1, .group = t->group};
    (void)open_target(&new, r->conf, &error);
    if (r->n == r->room) {
        r->room = 2 * r->room + 16;
        r->fresh = mem_grow(r->fresh, r->room * sizeof(*r->fresh));
    }
    r->fresh[r->n++] = (struct log_fresh){t, new.fd, error};
}

size_t
logs_open_fresh(void *const *logs, const struct conf *conf, struct log_fresh **fresh)
{
    reopening = (struct reopening){.conf = conf};
    twalk(*logs, open_fresh);
    *fresh = reopening.fresh;
    return reopening.n;
}

/* The number stays: whoever of us writes there has only that. */
size_t
logs_use_fresh(struct log_fresh *fresh, size_t n)
{
    size_t failed = 0;

    for (size_t i = 0; i < n; i++) {
        if (fresh[i].fd < 0 || dup3(fresh[i].fd, fresh[i].target->fd, O_CLOEXEC) < 0) {
            failed++;
            log_error("%s: the one that is open stays",
                      fresh[i].error ? fresh[i].error : strerror(errno));
        }
        fd_close(&fresh[i].fd);
        free(fresh[i].error);
    }
    free(fresh);
    return failed;
}

/* --- their end ------------------------------------------------------------------------------
 */

struct log_target *
log_target_hold(struct log_target *t)
{
    atomic_fetch_add(&t->refs, 1);
    return t;
}

void
log_target_drop(struct log_target **target)
{
    struct log_target *t = *target;

    *target = NULL;
    if (atomic_fetch_sub(&t->refs, 1) > 1)
        return;
    fd_close(&t->fd);
    free(t->path);
    free(t->syslog);
    free(t);
}

static void
target_free(void *target)
{
    struct log_target *t = target;

    log_target_drop(&t);
}

void
logs_close(void **logs)
{
    tdestroy(*logs, target_free);
    *logs = NULL;
}
