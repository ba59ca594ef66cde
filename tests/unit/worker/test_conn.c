/* Conversations with a connection: bytes in, bytes out, and what becomes of it. */
#include "talk.h"

#define BRIEF_MS   150 /* of every class, where deadlines are what is tried */
#define LASTING_MS 60000

static char root[64];

static void
file(const char *name, size_t bytes)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", root, name);
    f = fopen(path, "w");
    for (size_t i = 0; i < bytes; i++)
        putc('a' + (int)(i % 26), f);
    fclose(f);
}

static int
begin(uint64_t deadline_ms)
{
    talk_init(deadline_ms);
    snprintf(root, sizeof(root), "/tmp/hostel-test-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    file("index.html", 10);
    file("big", 3 << 20);
    talk_site(root, (const char *const[]){"a.example", "*.w.example", NULL}, false);
    talk_site(root, (const char *const[]){"d.example", NULL}, true);
    return 0;
}

static int
setup(void **state)
{
    (void)state;
    return begin(LASTING_MS);
}

static int
setup_brief(void **state)
{
    (void)state;
    return begin(BRIEF_MS);
}

static int
teardown(void **state)
{
    char command[96];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command) == 0 ? talk_done() : -1;
}

enum fate { STAYS, ENDS, BACK };

#define GET(more)  "GET / HTTP/1.1\r\nHost: a.example\r\n" more "\r\n"
#define FROM(host) "GET / HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define CLOSE      "Connection: close\r\n"
#define POST(more) "POST / HTTP/1.1\r\nHost: a.example\r\n" more "\r\n"

struct row {
    const char *why;
    unsigned flags;
    const char *said;
    const char *statuses;
    enum fate fate;
};

/* clang-format off */
static const struct row rows[] = {
    {"nothing", 0, "", "", STAYS},
    {"half a head", 0, "GET / HT", "", STAYS},
    {"a request", 0, GET(""), "200", STAYS},
    {"a last request", 0, GET(CLOSE), "200", ENDS},
    {"three in one write", 0, GET("") GET("") GET(""), "200 200 200", STAYS},
    {"two and a half", 0, GET("") GET("") "GET /", "200 200", STAYS},
    {"nothing after close", 0, GET(CLOSE) GET(""), "200", ENDS},
    {"another site of the user", 0, GET("") FROM("x.w.example"), "200 200", STAYS},
    {"HTTP/1.0 ends", 0, "GET / HTTP/1.0\r\nHost: a.example\r\n\r\n", "200", ENDS},
    {"HTTP/1.0 stays when asked", 0, "GET / HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n", "200", STAYS},
    {"no request at all", 0, "hello\r\n\r\n", "400", ENDS},
    {"nothing after an error", 0, "hello\r\n\r\n" GET(""), "400", ENDS},
    {"an error after a good one", 0, GET("") "hello\r\n\r\n", "200 400", ENDS},
    {"no Host", 0, "GET / HTTP/1.1\r\n\r\n", "400", ENDS},
    {"a version to come", 0, "GET / HTTP/3.0\r\nHost: a.example\r\n\r\n", "505", ENDS},
    {"an unknown expectation", 0, GET("Expect: cake\r\n"), "417", ENDS},
    {"TRACE", 0, "TRACE / HTTP/1.1\r\nHost: a.example\r\n\r\n", "405", STAYS},

    {"a body nobody wants", 0, POST("Content-Length: 5\r\n") "12345" GET(""), "405 200", STAYS},
    {"a chunked one", 0, POST("Transfer-Encoding: chunked\r\n") "5\r\n12345\r\n0\r\n\r\n" GET(""), "405 200", STAYS},
    {"a broken one", 0, POST("Transfer-Encoding: chunked\r\n") "zz\r\n" GET(""), "405", ENDS},
    {"half of one", 0, POST("Content-Length: 5\r\n") "123", "405", STAYS},
    {"a huge one", 0, POST("Content-Length: 999999999\r\n") "123", "405", ENDS},
    {"one that would come when asked for", 0, POST("Content-Length: 5\r\nExpect: 100-continue\r\n"), "405", ENDS},
    {"a body of nothing", 0, POST("Content-Length: 0\r\n") GET(""), "405 200", STAYS},

    {"another user's host", 0, FROM("b.example"), "", BACK},
    {"after one of ours", 0, GET("") FROM("b.example") "more", "200", BACK},
    {"it was handed back before", CONN_RETURNED, FROM("b.example"), "421", ENDS},
    {"handed back, and then for another", CONN_RETURNED, GET("") FROM("b.example"), "200", BACK},
    {"nobody's host, for the default site", CONN_BY_DEFAULT, FROM("n.example"), "200", STAYS},
    {"and again", CONN_BY_DEFAULT, FROM("n.example") FROM("N.Example."), "200 200", STAYS},
    {"and another one", CONN_BY_DEFAULT, FROM("n.example") FROM("m.example"), "200", BACK},
    {"no host, for the default site", CONN_BY_DEFAULT, "GET / HTTP/1.0\r\n\r\n", "200", ENDS},
    {"another's host where all is his own", CONN_OWN, FROM("b.example"), "200", STAYS},
    {"and nobody's after it", CONN_OWN, GET("") FROM("b.example") FROM("n.example"), "200 200 200", STAYS},
    {"half a head there", CONN_OWN, "GET / HT", "", STAYS},
    {"a bad head there", CONN_OWN, "hello\r\n\r\n", "400", ENDS},
    {"no host, and none is the default", 0, "GET / HTTP/1.0\r\n\r\n", "", BACK},
};
/* clang-format on */

