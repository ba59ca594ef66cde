/* The page that Prometheus reads: every number is on it, and nothing can break out of a label.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "metrics.h"

#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A snapshot as the supervisor makes it. ret  a memfd */
static int
snapshot(const struct figures_user *users, size_t n, const struct figures_certificate *c,
         size_t nc)
{
    struct figures_server server = {{0}};
    struct buf b;
    struct writer w = {&b, 0};
    int fd = -1;

    buf_init(&b, FIGURES_BYTES_MAX);
    for (unsigned i = 0; i < SERVER_FIGURES; i++)
        server.value[i] = 7000 + i;
    figures_put_server(&w, &server);
    for (size_t i = 0; i < n; i++)
        figures_put_user(&w, &users[i]);
    figures_put_end(&w);
    for (size_t i = 0; i < nc; i++)
        figures_put_certificate(&w, &c[i]);
    figures_put_end(&w);
    assert_int_equal(w.error, 0);
    assert_int_equal(figures_seal(&b, &fd), 0);
    buf_done(&b);
    return fd;
}

/* ret  the page as a string, owned */
static char *
page_of(const struct figures_user *users, size_t n, const struct figures_certificate *c,
        size_t nc)
{
    int fd = snapshot(users, n, c, nc);
    struct figures *f;
    struct buf out;
    char *text;

    assert_int_equal(figures_open(fd, &f), 0);
    close(fd);
    buf_init(&out, PAGE_MAX);
    assert_int_equal(page_write(f, true, &out), 0);
    figures_close(&f);
    text = mem_str_span(buf_span(&out));
    buf_done(&out);
    return text;
}

static void
has(const char *text, const char *line)
{
    if (!strstr(text, line))
        fail_msg("not there: %s\n%s", line, text);
}

static void
test_every_number(void **state)
{
    struct figures_user u = {.name = SPAN("alice")};
    char line[128];
    char *text;

    (void)state;
    for (unsigned i = 0; i < COUNTERS; i++)
        u.counters.value[i] = 8000 + i;
    for (unsigned i = 0; i < USER_FIGURES; i++)
        u.value[i] = 9000 + i;
    text = page_of(&u, 1, NULL, 0);
    for (unsigned i = 0; i < SERVER_FIGURES; i++) {
        snprintf(line, sizeof(line), " %u\n", 7000 + i);
        has(text, line);
    }
    for (unsigned i = 0; i < COUNTERS; i++) {
        snprintf(line, sizeof(line), "} %u\n", 8000 + i);
        /* the sum of the classes; one that is shown in seconds; three that acceptors count */
        if (i != COUNT_REQUESTS && i != COUNT_TIME_US && i < COUNT_WAITING)
            has(text, line);
    }
    for (unsigned i = 0; i < USER_FIGURES; i++) {
        snprintf(line, sizeof(line), "{user=\"alice\"} %u\n", 9000 + i);
        has(text, line);
    }
    free(text);
}

static void
test_times(void **state)
{
    struct figures_user u = {.name = SPAN("alice")};
    char *text;

    (void)state;
    counters = &u.counters;
    count_time(100 * 1000);         /* below 128 us */
    count_time(3 * 1000 * 1000);    /* 3 ms */
    count_time(1500 * 1000 * 1000); /* 1.5 s */
    text = page_of(&u, 1, NULL, 0);
    has(text, "# TYPE hostel_request_duration_seconds histogram\n");
    has(text, "_bucket{user=\"alice\",le=\"0.000128\"} 1\n");
    has(text, "_bucket{user=\"alice\",le=\"0.002048\"} 1\n");
    has(text, "_bucket{user=\"alice\",le=\"0.004096\"} 2\n");
    has(text, "_bucket{user=\"alice\",le=\"1.048576\"} 2\n");
    has(text, "_bucket{user=\"alice\",le=\"2.097152\"} 3\n");
    has(text, "_bucket{user=\"alice\",le=\"+Inf\"} 3\n");
    has(text, "_sum{user=\"alice\"} 1.503100\n");
    has(text, "_count{user=\"alice\"} 3\n");
    free(text);
}

static void
test_names(void **state)
{
    const struct figures_user users[] = {
        {.name = SPAN("bob"), .gid = 1000},
        {.name = SPAN("a\"} 1\nx\\\x80")},
        {.name = SPAN("bob"), .gid = 33},
        {.name = SPAN("")},
    };
    const struct figures_certificate certs[] = {
        {SPAN("bob.example"), SPAN("bob"), 12345},
        {SPAN(""), SPAN(""), 99},
    };
    char *text = page_of(users, 4, certs, 2);

    (void)state;
    has(text, "hostel_workers{user=\"bob:1000\"} 0\n");
    has(text, "hostel_workers{user=\"bob:33\"} 0\n");
    has(text, "hostel_workers{user=\"a\\\"} 1\\nx\\\\?\"} 0\n");
    has(text, "hostel_workers{user=\"_other\"} 0\n");
    has(text, "hostel_requests_total{user=\"bob:33\",class=\"5xx\"} 0\n");
    has(text, "_seconds{user=\"bob\",vhost=\"bob.example\"} 12345\n");
    has(text, "_seconds{user=\"_other\",vhost=\"_other\"} 99\n");
    free(text);
}

/* What is not sealed, or says other than it should, is no snapshot. */
static void
test_bad_snapshots(void **state)
{
    struct figures_user u = {.name = SPAN("alice")};
    int good = snapshot(&u, 1, NULL, 0), fd;
    char bytes[8192];
    ssize_t n = pread(good, bytes, sizeof(bytes), 0);
    struct figures *f;
    struct buf b;

    (void)state;
    assert_true(n > 0 && n < (ssize_t)sizeof(bytes));
    fd = memfd_create("open", MFD_ALLOW_SEALING);
    assert_true(write(fd, bytes, (size_t)n) == n);
    assert_int_equal(figures_open(fd, &f), -EBADMSG);
    close(fd);
    for (ssize_t cut = 1; cut < n; cut += 37) {
        buf_init(&b, FIGURES_BYTES_MAX);
        buf_add(&b, bytes, (size_t)cut);
        assert_int_equal(figures_seal(&b, &fd), 0);
        assert_int_equal(figures_open(fd, &f), -EBADMSG);
        buf_done(&b);
        close(fd);
    }
    buf_init(&b, FIGURES_BYTES_MAX);
    buf_add(&b, bytes, (size_t)n);
    buf_add(&b, "x", 1);
    assert_int_equal(figures_seal(&b, &fd), 0);
    assert_int_equal(figures_open(fd, &f), -EBADMSG);
    buf_done(&b);
    close(fd);
    close(good);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_number),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_bad_snapshots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
