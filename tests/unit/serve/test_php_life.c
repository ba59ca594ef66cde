/* serve/php: bodies, lost visitors, silent PHP. */
#include "test_php_fake.h"
#include "php_request.h"

#include <poll.h>

#define ANSWER                                                                                 \
    SPAN(OUT("\36") "Content-Type: text/x\r\n\r\n"                                             \
                    "hello\n" END)

/* --- request bodies ---------------------------------------------------------------------- */

/* Answers "CONTENT_LENGTH bytes sum" of each request. */
static pid_t
echo_start(int listening)
{
    pid_t pid = fork_child();

    for (int fd; pid == 0 && (fd = accept(listening, NULL, NULL)) >= 0; close(fd)) {
        char text[128], length[32] = "-";
        uint64_t sum = 0;
        size_t n = read_request(fd, READS_ALL, length, &sum);
        int k =
            snprintf(text + 8, 120, "X: y\n\n%s %zu %llx", length, n, (unsigned long long)sum);

        memcpy(text, "\1\6\0\1\0\0\0\0", 8);
        text[5] = (char)k;
        write_fully(fd, text, (size_t)k + 8);
        write_fully(fd, END, 16);
    }
    close(listening);
    return pid;
}

static void
test_bodies(void **state)
{
    static const struct {
        const char *why;
        enum body_framing framing;
        size_t bytes, step;
    } rows[] = {
        {"no body", BODY_NONE, 0, 1},
        {"an empty one", BODY_LENGTH, 0, 1},
        {"an empty one in chunks", BODY_CHUNKED, 0, 1},
        {"one byte", BODY_LENGTH, 1, 1},
        {"memory", BODY_LENGTH, 65536, 1000},
        {"a full record and one byte", BODY_LENGTH, 65529, 65529},
        {"one byte over memory", BODY_CHUNKED, 65537, 65536},
        {"a file", BODY_LENGTH, 10 << 20, 65536},
        {"a file, in chunks", BODY_CHUNKED, 3 << 20, 8000},
    };
    pid_t pid;

    (void)state;
    pid = echo_start(listen_at("php.1", 8));
    pool_start(&usual, 2, 0);
    ready(1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool counted = rows[i].framing != BODY_NONE;
        char piece[65536], want[128], length[32];
        uint64_t sum = 0;
        struct seen *s = seen_new("POST", rows[i].framing,
                                  rows[i].framing == BODY_LENGTH ? rows[i].bytes : 0);

        print_message("  %s\n", rows[i].why);
        ask(s);
        for (size_t at = 0; at < rows[i].bytes;) {
            size_t n = rows[i].bytes - at < rows[i].step ? rows[i].bytes - at : rows[i].step;

            for (size_t k = 0; k < n; k++, at++) {
                piece[k] = (char)(at * 7 + at / 1000);
                sum = sum * 31 + (unsigned char)piece[k];
            }
            assert_int_equal(0, feed_body(s, piece, n));
        }
        if (rows[i].bytes || rows[i].framing == BODY_CHUNKED)
            end_body(s);
        assert_true(over(s));
        snprintf(length, sizeof(length), "%zu", rows[i].bytes);
        snprintf(want, sizeof(want), "%s %zu %llx", counted ? length : "-", rows[i].bytes,
                 (unsigned long long)sum);
        assert_true(body_is(s, want));
        seen_free(s);
    }
    end_child(pid, SIGKILL);
}

static void
test_body_bounds(void **state)
{
    struct php_limits limits = usual;
    char piece[1000] = {0};
    struct seen *s;

    (void)state;
    limits.body_max = 1500;
    pool_start(&limits, 1, 0);
    s = seen_new("POST", BODY_LENGTH, 1501);
    ask(s);
    assert_true(s->page && s->status == 413); /* before a byte of it came */
    seen_free(s);

    s = seen_new("POST", BODY_CHUNKED, 0);
    ask(s);
    assert_int_equal(0, feed_body(s, piece, 1000));
    assert_int_equal(0, feed_body(s, piece, 500));
    assert_true(feed_body(s, piece, 1) < 0);
    assert_true(s->page && s->status == 413);
    assert_int_equal(0, php_pool_busy(pool));
    seen_free(s);
}

