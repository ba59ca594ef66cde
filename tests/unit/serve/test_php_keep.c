/* serve/php: connections that are kept, and what becomes of a request when PHP closes one. */
#include "test_php_fake.h"
#include "php_request.h"

#include <poll.h>
#include <sys/mman.h>

#define ANSWER                                                                                 \
    SPAN(OUT("\7") "X: y\n\n"                                                                  \
                   "z" END)

/* What the responder does with a connection once it has answered some requests on it. */
enum then {
    THEN_GOES_ON,
    THEN_CLOSES,      /* at once */
    THEN_RESETS,      /* when the next request is there, without reading any of it */
    THEN_READS_SOME,  /* a part of its head */
    THEN_TAKES,       /* reads all that makes it run, and closes */
    THEN_LOOKS_ASIDE, /* waits long, then closes with nothing but the last record unread */
};

/* Shared with the responder. */
struct counts {
    unsigned conns, requests, ended; /* ... of which the last record came */
};

static struct counts *counts;

static void
wait_for_bytes(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    (void)poll(&p, 1, WAIT_MS);
}

static void
serve_kept(int fd, unsigned answers, enum then then)
{
    char length[32], bytes[16];
    uint64_t sum;

    for (unsigned n = 0; n < answers || then == THEN_GOES_ON; n++) {
        /* as php-cgi does: an empty STDIN of the last request may stand before the next one */
        wait_for_bytes(fd);
        if (n > 0 && recv(fd, bytes, 8, MSG_PEEK) >= 8 && bytes[1] == FCGI_STDIN) {
            read_fully(fd, bytes, 8);
            counts->ended++;
        }
        (void)read_request(fd, READS_PARAMS, length, &sum);
        counts->requests++;
        write_fully(fd, ANSWER.p, ANSWER.n);
    }
    if (then == THEN_CLOSES)
        return;
    wait_for_bytes(fd);
    if (then == THEN_READS_SOME)
        read_fully(fd, bytes, sizeof(bytes));
    if (then != THEN_TAKES && then != THEN_LOOKS_ASIDE)
        return;
    if (recv(fd, bytes, 8, MSG_PEEK) >= 8 && bytes[1] == FCGI_STDIN)
        read_fully(fd, bytes, 8);
    (void)read_request(fd, READS_PARAMS, length, &sum);
    counts->requests++;
    if (then == THEN_LOOKS_ASIDE) {
        wait_for_bytes(fd); /* the record that was held back */
        counts->ended++;
    }
}

/* The first connection is answered so often, then something happens to it; others go on. */
static pid_t
kept_pool(unsigned answers, enum then then, const struct php_limits *limits, uint32_t slots)
{
    int listening = listen_at("php.1", 64);
    pid_t pid;

    counts =
        mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(counts != MAP_FAILED);
    pid = fork_child();
    for (int fd; pid == 0 && (fd = accept(listening, NULL, NULL)) >= 0; close(fd)) {
        bool first = counts->conns++ == 0;
        pid_t one = fork_child(); /* a process each, as PHP's */

        if (one == 0) {
            serve_kept(fd, answers, first ? then : THEN_GOES_ON);
            _exit(0);
        }
    }
    close(listening);
    pool_start(limits, slots, 0);
    ready(1);
    return pid;
}

static void
forget(pid_t pid)
{
    end_child(pid, SIGKILL);
    (void)munmap(counts, sizeof(*counts));
}

static void
answered(struct seen *s)
{
    assert_true(over(s));
    assert_true(s->ended && !s->page && body_is(s, "z"));
    seen_free(s);
}

static void
test_one_connection_for_many(void **state)
{
    pid_t pid = kept_pool(0, THEN_GOES_ON, &usual, 2);

    (void)state;
    for (int i = 0; i < 50; i++)
        answered(get());
    assert_int_equal(1, counts->conns);
    assert_int_equal(50, counts->requests);
    assert_true(counts->ended < 49); /* an answer in time spares the last record */
    assert_int_equal(1, pool->links);
    forget(pid);
}

/* F24: PHP leaves. Nothing is lost, nothing runs twice, nothing is sent again that may have
 * run. */
