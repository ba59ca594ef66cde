/* serve/php: what PHP may say, and what the visitor gets. */
#include "test_php_fake.h"

#define BYTES(s)                                                                               \
    {                                                                                          \
        (s), sizeof(s) - 1                                                                     \
    }
#define HEAD "Content-Type: text/x\r\n\r\n" /* 24 bytes: \30 */

enum outcome { ENDED, PAGE, CUT };

struct row {
    const char *why;
    const char *method;
    struct span answer;
    enum outcome outcome;
    unsigned status;
    const char *body;
    const char *log; /* is in the error log; NULL: that stays empty */
};

static const struct row rows[] = {
    {"small", "GET", BYTES(OUT("\36") HEAD "hello\n" END), ENDED, 200, "hello\n", NULL},
    {"no body", "GET", BYTES(OUT("\30") HEAD END), ENDED, 200, "", NULL},
    {"a body in a record of its own", "GET", BYTES(OUT("\30") HEAD OUT("\2") "hi" END), ENDED,
     200, "hi", NULL},
    {"a head in pieces", "GET",
     BYTES(OUT("\5") "Conte" OUT("\21") "nt-Type: text/x\r\n" OUT("\1") "\r" OUT(
         "\3") "\nhi" END),
     ENDED, 200, "hi", NULL},
    {"a status", "GET", BYTES(OUT("\40") "Status: 404 Not Found\r\n\r\nnothing" END), ENDED,
     404, "nothing", NULL},
    {"a redirect", "GET", BYTES(OUT("\20") "Location: /b\r\n\r\n" END), ENDED, 302, "", NULL},
    {"its length, kept", "GET", BYTES(OUT("\27") "Content-Length: 2\r\n\r\nhi" END), ENDED, 200,
     "hi", NULL},
    {"more than its length: cut there", "GET",
     BYTES(OUT("\30") "Content-Length: 2\r\n\r\nhi!" END), ENDED, 200, "hi",
     "more than its Content-Length"},
    {"more in a later record is late", "GET",
     BYTES(OUT("\27") "Content-Length: 2\r\n\r\nhi" OUT("\1") "!" END), ENDED, 200, "hi", NULL},
    {"less than its length", "GET", BYTES(OUT("\27") "Content-Length: 3\r\n\r\nhi" END), CUT,
     200, "hi", "less than its Content-Length"},
    {"less, and it dies", "GET", BYTES(OUT("\27") "Content-Length: 3\r\n\r\nhi"), CUT, 200,
     "hi", "closed the connection"},
    {"HEAD: the body is dropped", "HEAD", BYTES(OUT("\36") HEAD "hello\n" END), ENDED, 200, "",
     NULL},
    {"HEAD with a length", "HEAD", BYTES(OUT("\27") "Content-Length: 2\r\n\r\nhi" END), ENDED,
     200, "", NULL},
    {"204", "GET", BYTES(OUT("\25") "Status: 204\r\nX:\r\n\r\nhi" END), ENDED, 204, "", NULL},
    {"304", "GET", BYTES(OUT("\21") "Status: 304\r\n\r\nhi" END), ENDED, 304, "", NULL},
    {"errors before, between and after", "GET",
     BYTES(ERR("\5") "one\nt" OUT("\30")
               HEAD ERR("\3") "wo\n" OUT("\2") "hi" ERR("\5") "three" END),
     ENDED, 200, "hi", "one\ntwo\nthree\n"},
    {"only errors", "GET", BYTES(ERR("\4") "bad\n" END), PAGE, 502, "",
     "before the head of its answer was whole"},
    {"nothing", "GET", BYTES(END), PAGE, 502, "", "before the head"},
    {"half a head, and the end", "GET", BYTES(OUT("\5") "Conte" END), PAGE, 502, "",
     "before the head"},
    {"it closes at once", "GET", BYTES(""), PAGE, 502, "", "closed the connection"},
    {"it closes within a record", "GET", BYTES(OUT("\30") "Conte"), PAGE, 502, "",
     "closed the connection"},
    {"it closes within the body", "GET", BYTES(OUT("\36") HEAD "hello\n"), CUT, 200, "hello\n",
     "closed the connection"},
    {"a head that is none", "GET", BYTES(OUT("\11") "garbage\n\n" END), PAGE, 502, "",
     "no usable answer"},
    {"an interim status as the answer", "GET", BYTES(OUT("\20") "Status: 103\r\n\r\n " END),
     PAGE, 502, "", "no usable answer"},
    {"not FastCGI", "GET", BYTES("HTTP/1.1 200 OK\r\n\r\n"), PAGE, 502, "",
     "another FastCGI version"},
    {"another request's record", "GET", BYTES("\1\6\0\2\0\1\0\0x"), PAGE, 502, "",
     "another request"},
    {"garbage within the body", "GET", BYTES(OUT("\36") HEAD "hello\nGARBAGE!"), CUT, 200,
     "hello\n", "another FastCGI version"},
    {"overloaded", "GET", BYTES("\1\3\0\1\0\10\0\0\0\0\0\0\2\0\0\0"), PAGE, 503, "",
     "refused the request"},
    {"no such role", "GET", BYTES("\1\3\0\1\0\10\0\0\0\0\0\0\3\0\0\0"), PAGE, 502, "",
     "refused the request"},
    {"what follows the end is not looked at", "GET", BYTES(OUT("\30") HEAD END "GARBAGE!"),
     ENDED, 200, "", NULL},
};

