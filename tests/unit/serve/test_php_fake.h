/* A responder in a child process that says exactly what a test wants, however wrong. */
#ifndef TEST_PHP_FAKE_H
#define TEST_PHP_FAKE_H

#include "test_php_fixture.h"

#define OUT(n) "\1\6\0\1\0" n "\0\0"
#define ERR(n) "\1\7\0\1\0" n "\0\0"
#define END    "\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0"

enum fake_reads { READS_ALL, READS_PARAMS, READS_NOTHING };
enum fake_ends { ENDS_CLOSE, ENDS_HANG };

struct fake {
    struct span answer;
    size_t pause_at; /* after so many bytes of the answer */
    unsigned pause_ms;
    enum fake_reads reads;
    enum fake_ends ends;
    int told; /* a byte is written here when the server wants no more of us; -1 none */
};

static inline void
read_fully(int fd, void *p, size_t n)
{
    char *at = p;

    while (n > 0) {
        ssize_t got = read(fd, at, n);

        if (got <= 0)
            _exit(0);
        at += got;
        n -= (size_t)got;
    }
}

static inline void
write_fully(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = send(fd, p, n, MSG_NOSIGNAL);

        if (put <= 0)
            return;
        p += put;
        n -= (size_t)put;
    }
}

/* out  length  value of CONTENT_LENGTH; sum  of all STDIN bytes. ret  STDIN bytes */
static inline size_t
read_request(int fd, enum fake_reads reads, char length[32], uint64_t *sum)
{
    static unsigned char content[65536];
    size_t bytes = 0;

    while (reads != READS_NOTHING) {
        unsigned char h[8];
        size_t n;

        read_fully(fd, h, sizeof(h));
        n = (size_t)(h[4] << 8 | h[5]);
        read_fully(fd, content, n + h[6]);
        if (h[1] == FCGI_PARAMS && n > 0) {
            unsigned char *hit = memmem(content, n, "CONTENT_LENGTH", 14);

            if (hit)
                snprintf(length, 32, "%.*s", (int)hit[-1], (char *)hit + 14);
        }
        if (h[1] == FCGI_PARAMS && n == 0 && reads == READS_PARAMS)
            break;
        if (h[1] != FCGI_STDIN)
            continue;
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++)
            *sum = *sum * 31 + content[i];
        bytes += n;
    }
    return bytes;
}

static inline void
fake_serve(int fd, const struct fake *f)
{
    size_t first = f->pause_at && f->pause_at < f->answer.n ? f->pause_at : f->answer.n;
    uint64_t sum = 0;
    char length[32];

    (void)read_request(fd, f->reads, length, &sum);
    write_fully(fd, f->answer.p, first);
    if (f->pause_ms)
        usleep(f->pause_ms * 1000);
    write_fully(fd, f->answer.p + first, f->answer.n - first);
    if (f->ends == ENDS_HANG) {
        char c;

        while (f->told >= 0 && send(fd, ERR("\0"), 8, MSG_NOSIGNAL) == 8)
            usleep(5000); /* as a script that writes, now and then */
        if (f->told >= 0)
            (void)!write(f->told, "x", 1);
        else
            while (f->reads == READS_ALL ? read(fd, &c, 1) > 0 : usleep(5000) == 0)
                ;
    }
}

/* ret  the child, which serves one connection after another; listening is closed here */
static inline pid_t
fake_start(int listening, const struct fake *f)
{
    pid_t pid = fork_child();

    if (pid == 0) {
        for (;;) {
            int fd = accept(listening, NULL, NULL);

            if (fd < 0)
                _exit(1);
            fake_serve(fd, f);
            close(fd);
        }
    }
    close(listening);
    return pid;
}

/* A pool of one fake, ready. */
static inline pid_t
fake_pool(const struct fake *f, const struct php_limits *limits, uint32_t slots)
{
    pid_t pid = fake_start(listen_at("php.1", 64), f);

    pool_start(limits, slots, 0);
    ready(1);
    return pid;
}

static inline bool
body_is(const struct seen *s, const char *want)
{
    return span_eq(buf_span(&s->body), span_str(want));
}

#endif