static void
test_body_without_room(void **state)
{
    static const char *const nowhere[] = {"/nonexistent", NULL};
    struct php_limits limits = usual;
    static char piece[65536];
    struct seen *s;

    (void)state;
    limits.spool_dirs = nowhere;
    pool_start(&limits, 1, 0);
    s = seen_new("POST", BODY_CHUNKED, 0);
    ask(s);
    assert_int_equal(0, feed_body(s, piece, sizeof(piece)));
    assert_true(feed_body(s, piece, 1) < 0);
    assert_true(s->page && s->status == 500);
    assert_true(logged("could not be stored"));
    seen_free(s);
}

static void
test_head_too_large(void **state)
{
    struct field big = {SPAN("X-Big"), {NULL, 66000}};
    struct seen *s = seen_new("GET", BODY_NONE, 0);
    char *value = mem_new(66000);

    (void)state;
    memset(value, 'x', 66000);
    big.value.p = value;
    s->x.req.fields = &big;
    s->x.req.nfields = 1;
    pool_start(&usual, 1, 0);
    ask(s);
    assert_true(s->page && s->status == 431);
    assert_int_equal(0, php_pool_busy(pool));
    seen_free(s);
    free(value);
}

/* PHP answers, or refuses, without reading what is sent: its answer counts, not our EPIPE. */
static void
test_early_answer(void **state)
{
    static char piece[65536];
    struct fake fake = {.answer = ANSWER, .reads = READS_PARAMS, .told = -1};

    (void)state;
    for (int i = 0; i < 3; i++) {
        pid_t pid = fake_pool(&fake, &usual, 1);
        struct seen *s = seen_new("POST", BODY_LENGTH, 10 << 20);

        ask(s);
        for (size_t k = 0; k < (10 << 20) / sizeof(piece); k++)
            assert_int_equal(0, feed_body(s, piece, sizeof(piece)));
        end_body(s);
        assert_true(over(s));
        assert_true(s->ended && !s->page && s->status == 200);
        assert_true(body_is(s, "hello\n"));
        seen_free(s);
        end_child(pid, SIGKILL);
        php_pool_free(&pool);
        uv_run(loop, UV_RUN_DEFAULT);
    }
}

/* --- the visitor leaves ------------------------------------------------------------------ */

static void
test_gone_before_php(void **state)
{
    struct seen *s;

    (void)state;
    pool_start(&usual, 1, 0);
    s = seen_new("POST", BODY_CHUNKED, 0);
    ask(s);
    assert_int_equal(0, feed_body(s, "abc", 3));
    assert_int_equal(1, php_pool_busy(pool));
    seen_free(s); /* within its body */
    assert_int_equal(0, php_pool_busy(pool));
    s = get();
    assert_int_equal(1, php_pool_busy(pool));
    seen_free(s); /* within the queue */
    assert_int_equal(0, php_pool_busy(pool));
    assert_int_equal(1, wants);
}

static bool
told(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, WAIT_MS) == 1 && read(fd, &(char){0}, 1) == 1;
}

static void
test_gone_within_php(void **state)
{
    static const struct {
        const char *why;
        struct span answer;
        bool now, later;
    } rows[] = {
        {"before it says anything", {NULL, 0}, false, false},
        {"within the answer", {OUT("\4") "X:\n\n", 12}, false, false},
        {"the sink says so itself, from within", {OUT("\4") "X:\n\n", 12}, true, false},
        {"the sink says so, on_gone comes later", {OUT("\4") "X:\n\n", 12}, false, true},
        {"with bytes behind it",
         {OUT("\4") "X:\n\n" OUT("\1") "a" OUT("\1") "b", 30},
         true,
         false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int pipes[2];
        struct fake fake = {.answer = rows[i].answer, .ends = ENDS_HANG};
        struct seen *s;
        pid_t pid;

        print_message("  %s\n", rows[i].why);
        assert_int_equal(0, pipe(pipes));
        fake.told = pipes[1];
        pid = fake_pool(&fake, &usual, 1);
        s = get();
        s->gone_now = rows[i].now;
        s->gone_later = rows[i].later;
        turn_for(200); /* the responder reads the last record, which is held back a while */
        assert_int_equal(rows[i].now || rows[i].later ? 0 : 1, php_pool_busy(pool));
        seen_free(s);
        assert_int_equal(0, php_pool_busy(pool));
        assert_true(told(pipes[0])); /* PHP sees its connection closed */
        end_child(pid, SIGKILL);
        close(pipes[0]);
        close(pipes[1]);
        php_pool_free(&pool);
        uv_run(loop, UV_RUN_DEFAULT);
    }
}

/* --- silence ----------------------------------------------------------------------------- */

static void
test_silence(void **state)
{
    static const struct {
        const char *why;
        struct span answer;
        bool page;
    } rows[] = {
        {"not a byte", {NULL, 0}, true},
        {"an error line only", {ERR("\2") "x\n", 10}, true},
        {"within the head", {OUT("\2") "X:", 10}, true},
        {"within the body", {OUT("\5") "X:\n\nb", 13}, false},
    };
    struct php_limits limits = usual;

    (void)state;
    limits.request_timeout_ms = 400;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake fake = {.answer = rows[i].answer, .ends = ENDS_HANG, .told = -1};
        pid_t pid = fake_pool(&fake, &limits, 1);
        struct seen *s = get();

        print_message("  %s\n", rows[i].why);
        assert_true(over(s));
        assert_int_equal(rows[i].page, s->page);
        assert_int_equal(!rows[i].page, s->failed);
        assert_int_equal(rows[i].page ? 504 : 200, s->status);
        assert_true(logged("silent"));
        assert_int_equal(0, php_pool_busy(pool));
        seen_free(s);
        end_child(pid, SIGKILL);
        php_pool_free(&pool);
        uv_run(loop, UV_RUN_DEFAULT);
    }
}

