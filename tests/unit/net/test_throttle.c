/* A stream with a bound of bytes a second: how long it takes, and how often it wakes up. */
#include "hostel/net/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static uv_loop_t loop;
static struct deadlines deadlines;
static struct deadline_class hold;
static struct stream stream;
static int other;
static bool done;

static void
flush(struct stream *s)
{
    done = stream_flush(s) == 0;
    stream_watch(s, false);
}

static void
on_wake(struct deadline *d)
{
    flush(stream_of_wake(d));
}

static void
on_closed(struct stream *s)
{
    (void)s;
}

static int
start(void **state)
{
    int pair[2];

    (void)state;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
        return -1;
    other = pair[1];
    uv_loop_init(&loop);
    deadlines_init(&deadlines, &loop);
    deadline_class_add(&deadlines, &hold, STREAM_HOLD_MS, on_wake);
    stream_init(&stream, &loop, pair[0], flush);
    done = false;
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    stream_close(&stream, false, on_closed);
    deadlines_done(&deadlines);
    uv_run(&loop, UV_RUN_DEFAULT);
    close(other);
    return uv_loop_close(&loop);
}

/* ret  bytes that have come */
static size_t
drain(void)
{
    static char bytes[1 << 20];
    size_t sum = 0;
    ssize_t n;

    while ((n = recv(other, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        sum += (size_t)n;
    return sum;
}

/* ret  ms that it took to send n bytes; *events: how often the loop turned for it */
static uint64_t
send_all(size_t n, unsigned *turns)
{
    char *bytes = calloc(1, n);
    size_t got = 0;
    uint64_t began;

    uv_update_time(&loop);
    began = uv_now(&loop);
    stream_copy(&stream, span_of(bytes, n));
    free(bytes);
    flush(&stream);
    for (*turns = 0; !done; ++*turns) {
        got += drain();
        uv_run(&loop, UV_RUN_ONCE);
    }
    got += drain();
    assert_int_equal(got, n);
    return uv_now(&loop) - began;
}

static void
test_rates(void **state)
{
    static const struct {
        const char *why;
        uint64_t rate, burst;
        size_t bytes;
        uint64_t least_ms, most_ms;
        unsigned turns;
    } rows[] = {
        {"a tenth of a megabyte a second", 100000, 0, 50000, 440, 650, 20},
        {"ten megabytes a second", 10000000, 0, 5000000, 440, 700, 400},
        {"after a burst", 100000, 50000, 100000, 440, 650, 20},
        {"all of it in the burst", 1000, 50000, 50000, 0, 40, 1},
        {"less than a packet a slice", 4000, 0, 4000, 640, 950, 30},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned turns;
        uint64_t ms;

        print_message("    %s\n", rows[i].why);
        uv_update_time(&loop);
        stream_limit(&stream, rows[i].rate, rows[i].burst, &hold);
        ms = send_all(rows[i].bytes, &turns);
        print_message("        %u ms, %u turns\n", (unsigned)ms, turns);
        assert_in_range(ms, rows[i].least_ms,
                        rows[i].most_ms * (getenv("HOSTEL_SLOW") ? 4 : 1));
        assert_in_range(turns, 0, rows[i].turns);
        if (i + 1 < sizeof(rows) / sizeof(rows[0])) {
            stop(state);
            start(state);
        }
    }
}

/* Unbounded once more: what waits goes out at once. */
static void
test_taken_back(void **state)
{
    (void)state;
    stream_limit(&stream, 1000, 0, &hold);
    stream_copy(&stream, span_of((char[5000]){0}, 5000));
    assert_int_equal(stream_flush(&stream), -EAGAIN);
    assert_true(stream.held);
    assert_int_equal(drain(), 1000);
    stream_limit(&stream, 0, 0, &hold);
    assert_false(stream.held);
    assert_int_equal(stream_flush(&stream), 0);
    assert_int_equal(drain(), 4000);
}

/* One bound and another by turns, or none: its burst is had once, and comes back with time. */
static void
test_burst_is_had_once(void **state)
{
    static const struct {
        const char *why;
        uint64_t rate, burst;
    } rows[] = {{"another rate", 300000, 0}, {"another burst", 100000, 90000}, {"none", 0, 0}};
    unsigned turns;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("    %s\n", rows[i].why);
        if (i > 0) {
            stop(state);
            start(state);
        }
        assert_true(stream_is_unspent(&stream));
        stream_limit(&stream, 100000, 50000, &hold);
        assert_true(stream_is_unspent(&stream));
        assert_in_range(send_all(50000, &turns), 0, 200);
        assert_false(stream_is_unspent(&stream));
        stream_limit(&stream, rows[i].rate, rows[i].burst, &hold);
        stream_limit(&stream, 100000, 50000, &hold);
        assert_in_range(send_all(50000, &turns), 250, 100000); /* 500, less what has come */
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rates, start, stop),
        cmocka_unit_test_setup_teardown(test_taken_back, start, stop),
        cmocka_unit_test_setup_teardown(test_burst_is_had_once, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
