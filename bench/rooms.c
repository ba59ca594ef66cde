/*
 * The floor of many users: an acceptor that hands each connection to the next one of so many
 * processes, which answers it with a constant and closes it. Nobody parses, logs or opens
 * anything: what it costs more with many than with one is the price of going from process to
 * process, with caches and translations that are another's.
 *
 *   rooms PORT PROCESSES
 */
#define _GNU_SOURCE /* accept4 */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <unistd.h>

enum { BODY_BYTES = 1024, BACKLOG = 4096, BATCH = 64 };

struct room {
    int channel;
    int waiting[BATCH]; /* of this turn */
    int n;
};

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(BATCH * sizeof(int))];
};

static char answer[BODY_BYTES + 256];
static size_t answer_bytes;

static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

static void
answer_init(void)
{
    int n = snprintf(answer, sizeof(answer) - BODY_BYTES,
                     "HTTP/1.1 200 OK\r\nServer: rooms\r\nContent-Type: text/html\r\n"
                     "Content-Length: %d\r\nConnection: close\r\n\r\n",
                     (int)BODY_BYTES);

    memset(answer + n, 'x', BODY_BYTES);
    answer_bytes = (size_t)n + BODY_BYTES;
}

/* One of the processes: what comes by the channel is answered at once. */
static void
serve(int channel)
{
    char byte, request[4096];
    struct iovec iov = {&byte, 1};
    union control control;

    for (;;) {
        struct msghdr m = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof(control.bytes)};
        const struct cmsghdr *c;
        int fds[BATCH], n;

        if (recvmsg(channel, &m, MSG_CMSG_CLOEXEC) <= 0)
            exit(0);
        c = CMSG_FIRSTHDR(&m);
        n = c ? (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
        if (c)
            memcpy(fds, CMSG_DATA(c), (size_t)n * sizeof(int));
        for (int i = 0; i < n; i++) {
            if (recv(fds[i], request, sizeof(request), 0) > 0)
                (void)send(fds[i], answer, answer_bytes, MSG_NOSIGNAL);
            close(fds[i]);
        }
    }
}

static void
hand_over(struct room *r)
{
    char byte = 0;
    struct iovec iov = {&byte, 1};
    union control control = {.bytes = {0}};
    size_t bytes = (size_t)r->n * sizeof(int);
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = CMSG_SPACE(bytes)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(c), r->waiting, bytes);
    if (sendmsg(r->channel, &m, MSG_NOSIGNAL) < 0)
        fail("sendmsg");
    for (int i = 0; i < r->n; i++)
        close(r->waiting[i]);
    r->n = 0;
}

static int
listen_on(unsigned long port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((unsigned short)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
        setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof(one)) ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, BACKLOG))
        fail("listen");
    return fd;
}

static void
start(struct room *r, int listener)
{
    int pair[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        fail("socketpair");
    pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(listener);
        close(pair[0]);
        serve(pair[1]);
    }
    close(pair[1]);
    r->channel = pair[0];
}

/* All that have come, in turn; those of one process in one message. */
static void
accept_some(int listener, struct room *rooms, size_t n)
{
    static size_t next;
    size_t touched[BATCH];
    int ntouched = 0, fd;

    for (int i = 0; i < BATCH && (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0; i++) {
        size_t at = next++ % n;

        if (rooms[at].n == 0)
            touched[ntouched++] = at;
        rooms[at].waiting[rooms[at].n++] = fd;
    }
    for (int i = 0; i < ntouched; i++)
        hand_over(&rooms[touched[i]]);
}

int
main(int argc, char **argv)
{
    struct pollfd poller = {.events = POLLIN};
    struct room *rooms;
    size_t n;

    if (argc != 3 || (n = strtoul(argv[2], NULL, 10)) == 0) {
        fprintf(stderr, "usage: rooms PORT PROCESSES\n");
        return 2;
    }
    answer_init();
    rooms = calloc(n, sizeof(*rooms));
    if (!rooms)
        fail("calloc");
    poller.fd = listen_on(strtoul(argv[1], NULL, 10));
    for (size_t i = 0; i < n; i++)
        start(&rooms[i], poller.fd);
    for (;;)
        if (poll(&poller, 1, -1) > 0)
            accept_some(poller.fd, rooms, n);
}