static void
end(int fd)
{
    close(fd);
    uv_run(&loop, UV_RUN_NOWAIT);
    if (back.count)
        close(back.fd);
    back.count = 0;
}

static void
check(const struct row *r, int fd)
{
    enum fate fate;

    if (back.count)
        shutdown(back.fd, SHUT_RDWR);
    talk_run(fd, 3);
    fate = back.count ? BACK : heard_end ? ENDS : STAYS;
    if (strcmp(talk_statuses(), r->statuses) != 0)
        fail_msg("%s: heard %s", r->why, talk_statuses());
    if (fate != r->fate)
        fail_msg("%s: fate %d", r->why, (int)fate);
    end(fd);
}

static void
test_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&rows[i], talk_begin(rows[i].flags, span_str(rows[i].said), SPAN("")));
}

static void
test_as_a_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&rows[i], talk_begin(rows[i].flags, SPAN(""), span_str(rows[i].said)));
}

static void
test_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int fd = talk_begin(rows[i].flags, SPAN(""), SPAN(""));

        for (const char *p = rows[i].said; *p && !back.count; p++) {
            (void)send(fd, p, 1, MSG_NOSIGNAL);
            uv_run(&loop, UV_RUN_NOWAIT);
        }
        check(&rows[i], fd);
    }
}

static void
test_fresh_connection_never_meets_epoll(void **state)
{
    int fd = talk_begin(0, SPAN(GET(CLOSE)), SPAN(""));

    (void)state;
    assert_true(heard_end); /* answered and closed within the adoption */
    assert_string_equal(talk_statuses(), "200");
    assert_int_equal(conns.count, 0);
    close(fd);
}

static void
test_prefix_goes_back_whole(void **state)
{
    int fd = talk_begin(0, SPAN(GET("") FROM("b.example") "and more"), SPAN(""));

    (void)state;
    talk_run(fd, 3); /* on a busy machine it is the second request's turn only now */
    assert_int_equal(back.count, 1);
    assert_string_equal(back.prefix, FROM("b.example") "and more");
    end(fd);
}

static const struct nets everybody = {.v = {{.bits = 0}}, .n = 1};

/* Whoever comes is a proxy, and has the time that a busy machine takes. */
static void
trust_everybody(void)
{
    conns.settings.trusted = everybody;
    conns.idle.after_ms = 60000;
}

