/* Counting: classes of time, sums, and that a page is the reader's to read alone. */
#include "hostel/base/counters.h"
#include "hostel/base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static void
test_times(void **state)
{
    static const struct {
        const char *why;
        uint64_t ns, us; /* what it took; where its class ends */
    } rows[] = {
        {"nothing", 0, 16},
        {"just below the first end", 15999, 16},
        {"the first end", 16000, 20},
        {"19.9", 19999, 20},
        {"20", 20000, 24},
        {"31.9", 31999, 32},
        {"the next octave", 32000, 40},
        {"a millisecond", 1000000, 1024},
        {"a second", 1000000000, 1048 * 1000 + 576},
        {"a minute", 60000000000, 67108864},
        {"a day is in the last class", 86400000000000, 117440512},
        {"for ever", UINT64_MAX, 117440512},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(counters, 0, sizeof(*counters));
        count_time(rows[i].ns);
        if (counters_time_us(counters, 50) != rows[i].us)
            fail_msg("%s: %llu", rows[i].why,
                     (unsigned long long)counters_time_us(counters, 50));
    }
}

static void
test_shares(void **state)
{
    (void)state;
    memset(counters, 0, sizeof(*counters));
    assert_int_equal(counters_time_us(counters, 50), 0);
    for (unsigned i = 0; i < 98; i++)
        count_time(1);
    count_time(1000000);
    count_time(1000000000);
    assert_int_equal(counters_time_us(counters, 50), 16);
    assert_int_equal(counters_time_us(counters, 98), 16);
    assert_int_equal(counters_time_us(counters, 99), 1024);
    assert_int_equal(counters_time_us(counters, 100), 1048576);
}

static void
test_page(void **state)
{
    const struct counters *page = NULL;
    struct counters *before = counters, sum = {0};
    int fd = -1;

    (void)state;
    assert_int_equal(counters_make(&fd, &page), 0);
    assert_int_equal(counters_use(fd), 0);
    count(COUNT_REQUESTS, 3);
    count_level(COUNT_CONNECTIONS, 2);
    count_level(COUNT_CONNECTIONS, -1);
    counters_add(&sum, page);
    assert_int_equal(sum.value[COUNT_REQUESTS], 3);
    assert_int_equal(sum.value[COUNT_CONNECTIONS], 1);
    counters_add_past(&sum, page);
    assert_int_equal(sum.value[COUNT_REQUESTS], 6);
    assert_int_equal(sum.value[COUNT_CONNECTIONS], 1); /* who is gone has none open */
    counters_add(&sum, NULL);
    assert_int_equal(ftruncate(fd, 0), -1); /* sealed */
    assert_int_equal(mprotect((void *)(uintptr_t)page, COUNTERS_BYTES, PROT_READ), 0);
    assert_int_equal(munmap(counters, COUNTERS_BYTES), 0);
    counters = before;
    counters_unmap(&page);
    assert_null(page);
    fd_close(&fd);
}

static void
test_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNTERS; i++) {
        assert_true(counter_name((enum counter)i)[0]);
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(counter_name((enum counter)i),
                                    counter_name((enum counter)k));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
