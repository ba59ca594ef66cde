/* Idle connections and slow readers that are laid down, and what wakes or ends them. */
#include "talk.h"

#include <signal.h>

#define GET(host) "GET / HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define KEEP_MS   (PARK_MS + 2200)
#define SOME_MS   1000 /* of that, so that a busy machine is not late */
#define LATE_MS   15000
#define BIG_BYTES 900000 /* more than a socket pair takes, less than TALK_MAX */

static char root[64];

static int
setup(void **state)
{
    char path[80];
    FILE *f;

    (void)state;
    talk_init(KEEP_MS);
    snprintf(root, sizeof(root), "/tmp/hostel-test-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(path, sizeof(path), "%s/index.html", root);
    f = fopen(path, "w");
    fputs("hello", f);
    fclose(f);
    snprintf(path, sizeof(path), "%s/big", root);
    f = fopen(path, "w");
    for (int i = 0; i < BIG_BYTES / 10; i++)
        fprintf(f, "%09d\n", i);
    fclose(f);
    talk_site(root, (const char *const[]){"a.example", NULL}, false);
    talk_site(root, (const char *const[]){"d.example", NULL}, true);
    return 0;
}

static int
teardown(void **state)
{
    char command[96];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command) == 0 ? talk_done() : -1;
}

static unsigned
parked(void)
{
    const struct deadline *d;
    unsigned n = 0;

    TAILQ_FOREACH(d, &conns.park.idle.waiting, entry)
    n++;
    return n;
}

static unsigned
sending(void)
{
    const struct deadline *d;
    unsigned n = 0;

    TAILQ_FOREACH(d, &conns.park.sending.waiting, entry)
    n++;
    return n;
}

static void
run_ms(int fd, unsigned ms)
{
    uint64_t until = uv_hrtime() + ms * 1000000ULL;

    while (uv_hrtime() < until) {
        struct timespec nap = {.tv_nsec = 2000000};

        talk_run(fd, 1);
        nanosleep(&nap, NULL);
    }
    talk_run(fd, 1); /* what came to be due in the last nap */
}

static void
run_to_its_end(int fd)
{
    for (unsigned ms = 0; ms < LATE_MS && !heard_end; ms += 10)
        run_ms(fd, 10);
    assert_true(heard_end);
}

/* ret  the visitor's end of a connection that was answered, and is parked as the n-th */
static int
begin_parked_as(unsigned n)
{
    int fd = talk_begin(0, SPAN(GET("a.example")), SPAN(""));

    assert_string_equal(talk_statuses(), "200");
    run_ms(fd, PARK_MS + 100);
    assert_int_equal(parked(), n);
    assert_true(TAILQ_EMPTY(&conns.list)); /* nothing else is left of it */
    assert_int_equal(conns.count, n);      /* but it counts */
    assert_int_equal(conns.addrs.nrows, 1);
    assert_false(heard_end);
    heard_n = 0;
    return fd;
}

static int
begin_parked(void)
{
    return begin_parked_as(1);
}

static void
test_next_request_wakes_it(void **state)
{
    int fd = begin_parked();

    (void)state;
    for (int i = 0; i < 2; i++) {
        talk_say(fd, GET("a.example"));
        assert_string_equal(talk_statuses(), i ? "200 200" : "200");
        assert_int_equal(parked(), 0);
    }
    talk_say(fd, GET("b.example")); /* another user's */
    assert_int_equal(back.count, 1);
    assert_int_equal(conns.count, 0);
    close(back.fd);
    close(fd);
}

static void
test_half_a_head_wakes_it_for_good(void **state)
{
    int fd = begin_parked();

    (void)state;
    talk_say(fd, "GET / HTT");
    run_ms(fd, PARK_MS + 100);
    assert_int_equal(parked(), 0); /* it is at something */
    talk_say(fd, "P/1.1\r\nHost: a.example\r\n\r\n");
    assert_string_equal(talk_statuses(), "200");
    run_ms(fd, PARK_MS + 100);
    assert_int_equal(parked(), 1); /* and again */
    close(fd);
    talk_run(-1, 2);
    assert_int_equal(conns.count, 0);
}

