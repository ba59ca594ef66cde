/* Who is at the other end of a unix socket. Floor 1; supervisor. */
#include "hostel/sys/peer.h"
#include "hostel/base/fd.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* PHP takes the lowest that is free when it accepts; libraries may have opened some before. */
#define FILES_FIRST 3
#define FILES_LAST  63

static int
find_peer(const struct nlmsghdr *h, size_t n, uint64_t *peer)
{
    const struct rtattr *attr;
    size_t left;

    if (!NLMSG_OK(h, n))
        return -EBADMSG;
    if (h->nlmsg_type == NLMSG_ERROR) {
        const struct nlmsgerr *e = NLMSG_DATA(h);

        return h->nlmsg_len < NLMSG_LENGTH(sizeof(*e)) || e->error >= 0 ? -EBADMSG : e->error;
    }
    if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        h->nlmsg_len < NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
        return -EBADMSG;
    left = h->nlmsg_len - NLMSG_LENGTH(sizeof(struct unix_diag_msg));
    attr =
        (const void *)((const char *)NLMSG_DATA(h) + NLMSG_ALIGN(sizeof(struct unix_diag_msg)));
    *peer = 0;
    for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
        if (attr->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(attr) >= sizeof(uint32_t))
            *peer = *(const uint32_t *)RTA_DATA(attr);
    return 0;
}

static int
ask(int fd, uint64_t inode, uint64_t *peer)
{
    struct {
        struct nlmsghdr h;
        struct unix_diag_req req;
    } question = {
        .h = {.nlmsg_len = sizeof(question),
              .nlmsg_type = SOCK_DIAG_BY_FAMILY,
              .nlmsg_flags = NLM_F_REQUEST},
        .req = {.sdiag_family = AF_UNIX,
                .udiag_states = UINT32_MAX,
                .udiag_ino = (uint32_t)inode,
                .udiag_show = UDIAG_SHOW_PEER,
                .udiag_cookie = {UINT32_MAX, UINT32_MAX}},
    };
    union {
        struct nlmsghdr h;
        char bytes[8192];
    } answer;
    ssize_t n;

    if (send(fd, &question, sizeof(question), 0) < 0)
        return -errno;
    n = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT); /* it was answered within send() */
    return n < 0 ? -errno : find_peer(&answer.h, (size_t)n, peer);
}

int
peer_inode(uint64_t inode, uint64_t *peer)
{
    int fd, rc;

    if (inode == 0 || inode > UINT32_MAX) /* the kernel speaks of 32 bits here */
        return -ENOENT;
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return -errno;
    rc = ask(fd, inode, peer);
    fd_close(&fd);
    return rc;
}

static bool
has_socket(pid_t pid, const uint64_t *inodes, unsigned n)
{
    for (int fd = FILES_FIRST; fd <= FILES_LAST; fd++) {
        char path[64], target[64];
        ssize_t got;

        (void)snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)pid, fd);
        got = readlink(path, target, sizeof(target) - 1);
        if (got < 8 || memcmp(target, "socket:[", 8) != 0)
            continue;
        target[got] = '\0';
        for (unsigned i = 0; i < n; i++)
            if (inodes[i] && strtoull(target + 8, NULL, 10) == inodes[i])
                return true;
    }
    return false;
}

/* Who goes on as somebody else than he meant to be goes on no more. */
static void
look_as(uid_t uid, gid_t gid)
{
    (void)setfsgid(gid);
    (void)setfsuid(uid);
    /* neither call tells of a failure; asked for no id, both change nothing and say what it is
     */
    if ((uid_t)setfsuid((uid_t)-1) != uid || (gid_t)setfsgid((gid_t)-1) != gid)
        abort();
}

/* With the user's own rights: no capability says more here than he may know. */
static bool
looks_right(pid_t pid, pid_t group, const struct ids *ids, const uint64_t *inodes, unsigned n)
{
    bool found;

    if (getpgid(pid) != group)
        return false;
    if (ids)
        look_as(ids->uid, ids->gid);
    found = has_socket(pid, inodes, n);
    if (ids)
        look_as(geteuid(), getegid());
    return found;
}

int
peer_kill(pid_t pid, pid_t group, const struct ids *ids, const uint64_t *inodes, unsigned n)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0), rc = -ESRCH;

    if (fd < 0)
        return -errno;
    if (looks_right(pid, group, ids, inodes, n))
        rc = syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0 ? -errno : 0;
    fd_close(&fd);
    return rc;
}
