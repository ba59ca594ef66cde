/* serve/php: a large answer for a slow visitor, in bounded memory. */
#include "test_php_fake.h"
#include "php_request.h"

#include <sys/mman.h>

#define BIG_BYTES  (80u << 20)
#define SILENCE_MS 4000 /* a busy machine is silent, too, but not for so long */

static char
big_byte(size_t i)
{
    return (char)(i * 13 + i / 8191);
}

/* A head, and BIG_BYTES of body in records of every size; then the end. */
static struct span
big_answer(void)
{
    size_t cap = BIG_BYTES + (BIG_BYTES / 1000) * 8 + 4096, at = 12, done = 0, size = 1;
    char *p = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(p != MAP_FAILED);
    memcpy(p, OUT("\4") "X:\n\n", 12);
    while (done < BIG_BYTES) {
        size_t n = BIG_BYTES - done < size ? BIG_BYTES - done : size;

        memcpy(p + at, (char[]){1, 6, 0, 1, (char)(n >> 8), (char)n, 0, 0}, 8);
        for (size_t i = 0; i < n; i++)
            p[at + 8 + i] = big_byte(done + i);
        at += 8 + n;
        done += n;
        size = size < 8000 ? size + 4001 : size < 60000 ? 65535 : 4000;
    }
    memcpy(p + at, END, 16);
    assert_true(at + 16 <= cap);
    return span_of(p, at + 16);
}

static void
check_bounds(const struct php_pool *p)
{
    for (size_t stage = 0; stage < PHP_STAGES; stage++) {
        const struct php_request *r;

        TAILQ_FOREACH(r, &p->in[stage], entry)
        {
            assert_true(r->reply.spool.memory.len <= (256 + 64) * 1024);
            assert_true(r->reply.spool.put <= 64 << 20);
        }
    }
}

static void
slow_visitor(const char *const *dirs, bool php_waits)
{
    struct fake fake = {.answer = big_answer(), .told = -1};
    struct php_limits limits = usual;
    struct seen *s;
    pid_t pid;

    limits.spool_dirs = dirs;
    limits.request_timeout_ms = SILENCE_MS; /* PHP is not silent while it has to wait */
    pid = fake_pool(&fake, &limits, 1);
    s = seen_new("GET", BODY_NONE, 0);
    s->room = 100000;
    ask(s);
    for (int i = 0; i < 4000 && !s->heads; i++)
        turn_for(5);
    turn_for(SILENCE_MS + 300);
    check_bounds(pool);
    assert_false(s->ended || s->failed);
    assert_int_equal(php_waits, pool->n[PHP_RUNNING]);
    for (int i = 0; i < 5000 && !s->ended && !s->failed; i++) {
        more_room(s, s->body.len + (1 << 20));
        check_bounds(pool);
        turn_for(i < 2 ? 20 : 1);
    }
    if (!s->ended)
        fail_msg("%zu bytes came; the log: %.*s", s->body.len, (int)error_log.len,
                 error_log.data ? error_log.data : "");
    assert_int_equal(BIG_BYTES, s->body.len);
    for (size_t i = 0; i < BIG_BYTES; i++)
        if (s->body.data[i] != big_byte(i))
            fail_msg("byte %zu differs", i);
    seen_free(s);
    end_child(pid, SIGKILL);
    (void)munmap((void *)(uintptr_t)fake.answer.p, fake.answer.n);
}

static void
test_slow_visitor(void **state)
{
    (void)state;
    slow_visitor(spool_here, true); /* 80 MiB is more than the file takes */
}

static void
test_slow_visitor_without_disk(void **state)
{
    static const char *const nowhere[] = {NULL};

    (void)state;
    slow_visitor(nowhere, true);
}

/* 2 MiB fit: the process is free long before the visitor has them. */
static void
test_slow_visitor_frees_php(void **state)
{
    struct span all = big_answer();
    struct fake fake = {.told = -1};
    struct buf answer;
    struct seen *s;
    pid_t pid;
    size_t n = 12;

    (void)state;
    while (n < 2 << 20)
        n += 8 + (size_t)((unsigned char)all.p[n + 4] << 8 | (unsigned char)all.p[n + 5]);
    buf_init(&answer, 4 << 20);
    (void)buf_add(&answer, all.p, n);
    (void)buf_add(&answer, END, 16);
    (void)munmap((void *)(uintptr_t)all.p, all.n);
    fake.answer = buf_span(&answer);
    pid = fake_pool(&fake, &usual, 1);
    s = seen_new("GET", BODY_NONE, 0);
    s->room = 1000;
    ask(s);
    for (int i = 0; i < 2000 && !pool->n[PHP_SENDING]; i++)
        turn_for(5);
    assert_int_equal(1, pool->n[PHP_SENDING]);
    assert_int_equal(0, pool->n[PHP_RUNNING]);
    end_child(pid, SIGKILL); /* nobody needs it any more */
    while (!s->ended && !s->failed)
        more_room(s, s->body.len + 300000);
    assert_true(s->ended && s->body.len > 2000000);
    assert_int_equal(0, php_pool_busy(pool));
    seen_free(s);
    buf_done(&answer);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_up, fixture_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_slow_visitor),
        TEST(test_slow_visitor_without_disk),
        TEST(test_slow_visitor_frees_php),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
