/* base/logring: lines from one process to another, and a worker that lies about them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "hostel/base/logring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct logring *mine, *theirs; /* the worker's, the supervisor's */
static int ring_fd;

static int
setup(void **state)
{
    (void)state;
    return logring_make(LOGRING_MIN, &ring_fd, &theirs) < 0 || logring_use(ring_fd, &mine) < 0;
}

static int
teardown(void **state)
{
    (void)state;
    logring_free(&mine);
    logring_free(&theirs);
    return close(ring_fd);
}

static char taken[2 * LOGRING_MIN];

/* ret  bytes that were there, in taken; with max: not more than that */
static size_t
take(size_t max)
{
    struct iovec v[2];
    size_t n = 0;

    for (int pieces = logring_look(theirs, v), i = 0; i < pieces; i++) {
        memcpy(taken + n, v[i].iov_base, v[i].iov_len);
        n += v[i].iov_len;
    }
    n = n < max ? n : max;
    logring_take(theirs, n);
    return n;
}

static void
test_lines_come_as_they_went(void **state)
{
    char line[64], want[64];
    unsigned in = 0, out = 0;

    (void)state;
    srand(1);
    while (out < 50000) { /* twenty times around, with all kinds of rests */
        for (int n = rand() % 900; n > 0; n--) {
            int len = snprintf(line, sizeof(line), "line %u %.*s\n", in, (int)(in % 40),
                               "........................................");

            if (!logring_put(mine, span_of(line, (size_t)len)))
                break;
            in++;
        }
        for (size_t n = take(SIZE_MAX), at = 0; at < n; out++) {
            int len = snprintf(want, sizeof(want), "line %u %.*s\n", out, (int)(out % 40),
                               "........................................");

            assert_memory_equal(taken + at, want, (size_t)len);
            at += (size_t)len;
        }
        assert_int_equal(in, out);
    }
}

static void
test_what_was_not_taken_stays(void **state)
{
    (void)state;
    assert_true(logring_put(mine, SPAN("one\ntwo\n")));
    assert_int_equal(take(4), 4);
    assert_int_equal(logring_waiting(mine), 4);
    assert_true(logring_put(mine, SPAN("three\n")));
    assert_int_equal(take(SIZE_MAX), 10);
    assert_memory_equal(taken, "two\nthree\n", 10);
    assert_int_equal(take(SIZE_MAX), 0);
    assert_int_equal(logring_waiting(theirs), 0);
}

static void
test_full(void **state)
{
    static char big[LOGRING_MIN - 3];

    (void)state;
    memset(big, 'x', sizeof(big));
    assert_true(logring_put(mine, SPAN("1234\n")));
    take(SIZE_MAX);
    assert_true(logring_put(mine, span_of(big, sizeof(big))));
    assert_false(logring_put(mine, SPAN("1234\n")));
    assert_true(logring_put(mine, SPAN("12\n")));
    assert_false(logring_put(mine, SPAN("\n")));
    assert_int_equal(logring_lost(theirs), 6);
    assert_int_equal(take(SIZE_MAX), LOGRING_MIN);
    assert_false(logring_put(mine, span_of(taken, LOGRING_MIN + 1)));
}

static void
test_urgent_is_said_once(void **state)
{
    static char big[LOGRING_MIN / 2];

    (void)state;
    assert_false(logring_urgent(mine));
    assert_true(logring_put(mine, span_of(big, sizeof(big))));
    assert_true(logring_urgent(mine));
    assert_false(logring_urgent(mine));
    take(SIZE_MAX);
    assert_false(logring_urgent(mine));
    assert_true(logring_put(mine, span_of(big, sizeof(big))));
    assert_true(logring_urgent(mine));
}

/* A quiet log stays in one page: an empty ring begins anew. */
static void
test_quiet_log_is_small(void **state)
{
    const char *first = NULL;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct iovec v[2];

        assert_true(logring_put(mine, SPAN("0123456789012345678901234567890123456789\n")));
        assert_false(logring_urgent(mine));
        assert_int_equal(logring_look(theirs, v), 1);
        first = first ? first : v[0].iov_base;
        assert_ptr_equal(v[0].iov_base, first);
        logring_take(theirs, v[0].iov_len);
    }
}

/* The worker writes what it likes into its counts: nothing is read beyond the ring. */
static void
test_counts_that_lie(void **state)
{
    static const uint64_t lies[] = {
        1,    LOGRING_MIN, LOGRING_MIN + 1, UINT64_MAX,    1ULL << 63, UINT64_MAX / 2,
        4096, 7,           LOGRING_MAX,     UINT64_MAX - 7};
    const size_t n = sizeof(lies) / sizeof(lies[0]);
    volatile uint64_t *counts =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, 0);

    (void)state;
    assert_true(counts != MAP_FAILED);
    for (size_t i = 0; i < n * n * n; i++) {
        struct iovec v[2];
        size_t sum = 0;

        counts[0] = lies[i % n];
        counts[1] = lies[i / n % n];
        counts[4] = lies[i / n / n];
        for (int pieces = logring_look(theirs, v), k = 0; k < pieces; k++) {
            memcpy(taken, v[k].iov_base, v[k].iov_len); /* ASan, or a fault, says no */
            sum += v[k].iov_len;
        }
        assert_true(sum <= LOGRING_MIN);
        assert_true(logring_waiting(theirs) <= LOGRING_MIN);
        logring_take(theirs, sum);
        assert_int_equal(logring_look(theirs, v), 0);
    }
    munmap((void *)(uintptr_t)counts, 4096);
}

static void
test_memory_that_is_none(void **state)
{
    struct logring *r = NULL;
    int fd = memfd_create("x", MFD_CLOEXEC);

    (void)state;
    assert_int_equal(ftruncate(ring_fd, 0), -1); /* sealed: nobody can pull it away */
    assert_int_equal(errno, EPERM);
    assert_int_equal(logring_use(fd, &r), -EBADMSG);
    assert_int_equal(ftruncate(fd, 4096 + LOGRING_MIN + 4096), 0);
    assert_int_equal(logring_use(fd, &r), -EBADMSG);
    assert_null(r);
    close(fd);
    assert_int_equal(logring_make(LOGRING_MIN - 1, &fd, &r), -EINVAL);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_lines_come_as_they_went),
        TEST(test_what_was_not_taken_stays),
        TEST(test_full),
        TEST(test_urgent_is_said_once),
        TEST(test_quiet_log_is_small),
        TEST(test_counts_that_lie),
        TEST(test_memory_that_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
