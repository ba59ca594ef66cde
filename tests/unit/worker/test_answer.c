/*
 * A connection and an answerer that takes its time: bodies, backpressure, failures. The
 * answerer here stands in for the serve room's choice.
 */
#include "talk.h"
#include "hostel/serve/response.h"

static struct {
    struct exchange *x;
    bool takes_body;  /* as PHP does */
    int refuse_after; /* pieces; then data says no */
    char body[4096];
    size_t body_n, body_total;
    int pieces, ends, rooms, gone;
} it;

static int
on_data(void *answerer, struct span bytes)
{
    (void)answerer;
    it.pieces++;
    it.body_total += bytes.n;
    if (bytes.n < sizeof(it.body) - it.body_n) {
        memcpy(it.body + it.body_n, bytes.p, bytes.n);
        it.body_n += bytes.n;
    }
    return it.refuse_after && it.pieces >= it.refuse_after ? -EFBIG : 0;
}

static void
on_body_end(void *answerer)
{
    (void)answerer;
    it.ends++;
}

static void
on_room(void *answerer)
{
    (void)answerer;
    it.rooms++;
}

static void
on_gone(void *answerer)
{
    (void)answerer;
    it.gone++;
    it.x = NULL;
}

static const struct answerer_ops ops = {"test", {on_data, on_body_end}, on_room, on_gone};
static const struct answerer_ops ops_bodiless = {"test", {NULL, NULL}, on_room, on_gone};

void
exchange_answer(struct exchange *x, struct filecache *files)
{
    (void)files;
    it.x = x;
    x->answerer = it.takes_body ? &ops : &ops_bodiless;
    x->answerer_data = &it;
}

void
exchange_done(struct exchange *x)
{
    request_done(&x->req);
}

static int
begin(uint64_t deadline_ms)
{
    memset(&it, 0, sizeof(it));
    it.takes_body = true;
    talk_init(deadline_ms);
    talk_site("/nowhere", (const char *const[]){"a.example", NULL}, false);
    return 0;
}

static int
setup(void **state)
{
    (void)state;
    return begin(60000);
}

/* Where deadlines are what is tried. */
static int
setup_brief(void **state)
{
    (void)state;
    return begin(150);
}

static int
teardown(void **state)
{
    (void)state;
    return talk_done();
}

#define GET(more)  "GET /x HTTP/1.1\r\nHost: a.example\r\n" more "\r\n"
#define POST(more) "POST /x HTTP/1.1\r\nHost: a.example\r\n" more "\r\n"
#define SINK       (it.x->sink)

static enum sink_flow
answer_head(uint64_t length)
{
    struct response r;

    response_start(&r, 200);
    r.length = length;
    r.bodiless = it.x->req.method == METHOD_HEAD;
    return SINK->ops->head(SINK, &r);
}

static const char *
heard_body(void)
{
    const char *body = strstr(heard, "\r\n\r\n");

    return body ? body + 4 : "";
}

static void
test_late_answer_with_a_length(void **state)
{
    int fd = talk_begin(0, SPAN(GET("X-Mine: 1\r\n")), SPAN(""));

    (void)state;
    talk_run(fd, 2);
    assert_int_equal(heard_n, 0);
    /* the head outlives the turn it was read in */
    assert_true(span_eq(request_field(&it.x->req, SPAN("x-mine")), SPAN("1")));
    assert_int_equal(answer_head(5), SINK_MORE);
    SINK->ops->copy(SINK, SPAN("he"));
    talk_run(fd, 2);
    assert_string_equal(heard_body(), "he");
    SINK->ops->copy(SINK, SPAN("llo"));
    SINK->ops->end(SINK);
    talk_run(fd, 2);
    assert_string_equal(heard_body(), "hello");
    assert_false(heard_end);
    close(fd);
}

static void
test_unknown_length_is_chunked(void **state)
{
    int fd = talk_begin(0, SPAN(GET("")), SPAN(""));

    (void)state;
    answer_head(RESPONSE_LENGTH_UNKNOWN);
    SINK->ops->copy(SINK, SPAN("hello"));
    SINK->ops->end(SINK);
    talk_run(fd, 2);
    assert_string_equal(heard_body(), "5\r\nhello\r\n0\r\n\r\n");
    assert_non_null(strstr(heard, "Transfer-Encoding: chunked\r\n"));
    assert_false(heard_end);
    close(fd);
}