static void
test_visitor_leaves(void **state)
{
    int fd = begin_parked();

    (void)state;
    close(fd);
    for (int i = 0; i < 3; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(parked(), 0);
    assert_int_equal(conns.count, 0);
    assert_int_equal(conns.addrs.nrows, 0);
}

static void
test_it_ends_when_it_is_time(void **state)
{
    int fd = begin_parked();

    (void)state;
    run_ms(fd, SOME_MS);
    assert_false(heard_end);
    run_to_its_end(fd);
    assert_int_equal(heard_n, 0);
    assert_int_equal(conns.count, 0);
    assert_int_equal(conns.addrs.nrows, 0);
    close(fd);
}

/* What is remembered of a default host, or doubted of a socket, has no place there. */
static void
test_who_is_not_parked(void **state)
{
    static const struct {
        unsigned flags;
        const char *said;
    } rows[] = {{CONN_BY_DEFAULT, GET("n.example")}, {CONN_RETURNED, GET("a.example")}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int fd = talk_begin(rows[i].flags, span_str(rows[i].said), SPAN(""));

        run_ms(fd, PARK_MS + 100);
        assert_string_equal(talk_statuses(), "200");
        assert_int_equal(parked(), 0);
        assert_int_equal(conns.count, 1);
        run_ms(fd, SOME_MS);
        assert_false(heard_end); /* its time is as long as the others' */
        run_to_its_end(fd);
        close(fd);
    }
    assert_int_equal(conns.count, 0);
}

/* Who is parked is missed least of all. */
static void
test_bound(void **state)
{
    int idle = begin_parked(), next;

    (void)state;
    conns.settings.conns_max = 1;
    next = talk_begin(0, SPAN(GET("a.example")), SPAN(""));
    assert_string_equal(talk_statuses(), "200");
    assert_int_equal(parked(), 0);
    assert_int_equal(conns.count, 1);
    heard_end = false;
    talk_hear(idle);
    assert_true(heard_end);
    close(next);
    close(idle);
}

/* ret  a second descriptor for the worker's end of it, as a taken-over acceptor would keep */
static int
second_of(int fd)
{
    for (int i = 3; i < 1024; i++) {
        int domain = 0;
        socklen_t n = sizeof(domain);

        if (i != fd && getsockopt(i, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 &&
            domain == AF_UNIX)
            return dup(i);
    }
    return -1;
}

/* What is freed is told nothing any more, whoever keeps its socket open. */
static void
test_somebody_else_keeps_it_open(void **state)
{
    int idle = begin_parked(), other = second_of(idle), next;

    (void)state;
    assert_true(other >= 0);
    conns.settings.conns_max = 1;
    next = talk_begin(0, SPAN(GET("a.example")), SPAN(""));
    assert_int_equal(parked(), 0);
    assert_int_equal(send(idle, "x", 1, 0), 1);
    talk_run(next, 3);
    assert_int_equal(conns.count, 1);
    close(next);
    close(other);
    close(idle);
}

static void
test_stop(void **state)
{
    int idle = talk_begin(0, SPAN(GET("a.example")), SPAN("")), asked = begin_parked_as(2);

    (void)state;
    assert_true(send(asked, GET("a.example"), strlen(GET("a.example")), 0) > 0);
    heard_end = false;
    conns_stop(&conns);
    talk_run(asked, 2);
    assert_non_null(strstr(heard, "Connection: close\r\n")); /* it was asked in time */
    assert_true(heard_end);
    heard_end = false;
    talk_run(idle, 2);
    assert_true(heard_end);
    assert_int_equal(conns.count, 0);
    close(idle);
    close(asked);
}

/* --- slow readers ---------------------------------------------------------------------------
 */

/* The visitor does not read. */
static void
run_deaf_ms(unsigned ms)
{
    uint64_t until = uv_hrtime() + ms * 1000000ULL;

    while (uv_hrtime() < until) {
        struct timespec nap = {.tv_nsec = 2000000};

        uv_run(&loop, UV_RUN_NOWAIT);
        nanosleep(&nap, NULL);
    }
}

static void
run_deaf_to_its_end(void)
{
    for (unsigned ms = 0; ms < LATE_MS && conns.count > 0; ms += 10)
        run_deaf_ms(10);
    assert_int_equal(conns.count, 0);
    assert_int_equal(conns.addrs.nrows, 0);
}

/* ret  the visitor's end of a connection whose big answer he does not take */
static int
begin_slow(void)
{
    const struct msg_visitor visitor = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 192, [15] = 1}};
    struct span said = SPAN("GET /big HTTP/1.1\r\nHost: a.example\r\nCookie: c=1\r\n\r\n");
    int pair[2];

    heard_n = 0;
    heard_end = false;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(send(pair[0], said.p, said.n, 0), said.n);
    conn_adopt(&conns, pair[1], &visitor, false, SPAN(""));
    for (unsigned ms = 0; ms < LATE_MS && sending() == 0; ms += 10)
        run_deaf_ms(10);
    assert_int_equal(sending(), 1);
    assert_true(TAILQ_EMPTY(&conns.list)); /* nothing else is left of it */
    assert_int_equal(conns.count, 1);      /* but it counts */
    assert_int_equal(conns.addrs.nrows, 1);
    return pair[0];
}

