/*
 * Asks a php-cgi for a script over kept FastCGI connections, as often as it answers: what PHP
 * itself costs, with nothing in front of it. Structs are fastcgi.h's, of the FastCGI devkit.
 *
 *   bare SOCKET SCRIPT HOST CONNECTIONS SECONDS   prints how many answers were right
 */
#define _GNU_SOURCE /* memmem */

#include <errno.h>
#include <fastcgi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CONNS_MAX = 64, BYTES_MAX = 65536 };

static unsigned char question[8192];
static size_t question_bytes;
static const char *host;

static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

static void
record(unsigned char type, size_t n)
{
    FCGI_Header h = {.version = FCGI_VERSION_1,
                     .type = type,
                     .requestIdB0 = 1,
                     .contentLengthB1 = (unsigned char)(n >> 8),
                     .contentLengthB0 = (unsigned char)n};

    memcpy(question + question_bytes, &h, sizeof(h));
    question_bytes += sizeof(h);
}

static unsigned char params[4096];
static size_t params_bytes;

static void
param(const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);

    if (n > 127 || v > 127 || params_bytes + n + v + 2 > sizeof(params))
        fail("a parameter is too long");
    params[params_bytes++] = (unsigned char)n;
    params[params_bytes++] = (unsigned char)v;
    memcpy(params + params_bytes, name, n);
    memcpy(params + params_bytes + n, value, v);
    params_bytes += n + v;
}

/* What a web server tells a script of such a request, and all in one write. */
static void
question_init(const char *script)
{
    FCGI_BeginRequestBody begin = {.roleB0 = FCGI_RESPONDER, .flags = FCGI_KEEP_CONN};
    char root[128];

    snprintf(root, sizeof(root), "%.*s", (int)(strrchr(script, '/') - script), script);
    param("GATEWAY_INTERFACE", "CGI/1.1");
    param("SERVER_SOFTWARE", "bare");
    param("SERVER_PROTOCOL", "HTTP/1.1");
    param("SERVER_NAME", host);
    param("SERVER_ADDR", "127.0.0.1");
    param("SERVER_PORT", "8080");
    param("REMOTE_ADDR", "127.0.0.1");
    param("REMOTE_PORT", "40000");
    param("REQUEST_SCHEME", "http");
    param("REQUEST_URI", strrchr(script, '/'));
    param("REQUEST_METHOD", "GET");
    param("QUERY_STRING", "");
    param("REDIRECT_STATUS", "200");
    param("DOCUMENT_ROOT", root);
    param("SCRIPT_FILENAME", script);
    param("SCRIPT_NAME", strrchr(script, '/'));
    param("HTTP_HOST", host);
    record(FCGI_BEGIN_REQUEST, sizeof(begin));
    memcpy(question + question_bytes, &begin, sizeof(begin));
    question_bytes += sizeof(begin);
    record(FCGI_PARAMS, params_bytes);
    memcpy(question + question_bytes, params, params_bytes);
    question_bytes += params_bytes;
    record(FCGI_PARAMS, 0);
    record(FCGI_STDIN, 0);
}

static int
dial(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        fail("connect");
    return fd;
}

static void
ask(int fd)
{
    if (send(fd, question, question_bytes, MSG_NOSIGNAL) != (ssize_t)question_bytes)
        fail("send");
}

/* Small answers come whole, with one read. */
static void
hear(int fd)
{
    static char bytes[BYTES_MAX];
    ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

    if (n < (ssize_t)sizeof(FCGI_EndRequestRecord) ||
        !memmem(bytes, (size_t)n, host, strlen(host)) ||
        bytes[n - (ssize_t)sizeof(FCGI_EndRequestRecord) + 1] != FCGI_END_REQUEST)
        fail("not the answer");
}

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
    struct epoll_event events[CONNS_MAX];
    int conns = argc == 6 ? atoi(argv[4]) : 0, ep = epoll_create1(EPOLL_CLOEXEC), waiting;
    unsigned long answers = 0;
    double end;

    if (conns < 1 || conns > CONNS_MAX || ep < 0)
        fail("usage: bare SOCKET SCRIPT HOST CONNECTIONS SECONDS");
    host = argv[3];
    question_init(argv[2]);
    for (int i = 0; i < conns; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.fd = dial(argv[1])};

        if (epoll_ctl(ep, EPOLL_CTL_ADD, e.data.fd, &e) < 0)
            fail("epoll_ctl");
        ask(e.data.fd);
    }
    /* what was asked for is waited for: nothing is counted in part */
    for (end = now() + atof(argv[5]), waiting = conns; waiting > 0;) {
        int n = epoll_wait(ep, events, CONNS_MAX, 1000);

        if (n < 0 && errno != EINTR)
            fail("epoll_wait");
        for (int i = 0; i < n; i++) {
            hear(events[i].data.fd);
            answers++;
            if (now() < end)
                ask(events[i].data.fd);
            else
                waiting--;
        }
    }
    printf("%lu\n", answers);
    return 0;
}
