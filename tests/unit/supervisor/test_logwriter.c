/* supervisor/logwriter: lines of rings reach their files, whatever the files do. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "hostel/base/date.h"
#include "hostel/base/logring.h"
#include "hostel/base/mem.h"
#include "logwriter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
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
    struct log_account *account = log_account_new();
    int fd;

    assert_int_equal(log_source_new(t, account, LOGRING_MIN, &fd, &src), 0);
    log_account_drop(&account);
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
    (void)fcntl(fds[1], F_SETPIPE_SZ, 8192); /* less than the ring holds */
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

#define LINES 300 /* of each of two rings: of 50 to 9000 bytes, and each knows its length */

static size_t
make_line(char *line, char who, int n)
{
    size_t len = n % 3 ? 50 + (size_t)n : 300 * (size_t)(n % 31) + 60;

    memset(line, who, len);
    line[snprintf(line, len, "%c%d,%zu,", who, n, len)] = who;
    line[len - 1] = '\n';
    return len;
}

static void
check_line(const char *line, size_t len, int next[static 2])
{
    static char want[9500];
    char who = line[0];

    assert_true(who == 'a' || who == 'b');
    assert_int_equal(make_line(want, who, next[who - 'a']++), len);
    assert_memory_equal(line, want, len);
}

/* Several rings, one pipe that takes little at a time: lines come whole and in order. */
static void
test_lines_through_a_pipe_come_whole(void **state)
{
    static char line[9500], got[LINES * 2 * 9500];
    struct logring *ring[2];
    struct log_source *src[2];
    struct log_target *t;
    int fds[2], put[2] = {0}, next[2] = {0};
    size_t n = 0, all = 0, at = 0;

    (void)state;
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    assert_int_equal(fcntl(fds[1], F_SETFL, 0), 0);
    (void)fcntl(fds[1], F_SETPIPE_SZ, 8192);
    t = target_of(fds[1], false);
    for (int i = 0; i < 2; i++)
        src[i] = source(t, &ring[i]);
    for (int ms = 0; put[0] < LINES || put[1] < LINES || n < all;) {
        ssize_t some;

        for (int i = 0; i < 2; i++) {
            size_t len = make_line(line, (char)('a' + i), put[i]);

            if (put[i] == LINES || logring_waiting(ring[i]) + len > LOGRING_MIN)
                continue;
            assert_true(logring_put(ring[i], span_of(line, len)));
            put[i]++;
            all += len;
            log_source_wake(src[i]);
        }
        some = read(fds[0], got + n, 5000);
        n += some > 0 ? (size_t)some : 0;
        assert_true(ms < 4 * SOON_MS);
        if (some <= 0)
            ms += poll(NULL, 0, 1) == 0;
    }
    while (at < n) {
        size_t len = span_find(span_of(got + at, n - at), '\n') + 1;

        check_line(got + at, len, next);
        at += len;
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(next[i], LINES);
        log_source_free(&src[i]);
        logring_free(&ring[i]);
    }
    until_alone(t);
    assert_int_equal(atomic_load(&t->lost), 0);
    log_target_drop(&t);
    close(fds[0]);
}

/* A worker that was taken over: what it leaves open is ended, and nobody's line is joined to
 * it.
 */
static void
test_a_line_without_an_end(void **state)
{
    struct log_target *t = target_file();
    struct logring *a, *b;
    struct log_source *one = source(t, &a), *two = source(t, &b);

    (void)state;
    logring_put(a, SPAN("first\nopen"));
    log_source_wake(one);
    until_taken(a);
    logring_put(b, SPAN("two\n"));
    log_source_wake(two);
    until_taken(b);
    assert_string_equal(content(), "first\nopen\ntwo\n");
    logring_put(a, SPAN("again"));
    log_source_free(&one);
    log_source_free(&two);
    until_alone(t);
    assert_true(t->torn); /* for whoever comes next */
    assert_string_equal(content(), "first\nopen\ntwo\nagain");
    logring_free(&a);
    logring_free(&b);
    log_target_drop(&t);
}