static void
test_of_a_proxy_goes_back_unread(void **state)
{
    char rest[sizeof(FROM("b.example"))];
    int fd;

    (void)state;
    trust_everybody();
    fd = talk_begin(0, SPAN(GET("")), SPAN(""));
    talk_run(fd, 2);
    assert_string_equal(talk_statuses(), "200");
    talk_say(fd, GET("X-Forwarded-For: 192.0.2.9\r\n")); /* ours: it is answered */
    talk_say(fd, FROM("b.example"));
    assert_string_equal(talk_statuses(), "200 200");
    assert_int_equal(back.count, 1);
    assert_int_equal(back.n, 0);
    assert_int_equal(recv(back.fd, rest, sizeof(rest), MSG_DONTWAIT), sizeof(rest) - 1);
    assert_memory_equal(rest, FROM("b.example"), sizeof(rest) - 1);
    end(fd);
}

/* Whatever wakes it in between, the request is whole when it goes. */
static void
test_of_a_proxy_in_pieces(void **state)
{
    static const char said[] = FROM("b.example");
    char rest[sizeof(said)] = "";
    ssize_t n;
    int fd;

    (void)state;
    trust_everybody();
    conns.head.after_ms = 60000;
    fd = talk_begin(0, SPAN(GET("")), SPAN(""));
    talk_run(fd, 2);
    for (const char *p = said; *p; p++) {
        assert_int_equal(send(fd, p, 1, MSG_NOSIGNAL), 1);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    talk_run(fd, 2);
    assert_int_equal(back.count, 1);
    n = recv(back.fd, rest, sizeof(rest), MSG_DONTWAIT);
    assert_int_equal(back.n + (size_t)(n > 0 ? n : 0), sizeof(said) - 1);
    end(fd);
}

static void
test_of_a_proxy_half_a_head(void **state)
{
    int fd;

    (void)state;
    trust_everybody();
    fd = talk_begin(0, SPAN(GET("")), SPAN(""));
    talk_run(fd, 2);
    talk_say(fd, "GET / HT");
    usleep(2 * BRIEF_MS * 1000);
    talk_run(fd, 5);
    assert_string_equal(talk_statuses(), "200 408");
    assert_true(heard_end);
    end(fd);
}

static void
test_what_it_came_with_goes_back(void **state)
{
    int fd = talk_begin(CONN_PROXIED, SPAN(GET("") FROM("b.example")), SPAN(""));

    (void)state;
    talk_run(fd, 3);
    assert_int_equal(back.count, 1);
    assert_int_equal(back.seal, 4711);
    end(fd);
}

static void
test_back_refused(void **state)
{
    int fd;

    (void)state;
    back.refuse = ENOBUFS;
    fd = talk_begin(0, SPAN(FROM("b.example")), SPAN(""));
    talk_run(fd, 2);
    assert_string_equal(talk_statuses(), "421");
    assert_true(heard_end);
    end(fd);
}

static void
test_half_closed_visitor_gets_his_answers(void **state)
{
    int fd = talk_begin(0, SPAN(""), SPAN(""));

    (void)state;
    assert_true(send(fd, GET("") GET(""), strlen(GET("") GET("")), 0) > 0);
    shutdown(fd, SHUT_WR);
    talk_run(fd, 3);
    assert_string_equal(talk_statuses(), "200 200");
    assert_true(heard_end);
    end(fd);
}

static void
test_slow_reader_gets_everything_in_order(void **state)
{
    static const char ask[] = "GET /big HTTP/1.1\r\nHost: a.example\r\n\r\n";
    int fd = talk_begin(0, SPAN(""), SPAN(""));
    size_t total = 0, want;

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(send(fd, ask, sizeof(ask) - 1, 0), sizeof(ask) - 1);
    assert_true(send(fd, GET(CLOSE), strlen(GET(CLOSE)), 0) > 0);
    for (int i = 0; i < 100000 && !heard_end; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        heard_n = 0;
        talk_hear(fd);
        total += heard_n;
    }
    want = 2 * (3u << 20) + 10;
    assert_true(heard_end);
    assert_true(total > want && total < want + 2000); /* and three heads */
    end(fd);
}

static void
wait_ms(int fd, int ms)
{
    for (int i = 0; i < ms / 10; i++) {
        uv_sleep(10);
        talk_run(fd, 1);
    }
}

static const struct {
    const char *why;
    const char *said;
    const char *statuses;
} late[] = {
    {"nothing came: silence", "", ""},
    {"half a head: told so", "GET / HT", "408"},
    {"idle after an answer: silence", GET(""), "200"},
    {"half a head after an answer", GET("") "GET", "200 408"},
    {"half a body that nobody wants", POST("Content-Length: 5\r\n") "12", "405"},
};

/* ret  milliseconds until the connection's end was heard */
static uint64_t
until_end(int fd)
{
    uint64_t begin = uv_hrtime();

    for (int i = 0; i < 2000 && !heard_end; i++) {
        uv_sleep(5);
        talk_run(fd, 1);
    }
    return (uv_hrtime() - begin) / 1000000;
}

static void
test_deadlines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
        int fd;
        uint64_t ms;

        uv_update_time(&loop);
        fd = talk_begin(0, span_str(late[i].said), SPAN(""));
        ms = until_end(fd);
        if (ms + 20 < BRIEF_MS)
            fail_msg("%s: after %d ms already", late[i].why, (int)ms);
        if (!heard_end || strcmp(talk_statuses(), late[i].statuses) != 0)
            fail_msg("%s: %s", late[i].why, talk_statuses());
        end(fd);
    }
}

