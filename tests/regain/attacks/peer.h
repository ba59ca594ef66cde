/*
 * A hostile child in the place of a real one, for what confined programs cannot try: words to
 * the supervisor and the acceptor. It speaks the real protocol as far as its mode needs it,
 * then does what the mode says, and tells on descriptor 2, its log:
 *
 *     REGAIN sent        the attack is out
 *     REGAIN closed      the channel was closed to us
 *     REGAIN survived    two seconds later nobody had minded
 *
 * The mode is a text of fixed size in the program, which the runner overwrites.
 */
#ifndef REGAIN_PEER_H
#define REGAIN_PEER_H

#include "hostel/ipc/table.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONTROL 3
#define ROOM    4
#define BYTES   (IPC_BYTES_MAX * 2)
#define FDS_MAX 253

static volatile char mode_text[48] = "@@MODE@@";

static inline bool
mode_is(const char *name)
{
    char mode[sizeof(mode_text)];

    for (size_t i = 0; i < sizeof(mode); i++)
        mode[i] = mode_text[i];
    return strcmp(mode, name) == 0;
}

static inline void
say(const char *what)
{
    dprintf(2, "REGAIN %s\n", what);
}

struct said {
    unsigned type; /* 0: nothing; UINT_MAX: the channel is closed */
    size_t bytes;  /* of the payload */
    unsigned char payload[BYTES];
    int fds[FDS_MAX];
    int nfds;
};

#define CLOSED UINT32_MAX

static inline void
hear(int fd, struct said *s, int timeout_ms)
{
    static unsigned char data[BYTES + 2];
    char control[CMSG_SPACE(sizeof(s->fds))];
    struct iovec iov = {data, sizeof(data)};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct cmsghdr *c;
    ssize_t n;

    s->type = 0;
    s->nfds = 0;
    if (poll(&p, 1, timeout_ms) < 1)
        return;
    n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 2) {
        s->type = CLOSED;
        return;
    }
    s->type = (unsigned)(data[0] | data[1] << 8);
    s->bytes = (size_t)n - 2;
    memcpy(s->payload, data + 2, s->bytes);
    c = CMSG_FIRSTHDR(&h);
    if (c && c->cmsg_type == SCM_RIGHTS) {
        s->nfds = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(s->fds, CMSG_DATA(c), (size_t)s->nfds * sizeof(int));
    }
}

/* One datagram of anything. */
static inline int
utter(int to, const void *bytes, size_t n, const int *fds, int nfds)
{
    char control[CMSG_SPACE(FDS_MAX * sizeof(int))] = {0};
    struct iovec iov = {(void *)(uintptr_t)bytes, n};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};

    if (nfds) {
        struct cmsghdr *c = (struct cmsghdr *)control;

        h.msg_control = control;
        h.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, (size_t)nfds * sizeof(int));
    }
    return sendmsg(to, &h, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static inline int
utter_u32(int to, unsigned type, const uint32_t *values, size_t n)
{
    unsigned char bytes[64] = {(unsigned char)type, (unsigned char)(type >> 8)};

    for (size_t i = 0; i < n; i++)
        for (unsigned b = 0; b < 4; b++)
            bytes[2 + i * 4 + b] = (unsigned char)(values[i] >> (8 * b));
    return utter(to, bytes, 2 + 4 * n, NULL, 0);
}

static inline void
utter_fds(int to, unsigned type, size_t payload, int fd, int n)
{
    static unsigned char bytes[64];
    int fds[FDS_MAX];

    bytes[0] = (unsigned char)type;
    bytes[1] = (unsigned char)(type >> 8);
    for (int i = 0; i < n; i++)
        fds[i] = fd;
    utter(to, bytes, 2 + payload, fds, n);
}

static inline void
utter_big(int to, unsigned type, size_t n)
{
    static unsigned char bytes[200000];

    bytes[0] = (unsigned char)type;
    bytes[1] = (unsigned char)(type >> 8);
    utter(to, bytes, n, NULL, 0);
}

/* As much as the other end takes in one or two seconds, which must go on with its own work
 * meanwhile. */
static inline void
flood(int to, unsigned type, const uint32_t *values, size_t n)
{
    time_t end = time(NULL) + 2;

    while (time(NULL) < end)
        if (utter_u32(to, type, values, n) == -EPIPE)
            return;
}

/* A whole answer on a connection, then its end. */
static inline void
answer(int fd, const char *who)
{
    char request[4096], text[256];
    int n;

    if (recv(fd, request, sizeof(request), MSG_DONTWAIT) >= 0 || errno == EAGAIN) {
        n = snprintf(text, sizeof(text),
                     "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     strlen(who), who);
        send(fd, text, (size_t)n, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
    }
    close(fd);
}

/* Does the channel live on? Two seconds are enough for whoever minds. */
static inline void
wait_for_end(void)
{
    static struct said s;
    time_t end = time(NULL) + 3;

    while (time(NULL) < end) {
        hear(CONTROL, &s, 200);
        if (s.type == CLOSED) {
            say("closed");
            _exit(0);
        }
        for (int i = 0; i < s.nfds; i++)
            close(s.fds[i]);
    }
    say("survived");
}

#endif
