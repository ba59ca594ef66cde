/* Streams over a socket pair: order, backpressure, releases, files that shrink. */
#include "hostel/net/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

struct setup {
    uv_loop_t loop;
    struct stream s;
    int peer;
    int ready, closed, released;
};

static struct setup *now;

static void
on_ready(struct stream *s)
{
    (void)s;
    now->ready++;
}

static void
on_closed(struct stream *s)
{
    (void)s;
    now->closed++;
}

static void
on_release(void *owner)
{
    ++*(int *)owner;
}

static int
setup(void **state)
{
    static struct setup s;
    int pair[2];

    memset(&s, 0, sizeof(s));
    uv_loop_init(&s.loop);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
        return -1;
    stream_init(&s.s, &s.loop, pair[0], on_ready);
    s.peer = pair[1];
    now = &s;
    *state = &s;
    return 0;
}

static int
teardown(void **state)
{
    struct setup *s = *state;

    if (!s->closed)
        stream_close(&s->s, false, on_closed);
    close(s->peer);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    return s->closed == 1 ? uv_loop_close(&s->loop) : -1;
}

static size_t
drain(int fd, char *p, size_t n)
{
    size_t got = 0;
    ssize_t r;

    while (got < n && (r = read(fd, p + got, n - got)) > 0)
        got += (size_t)r;
    return got;
}

static struct segment
lent(struct setup *s, struct span bytes)
{
    return (struct segment){
        .bytes = bytes, .fd = -1, .release = on_release, .owner = &s->released};
}

static int
file_of(size_t n)
{
    FILE *f = tmpfile();

    for (size_t i = 0; i < n; i++)
        putc('a' + (int)(i % 26), f);
    fflush(f);
    return fileno(f); /* the process ends soon: the FILE stays */
}

static void
test_pieces_leave_in_order(void **state)
{
    struct setup *s = *state;
    struct segment memory = lent(s, SPAN("lent "));
    struct segment file = {.fd = file_of(100),
                           .offset = 26,
                           .length = 5,
                           .release = on_release,
                           .owner = &s->released};
    char got[64];
    size_t n;

    stream_copy(&s->s, SPAN("head "));
    stream_lend(&s->s, &memory);
    stream_lend(&s->s, &file);
    stream_copy(&s->s, SPAN(" tail"));
    assert_true(stream_pending(&s->s));
    assert_int_equal(stream_flush(&s->s), 0);
    n = drain(s->peer, got, sizeof(got));
    assert_int_equal(n, 20);
    assert_memory_equal(got, "head lent abcde tail", 20);
    assert_int_equal(s->released, 2);
    assert_int_equal(s->s.sent_bytes, 20);
    assert_int_equal(s->s.put_bytes, 20);
    assert_int_equal(s->s.memory_bytes, 0);
    assert_false(stream_pending(&s->s));
    assert_false(s->s.polled); /* never waited: never in epoll */
}

static void
test_empty_pieces_are_released_at_once(void **state)
{
    struct setup *s = *state;
    struct segment nothing = lent(s, (struct span){NULL, 0});

    stream_lend(&s->s, &nothing);
    assert_int_equal(s->released, 1);
    assert_false(stream_pending(&s->s));
}

static void
test_full_socket_waits_and_goes_on(void **state)
{
    enum { BYTES = 3 << 20 };
    struct setup *s = *state;
    char *out = malloc(BYTES), *in = malloc(BYTES);
    size_t got = 0;

    for (size_t i = 0; i < BYTES; i++)
        out[i] = (char)(i * 7 + i / 1000);
    stream_copy(&s->s, span_of(out, BYTES));
    assert_int_equal(stream_flush(&s->s), -EAGAIN);
    assert_true(s->s.memory_bytes > STREAM_HIGH_BYTES);
    stream_watch(&s->s, false);
    while (got < BYTES) {
        got += drain(s->peer, in + got, BYTES - got);
        uv_run(&s->loop, UV_RUN_NOWAIT);
        stream_watch(&s->s, false);
    }
    assert_memory_equal(in, out, BYTES);
    assert_false(stream_pending(&s->s));
    assert_int_equal(s->s.watched, 0);
    assert_true(s->ready > 0);
    free(out);
    free(in);
}