static void
test_slow_reader_gets_all_of_it(void **state)
{
    int fd = begin_slow();
    const char *body;

    (void)state;
    for (int i = 0; i < 200 && heard_n < BIG_BYTES; i++) {
        talk_hear(fd);
        run_deaf_ms(i % 3 ? 1 : 120); /* laid down again in between, maybe */
    }
    assert_string_equal(talk_statuses(), "200");
    body = strstr(heard, "\r\n\r\n") + 4;
    assert_int_equal(heard + heard_n - body, BIG_BYTES);
    for (int i = 0; i < BIG_BYTES / 10; i++)
        assert_int_equal(strtol(body + 10L * i, NULL, 10), i);
    assert_int_equal(sending(), 0);
    heard_n = 0;
    talk_say(fd, GET("a.example")); /* and the connection is as good as ever */
    assert_string_equal(talk_statuses(), "200");
    assert_int_equal(conns.count, 1);
    close(fd);
}

/* Who takes nothing for send_timeout is cut off, laid down or not; who takes some is not. */
static void
test_slow_reader_is_too_slow(void **state)
{
    int fd = begin_slow();

    (void)state;
    for (unsigned took = 0; took < KEEP_MS + 1000; took += 200) {
        char some[100000];

        (void)!recv(fd, some, sizeof(some), MSG_DONTWAIT);
        run_deaf_ms(200);
        assert_int_equal(conns.count, 1);
    }
    run_deaf_to_its_end();
    close(fd);
}

static void
test_slow_reader_leaves(void **state)
{
    int fd = begin_slow();

    (void)state;
    close(fd);
    run_deaf_to_its_end();
    assert_int_equal(sending(), 0);
}

/* A worker that stops lets him take the rest, and that is the connection's last answer. */
static void
test_slow_reader_at_a_stop(void **state)
{
    int fd = begin_slow();

    (void)state;
    conns_stop(&conns);
    assert_int_equal(conns.count, 1);
    run_to_its_end(fd);
    assert_true(heard_n > BIG_BYTES);
    close(fd);
    run_deaf_to_its_end();
}

static void
test_slow_reader_at_the_end(void **state)
{
    (void)state;
    (void)begin_slow();
}

/* The worker ends at once: what is parked is freed and closed, as sanitizers and loop see. */
static void
test_end(void **state)
{
    (void)state;
    (void)begin_parked();
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_next_request_wakes_it),
        TEST(test_half_a_head_wakes_it_for_good),
        TEST(test_visitor_leaves),
        TEST(test_it_ends_when_it_is_time),
        TEST(test_who_is_not_parked),
        TEST(test_bound),
        TEST(test_somebody_else_keeps_it_open),
        TEST(test_stop),
        TEST(test_end),
        TEST(test_slow_reader_gets_all_of_it),
        TEST(test_slow_reader_is_too_slow),
        TEST(test_slow_reader_leaves),
        TEST(test_slow_reader_at_a_stop),
        TEST(test_slow_reader_at_the_end),
    };

    signal(SIGPIPE, SIG_IGN); /* as worker.c does: sendfile() has no flag for it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