static void
test_dripping_head_is_late_all_the_same(void **state)
{
    int fd = talk_begin(0, SPAN("GET / HTTP/1.1\r\n"), SPAN(""));

    (void)state;
    for (int i = 0; i < 500 && !heard_end; i++) {
        (void)send(fd, "a", 1, MSG_NOSIGNAL);
        wait_ms(fd, 10);
    }
    assert_true(heard_end);
    end(fd);
}

static void
test_stop(void **state)
{
    int idle = talk_begin(0, SPAN(GET("")), SPAN(""));
    int begun = talk_begin(0, SPAN("GET / HTTP/1.1\r\n"), SPAN(""));
    int asked = talk_begin(0, SPAN(GET("")), SPAN(""));

    (void)state;
    assert_true(send(asked, GET(""), strlen(GET("")), 0) > 0);
    conns_stop(&conns);
    talk_run(idle, 2);
    assert_true(heard_end); /* nothing was under way there */
    heard_n = 0;
    heard_end = false;
    talk_run(asked, 2);
    assert_non_null(strstr(heard, "Connection: close\r\n")); /* it was asked in time */
    assert_true(heard_end);
    heard_n = 0;
    heard_end = false;
    talk_run(begun, 2);
    assert_false(heard_end);
    talk_say(begun, "Host: a.example\r\n\r\n");
    assert_string_equal(talk_statuses(), "200");
    assert_true(heard_end);
    assert_int_equal(conns.count, 0);
    close(idle);
    close(begun);
    close(asked);
}

static void
test_idle_connection_is_small(void **state)
{
    struct conn *c;
    int fd = talk_begin(0, SPAN(GET("")), SPAN(""));

    (void)state;
    c = TAILQ_FIRST(&conns.list);
    assert_null(c->in.data);
    assert_null(c->round);
    assert_false(stream_pending(&c->stream));
    assert_true(sizeof(*c) < 1024);
    end(fd);
}

int
main(void)
{
#define TEST(f)  cmocka_unit_test_setup_teardown(f, setup, teardown)
#define BRIEF(f) cmocka_unit_test_setup_teardown(f, setup_brief, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_at_once),
        TEST(test_as_a_prefix),
        TEST(test_byte_by_byte),
        TEST(test_fresh_connection_never_meets_epoll),
        TEST(test_prefix_goes_back_whole),
        TEST(test_of_a_proxy_goes_back_unread),
        TEST(test_of_a_proxy_in_pieces),
        BRIEF(test_of_a_proxy_half_a_head),
        TEST(test_what_it_came_with_goes_back),
        TEST(test_back_refused),
        TEST(test_half_closed_visitor_gets_his_answers),
        TEST(test_slow_reader_gets_everything_in_order),
        BRIEF(test_deadlines),
        BRIEF(test_dripping_head_is_late_all_the_same),
        TEST(test_stop),
        TEST(test_idle_connection_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