/* Two ends of a connection through the loopback. */
static void
tcp_pair(int pair[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *to = (struct sockaddr *)&at;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t n = sizeof(at);

    assert_int_equal(bind(listening, to, sizeof(at)), 0);
    assert_int_equal(getsockname(listening, to, &n), 0);
    assert_int_equal(listen(listening, 1), 0);
    pair[1] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(pair[1], to, sizeof(at)), 0);
    pair[0] = accept(listening, NULL, NULL);
    assert_true(pair[0] >= 0);
    close(listening);
}

static unsigned
packets_sent(int fd)
{
    struct { /* what the kernel adds to the C library's: linux/tcp.h */
        struct tcp_info old;
        uint64_t pacing, pacing_max, acked, received;
        uint32_t packets_out;
    } info;
    socklen_t n = sizeof(info);

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n), 0);
    return info.packets_out;
}

static void
test_last_bytes_and_the_end_are_one_packet(void **state)
{
    struct setup *s = *state;
    int pair[2];
    char got[8];
    unsigned before;

    tcp_pair(pair);
    close(s->s.fd);
    s->s.fd = pair[0];
    before = packets_sent(pair[0]);
    stream_copy(&s->s, SPAN("last"));
    assert_int_equal(stream_flush_last(&s->s), 0);
    assert_int_equal(read(pair[1], got, sizeof(got)), 4);
    assert_int_equal(read(pair[1], got, sizeof(got)), 0);
    assert_int_equal(packets_sent(pair[0]) - before, 1);
    close(pair[1]);
}

/* No end before all that comes first. */
static void
test_end_waits_for_the_last_bytes(void **state)
{
    enum { BYTES = 3 << 20 };
    struct setup *s = *state;
    char *bytes = calloc(1, BYTES);
    size_t got = 0;
    char end;

    stream_copy(&s->s, span_of(bytes, BYTES));
    assert_int_equal(stream_flush_last(&s->s), -EAGAIN);
    while (got < BYTES) {
        got += drain(s->peer, bytes, BYTES - got);
        assert_int_equal(read(s->peer, &end, 1), -1);
        assert_int_equal(errno, EAGAIN);
        if (stream_flush_last(&s->s) == 0)
            break;
    }
    got += drain(s->peer, bytes, BYTES - got);
    assert_int_equal(got, BYTES);
    assert_int_equal(read(s->peer, &end, 1), 0);
    free(bytes);
}

static void
test_shrunk_file_breaks_the_stream(void **state)
{
    struct setup *s = *state;
    struct segment file = {
        .fd = file_of(10), .length = 20, .release = on_release, .owner = &s->released};
    struct segment behind = lent(s, SPAN("never"));
    char got[64];
    int rc;

    stream_lend(&s->s, &file);
    stream_lend(&s->s, &behind);
    do
        rc = stream_flush(&s->s);
    while (rc == -EAGAIN);
    assert_int_equal(rc, -EIO);
    assert_int_equal(s->s.error, -EIO);
    assert_int_equal(s->released, 2);
    assert_int_equal(drain(s->peer, got, sizeof(got)), 10);
    stream_copy(&s->s, SPAN("dropped"));
    stream_lend(&s->s, &behind);
    assert_int_equal(s->released, 3);
    assert_false(stream_pending(&s->s));
}

static void
test_peer_gone(void **state)
{
    struct setup *s = *state;
    struct segment memory = lent(s, SPAN("for nobody"));

    close(s->peer);
    s->peer = -1;
    stream_lend(&s->s, &memory);
    assert_int_equal(stream_flush(&s->s), -EPIPE);
    assert_int_equal(s->released, 1);
}

static void
test_reads_and_end_of_file(void **state)
{
    struct setup *s = *state;
    char got[8];

    assert_int_equal(stream_read(&s->s, got, sizeof(got)), -EAGAIN);
    assert_int_equal(write(s->peer, "hi", 2), 2);
    stream_watch(&s->s, true);
    uv_run(&s->loop, UV_RUN_ONCE);
    assert_int_equal(s->ready, 1);
    assert_int_equal(stream_read(&s->s, got, sizeof(got)), 2);
    shutdown(s->peer, SHUT_WR);
    assert_int_equal(stream_read(&s->s, got, sizeof(got)), 0);
    stream_rest(&s->s);
    assert_int_equal(s->s.watched, 0);
}

