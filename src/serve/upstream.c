/* FastCGI responders of the user's own. Floor 5; worker. */
#include "hostel/serve/upstream.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/serve/turns.h"
#include "php_request.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDLE_MS  60000 /* its socket is looked at again after so long without a request */
#define RETRY_MS 1000  /* a responder that is started again is not kept waiting for */

struct upstream {
    struct php_pool *pool;
    char *path;
    uint32_t generation;
    struct turn turn; /* the pool calls from where no sink may be called */
    int said;         /* what was wrong when it was last said, 0 = nothing */
};

int
upstream_peer(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
        return -errno;
    return peer.uid == geteuid() ? 0 : -EPERM;
}

/* Is somebody there to speak to, and is it the user? */
static int
look(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct stat st;
    int fd, rc = 0;

    if (fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISSOCK(st.st_mode))
        return -ENOTSOCK;
    if (st.st_uid != geteuid())
        return -EPERM;
    memcpy(to.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
        rc = errno == EAGAIN ? 0 : -errno; /* its backlog is full: it is there */
    else
        rc = upstream_peer(fd);
    fd_close(&fd);
    return rc;
}

/* Once for each trouble, not for each request that meets it. */
static void
say(struct upstream *u, int error)
{
    if (error == u->said)
        return;
    u->said = error;
    if (error == -EPERM)
        log_error("fastcgi socket %s: it, or who listens there, is not this user's", u->path);
    else if (error)
        log_error("fastcgi socket %s: %s", u->path, uv_strerror(error));
}

static void
on_turn(struct turn *t)
{
    struct upstream *u = (void *)((char *)t - offsetof(struct upstream, turn));
    int rc = look(u->path);

    say(u, rc);
    if (rc < 0)
        php_pool_failed(u->pool, RETRY_MS);
    else
        php_pool_ready(u->pool, ++u->generation, span_str(u->path));
}

static void
want(void *data, uint32_t pool)
{
    struct upstream *u = data;

    (void)pool;
    turns_add(&u->turn);
}

static void
broken(void *data, uint32_t pool, uint32_t generation)
{
    (void)generation;
    want(data, pool);
}

/* Nobody but the user ends his responder. */
static void
release(void *data, uint32_t pool, uint32_t generation)
{
    (void)data, (void)pool, (void)generation;
}

static void
stuck(void *data, uint32_t pool, uint32_t generation, uint64_t inode)
{
    (void)data, (void)pool, (void)generation, (void)inode;
}

static const struct php_pool_ops upstream_ops = {want, release, broken, broken, stuck};

struct upstream *
upstream_new(uv_loop_t *loop, struct span path, uint32_t slots, const struct php_limits *limits)
{
    struct upstream *u = mem_new(sizeof(*u));

    u->path = mem_str_span(path);
    u->turn.run = on_turn;
    u->pool = php_pool_new(loop, 0, slots, false, IDLE_MS, limits, &upstream_ops, u);
    u->pool->foreign = true;
    return u;
}

void
upstream_free(struct upstream **u)
{
    if (!*u)
        return;
    turns_remove(&(*u)->turn);
    php_pool_free(&(*u)->pool);
    free((*u)->path);
    free(*u);
    *u = NULL;
}

struct php_pool *
upstream_pool(const struct upstream *u)
{
    return u->pool;
}

static void
answer(struct exchange *x, const struct upstream_rule *rule, struct span path)
{
    size_t star = span_find(span_str(rule->path), '*'), n = star > 0 ? star - 1 : 0;
    bool all = star == strlen(rule->path); /* no star: the path itself */
    struct span name = all ? path : span_of(path.p, n);
    char *filename = mem_fmt("%s%.*s", x->site->root, (int)name.n, name.p);
    const struct php_script script = {
        .filename = span_str(filename),
        .name = name,
        .path_info = span_skip(path, name.n),
    };

    php_answer(x, rule->pool, &script);
    free(filename);
}

bool
upstream_answer(struct exchange *x, struct span path)
{
    const struct site_rules *rules = &x->site->rules;

    for (unsigned i = 0; i < rules->nupstreams; i++) {
        const struct upstream_rule *rule = &rules->upstreams[i];

        if (!*rule->path || !rule->pool || !rules_path_matches(rule->path, path))
            continue;
        answer(x, rule, path);
        return true;
    }
    return false;
}