static void
test_it_is_closed(void **state)
{
    static const struct {
        const char *why;
        enum then then;
        unsigned status, requests, conns;
    } rows[] = {
        {"before the next request is sent", THEN_CLOSES, 200, 4, 2},
        {"with all of it unread", THEN_RESETS, 200, 4, 2},
        {"with some of it read: it cannot have run", THEN_READS_SOME, 200, 4, 2},
        {"it has run", THEN_TAKES, 502, 4, 1},
        {"it has run for long", THEN_LOOKS_ASIDE, 502, 4, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pid_t pid = kept_pool(3, rows[i].then, &usual, 1);
        struct seen *s;

        print_message("  %s\n", rows[i].why);
        for (int n = 0; n < 3; n++)
            answered(get());
        s = get();
        assert_true(over(s));
        assert_int_equal(rows[i].status, s->status);
        seen_free(s);
        assert_int_equal(rows[i].requests, counts->requests);
        assert_int_equal(rows[i].conns, counts->conns);
        answered(get());
        forget(pid);
        php_pool_free(&pool);
        uv_run(loop, UV_RUN_DEFAULT);
    }
}

/* Whether it ran could not be known: so it gets a connection that no process is leaving. */
static void
test_body_gets_a_fresh_one(void **state)
{
    pid_t pid = kept_pool(0, THEN_GOES_ON, &usual, 1);
    struct seen *s;

    (void)state;
    answered(get());
    s = seen_new("POST", BODY_LENGTH, 3);
    ask(s);
    assert_int_equal(0, feed_body(s, "abc", 3));
    end_body(s);
    answered(s);
    assert_int_equal(2, counts->conns);
    assert_int_equal(1, pool->links); /* the kept one made room */
    forget(pid);
}

/* A responder by the book waits for the last record: it comes in time. */
static void
test_last_record_comes(void **state)
{
    pid_t pid = kept_pool(1, THEN_LOOKS_ASIDE, &usual, 1);
    struct seen *s;

    (void)state;
    answered(get());
    s = get();
    for (int i = 0; i < 400 && !counts->ended; i++)
        turn_for(5);
    assert_int_equal(1, counts->ended);
    assert_true(over(s));
    seen_free(s);
    forget(pid);
}

/* F25: nobody's process is pinned for long by a connection that nobody uses, */
static void
test_closed_when_idle(void **state)
{
    pid_t pid = kept_pool(0, THEN_GOES_ON, &usual, 2);

    (void)state;
    pool->kept_wait.after_ms = 40;
    answered(get());
    assert_int_equal(1, pool->links);
    for (int i = 0; i < 1000 && pool->links; i++)
        turn_for(5);
    assert_int_equal(0, pool->links);
    forget(pid);
}

/* ... nor by one that is always used, */
static void
test_closed_after_its_life(void **state)
{
    pid_t pid = kept_pool(0, THEN_GOES_ON, &usual, 1);
    uint64_t end = uv_hrtime() / 1000000 + WAIT_MS;

    (void)state;
    while (counts->conns < 2 && uv_hrtime() / 1000000 < end)
        answered(get());
    assert_int_equal(2, counts->conns);
    forget(pid);
}

/* ... nor by a worker that leaves, or by a generation that is over. */
static void
test_not_kept(void **state)
{
    pid_t pid = kept_pool(0, THEN_GOES_ON, &usual, 1);

    (void)state;
    answered(get());
    assert_int_equal(1, pool->links);
    assert_int_equal(0, link("php.1", "php.2"));
    ready(2);
    assert_int_equal(0, pool->links);
    assert_int_equal(1, releases); /* of the old one: nothing of ours runs there */
    answered(get());
    assert_int_equal(1, pool->links);
    php_pool_keep(pool, false);
    assert_int_equal(0, pool->links);
    answered(get());
    assert_int_equal(0, pool->links);
    assert_int_equal(3, counts->conns);
    forget(pid);
}

/* An old generation is released when the last answer of it is over. */
static void
test_old_generation_finishes(void **state)
{
    struct fake slow = {.answer = ANSWER, .pause_at = 12, .pause_ms = 100, .told = -1};
    pid_t pid = fake_pool(&slow, &usual, 2);
    struct seen *a = get(), *b;

    (void)state;
    turn_for(20);
    assert_int_equal(0, link("php.1", "php.2"));
    ready(2);
    b = get();
    assert_int_equal(0, releases);
    answered(a);
    assert_int_equal(1, releases);
    answered(b);
    assert_int_equal(1, releases);
    end_child(pid, SIGKILL);
}

/* A script that outlives its request keeps its place, and is ended when that takes too long. */
static void
test_script_that_does_not_end(void **state)
{
    static const struct {
        const char *why;
        bool gone;
        unsigned stucks;
    } rows[] = {{"the visitor waits: 504, at once", false, 1},
                {"the visitor left: in the same time", true, 1}};
    struct php_limits limits = usual;

    (void)state;
    limits.request_timeout_ms = 300;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake hang = {.reads = READS_PARAMS, .ends = ENDS_HANG, .told = -1};
        pid_t pid = fake_pool(&hang, &limits, 1);
        struct seen *s = get();

        print_message("  %s\n", rows[i].why);
        stucks = 0;
        turn_for(20);
        if (rows[i].gone) {
            seen_free(s);
            assert_int_equal(0, stucks);
        } else {
            assert_true(over(s));
            assert_true(s->page && s->status == 504);
            seen_free(s);
        }
        assert_int_equal(0, php_pool_busy(pool));
        assert_int_equal(1, pool->links);
        for (int n = 0; n < 400 && !stucks; n++)
            turn_for(5);
        assert_int_equal(1, stucks);
        assert_int_equal(1, pool->links); /* until it is ended */
        end_child(pid, SIGKILL);
        for (int n = 0; n < 400 && pool->links; n++)
            turn_for(5);
        assert_int_equal(0, pool->links);
        php_pool_free(&pool);
        uv_run(loop, UV_RUN_DEFAULT);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_up, fixture_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_connection_for_many),
        TEST(test_it_is_closed),
        TEST(test_body_gets_a_fresh_one),
        TEST(test_last_record_comes),
        TEST(test_closed_when_idle),
        TEST(test_closed_after_its_life),
        TEST(test_not_kept),
        TEST(test_old_generation_finishes),
        TEST(test_script_that_does_not_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