static void
test_detached_socket_lives_on(void **state)
{
    struct setup *s = *state;
    char got[8];
    int fd;

    stream_watch(&s->s, true);
    fd = stream_detach(&s->s, on_closed);
    assert_true(fd >= 0);
    assert_int_equal(s->s.fd, -1);
    assert_int_equal(write(s->peer, "x", 1), 1);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(s->ready, 0); /* not in our epoll any more */
    assert_int_equal(s->closed, 1);
    assert_int_equal(read(fd, got, 1), 1);
    close(fd);
}

static void
test_close_releases_what_is_queued(void **state)
{
    struct setup *s = *state;
    struct segment memory = lent(s, SPAN("queued"));
    char got[8];

    stream_lend(&s->s, &memory);
    stream_close(&s->s, false, on_closed);
    assert_int_equal(s->released, 1);
    assert_int_equal(s->closed, 1);
    assert_int_equal(read(s->peer, got, sizeof(got)), 0);
}

/* Somebody else holds the socket and has cleared its O_NONBLOCK: nothing may wait all the same.
 */
static void
test_shared_socket_never_blocks(void **state)
{
    struct setup *s = *state;
    struct segment file = {.fd = file_of(4 << 20),
                           .length = 4 << 20,
                           .release = on_release,
                           .owner = &s->released};
    const struct linger lasting = {.l_onoff = 1, .l_linger = 60};
    char byte;

    s->s.shared = true;
    assert_int_equal(fcntl(s->s.fd, F_SETFL, fcntl(s->s.fd, F_GETFL) & ~O_NONBLOCK), 0);
    assert_int_equal(setsockopt(s->s.fd, SOL_SOCKET, SO_LINGER, &lasting, sizeof(lasting)), 0);
    alarm(5); /* a call that waits would wait for ever */
    assert_int_equal(stream_read(&s->s, &byte, 1), -EAGAIN);
    stream_lend(&s->s, &file);
    assert_int_equal(stream_flush(&s->s), -EAGAIN);
    assert_true(s->s.sent_bytes > 0);
    stream_copy(&s->s, SPAN("more"));
    assert_int_equal(stream_flush(&s->s), -EAGAIN);
    stream_close(&s->s, false, on_closed);
    assert_int_equal(s->released, 1);
    alarm(0);
}

static void
test_shared_file_arrives_whole(void **state)
{
    static char got[300000];
    struct setup *s = *state;
    struct segment file = {.fd = file_of(sizeof(got)), .offset = 1, .length = sizeof(got) - 1};
    size_t n = 0;

    s->s.shared = true;
    stream_lend(&s->s, &file);
    while (stream_flush(&s->s) == -EAGAIN)
        n += drain(s->peer, got + n, sizeof(got) - n);
    n += drain(s->peer, got + n, sizeof(got) - n);
    assert_int_equal(n, sizeof(got) - 1);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(got[i], 'a' + (int)((i + 1) % 26));
}

static void
test_shared_file_that_shrank_is_cut(void **state)
{
    struct setup *s = *state;
    struct segment file = {.fd = file_of(10), .length = 20};

    s->s.shared = true;
    stream_lend(&s->s, &file);
    while (!s->s.error)
        (void)stream_flush(&s->s);
    assert_int_equal(s->s.error, -EIO);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_pieces_leave_in_order),
        TEST(test_empty_pieces_are_released_at_once),
        TEST(test_full_socket_waits_and_goes_on),
        TEST(test_last_bytes_and_the_end_are_one_packet),
        TEST(test_end_waits_for_the_last_bytes),
        TEST(test_shrunk_file_breaks_the_stream),
        TEST(test_peer_gone),
        TEST(test_reads_and_end_of_file),
        TEST(test_detached_socket_lives_on),
        TEST(test_close_releases_what_is_queued),
        TEST(test_shared_socket_never_blocks),
        TEST(test_shared_file_arrives_whole),
        TEST(test_shared_file_that_shrank_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