/* Slow but alive: no timeout. What comes is passed on at once (server-sent events). */
static void
test_trickle(void **state)
{
    static const char text[] = OUT("\5") "X:\n\nb" OUT("\1") "c" END;
    struct fake fake = {.answer = SPAN(text), .pause_at = 13, .pause_ms = 150, .told = -1};
    struct php_limits limits = usual;
    struct seen *s;
    pid_t pid;

    (void)state;
    limits.request_timeout_ms = 5000;
    pid = fake_pool(&fake, &limits, 1);
    s = get();
    assert_true(over(s));
    assert_true(s->ended && !s->page && body_is(s, "bc"));
    assert_true(s->flushes >= 1);
    assert_int_equal(1, s->flushed_body); /* "b" did not wait for "c" */
    seen_free(s);
    end_child(pid, SIGKILL);
}

/* The visitor has all he was promised; PHP goes on a little and keeps its slot meanwhile. */
static void
test_drain(void **state)
{
    static const char text[] = OUT("\27") "Content-Length: 2\r\n\r\nhi" END;
    struct fake fake = {
        .answer = SPAN(text), .pause_at = sizeof(text) - 17, .pause_ms = 100, .told = -1};
    struct seen *s;
    pid_t pid;

    (void)state;
    pid = fake_pool(&fake, &usual, 1);
    s = get();
    assert_true(over(s));
    assert_true(s->ended && body_is(s, "hi"));
    assert_int_equal(1, pool->n[PHP_RUNNING]);
    for (int i = 0; i < 1000 && php_pool_busy(pool); i++)
        turn_for(5);
    assert_int_equal(0, php_pool_busy(pool));
    seen_free(s);
    end_child(pid, SIGKILL);
}

/* ... but not for ever: a HEAD of an endless page must not cost a process. */
static void
test_drain_is_bounded(void **state)
{
    static const char text[] = OUT("\4") "X:\n\n";
    struct fake fake = {.answer = SPAN(text), .ends = ENDS_HANG};
    int pipes[2];
    struct seen *s;
    pid_t pid;

    (void)state;
    assert_int_equal(0, pipe(pipes));
    fake.told = pipes[1];
    pid = fake_pool(&fake, &usual, 1);
    pool->drain.after_ms = 50;
    s = seen_new("HEAD", BODY_NONE, 0);
    ask(s);
    assert_true(over(s));
    assert_true(s->ended && !s->page);
    for (int i = 0; i < 1000 && php_pool_busy(pool); i++)
        turn_for(5);
    assert_int_equal(0, php_pool_busy(pool));
    assert_true(told(pipes[0]));
    seen_free(s);
    end_child(pid, SIGKILL);
    close(pipes[0]);
    close(pipes[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_up, fixture_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bodies),          TEST(test_body_bounds),      TEST(test_body_without_room),
        TEST(test_head_too_large),  TEST(test_early_answer),     TEST(test_gone_before_php),
        TEST(test_gone_within_php), TEST(test_silence),          TEST(test_trickle),
        TEST(test_drain),           TEST(test_drain_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
