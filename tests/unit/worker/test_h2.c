/* HTTP/2 on a connection: nghttp2's client at the other end of a socket pair. */
#include "talk.h"
#include "h2.h"

#include <nghttp2/nghttp2.h>

#define LATE_MS 400 /* a machine that is busy is not late at once */
#define MAX_MS  8000
#define BIG     (3 << 20)

static char root[64];

/* What the visitor has heard of a stream. */
static struct heard_of {
    unsigned status, interim;
    size_t bytes;
    bool closed;
    uint32_t error; /* closed with it */
    unsigned rank;  /* the how manieth that closed */
} of[1024];

static unsigned closed_n;
static bool gone_away;
static uint32_t away_error;
static nghttp2_session *client;
static int fd;
static bool deaf; /* reads nothing */

static int
on_frame(nghttp2_session *s, const nghttp2_frame *frame, void *data)
{
    (void)s;
    (void)data;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        gone_away = true;
        away_error = frame->goaway.error_code;
    }
    return 0;
}

static int
on_field(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
         const uint8_t *value, size_t value_n, uint8_t flags, void *data)
{
    struct heard_of *h = &of[frame->hd.stream_id];

    (void)s;
    (void)flags;
    (void)data;
    (void)value_n;
    if (!span_eq(span_of(name, name_n), SPAN(":status")))
        return 0;
    if (value[0] == '1')
        h->interim = 100;
    else
        h->status = (unsigned)atoi((const char *)value);
    return 0;
}

static int
on_bytes(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *bytes, size_t n,
         void *data)
{
    (void)s;
    (void)flags;
    (void)bytes;
    (void)data;
    of[id].bytes += n;
    return 0;
}

static int
on_stream_end(nghttp2_session *s, int32_t id, uint32_t error, void *data)
{
    (void)s;
    (void)data;
    of[id].closed = true;
    of[id].error = error;
    of[id].rank = ++closed_n;
    return 0;
}

static void
exchange_bytes(void)
{
    static uint8_t in[65536];
    const uint8_t *out;
    ssize_t n;

    while ((n = nghttp2_session_mem_send(client, &out)) > 0)
        (void)send(fd, out, (size_t)n, MSG_NOSIGNAL);
    uv_run(&loop, UV_RUN_NOWAIT);
    while (!deaf && (n = recv(fd, in, sizeof(in), MSG_DONTWAIT)) > 0)
        assert_int_equal(nghttp2_session_mem_recv(client, in, (size_t)n), n);
    heard_end = heard_end || n == 0;
}

static void
run(unsigned turns)
{
    while (turns-- > 0)
        exchange_bytes();
}

static void
run_ms(unsigned ms)
{
    for (uint64_t until = uv_hrtime() + ms * 1000000ull; uv_hrtime() < until && !heard_end;) {
        usleep(1000);
        exchange_bytes();
    }
}

static void
begin(uint32_t window)
{
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
    nghttp2_session_callbacks *calls;
    struct conn *c;

    memset(of, 0, sizeof(of));
    closed_n = 0;
    gone_away = deaf = false;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_bytes);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_stream_end);
    nghttp2_session_client_new(&client, calls, NULL);
    nghttp2_session_callbacks_del(calls);
    nghttp2_submit_settings(client, NGHTTP2_FLAG_NONE, settings, 1);
    nghttp2_session_set_local_window_size(client, NGHTTP2_FLAG_NONE, 0, 64 << 20);
    fd = talk_begin(0, SPAN(""), SPAN(""));
    c = TAILQ_FIRST(&conns.list);
    assert_int_equal(c->state, CONN_HEAD);
    c->state = worker_http2.begin(c); /* as after a handshake that agreed on it */
    conn_run(c, false);
}

