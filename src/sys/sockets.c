/* Listening sockets. Floor 1; supervisor. */
#include "hostel/sys/sockets.h"
#include "hostel/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define TCP_BACKLOG 4096 /* connections that wait while every acceptor is busy */
#define PHP_BACKLOG 1024 /* workers queue too: this only has to cover a burst */
#define DEFER_SECONDS                                                                          \
    1 /* a client that says nothing for this long is accepted all the same                     \
       */

static int
set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* What must be said before bind(). */
static int
bind_options(int fd, sa_family_t family)
{
    int rc = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);

    if (rc == 0 && family == AF_INET6)
        rc = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    return rc;
}

static int
tcp_options(int fd)
{
    static const struct timeval soon = {.tv_usec = 1000};
    int rc = set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER_SECONDS);

    if (rc == 0) /* accepted connections inherit it, and the times below */
        rc = set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    /*
     * Nobody waits in a call on a connection. But whoever holds a copy of one, a worker that
     * handed it back, could make it blocking under the next owner: then this is how long.
     */
    if (rc == 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)) < 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon)) < 0))
        rc = -errno;
    return rc;
}

/* in  beside  there may be another one that says so too */
static int
listen_at(const struct sockaddr *addr, socklen_t addr_len, bool beside, int *fd)
{
    int s = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc;

    if (s < 0)
        return -errno;
    rc = bind_options(s, addr->sa_family);
    if (rc == 0)
        rc = tcp_options(s);
    if (rc == 0 && beside)
        rc = set(s, SOL_SOCKET, SO_REUSEPORT, 1);
    if (rc == 0 && (bind(s, addr, addr_len) < 0 || listen(s, TCP_BACKLOG) < 0))
        rc = -errno;
    if (rc < 0)
        fd_close(&s);
    else
        *fd = s;
    return rc;
}

int
tcp_listen(const struct sockaddr *addr, socklen_t addr_len, int *fd)
{
    return listen_at(addr, addr_len, false, fd);
}

/* --- one in the place of another ------------------------------------------------------------
 */

#define NOBODY 65534 /* the kernel's own overflow uid: never ours, and no site's */

/*
 * Of two sockets that listen at one address, the kernel asks a program which one a connection
 * is for: the second, always. Should there be no second, the answer is void, and the first gets
 * it.
 */
static int
choose_second(int fd)
{
    struct sock_filter second[] = {BPF_STMT(BPF_RET | BPF_K, 1)};
    const struct sock_fprog program = {1, second};

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) < 0
               ? -errno
               : 0;
}

/*
 * Two sockets may listen at one address when both say so and are of one user; who a socket is
 * of can be changed. A socket that listens needs its address anew when it is made to listen
 * once more: somebody else's does not get it then.
 */
int
tcp_listen_beside(const struct sockaddr *addr, socklen_t addr_len, int old, int *fd)
{
    int s = -1, rc;

    if (fchown(old, geteuid(), (gid_t)-1) < 0)
        return -errno;
    rc = set(old, SOL_SOCKET, SO_REUSEPORT, 1);
    if (rc == 0)
        rc = listen_at(addr, addr_len, true, &s);
    if (rc == 0)
        rc = choose_second(s);
    /* without root everybody is one user, and nobody is kept out of anything */
    if (rc == 0 && geteuid() == 0 && fchown(old, NOBODY, (gid_t)-1) < 0)
        rc = -errno;
    if (rc < 0) {
        (void)set(old, SOL_SOCKET, SO_REUSEPORT, 0);
        fd_close(&s);
        return rc;
    }
    *fd = s;
    return 0;
}

int
tcp_listen_alone(int fd)
{
    return set(fd, SOL_SOCKET, SO_REUSEPORT, 0);
}

bool
tcp_port_is_anybodys(uint16_t port)
{
    unsigned first = 1024; /* where the kernel does not say */
    FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");

    if (f) {
        if (fscanf(f, "%u", &first) != 1)
            first = 1024;
        (void)fclose(f);
    }
    return port >= first;
}

int
tcp_listen_again(int fd)
{
    int listens = 0;
    socklen_t len = sizeof(listens);

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
        return -errno;
    return listens || listen(fd, TCP_BACKLOG) == 0 ? 0 : -errno;
}