/* It goes while the pipe is full: others write on, and what it had put is counted as lost. */
static void
test_given_up_in_a_line(void **state)
{
    static char line[9000], got[200000];
    struct log_target *t;
    struct logring *a, *b;
    struct log_source *one, *two;
    size_t n = 0, put = sizeof(line);
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    (void)fcntl(fds[1], F_SETPIPE_SZ, 4096);
    t = target_of(fds[1], false);
    one = source(t, &a);
    two = source(t, &b);
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    logring_put(a, span_of(line, sizeof(line)));
    log_source_free(&one);
    for (int ms = 0; atomic_load(&t->refs) > 2; ms++) {
        assert_true(ms < 4 * SOON_MS);
        poll(NULL, 0, 1);
    }
    logring_put(b, SPAN("two\n"));
    log_source_wake(two);
    put -= (size_t)atomic_load(&t->lost);
    assert_true(put < sizeof(line));
    while (n < put + 1 + 4) {
        ssize_t some = read(fds[0], got + n, sizeof(got) - n);

        assert_true(some > 0);
        n += (size_t)some;
    }
    assert_int_equal(n, put + 5);
    assert_memory_equal(got + put, "\ntwo\n", 5);
    log_source_free(&two);
    until_alone(t);
    logring_free(&a);
    logring_free(&b);
    log_target_drop(&t);
    close(fds[0]);
}

#define SLICE_MS    10     /* as in logwriter.c */
#define SLICE_BYTES 655360 /* likewise */

struct flooder {
    struct log_source *src;
    struct logring *ring;
};

static atomic_bool flooding;
static atomic_uint_least64_t flooded;

