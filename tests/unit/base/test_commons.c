/* What workers count together: rates to the request, whoever comes, and connections. */
#include "hostel/base/commons.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

static struct commons *commons;
static int fd;

static int
start(void **state)
{
    (void)state;
    return commons_make(&fd, &commons);
}

static int
stop(void **state)
{
    (void)state;
    commons_unmap(&commons);
    commons_unmap(&commons);
    return close(fd);
}

/* ret  how many of n requests, spread evenly over a time, are allowed */
static unsigned
allowed(uint64_t key, uint64_t site, struct commons_rate rate, uint64_t from, uint64_t over,
        unsigned n)
{
    unsigned yes = 0;
    uint64_t wait;

    for (unsigned i = 0; i < n; i++)
        yes += commons_request(commons, key, site, &rate, from + over * i / n, &wait);
    return yes;
}

static void
test_rates(void **state)
{
    static const struct {
        const char *why;
        struct commons_rate rate;
        uint64_t over;
        unsigned asked, allowed;
    } rows[] = {
        {"all at once: the burst", {10, 5}, 0, 100, 5},
        {"one at a time", {10, 1}, 0, 100, 1},
        {"a second later: as many more as in a second", {10, 5}, SECOND, 1000, 5 + 9},
        {"as fast as it may", {10, 1}, 10 * SECOND, 100, 100},
        {"twice as fast", {10, 1}, 10 * SECOND, 200, 100},
        {"ten seconds of too many", {10, 10}, 10 * SECOND, 10000, 10 + 99},
        {"many", {1000000, 1000}, SECOND / 1000, 5000, 1000 + 999},
        {"one a second", {1, 1}, 10 * SECOND, 1000, 10},
        {"one a second, three at once", {1, 3}, 10 * SECOND, 1000, 12},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("    %s\n", rows[i].why);
        assert_int_equal(
            allowed(1000 + i, 1, rows[i].rate, 100 * SECOND, rows[i].over, rows[i].asked),
            rows[i].allowed);
    }
}

static void
test_wait(void **state)
{
    const struct commons_rate rate = {2, 1};
    uint64_t now = 7 * SECOND, wait = 0;

    (void)state;
    assert_true(commons_request(commons, 5, 5, &rate, now, &wait));
    assert_int_equal(wait, 0);
    assert_false(commons_request(commons, 5, 5, &rate, now, &wait));
    assert_int_equal(wait, SECOND / 2);
    assert_false(commons_request(commons, 5, 5, &rate, now + wait - 1, &(uint64_t){0}));
    assert_true(commons_request(commons, 5, 5, &rate, now + wait, &wait));
}

static void
test_apart(void **state)
{
    const struct commons_rate rate = {1, 2};
    uint64_t now = 20 * SECOND;

    (void)state;
    assert_int_equal(allowed(31, 1, rate, now, 0, 9), 2);
    assert_int_equal(allowed(32, 1, rate, now, 0, 9), 2); /* another address */
    assert_int_equal(allowed(31, 2, rate, now, 0, 9), 2); /* another site */
    assert_int_equal(allowed(31, 1, rate, now, 0, 9), 0);
}

/* Of a rate that a reload has taken back nothing is left but a burst of the new one. */
static void
test_other_rate(void **state)
{
    const struct commons_rate slow = {1, 1000}, fast = {100, 10};
    uint64_t now = 30 * SECOND;

    (void)state;
    assert_int_equal(allowed(41, 1, slow, now, 0, 2000), 1000);
    assert_int_equal(allowed(41, 1, fast, now, 0, 100), 0);
    assert_int_equal(allowed(41, 1, fast, now + SECOND, 0, 100), 10);
}

/* Strangers by the hundred thousand take no more room, and free nobody who is at his limit. */
static void
test_strangers(void **state)
{
    const struct commons_rate rate = {1, 100};
    uint64_t now = 40 * SECOND;
    unsigned kept = 0;

    (void)state;
    for (uint64_t key = 1; key <= 100; key++)
        assert_int_equal(allowed(key << 40, 1, rate, now, 0, 200), 100);
    for (uint64_t key = 1; key <= 300000; key++)
        (void)allowed(key << 8, 7, rate, now, 0, 1);
    for (uint64_t key = 1; key <= 100; key++)
        kept += allowed(key << 40, 1, rate, now, 0, 1) == 0;
    assert_int_equal(kept, 100);
}

/* Four processes ask at once: together they get what one would. */
static void
test_processes(void **state)
{
    const struct commons_rate rate = {1, 10000};
    unsigned sum = 0;
    int pipes[2];

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            struct commons *c;
            unsigned yes = 0;
            uint64_t wait;

            if (commons_use(fd, &c) < 0)
                _exit(1);
            for (int n = 0; n < 5000; n++)
                yes += commons_request(c, 77, 1, &rate, 50 * SECOND, &wait);
            _exit(write(pipes[1], &yes, sizeof(yes)) != sizeof(yes));
        }
    }
    for (int i = 0; i < 4; i++) {
        unsigned yes;
        int status;

        assert_int_equal(read(pipes[0], &yes, sizeof(yes)), sizeof(yes));
        sum += yes;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(sum, 10000);
}

static void
test_connections(void **state)
{
    (void)state;
    assert_int_equal(commons_sum(commons), 0);
    commons_connections(commons, 0, 3);
    commons_connections(commons, COMMONS_PLACES - 1, 4);
    assert_int_equal(commons_sum(commons), 7);
    commons_connections(commons, 0, 0);
    assert_int_equal(commons_sum(commons), 4);
}

static void
test_who_has_least(void **state)
{
    (void)state;
    assert_int_equal(commons_least(commons, 0), COMMONS_NONE);
    commons_takes(commons, 0, 5);
    assert_int_equal(commons_least(commons, 0), COMMONS_NONE); /* nobody else */
    commons_takes(commons, 3, 9);
    commons_takes(commons, COMMONS_PLACES - 1, 0);
    assert_int_equal(commons_least(commons, 0), 0);
    assert_int_equal(commons_least(commons, COMMONS_PLACES - 1), 5);
    commons_takes(commons, COMMONS_PLACES - 1, COMMONS_NONE);
    assert_int_equal(commons_least(commons, 0), 9);
    commons_takes(commons, 0, COMMONS_NONE);
    commons_takes(commons, 3, COMMONS_NONE);
    assert_int_equal(commons_least(commons, 1), COMMONS_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),       cmocka_unit_test(test_wait),
        cmocka_unit_test(test_apart),       cmocka_unit_test(test_other_rate),
        cmocka_unit_test(test_strangers),   cmocka_unit_test(test_processes),
        cmocka_unit_test(test_connections), cmocka_unit_test(test_who_has_least),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