void
tcp_listen_end(int fd)
{
    (void)shutdown(fd, SHUT_RDWR);
}

static bool
is_option(int fd, int option, int value)
{
    int v = -1;
    socklen_t len = sizeof(v);

    return getsockopt(fd, SOL_SOCKET, option, &v, &len) == 0 && v == value;
}

static bool
is_bound_to(int fd, const struct sockaddr *addr)
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof(at);

    if (getsockname(fd, (struct sockaddr *)&at, &len) < 0 || at.ss_family != addr->sa_family)
        return false;
    if (at.ss_family == AF_INET) {
        const struct sockaddr_in *a = (const void *)&at, *b = (const void *)addr;

        return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
    }
    if (at.ss_family == AF_INET6) {
        const struct sockaddr_in6 *a = (const void *)&at, *b = (const void *)addr;

        return a->sin6_port == b->sin6_port && a->sin6_scope_id == b->sin6_scope_id &&
               memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr)) == 0;
    }
    return false;
}

int
tcp_listen_adopt(const struct sockaddr *addr, int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || !is_option(fd, SO_TYPE, SOCK_STREAM) ||
        !is_option(fd, SO_PROTOCOL, IPPROTO_TCP) || !is_option(fd, SO_ACCEPTCONN, 1))
        return -EPROTOTYPE;
    if (!is_bound_to(fd, addr))
        return -EADDRNOTAVAIL;
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return tcp_options(fd);
}

static int
bind_in(int s, int dir, const char *name)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    mode_t before;
    int n, rc;

    /* bind() knows no directory descriptors; this path leads there whatever is renamed above */
    n = snprintf(un.sun_path, sizeof(un.sun_path), "/proc/self/fd/%d/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof(un.sun_path))
        return -ENAMETOOLONG;
    before = umask(0177); /* never open to others, not even for a moment */
    rc = bind(s, (const struct sockaddr *)&un, sizeof(un)) < 0 ? -errno : 0;
    umask(before);
    return rc;
}

/* A socket by this name in dir, mode 0600, ours; it does not listen yet. */
static int
make_in(int dir, const char *name, int flags, int *fd)
{
    int s, rc;

    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/'))
        return -EINVAL;
    if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
        return -errno;
    s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (s < 0)
        return -errno;
    rc = bind_in(s, dir, name);
    if (rc < 0)
        fd_close(&s);
    else
        *fd = s;
    return rc;
}

static int
listen_in(int dir, const char *name, int backlog, int error, int *fd)
{
    int rc = error;

    if (rc == 0 && listen(*fd, backlog) < 0)
        rc = -errno;
    if (rc < 0) {
        unlinkat(dir, name, 0);
        fd_close(fd);
    }
    return rc;
}

int
php_socket_create(int dir, const char *name, uid_t uid, gid_t gid, bool give, int *fd)
{
    int s, rc = make_in(dir, name, 0, &s);

    if (rc < 0)
        return rc;
    if (give && fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        rc = -errno;
    rc = listen_in(dir, name, PHP_BACKLOG, rc, &s);
    if (rc == 0)
        *fd = s;
    return rc;
}

int
control_socket_create(int dir, const char *name, int backlog, int *fd)
{
    int s, rc = make_in(dir, name, SOCK_NONBLOCK, &s);

    if (rc == 0)
        rc = listen_in(dir, name, backlog, 0, &s);
    if (rc == 0)
        *fd = s;
    return rc;
}

static int
make_for_group(int dir, const char *name, gid_t gid, int *fd)
{
    struct stat st;
    int rc;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISSOCK(st.st_mode))
        return -EEXIST;
    rc = make_in(dir, name, SOCK_NONBLOCK, fd);
    /* its members can connect when they are the ones that it belongs to */
    if (rc == 0 && gid != 0 &&
        (fchownat(dir, name, (uid_t)-1, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
         fchmodat(dir, name, 0660, 0) < 0))
        rc = -errno;
    return rc;
}

int
group_socket_create(int dir, const char *name, gid_t gid, int backlog, int *fd)
{
    int s = -1, rc = make_for_group(dir, name, gid, &s);

    if (s >= 0)
        rc = listen_in(dir, name, backlog, rc, &s);
    if (rc == 0)
        *fd = s;
    return rc;
}
