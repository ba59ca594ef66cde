/* supervisor/logwriter: lines of rings reach their files, whatever the files do. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "hostel/base/logring.h"
#include "hostel/base/mem.h"
#include "logwriter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SOON_MS 5000

static char path[] = "/tmp/hostel-logwriter.XXXXXX";

static struct log_target *
target_of(int fd, bool plain)
{
    struct log_target *t = mem_new(sizeof(*t));

    assert_true(fd >= 0);
    t->refs = 1;
    t->path = mem_str(path);
    t->fd = fd;
    t->plain = plain;
    return t;
}

static struct log_target *
target_file(void)
{
    return target_of(open(path, O_WRONLY | O_CREAT | O_APPEND | O_TRUNC, 0600), true);
}

/* A ring to it, and the worker's end of that. */
static struct log_source *
source(struct log_target *t, struct logring **end)
{
    struct log_source *src;
    int fd;

    assert_int_equal(log_source_new(t, LOGRING_MIN, &fd, &src), 0);
    assert_int_equal(logring_use(fd, end), 0);
    close(fd);
    return src;
}

static void
until_taken(const struct logring *r)
{
    for (int ms = 0; logring_waiting(r) > 0; ms++) {
        assert_true(ms < SOON_MS);
        poll(NULL, 0, 1);
    }
}

/* Everybody else lets go of it: the thread is through with its last source. */
static void
until_alone(struct log_target *t)
{
    for (int ms = 0; atomic_load(&t->refs) > 1; ms++) {
        assert_true(ms < SOON_MS);
        poll(NULL, 0, 1);
    }
}

static const char *
content(void)
{
    static char text[65536];
    FILE *f = fopen(path, "r");
    size_t n = fread(text, 1, sizeof(text) - 1, f);

    fclose(f);
    text[n] = '\0';
    return text;
}

static void
test_lines_are_written(void **state)
{
    struct log_target *t = target_file();
    struct logring *a, *b;
    struct log_source *one = source(t, &a), *two = source(t, &b);

    (void)state;
    logring_put(a, SPAN("one\n"));
    log_source_wake(one);
    until_taken(a);
    logring_put(b, SPAN("two\n"));
    log_source_wake(two);
    until_taken(b);
    assert_string_equal(content(), "one\ntwo\n");
    logring_put(a, SPAN("three\n")); /* its worker is killed now: nobody says that it waits */
    logring_free(&a);
    log_source_free(&one);
    assert_null(one);
    log_source_free(&two);
    logring_free(&b);
    until_alone(t);
    assert_string_equal(content(), "one\ntwo\nthree\n");
    log_target_drop(&t);
}

static void
test_another_file_by_the_same_number(void **state)
{
    struct log_target *t = target_file();
    struct logring *a;
    struct log_source *one = source(t, &a);
    int fresh;

    (void)state;
    logring_put(a, SPAN("old\n"));
    log_source_wake(one);
    until_taken(a);
    assert_int_equal(unlink(path), 0);
    fresh = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(dup2(fresh, t->fd) >= 0);
    close(fresh);
    logring_put(a, SPAN("new\n"));
    log_source_free(&one);
    until_alone(t);
    assert_string_equal(content(), "new\n");
    logring_free(&a);
    log_target_drop(&t);
}

static void
test_full_disk_loses_lines_only(void **state)
{
    struct log_target *t = target_file();
    struct rlimit was, small = {10, 10};
    struct logring *a;
    struct log_source *one = source(t, &a);

    (void)state;
    (void)logwriter_news();
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    small.rlim_max = was.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    logring_put(a, SPAN("0123456\n"));
    logring_put(a, SPAN("lost to the disk\n"));
    log_source_wake(one);
    until_taken(a);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(atomic_load(&t->lost), 15);
    assert_int_equal(atomic_load(&t->trouble), EFBIG);
    assert_true(logwriter_news());
    assert_false(logwriter_news());
    logring_put(a, SPAN("again\n"));
    log_source_wake(one);
    until_taken(a);
    assert_string_equal(content(), "0123456\nlo\nagain\n"); /* the torn line ends */
    log_source_free(&one);
    until_alone(t);
    assert_int_equal(atomic_load(&t->trouble), 0);
    assert_true(logwriter_news());
    logring_free(&a);
    log_target_drop(&t);
}

/* What a pipe does not take stays in its ring; others are written meanwhile. */
static void
test_reader_that_stopped(void **state)
{
    struct log_target *t, *other = target_file();
    struct logring *a, *b;
    struct log_source *one, *two = source(other, &b);
    static char line[4000], rest[200000];
    size_t got = 0, put = 0;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    t = target_of(fds[1], false);
    one = source(t, &a);
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    for (int i = 0; i < 100; i++) {
        put += logring_put(a, span_of(line, sizeof(line))) ? sizeof(line) : 0;
        log_source_wake(one);
    }
    for (int i = 0; i < 5; i++) {
        logring_put(b, SPAN("other\n"));
        log_source_wake(two);
        until_taken(b);
    }
    assert_true(logring_waiting(a) > 0);
    while (got < put) {
        ssize_t n = read(fds[0], rest, sizeof(rest));

        assert_true(n > 0);
        got += (size_t)n;
    }
    until_taken(a);
    log_source_free(&one);
    log_source_free(&two);
    until_alone(t);
    until_alone(other);
    assert_true(atomic_load(&t->lost) > 0); /* which found no room in the ring */
    assert_int_equal(atomic_load(&t->lost), 100 * sizeof(line) - put);
    logring_free(&a);
    logring_free(&b);
    log_target_drop(&t);
    log_target_drop(&other);
    close(fds[0]);
}

/* The last one: the thread ends, with all that can be written, and no later than it should. */
static void
test_stop(void **state)
{
    struct log_target *t = target_file(), *stuck;
    struct logring *a, *b;
    struct log_source *one = source(t, &a), *two;
    static char line[4000];
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    stuck = target_of(fds[1], false);
    two = source(stuck, &b);
    for (int i = 0; i < 20; i++) {
        logring_put(b, span_of(line, sizeof(line)));
        logring_put(a, SPAN("line\n"));
    }
    log_source_wake(two);
    log_source_free(&two);
    log_source_free(&one);
    logwriter_stop();
    assert_int_equal(strlen(content()), 100);
    assert_int_equal(atomic_load(&t->refs), 1);
    assert_int_equal(atomic_load(&stuck->refs), 1);
    logring_free(&a);
    logring_free(&b);
    log_target_drop(&t);
    log_target_drop(&stuck);
    close(fds[0]);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_written),
        cmocka_unit_test(test_another_file_by_the_same_number),
        cmocka_unit_test(test_full_disk_loses_lines_only),
        cmocka_unit_test(test_reader_that_stopped),
        cmocka_unit_test(test_stop),
    };

    close(mkstemp(path));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