static void
check(const struct row *row, const struct fake *fake)
{
    pid_t pid = fake_pool(fake, &usual, 1);
    struct seen *s = seen_new(row->method, BODY_NONE, 0);

    error_log.len = 0;
    ask(s);
    assert_true(over(s));
    assert_int_equal(row->status, s->status);
    assert_int_equal(row->outcome == PAGE, s->page);
    assert_int_equal(row->outcome == CUT, s->failed);
    if (!body_is(s, row->body))
        fail_msg("body is %.*s", (int)s->body.len, s->body.data);
    if (row->log ? !logged(row->log) : error_log.len > 0)
        fail_msg("log is %.*s", (int)error_log.len, error_log.data);
    if (!strcmp(row->method, "HEAD") || row->status == 204 || row->status == 304)
        assert_true(s->bodiless);
    end_child(pid, SIGKILL);
    turn_for(1);
    assert_int_equal(0, php_pool_busy(pool) && !s->ended);
    seen_free(s);
    php_pool_free(&pool);
    uv_run(loop, UV_RUN_DEFAULT);
    (void)unlink("php.1");
}

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake fake = {.answer = rows[i].answer, .told = -1};

        print_message("  %s\n", rows[i].why);
        check(&rows[i], &fake);
    }
}

/* The same in two writes, cut at every place that matters. */
static void
test_rows_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t at = 1; at < rows[i].answer.n; at += 7) {
            struct fake fake = {
                .answer = rows[i].answer, .pause_at = at, .pause_ms = 1, .told = -1};

            if (strstr(rows[i].why, "more than its length"))
                continue; /* where it is cut decides whether it is seen */
            check(&rows[i], &fake);
        }
    }
}

static void
test_fields(void **state)
{
    static const char text[] = "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: x\r\n\r\n";
    struct fake fake = {.told = -1};
    struct buf answer;
    struct seen *s;
    pid_t pid;

    (void)state;
    buf_init(&answer, 1024);
    (void)buf_add(&answer, OUT("\65"), 8);
    (void)buf_add(&answer, text, sizeof(text) - 1);
    (void)buf_add(&answer, END, 16);
    answer.data[5] = (char)(sizeof(text) - 1);
    fake.answer = buf_span(&answer);
    pid = fake_pool(&fake, &usual, 1);
    s = get();
    assert_true(over(s));
    assert_true(span_eq(buf_span(&s->fields), SPAN("Set-Cookie: a=1\nSet-Cookie: b=2\n")));
    seen_free(s);
    end_child(pid, SIGKILL);
    buf_done(&answer);
}

/* 200 KiB of error output: the log gets 64 KiB of it, no line above 2048 bytes. */
static void
test_error_flood(void **state)
{
    struct fake fake = {.told = -1};
    struct buf answer;
    struct seen *s;
    pid_t pid;

    (void)state;
    buf_init(&answer, 1 << 20);
    for (int i = 0; i < 50; i++) {
        char *p;

        (void)buf_add(&answer, "\1\7\0\1\20\0\0\0", 8);
        p = buf_reserve(&answer, 4096);
        memset(p, 'e', 4096);
        buf_claim(&answer, 4096);
    }
    (void)buf_add(&answer, OUT("\30") HEAD END, 8 + 24 + 16);
    fake.answer = buf_span(&answer);
    pid = fake_pool(&fake, &usual, 1);
    s = get();
    assert_true(over(s));
    assert_true(s->ended && !s->page);
    assert_true(error_log.len > 60000 && error_log.len < 70000);
    assert_true(logged("the rest is dropped"));
    seen_free(s);
    end_child(pid, SIGKILL);
    buf_done(&answer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(test_rows_in_pieces, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(test_fields, fixture_up, fixture_down),
        cmocka_unit_test_setup_teardown(test_error_flood, fixture_up, fixture_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