static void
over(void)
{
    close(fd);
    for (int i = 0; i < 10 && conns.count > 0; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(conns.count, 0);
    nghttp2_session_del(client);
}

#define NV(n, v)                                                                               \
    {                                                                                          \
        (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), strlen(n), strlen(v),            \
            NGHTTP2_NV_FLAG_NONE                                                               \
    }

static int32_t
ask(const char *method, const char *host, const char *path, const char *priority)
{
    const nghttp2_nv fields[] = {NV(":method", method), NV(":scheme", "https"),
                                 NV(":authority", host), NV(":path", path),
                                 NV("priority", priority ? priority : "")};

    return nghttp2_submit_request(client, NULL, fields, priority ? 5 : 4, NULL, NULL);
}

static void
test_answers(void **state)
{
    int32_t get, head, lost, other, post;

    (void)state;
    begin(65535);
    get = ask("GET", "a.example", "/", NULL);
    head = ask("HEAD", "a.example", "/big", NULL);
    lost = ask("GET", "a.example", "/lost", NULL);
    other = ask("GET", "other.example", "/", NULL);
    post = ask("POST", "a.example", "/", NULL);
    run(4);
    assert_int_equal(of[get].status, 200);
    assert_int_equal(of[get].bytes, 10);
    assert_int_equal(of[head].status, 200);
    assert_int_equal(of[head].bytes, 0);
    assert_int_equal(of[lost].status, 404);
    assert_int_equal(of[other].status, 421); /* and the others go on */
    assert_int_equal(of[post].status, 405);
    assert_int_equal(closed_n, 5);
    get = ask("GET", "a.example", "/big", NULL);
    run(500);
    assert_int_equal(of[get].bytes, BIG);
    assert_int_equal(of[get].error, 0);
    over();
}

static void
test_many_at_once(void **state)
{
    int32_t last = 0;

    (void)state;
    begin(65535);
    for (int i = 0; i < 300; i++)
        last = ask("GET", "a.example", "/", NULL);
    run(30);
    assert_int_equal(closed_n, 300);
    for (int32_t id = 1; id <= last; id += 2)
        assert_int_equal(of[id].bytes, 10);
    assert_false(gone_away);
    over();
}

static void
test_big_ones_share(void **state)
{
    int32_t big, small;

    (void)state;
    begin(64 << 20);
    big = ask("GET", "a.example", "/big", NULL);
    run(1);
    small = ask("GET", "a.example", "/", NULL);
    run(3000);
    assert_int_equal(of[big].bytes, BIG);
    assert_int_equal(of[small].bytes, 10);
    assert_true(of[small].rank < of[big].rank);
    over();
}

/* RFC 9218: a style sheet that is asked for after two images. */
static void
test_urgent_ones_first(void **state)
{
    int32_t image[2], style;

    (void)state;
    begin(64 << 20);
    image[0] = ask("GET", "a.example", "/big", "u=5, i");
    image[1] = ask("GET", "a.example", "/big", "u=5, i");
    run(2);
    style = ask("GET", "a.example", "/middle", "u=1");
    run(3000);
    assert_int_equal(of[style].rank, 1);
    assert_int_equal(of[image[0]].bytes, BIG);
    assert_int_equal(of[image[1]].bytes, BIG);
    over();
}

/* He asks, and opens no window. */
static void
test_a_shut_window_is_late(void **state)
{
    int32_t id;

    (void)state;
    begin(0);
    id = ask("GET", "a.example", "/big", NULL);
    run(3);
    assert_int_equal(of[id].status, 200);
    run_ms(60);
    assert_false(of[id].closed);
    for (int i = 0; i < MAX_MS / 10 && !of[id].closed; i++)
        run_ms(10);
    assert_true(of[id].closed);
    assert_int_equal(of[id].error, NGHTTP2_CANCEL);
    over();
}

static void
test_nobody_waits_for_a_deaf_one(void **state)
{
    (void)state;
    begin(64 << 20);
    (void)ask("GET", "a.example", "/big", NULL);
    run(1);
    deaf = true;
    run_ms(60);
    assert_int_equal(conns.count, 1);
    for (int i = 0; i < MAX_MS && conns.count > 0; i++) {
        usleep(1000);
        exchange_bytes();
    }
    assert_int_equal(conns.count, 0);
    over();
}

static void
test_idle_ones_go(void **state)
{
    int32_t id;

    (void)state;
    begin(65535);
    id = ask("GET", "a.example", "/", NULL);
    run(3);
    assert_true(of[id].closed);
    for (int i = 0; i < MAX_MS / 20 && !heard_end; i++) { /* PINGs keep nobody */
        nghttp2_submit_ping(client, NGHTTP2_FLAG_NONE, NULL);
        run_ms(20);
    }
    assert_true(heard_end && gone_away);
    assert_int_equal(away_error, NGHTTP2_NO_ERROR);
    over();
}

static void
test_silence_ends(void **state)
{
    (void)state;
    begin(65535);
    run_ms(MAX_MS);
    assert_true(heard_end && gone_away);
    over();
}

static void
test_a_flood_ends(void **state)
{
    (void)state;
    begin(65535);
    (void)ask("GET", "a.example", "/", NULL);
    for (int i = 0; i < 400; i++)
        nghttp2_submit_ping(client, NGHTTP2_FLAG_NONE, NULL);
    run(10);
    assert_true(gone_away && heard_end);
    assert_int_equal(away_error, NGHTTP2_ENHANCE_YOUR_CALM);
    over();
}

/* What runs is finished, what comes in time is still answered, and nothing after. */
static void
test_stop_drains(void **state)
{
    int32_t big, late;

    (void)state;
    begin(65535);
    big = ask("GET", "a.example", "/big", NULL);
    run(2);
    assert_false(of[big].closed);
    late = ask("GET", "a.example", "/", NULL);
    conns_stop(&conns);
    run_ms(MAX_MS);
    assert_true(gone_away && heard_end);
    assert_int_equal(away_error, NGHTTP2_NO_ERROR);
    assert_int_equal(of[big].bytes, BIG);
    assert_int_equal(of[late].bytes, 10);
    conns.stopping = false;
    over();
}

static void
write_file(const char *name, size_t bytes)
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
setup(void **state)
{
    (void)state;
    talk_init(LATE_MS);
    snprintf(root, sizeof(root), "/tmp/hostel-test-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    write_file("index.html", 10);
    write_file("middle", 100000);
    write_file("big", BIG);
    talk_site(root, (const char *const[]){"a.example", NULL}, false);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_big_ones_share),
        cmocka_unit_test(test_urgent_ones_first),
        cmocka_unit_test(test_a_shut_window_is_late),
        cmocka_unit_test(test_nobody_waits_for_a_deaf_one),
        cmocka_unit_test(test_idle_ones_go),
        cmocka_unit_test(test_silence_ends),
        cmocka_unit_test(test_a_flood_ends),
        cmocka_unit_test(test_stop_drains),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