/* A worker that was taken over: its ring is always full, and it always says so. */
static void *
flood(void *data)
{
    static char line[16384];
    struct logring *r = ((struct flooder *)data)->ring;

    memset(line, 'f', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    while (atomic_load(&flooding)) {
        if (logring_put(r, span_of(line, sizeof(line))))
            atomic_fetch_add(&flooded, sizeof(line));
        log_source_wake(((struct flooder *)data)->src);
    }
    return NULL;
}

/* Who floods is written so much a slice; others are written meanwhile, and lose nothing. */
static void
test_a_flood_has_its_budget(void **state)
{
    struct log_target *null = target_of(open("/dev/null", O_WRONLY), true), *t = target_file();
    struct logring *a, *b;
    struct flooder flooder = {source(null, &a), NULL};
    struct log_source *two = source(t, &b);
    uint64_t from = date_mono_ms(), ms, most;
    pthread_t thread;

    (void)state;
    flooder.ring = a;
    atomic_store(&flooding, true);
    assert_int_equal(pthread_create(&thread, NULL, flood, &flooder), 0);
    for (int i = 0; i < 20 || date_mono_ms() - from < 300; i++) {
        logring_put(b, SPAN("other\n"));
        log_source_wake(two);
        until_taken(b);
        poll(NULL, 0, 10);
    }
    ms = date_mono_ms() - from;
    atomic_store(&flooding, false);
    pthread_join(thread, NULL);
    most = (ms / SLICE_MS + 3) * SLICE_BYTES + 2 * LOGRING_MIN;
    assert_true(atomic_load(&flooded) <= most);
    assert_true(atomic_load(&flooded) > SLICE_BYTES);
    assert_int_equal(atomic_load(&t->lost), 0);
    log_source_free(&flooder.src);
    log_source_free(&two);
    until_alone(null);
    until_alone(t);
    assert_true(atomic_load(&null->lost) > 0); /* it was a flood */
    logring_free(&a);
    logring_free(&b);
    log_target_drop(&null);
    log_target_drop(&t);
}

/* A write that does not come back: others are written, soon; when it does, all goes on. */
static void
test_a_disk_that_hangs(void **state)
{
    struct log_target *hung, *t = target_file();
    struct logring *a, *b, *c;
    struct log_source *one, *two, *three;
    static char line[40000], rest[sizeof(line)];
    size_t got = 0;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    (void)fcntl(fds[1], F_SETPIPE_SZ, 4096);
    hung = target_of(fds[1], true); /* as a file: a write waits, whatever it takes */
    one = source(hung, &a);
    two = source(t, &b);
    three = source(hung, &c);
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    logring_put(a, span_of(line, sizeof(line)));
    log_source_wake(one);
    for (int ms = 0; !atomic_load(&hung->trouble); ms += 10) {
        assert_true(ms < 4 * SOON_MS);
        poll(NULL, 0, 10);
        logwriter_sweep();
    }
    assert_int_equal(atomic_load(&hung->trouble), ETIME);
    logring_put(c, SPAN("behind it\n"));
    log_source_wake(three);
    logring_put(b, SPAN("other\n"));
    log_source_wake(two);
    until_taken(b);
    assert_true(logring_waiting(c) > 0);
    while (got < sizeof(rest)) {
        ssize_t n = read(fds[0], rest + got, sizeof(rest) - got);

        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_memory_equal(rest, line, sizeof(line));
    assert_int_equal(read(fds[0], rest, sizeof(rest)), sizeof("behind it"));
    log_source_free(&one);
    log_source_free(&two);
    log_source_free(&three);
    until_alone(t);
    until_alone(hung);
    assert_int_equal(atomic_load(&hung->trouble), 0);
    assert_int_equal(atomic_load(&hung->lost), 0);
    logring_free(&a);
    logring_free(&b);
    logring_free(&c);
    log_target_drop(&t);
    log_target_drop(&hung);
    close(fds[0]);
}

/* Its worker goes, and its lines are given up, while the write does not come back. */
static void
test_gone_while_its_disk_hangs(void **state)
{
    struct log_target *hung;
    struct logring *a, *b;
    struct log_source *one, *two;
    static char line[40000], rest[sizeof(line)];
    size_t got = 0;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    (void)fcntl(fds[1], F_SETPIPE_SZ, 4096);
    hung = target_of(fds[1], true);
    one = source(hung, &a);
    two = source(hung, &b);
    memset(line, 'y', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    logring_put(a, span_of(line, sizeof(line)));
    log_source_wake(one);
    for (int ms = 0; !atomic_load(&hung->trouble); ms += 10) {
        assert_true(ms < 4 * SOON_MS);
        poll(NULL, 0, 10);
        logwriter_sweep();
    }
    log_source_free(&one);
    logring_put(b, SPAN("lost\n"));
    log_source_free(&two);
    for (int ms = 0; atomic_load(&hung->lost) == 0; ms += 10) { /* the other is given up */
        assert_true(ms < 4 * SOON_MS);
        poll(NULL, 0, 10);
    }
    assert_int_equal(atomic_load(&hung->lost), 5);
    while (got < sizeof(rest)) { /* and the write comes back to what is still there */
        ssize_t n = read(fds[0], rest + got, sizeof(rest) - got);

        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_memory_equal(rest, line, sizeof(line));
    until_alone(hung);
    assert_int_equal(atomic_load(&hung->lost), 5);
    logring_free(&a);
    logring_free(&b);
    log_target_drop(&hung);
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

/* A log that lines come to needs no word of its worker; a quiet one does, and says so. */
static void
test_watched(void **state)
{
    struct log_target *t = target_file();
    struct logring *end;
    struct log_source *src = source(t, &end);
    unsigned unasked = 0;

    (void)state;
    assert_false(logring_watched(end));
    assert_true(logring_put(end, SPAN("first\n")));
    log_source_wake(src);
    until_taken(end);
    for (int i = 0; i < 5; i++) {
        bool alone;

        assert_true(logring_put(end, SPAN("another\n")));
        alone = logring_watched(end);
        if (!alone) /* as a worker does */
            log_source_wake(src);
        until_taken(end);
        unasked += alone;
    }
    assert_true(unasked > 0);
    for (int ms = 0; logring_watched(end); ms++) {
        assert_true(ms < SOON_MS);
        poll(NULL, 0, 1);
    }
    poll(NULL, 0, 400);
    assert_true(logring_put(end, SPAN("alone\n")));
    poll(NULL, 0, 400);
    assert_int_equal(logring_waiting(end), 6);
    log_source_wake(src);
    until_taken(end);
    assert_true(logring_put(end, SPAN("last\n"))); /* its worker is gone before a look */
    log_source_free(&src);
    until_alone(t);
    logring_free(&end);
    log_target_drop(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_watched),
        cmocka_unit_test(test_lines_are_written),
        cmocka_unit_test(test_another_file_by_the_same_number),
        cmocka_unit_test(test_full_disk_loses_lines_only),
        cmocka_unit_test(test_reader_that_stopped),
        cmocka_unit_test(test_lines_through_a_pipe_come_whole),
        cmocka_unit_test(test_a_line_without_an_end),
        cmocka_unit_test(test_given_up_in_a_line),
        cmocka_unit_test(test_a_flood_has_its_budget),
        cmocka_unit_test(test_a_disk_that_hangs),
        cmocka_unit_test(test_gone_while_its_disk_hangs),
        cmocka_unit_test(test_stop),
    };

    close(mkstemp(path));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
