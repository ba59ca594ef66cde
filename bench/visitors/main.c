/*
 * Visitors of a server under test. They ask for one path of one host or of several in turn,
 * over kept connections or a new one for each request, with TLS or without, and look at what
 * comes: the status and the length of every answer, and its body; of long bodies one in
 * sixteen.
 *
 *   visitors [-c CONNECTIONS] [-f] [-s] [-t 1.2|1.3 [-r]] PORT PATH HOST=FILE...
 *
 *   -s  they never sleep: they have a core of their own. On the loopback a server pays for
 * waking whom it answers, which over a network it does not, and a quick one pays less than a
 * slow -f  a fresh connection for each request     -t  with TLS of this version -r  the
 * sessions of TLS are resumed         FILE holds the body that HOST must send
 *
 * A line on stdin is a command, and answered by a line on stdout, ERRORS ANSWERS BYTES
 * MICROSECONDS and the first error:
 *
 *   open     all connections are made, and asked once
 *   ask MS   they ask for so long; then what was asked for is waited for, so that the server
 * has nothing to do before and after close    the connections are closed
 */
#include "visitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    VISITORS_MAX = 1024,
    WAIT_S = 20,      /* for the last answers */
    ERRORS_MAX = 100, /* of one command: then nothing more is asked */
};

static struct visitor visitors[VISITORS_MAX];
static int visitors_n = 32, spin;

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
somebody_waits(void)
{
    for (int i = 0; i < visitors_n; i++)
        if (visitor_waits(&visitors[i]))
            return 1;
    return 0;
}

/* What epoll tells, until nobody waits; who has an answer asks again before the end. */
static void
listen_until(double end)
{
    struct epoll_event events[64];

    while (somebody_waits()) {
        int n = epoll_wait(work.epoll, events, 64, spin ? 0 : 1000);
        double t = now();

        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        if (t >= end || work.errors > ERRORS_MAX)
            work.asking = 0;
        if (t > end + WAIT_S)
            break;
        for (int i = 0; i < n; i++)
            visitor_go_on(events[i].data.ptr);
    }
}

/* seconds: 0 = everybody asks once */
static void
visit(double seconds)
{
    double began = now(), took;

    work.asked = work.answers = work.errors = 0;
    work.bytes = 0;
    work.text[0] = '\0';
    work.asking = seconds > 0;
    for (int i = 0; i < visitors_n; i++)
        visitor_ask(&visitors[i]);
    listen_until(began + seconds);
    took = now() - began;
    for (int i = 0; i < visitors_n; i++)
        if (visitor_waits(&visitors[i]))
            visitor_failed(&visitors[i], "no answer after %d s", WAIT_S);
    printf("%lu %lu %llu %.0f %s\n", work.errors, work.answers, work.bytes, took * 1e6,
           work.text);
}

static void
tls_init(const char *version)
{
    int v = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;

    work.tls = SSL_CTX_new(TLS_client_method());
    if (!work.tls || !SSL_CTX_set_min_proto_version(work.tls, v) ||
        !SSL_CTX_set_max_proto_version(work.tls, v))
        die("SSL_CTX_new");
    if (work.resume) {
        SSL_CTX_set_session_cache_mode(work.tls, SSL_SESS_CACHE_CLIENT |
                                                     SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(work.tls, visitor_on_session);
    }
}

static void
host_init(struct host *h, char *arg, const char *path)
{
    char *file = strchr(arg, '=');
    struct stat s;
    int fd, n;

    if (!file)
        die("HOST=FILE is wanted");
    *file++ = '\0';
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &s) < 0)
        die(file);
    h->name = arg;
    h->bytes = (size_t)s.st_size;
    h->body = mmap(NULL, h->bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (h->body == MAP_FAILED)
        die(file);
    close(fd);
    n = snprintf(h->request, sizeof(h->request),
                 "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: %s\r\n\r\n", path, h->name,
                 work.fresh ? "close" : "keep-alive");
    if (n < 0 || (size_t)n >= sizeof(h->request))
        die("the request is too long");
    h->request_bytes = (size_t)n;
}

static void
usage(void)
{
    fprintf(stderr,
            "usage: visitors [-c N] [-f] [-s] [-t 1.2|1.3 [-r]] PORT PATH HOST=FILE...\n");
    exit(2);
}

static void
arguments(int argc, char **argv)
{
    const char *version = NULL;
    int c;

    while ((c = getopt(argc, argv, "c:fst:r")) != -1)
        switch (c) {
        case 'c':
            visitors_n = atoi(optarg);
            break;
        case 'f':
            work.fresh = 1;
            break;
        case 's':
            spin = 1;
            break;
        case 't':
            version = optarg;
            break;
        case 'r':
            work.resume = 1;
            break;
        default:
            usage();
        }
    if (argc - optind < 3 || argc - optind - 2 > HOSTS_MAX || visitors_n < 1 ||
        visitors_n > VISITORS_MAX)
        usage();
    work.server = (struct sockaddr_in){.sin_family = AF_INET,
                                       .sin_port = htons((unsigned short)atoi(argv[optind])),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = optind + 2; i < argc; i++)
        host_init(&work.hosts[work.hosts_n++], argv[i], argv[optind + 1]);
    if (version)
        tls_init(version);
}

int
main(int argc, char **argv)
{
    char line[64];

    arguments(argc, argv);
    work.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (work.epoll < 0)
        die("epoll_create1");
    for (int i = 0; i < visitors_n; i++)
        visitor_init(&visitors[i]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof(line), stdin)) {
        if (strncmp(line, "ask ", 4) == 0) {
            visit(atof(line + 4) / 1e3);
        } else if (strcmp(line, "open\n") == 0) {
            visit(0);
        } else {
            for (int i = 0; i < visitors_n; i++)
                visitor_part(&visitors[i]);
            printf("0 0 0 0\n");
        }
    }
    return 0;
}
