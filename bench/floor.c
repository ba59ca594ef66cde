/*
 * The floor of the bench: a bare epoll loop that answers every read with a constant. It parses
 * nothing, logs nothing and opens nothing, so what it costs is the kernel's part alone.
 *
 *   floor PORT keep   connections are kept: recv + send
 *   floor PORT fresh  each is closed after its answer: accept + epoll_ctl + recv + send + close
 *   floor PORT eager  the same, but read at once and registered only if nothing is there yet
 */
#define _GNU_SOURCE /* accept4 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_BYTES = 1024, EVENTS = 64, BACKLOG = 4096 };

static char answer[BODY_BYTES + 256];
static size_t answer_bytes;
static int keep, eager;

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
                     "HTTP/1.1 200 OK\r\nServer: floor\r\nContent-Type: text/html\r\n"
                     "Content-Length: %d\r\nConnection: %s\r\n\r\n",
                     (int)BODY_BYTES, keep ? "keep-alive" : "close");

    memset(answer + n, 'x', BODY_BYTES);
    answer_bytes = (size_t)n + BODY_BYTES;
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

/* One request and its answer; 1 = the connection stays. The answer fits any socket buffer. */
static int
serve(int fd)
{
    char request[4096];
    ssize_t n = recv(fd, request, sizeof(request), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 1;
    if (n <= 0 || send(fd, answer, answer_bytes, MSG_NOSIGNAL) != (ssize_t)answer_bytes)
        return 0;
    return keep;
}

static void
accept_all(int epoll, int listener)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

        if ((eager && !serve(fd)) || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
            close(fd);
    }
}

int
main(int argc, char **argv)
{
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (argc != 3) {
        fprintf(stderr, "usage: floor PORT keep|fresh|eager\n");
        return 2;
    }
    keep = strcmp(argv[2], "keep") == 0;
    eager = strcmp(argv[2], "eager") == 0;
    answer_init();
    event.data.fd = listen_on(strtoul(argv[1], NULL, 10));
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event))
        fail("epoll");
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);

        for (int i = 0; i < n; i++)
            if (events[i].data.fd == event.data.fd)
                accept_all(epoll, events[i].data.fd);
            else if (!serve(events[i].data.fd))
                close(events[i].data.fd);
    }
}
