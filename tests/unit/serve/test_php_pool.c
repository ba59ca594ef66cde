/* serve/php: the pool as the worker sees it. */
#include "test_php_fake.h"
#include "php_request.h"

#include <fcntl.h>

static const struct fake good = {.answer = {OUT("\7") "X: y\n\nz" END, 8 + 7 + 16}, .told = -1};

static void
answered(struct seen *s)
{
    assert_true(over(s));
    assert_true(s->ended && !s->page && body_is(s, "z"));
    seen_free(s);
}

static void
refused(struct seen *s, const char *retry)
{
    assert_true(over(s));
    assert_true(s->page && s->status == 503);
    assert_string_equal(retry, s->retry);
    seen_free(s);
}

static void
test_on_demand(void **state)
{
    struct seen *a, *b;
    pid_t pid;

    (void)state;
    pool_start(&usual, 1, 0);
    assert_int_equal(0, wants); /* a pool nobody uses is not asked for */
    a = get();
    b = get();
    assert_int_equal(1, wants);
    turn_for(20);
    assert_int_equal(2, php_pool_busy(pool));
    pid = fake_start(listen_at("php.1", 8), &good);
    ready(1);
    answered(a);
    answered(b);
    answered(get());
    assert_int_equal(1, wants);
    assert_int_equal(0, php_pool_busy(pool));
    end_child(pid, SIGKILL);
}

/* The pool starts while the body of the first request still comes. */
static void
test_body_wakes_pool(void **state)
{
    struct seen *s = seen_new("POST", BODY_CHUNKED, 0);

    (void)state;
    pool_start(&usual, 1, 0);
    ask(s);
    assert_int_equal(1, wants);
    seen_free(s);
}

static void
test_failed(void **state)
{
    struct seen *a, *b;
    pid_t pid;

    (void)state;
    pool_start(&usual, 1, 0);
    a = get();
    b = seen_new("POST", BODY_CHUNKED, 0);
    ask(b);
    php_pool_failed(pool, 2500);
    refused(a, "3");
    refused(get(), "3"); /* at once */
    end_body(b);
    refused(b, "3");
    assert_int_equal(1, wants);
    php_pool_failed(pool, 100);
    for (int i = 0; i < 400 && pool->state == POOL_FAILED; i++)
        turn_for(5);
    a = get(); /* the retry time is over */
    assert_int_equal(2, wants);
    pid = fake_start(listen_at("php.1", 8), &good);
    ready(1);
    answered(a);
    end_child(pid, SIGKILL);
}

static void
test_ready_after_failed(void **state)
{
    pid_t pid;

    (void)state;
    pool_start(&usual, 1, 0);
    php_pool_failed(pool, 60000);
    pid = fake_start(listen_at("php.2", 8), &good);
    ready(2);
    answered(get());
    end_child(pid, SIGKILL);
}

static void
test_queue_bound(void **state)
{
    struct php_limits limits = usual;
    struct seen *s[4];

    (void)state;
    limits.queue_max = 3;
    pool_start(&limits, 1, 0);
    for (int i = 0; i < 3; i++)
        s[i] = get();
    refused(get(), "2");
    assert_true(logged("too many"));
    seen_free(s[0]); /* leaves; so there is room again */
    s[0] = get();
    assert_int_equal(3, php_pool_busy(pool));
    for (int i = 0; i < 3; i++)
        seen_free(s[i]);
}

static void
test_queue_time(void **state)
{
    struct php_limits limits = usual;

    (void)state;
    limits.queue_timeout_ms = 50;
    pool_start(&limits, 1, 0);
    refused(get(), "2");
    assert_true(logged("in time"));
    assert_int_equal(0, php_pool_busy(pool));
}

static void
test_slots(void **state)
{
    struct fake hang = {.reads = READS_PARAMS,
                        .ends = ENDS_HANG,
                        .told = open("/dev/null", O_WRONLY | O_CLOEXEC)};
    struct seen *s[5];
    pid_t pid;

    (void)state;
    pid = fake_pool(&hang, &usual, 3);
    for (int i = 0; i < 5; i++)
        s[i] = get();
    turn_for(20);
    assert_int_equal(3, pool->n[PHP_RUNNING]);
    assert_int_equal(2, pool->n[PHP_QUEUED]);
    seen_free(s[0]);
    assert_int_equal(2, pool->n[PHP_RUNNING]); /* its process is not free yet */
    assert_int_equal(3, pool->links);
    for (int i = 0; i < 1000 && pool->n[PHP_RUNNING] < 3; i++)
        turn_for(5);
    assert_int_equal(3, pool->n[PHP_RUNNING]);
    assert_int_equal(3, pool->links);
    assert_int_equal(1, pool->n[PHP_QUEUED]);
    for (int i = 1; i < 5; i++)
        seen_free(s[i]);
    end_child(pid, SIGKILL);
    fd_close(&hang.told);
}

/* Nobody listens: the supervisor hears it, and the request waits for the next generation. */
static void
test_broken(void **state)
{
    static const struct {
        const char *why;
        bool file; /* a socket is there, with nobody behind it */
    } rows[] = {{"no socket", false}, {"a dead socket", true}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct seen *s;
        pid_t pid;

        print_message("  %s\n", rows[i].why);
        brokens = 0;
        if (rows[i].file)
            close(listen_at("php.1", 1));
        pool_start(&usual, 1, 0);
        ready(1);
        s = get();
        turn_for(60);
        assert_int_equal(1, brokens);
        assert_int_equal(1, php_pool_busy(pool));
        pid = fake_start(listen_at("php.2", 8), &good);
        ready(2);
        answered(s);
        assert_int_equal(1, brokens);
        end_child(pid, SIGKILL);
        php_pool_free(&pool);
        uv_run(loop, UV_RUN_DEFAULT);
        (void)unlink("php.1");
    }
}