static void
test_old_visitor_gets_it_until_the_end(void **state)
{
    int fd = talk_begin(
        0, SPAN("GET / HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n"),
        SPAN(""));

    (void)state;
    answer_head(RESPONSE_LENGTH_UNKNOWN);
    SINK->ops->copy(SINK, SPAN("hello"));
    SINK->ops->end(SINK);
    talk_run(fd, 2);
    assert_string_equal(heard_body(), "hello");
    assert_true(heard_end);
    close(fd);
}

static void
test_promise_is_kept_or_cut(void **state)
{
    static const struct {
        const char *why;
        const char *given;
    } rows[] = {{"too little", "1234"}, {"too much", "123456"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int fd = talk_begin(0, SPAN(GET("")), SPAN(""));
        struct sink *sink = SINK;

        answer_head(5);
        if (sink->ops->copy(sink, span_str(rows[i].given)) != SINK_GONE)
            sink->ops->end(sink);
        talk_run(fd, 2);
        if (!heard_end || strlen(heard_body()) >= 5)
            fail_msg("%s: %s", rows[i].why, heard_body());
        close(fd);
    }
    assert_int_equal(it.gone,
                     1); /* who gave too much was told; who ended was not called again */
}

static void
test_failures(void **state)
{
    int fd = talk_begin(0, SPAN(GET("")), SPAN(""));
    struct response r;

    (void)state;
    (SINK->ops->fail)(SINK); /* before the head: there is still something to say */
    talk_run(fd, 2);
    assert_string_equal(talk_statuses(), "502");
    close(fd);

    fd = talk_begin(0, SPAN(GET("")), SPAN(""));
    answer_head(RESPONSE_LENGTH_UNKNOWN);
    SINK->ops->copy(SINK, SPAN("part"));
    talk_run(fd, 2);
    (SINK->ops->fail)(SINK);
    talk_run(fd, 2);
    assert_string_equal(heard_body(), "4\r\npart\r\n"); /* no last chunk */
    assert_true(heard_end);
    close(fd);

    fd = talk_begin(0, SPAN(GET("")), SPAN(""));
    response_start(&r, 200);
    r.length = 0;
    response_add(&r, SPAN("X"), SPAN("forged\r\nfield"));
    assert_int_equal(SINK->ops->head(SINK, &r), SINK_GONE);
    talk_run(fd, 2);
    assert_string_equal(talk_statuses(), "502");
    assert_null(strstr(heard, "forged"));
    assert_int_equal(it.gone, 1);
    close(fd);
}

static void
test_body_of_length(void **state)
{
    int fd = talk_begin(0, SPAN(POST("Content-Length: 10\r\n") "01234"), SPAN(""));

    (void)state;
    assert_int_equal(it.ends, 0);
    talk_say(fd, "56789GET");
    assert_int_equal(it.ends, 1);
    assert_int_equal(it.body_total, 10);
    assert_memory_equal(it.body, "0123456789", 10);
    answer_head(0);
    SINK->ops->end(SINK);
    talk_say(fd, " / HTTP/1.1\r\nHost: a.example\r\n\r\n"); /* what came behind it was kept */
    assert_non_null(it.x);
    assert_int_equal(it.x->req.method, METHOD_GET);
    close(fd);
}

static void
test_body_in_chunks(void **state)
{
    int fd = talk_begin(0, SPAN(POST("Transfer-Encoding: chunked\r\n") "3\r\nabc"), SPAN(""));

    (void)state;
    talk_say(fd, "\r\n2\r\nde\r\n0");
    assert_int_equal(it.ends, 0);
    talk_say(fd, "\r\n\r\n");
    assert_int_equal(it.ends, 1);
    assert_memory_equal(it.body, "abcde", 5);
    close(fd);
}

static void
test_continue_is_said_when_wanted(void **state)
{
    int fd =
        talk_begin(0, SPAN(POST("Content-Length: 3\r\nExpect: 100-continue\r\n")), SPAN(""));

    (void)state;
    assert_string_equal(heard, "HTTP/1.1 100 Continue\r\n\r\n");
    talk_say(fd, "abc");
    assert_int_equal(it.ends, 1);
    answer_head(0);
    SINK->ops->end(SINK);
    talk_run(fd, 2);
    assert_string_equal(talk_statuses(), "100 200");
    assert_false(heard_end);
    close(fd);
}

static void
test_broken_bodies(void **state)
{
    static const struct {
        const char *why;
        const char *begin, *more;
        bool end; /* the visitor says no more */
        const char *statuses;
    } rows[] = {
        {"bad chunk", POST("Transfer-Encoding: chunked\r\n"), "x\r\n", false, "400"},
        {"cut short", POST("Content-Length: 9\r\n"), "abc", true, "400"},
        {"cut short in chunks", POST("Transfer-Encoding: chunked\r\n"), "9\r\nab", true, "400"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int fd = talk_begin(0, span_str(rows[i].begin), SPAN(""));

        it.gone = 0;
        talk_say(fd, rows[i].more);
        if (rows[i].end)
            shutdown(fd, SHUT_WR);
        talk_run(fd, 3);
        if (strcmp(talk_statuses(), rows[i].statuses) != 0 || it.gone != 1)
            fail_msg("%s: %s, gone %d", rows[i].why, talk_statuses(), it.gone);
        close(fd);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
}

static void
test_refused_body_is_read_on_for_a_while(void **state)
{
    int fd;

    (void)state;
    it.refuse_after = 1;
    fd = talk_begin(0, SPAN(POST("Content-Length: 6\r\n") "abc"), SPAN(""));
    answer_head(0);
    SINK->ops->end(SINK);
    talk_run(fd, 2);
    assert_string_equal(talk_statuses(), "200");
    talk_say(fd, "defGET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_int_equal(it.pieces, 1);
    assert_int_equal(it.x->req.method, METHOD_GET);
    close(fd);
}

static void
test_body_that_stops_is_late(void **state)
{
    int fd = talk_begin(0, SPAN(POST("Content-Length: 6\r\n") "abc"), SPAN(""));

    (void)state;
    for (int i = 0; i < 1000 && !it.gone; i++) {
        uv_sleep(10);
        talk_run(fd, 1);
    }
    assert_string_equal(talk_statuses(), "408");
    assert_int_equal(it.gone, 1);
    close(fd);
}

static void
test_slow_answerer_is_not_late(void **state)
{
    int fd = talk_begin(0, SPAN(GET("")), SPAN(""));

    (void)state;
    for (int i = 0; i < 30; i++) {
        uv_sleep(10);
        talk_run(fd, 1);
    }
    assert_non_null(it.x);
    answer_head(0);
    SINK->ops->end(SINK);
    talk_run(fd, 2);
    assert_string_equal(talk_statuses(), "200");
    close(fd);
}

static void
test_backpressure(void **state)
{
    static char big[100000];
    int fd = talk_begin(0, SPAN(GET("")), SPAN("")), i;

    (void)state;
    memset(big, 'x', sizeof(big));
    answer_head(RESPONSE_LENGTH_UNKNOWN);
    for (i = 0; i < 100; i++) {
        if (SINK->ops->copy(SINK, span_of(big, sizeof(big))) == SINK_FULL)
            break;
    }
    assert_true(i < 100);
    assert_true(TAILQ_FIRST(&conns.list)->stream.memory_bytes <
                STREAM_HIGH_BYTES + 2 * sizeof(big));
    for (i = 0; i < 1000 && it.rooms == 0; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        heard_n = 0;
        talk_hear(fd);
    }
    assert_int_equal(it.rooms, 1);
    SINK->ops->end(SINK);
    talk_run(fd, 20);
    assert_false(heard_end);
    assert_int_equal(it.gone, 0);
    close(fd);
}

static void
test_reader_who_stopped_is_let_go(void **state)
{
    static char big[100000];
    int fd = talk_begin(0, SPAN(GET("")), SPAN(""));

    (void)state;
    memset(big, 'x', sizeof(big));
    answer_head(RESPONSE_LENGTH_UNKNOWN);
    while (SINK->ops->copy(SINK, span_of(big, sizeof(big))) == SINK_MORE)
        ;
    for (int i = 0; i < 1000 && conns.count; i++) {
        uv_sleep(10);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(it.gone, 1);
    assert_int_equal(conns.count, 0);
    close(fd);
}

static void
test_visitor_who_left(void **state)
{
    int fd = talk_begin(0, SPAN(POST("Content-Length: 6\r\n") "abc"), SPAN(""));

    (void)state;
    close(fd); /* with the body half sent */
    uv_run(&loop, UV_RUN_NOWAIT);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(it.gone, 1);

    fd = talk_begin(0, SPAN(GET("")), SPAN(""));
    close(fd); /* while the answerer works */
    uv_run(&loop, UV_RUN_NOWAIT);
    if (it.x) {
        answer_head(0);
        SINK->ops->end(SINK);
    }
    uv_run(&loop, UV_RUN_NOWAIT);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(conns.count, 0);
}

/* An answer that comes at once costs no epoll_ctl; but who leaves is not waited for for long.
 */
static void
test_socket_is_watched_when_the_answer_is_not_soon(void **state)
{
    int fd = talk_begin(0, SPAN(GET("Connection: close\r\n")), SPAN(""));

    (void)state;
    assert_false(TAILQ_FIRST(&conns.list)->stream.polled);
    answer_head(0);
    SINK->ops->end(SINK);
    assert_false(TAILQ_FIRST(&conns.list)->stream.polled);
    talk_run(fd, 2);
    assert_string_equal(talk_statuses(), "200");
    assert_int_equal(conns.count, 0);
    close(fd);

    fd = talk_begin(0, SPAN(GET("")), SPAN(""));
    uv_sleep(2 * CONN_SOON_MS);
    talk_run(fd, 2);
    assert_true(TAILQ_FIRST(&conns.list)->stream.polled);
    assert_int_equal(it.gone, 0);
    close(fd);
    uv_run(&loop, UV_RUN_NOWAIT);
    answer_head(0);
    SINK->ops->end(SINK);
    talk_run(-1, 2);
    assert_int_equal(conns.count, 0);
}

static void
test_next_request_waits_its_turn(void **state)
{
    int fd = talk_begin(0, SPAN(GET("A: 1\r\n") GET("A: 2\r\n")), SPAN(""));

    (void)state;
    assert_true(span_eq(request_field(&it.x->req, SPAN("a")), SPAN("1")));
    talk_say(fd, GET("A: 3\r\n"));
    for (char n = '1'; n <= '3'; n++) {
        struct span got = request_field(&it.x->req, SPAN("a"));

        assert_int_equal(got.n, 1);
        assert_int_equal(got.p[0], n);
        answer_head(1);
        SINK->ops->copy(SINK, span_of(&n, 1));
        SINK->ops->end(SINK);
        talk_run(fd, 3);
    }
    assert_string_equal(talk_statuses(), "200 200 200");
    close(fd);
}

static void
test_end_of_everything_tells_the_answerer(void **state)
{
    int fd = talk_begin(0, SPAN(GET("")), SPAN(""));

    (void)state;
    conns_done(&conns);
    assert_int_equal(it.gone, 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    conns_init(&conns, &loop, sites, &(struct conns_settings){0}, &talk_ops, NULL);
    close(fd);
}

int
main(void)
{
#define TEST(f)  cmocka_unit_test_setup_teardown(f, setup, teardown)
#define BRIEF(f) cmocka_unit_test_setup_teardown(f, setup_brief, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_late_answer_with_a_length),
        TEST(test_unknown_length_is_chunked),
        TEST(test_old_visitor_gets_it_until_the_end),
        TEST(test_promise_is_kept_or_cut),
        TEST(test_failures),
        TEST(test_body_of_length),
        TEST(test_body_in_chunks),
        TEST(test_continue_is_said_when_wanted),
        TEST(test_broken_bodies),
        TEST(test_refused_body_is_read_on_for_a_while),
        BRIEF(test_body_that_stops_is_late),
        BRIEF(test_slow_answerer_is_not_late),
        TEST(test_backpressure),
        BRIEF(test_reader_who_stopped_is_let_go),
        TEST(test_visitor_who_left),
        TEST(test_socket_is_watched_when_the_answer_is_not_soon),
        TEST(test_next_request_waits_its_turn),
        TEST(test_end_of_everything_tells_the_answerer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
