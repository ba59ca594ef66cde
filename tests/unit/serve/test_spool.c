/* serve/spool: bytes that wait. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "spool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *const tmp_dirs[] = {"/nonexistent/first", "/tmp", NULL};
static const char *const no_dirs[] = {"/nonexistent/only", NULL};

static char
byte_at(uint64_t i)
{
    return (char)(i * 31 + i / 251);
}

/* Add n bytes of the pattern from position at, in steps. */
static void
add(struct spool *s, uint64_t *at, size_t n, size_t step)
{
    char *p = malloc(step);

    while (n > 0) {
        size_t k = n < step ? n : step;

        for (size_t i = 0; i < k; i++)
            p[i] = byte_at(*at + i);
        assert_int_equal(0, spool_add(s, span_of(p, k)));
        *at += k;
        n -= k;
    }
    free(p);
}

static void
take(struct spool *s, uint64_t *at, size_t n, size_t step)
{
    char *p = malloc(step);

    while (n > 0) {
        ssize_t got = spool_take(s, p, n < step ? n : step);

        assert_true(got > 0);
        for (ssize_t i = 0; i < got; i++)
            assert_int_equal(p[i], byte_at(*at + (uint64_t)i));
        *at += (uint64_t)got;
        n -= (size_t)got;
    }
    free(p);
}

static void
test_order(void **state)
{
    static const struct {
        const char *why;
        size_t memory_max, first, take_first, second, step_in, step_out;
        bool file;
    } rows[] = {
        {"nothing", 1000, 0, 0, 0, 1, 1, false},
        {"memory only", 1000, 700, 300, 500, 100, 64, false},
        {"exactly full", 1000, 1000, 0, 0, 1000, 1000, false},
        {"one byte more", 1000, 1001, 0, 0, 1001, 100, true},
        {"one at a time", 100, 1000, 10, 1000, 1, 1, true},
        {"read into the file, then more", 1000, 5000, 2500, 5000, 700, 333, true},
        {"read to the end, then more: the file begins anew", 1000, 5000, 5000, 5000, 900, 900,
         true},
        {"a piece larger than one piece may be", 1000, 300000, 100, 1, 300000, 4096, true},
        {"large", 65536, 5000000, 1000000, 3000000, 65536, 65536, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t in = 0, out = 0;
        struct spool s;

        print_message("  %s\n", rows[i].why);
        spool_init(&s, rows[i].memory_max, UINT64_MAX / 2, tmp_dirs);
        add(&s, &in, rows[i].first, rows[i].step_in);
        assert_int_equal(spool_bytes(&s), in);
        take(&s, &out, rows[i].take_first, rows[i].step_out);
        add(&s, &in, rows[i].second, rows[i].step_in);
        assert_int_equal(spool_bytes(&s), in - out);
        assert_int_equal(s.fd >= 0, rows[i].file);
        assert_false(spool_full(&s));
        take(&s, &out, in - out, rows[i].step_out);
        assert_int_equal(0, spool_bytes(&s));
        assert_int_equal(0, spool_take(&s, &(char){0}, 1));
        spool_done(&s);
        assert_int_equal(-1, s.fd);
    }
}

static void
test_full(void **state)
{
    static const struct {
        const char *why;
        uint64_t file_max;
        const char *const *dirs;
        size_t fits; /* until spool_full() */
        int error;
    } rows[] = {
        {"no file wanted", 0, tmp_dirs, 1000, -EFBIG},
        {"no directory takes one", 1 << 20, no_dirs, 1000, -ENOENT},
        {"no directory at all", 1 << 20, NULL, 1000, -ENOENT},
        {"the file's bound", 10000, tmp_dirs, 10000, -EFBIG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t in = 0, out = 0;
        struct spool s;

        print_message("  %s\n", rows[i].why);
        spool_init(&s, 1000, rows[i].file_max, rows[i].dirs);
        while (!spool_full(&s) && in < 1 << 20)
            add(&s, &in, 100, 100);
        assert_true(in >= rows[i].fits && in <= rows[i].fits + 1200);
        assert_int_equal(s.error, rows[i].error);
        add(&s, &in, SPOOL_PIECE_MAX - 1000, SPOOL_PIECE_MAX - 1000); /* one piece still goes */
        assert_int_equal(-ENOBUFS, spool_add(&s, span_of((char[2000]){0}, 2000)));
        take(&s, &out, in, 999);
        assert_false(spool_full(&s));
        add(&s, &in, 500, 100); /* and it works on */
        take(&s, &out, 500, 500);
        spool_done(&s);
    }
}

/* A full disk, played by the file size limit: nothing is lost, and it goes on afterwards. */
static void
test_short_write(void **state)
{
    const struct rlimit small = {.rlim_cur = 5000, .rlim_max = RLIM_INFINITY};
    struct rlimit before;
    uint64_t in = 0, out = 0;
    struct spool s;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &before));
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &small));
    spool_init(&s, 3000, 1 << 20, tmp_dirs);
    while (!spool_full(&s))
        add(&s, &in, 500, 500);
    assert_int_equal(-EFBIG, s.error);
    assert_int_equal(5000, s.put);
    take(&s, &out, in, 700);
    add(&s, &in, 4500, 500);
    assert_int_equal(0, s.error);
    take(&s, &out, 4500, 700);
    spool_done(&s);
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &before));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_short_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