/* A supervisor that says "ready" although nobody listens: asked again, but not in a storm. */
static void
test_broken_again_and_again(void **state)
{
    struct php_limits limits = usual;
    struct seen *s;

    (void)state;
    limits.queue_timeout_ms = 400;
    pool_start(&limits, 1, 0);
    ready(1);
    s = get();
    while (!s->ended) {
        turn_for(1);
        if (pool->state == POOL_WANTED)
            ready(1);
    }
    assert_true(brokens >= 2 && brokens <= 30);
    refused(s, "2");
}

/* More connects than the backlog takes: they wait and are lost no more than the others. */
static void
test_backlog_full(void **state)
{
    int listening = listen_at("php.1", 0);
    struct seen *s[6];
    pid_t pid;

    (void)state;
    pool_start(&usual, 6, 0);
    ready(1);
    for (int i = 0; i < 6; i++)
        s[i] = get();
    turn_for(60);
    assert_true(pool->n[PHP_QUEUED] > 0);
    assert_int_equal(0, brokens);
    pid = fake_start(listening, &good);
    for (int i = 0; i < 6; i++)
        answered(s[i]);
    end_child(pid, SIGKILL);
}

static void
test_idle(void **state)
{
    struct seen *s;
    pid_t pid = fake_start(listen_at("php.1", 8), &good);

    (void)state;
    pool_start(&usual, 1, 60);
    answered((ready(1), get()));
    assert_int_equal(0, releases);
    turn_for(300);
    assert_int_equal(1, releases);
    ready(1); /* it crossed our release: not to be trusted */
    s = get();
    turn_for(20);
    assert_int_equal(1, wants);
    assert_int_equal(1, php_pool_busy(pool)); /* no connect before the next ready */
    ready(1);                                 /* another worker kept it alive */
    answered(s);
    turn_for(300);
    assert_int_equal(2, releases);
    ready(2); /* told, not asked: we count as its user until we release it */
    turn_for(300);
    assert_int_equal(3, releases);
    end_child(pid, SIGKILL);
}

/* What has begun on the old generation ends there; what waits goes to the new one. */
static void
test_next_generation(void **state)
{
    struct fake slow = good;
    struct seen *a, *b;
    pid_t old, new;

    (void)state;
    slow.pause_ms = 150;
    slow.pause_at = 3;
    old = fake_pool(&slow, &usual, 1);
    a = get();
    b = get();
    turn_for(20);
    new = fake_start(listen_at("php.2", 8), &good);
    ready(2);
    answered(a);
    end_child(old, SIGKILL);
    answered(b);
    answered(get());
    assert_int_equal(0, brokens);
    end_child(new, SIGKILL);
}

static void
test_killed(void **state)
{
    struct fake hang = {.ends = ENDS_HANG, .told = -1};
    struct fake begun = {.answer = {OUT("\7") "X: y\n\nz", 15}, .ends = ENDS_HANG, .told = -1};
    struct seen *s;
    pid_t pid;

    (void)state;
    pid = fake_pool(&hang, &usual, 1);
    s = get();
    turn_for(30);
    end_child(pid, SIGKILL);
    assert_true(over(s));
    assert_true(s->page && s->status == 502);
    seen_free(s);
    pid = fake_start(listen_at("php.2", 8), &begun);
    ready(2);
    s = get();
    for (int i = 0; i < 1000 && !s->body.len; i++)
        turn_for(5);
    end_child(pid, SIGKILL);
    assert_true(over(s));
    assert_true(s->failed); /* the visitor can tell */
    seen_free(s);
}

static void
test_free_with_requests(void **state)
{
    struct fake hang = {.answer = {OUT("\7") "X: y\n\nz", 15}, .ends = ENDS_HANG, .told = -1};
    pid_t pid = fake_pool(&hang, &usual, 1);
    struct seen *running = get(), *queued = get(), *body = seen_new("POST", BODY_CHUNKED, 0);

    (void)state;
    ask(body);
    for (int i = 0; i < 1000 && !running->body.len; i++)
        turn_for(5);
    php_pool_free(&pool);
    assert_true(running->failed);
    assert_true(queued->page && queued->status == 503);
    assert_true(body->page && body->status == 503);
    seen_free(running);
    seen_free(queued);
    seen_free(body);
    php_pool_free(&pool); /* nothing is fine */
    end_child(pid, SIGKILL);
}

static void
test_bad_socket_names(void **state)
{
    static const struct {
        const char *why;
        struct span name;
    } rows[] = {
        {"none", {"", 0}},
        {"a path", {"../php.1", 8}},
        {"a NUL", {"php\0x", 5}},
        {"an abstract one", {"\0php", 4}},
        {"too long",
         {"0123456789012345678901234567890123456789012345678901234567890123456789"
          "01234567890123456789012345678901234567",
          108}},
    };

    (void)state;
    pool_start(&usual, 1, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("  %s\n", rows[i].why);
        php_pool_ready(pool, 1, rows[i].name);
        assert_int_equal(POOL_ABSENT, pool->state);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_up, fixture_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_on_demand),
        TEST(test_body_wakes_pool),
        TEST(test_failed),
        TEST(test_ready_after_failed),
        TEST(test_queue_bound),
        TEST(test_queue_time),
        TEST(test_slots),
        TEST(test_broken),
        TEST(test_broken_again_and_again),
        TEST(test_backlog_full),
        TEST(test_idle),
        TEST(test_next_generation),
        TEST(test_killed),
        TEST(test_free_with_requests),
        TEST(test_bad_socket_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
