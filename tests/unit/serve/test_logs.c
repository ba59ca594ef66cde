/* Log files, access lines, a site's error lines. */
#include "hostel/base/logformat.h"
#include "hostel/base/logring.h"
#include "hostel/base/mem.h"
#include "hostel/serve/accesslog.h"
#include "hostel/serve/logfile.h"
#include "tree.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct site site;
static uv_loop_t loop;

static int
setup(void **state)
{
    (void)state;
    tree_site(&site);
    return uv_loop_init(&loop);
}

static int
teardown(void **state)
{
    (void)state;
    uv_run(&loop, UV_RUN_DEFAULT);
    tree_done(&site);
    return uv_loop_close(&loop);
}

static void
on_awake(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

/* One log, and the other end of it. */
static struct logfiles *all;
static struct logring *far;
static unsigned asked;
static bool deaf; /* whoever is asked cannot be told just now */

static bool
on_ask(void *data)
{
    (void)data;
    asked++;
    return !deaf;
}

static struct logfile *
log_new(size_t bytes)
{
    struct logfile *log;
    int fd;

    asked = 0;
    deaf = false;
    all = logfiles_new(&loop, on_ask, NULL);
    assert_int_equal(logring_make(bytes, &fd, &far), 0);
    log = logfile_new(all, fd);
    assert_non_null(log);
    close(fd);
    return log;
}

/* What has come, taken out. */
static const char *
lines(void)
{
    static char text[16384];
    struct iovec v[2];
    size_t n = 0;

    for (int pieces = logring_look(far, v), i = 0; i < pieces; i++) {
        assert_true(n + v[i].iov_len < sizeof(text));
        memcpy(text + n, v[i].iov_base, v[i].iov_len);
        n += v[i].iov_len;
    }
    logring_take(far, n);
    text[n] = '\0';
    return text;
}

static void
log_done(void)
{
    logfiles_free(&all);
    assert_null(all);
    logring_free(&far);
}

static void
test_lines_wait_for_each_other(void **state)
{
    struct logfile *log = log_new(LOGRING_MIN);
    uv_timer_t awake; /* the log's own timer keeps no loop alive */

    (void)state;
    uv_timer_init(&loop, &awake);
    logfile_add(log, SPAN("one\n"));
    logfile_add(log, SPAN("two\n"));
    assert_int_equal(asked, 0);
    uv_timer_start(&awake, on_awake, 2 * LOGFILE_GATHER_MS, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(asked, 1);
    assert_string_equal(lines(), "one\ntwo\n");
    logfile_add(log, SPAN("three\n"));
    logfiles_free(&all); /* what was never asked for is there all the same */
    assert_string_equal(lines(), "three\n");
    log_done();
}

static void
test_who_cannot_be_told_is_told_again(void **state)
{
    struct logfile *log = log_new(LOGRING_MIN);
    uv_timer_t awake;

    (void)state;
    deaf = true;
    uv_timer_init(&loop, &awake);
    logfile_add(log, SPAN("one\n"));
    uv_timer_start(&awake, on_awake, 4 * LOGFILE_GATHER_MS, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(asked >= 2);
    log_done();
}

static void
test_much_is_told_at_once(void **state)
{
    struct logfile *log = log_new(LOGRING_MIN);
    static char line[1024];
    unsigned i;

    (void)state;
    memset(line, 'x', sizeof(line));
    for (i = 0; i < LOGRING_MIN / 1024 / 2; i++)
        logfile_add(log, span_of(line, sizeof(line)));
    assert_int_equal(asked, 1);
    logfile_add(log, span_of(line, sizeof(line))); /* and once is enough */
    assert_int_equal(asked, 1);
    for (; i < 2 * LOGRING_MIN / 1024; i++)
        logfile_add(log, span_of(line, sizeof(line)));
    assert_int_equal(logring_waiting(far), LOGRING_MIN);
    assert_true(logring_lost(far) > 0);
    log_done();
}

#define STAMP "[31/Jan/2026:12:00:00 +0000]"

static const struct {
    const char *why;
    struct span target, referer, agent;
    unsigned status;
    uint64_t bytes;
    const char *line;
} rows[] = {
    {"plain",
     {"/a?b", 4},
     {"http://r/", 9},
     {"curl/8", 6},
     200,
     12,
     "192.0.2.1 - - " STAMP " \"GET /a?b HTTP/1.1\" 200 12 \"http://r/\" \"curl/8\"\n"},
    {"nothing sent, nothing said",
     {"/", 1},
     {NULL, 0},
     {NULL, 0},
     304,
     0,
     "192.0.2.1 - - " STAMP " \"GET / HTTP/1.1\" 304 - \"-\" \"-\"\n"},
    {"forged lines",
     {"/\"x", 3},
     {"a\nb", 3},
     {"\x1b[2J\\\xff", 6},
     404,
     UINT64_MAX,
     "192.0.2.1 - - " STAMP " \"GET /\\x22x HTTP/1.1\" 404 18446744073709551615 \"a\\x0ab\" "
     "\"\\x1b[2J\\x5c\\xff\"\n"},
};

static void
test_access_lines(void **state)
{
    static const struct visitor visitor = {.addr = "192.0.2.1"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct field fields[] = {{SPAN("Referer"), rows[i].referer},
                                 {SPAN("USER-AGENT"), rows[i].agent}};
        struct exchange x = {.visitor = &visitor,
                             .req = {.method_text = SPAN("GET"),
                                     .target = rows[i].target,
                                     .version = 11,
                                     .nfields = 2,
                                     .fields = fields}};
        struct buf line;

        buf_init(&line, ACCESSLOG_LINE_MAX);
        accesslog_format(&x, rows[i].status, rows[i].bytes, 1769860800, &line);
        if (!span_eq(buf_span(&line), span_str(rows[i].line)))
            fail_msg("%s: %.*s", rows[i].why, (int)line.len, line.data);
        buf_done(&line);
    }
}

static void
test_longest_line_fits(void **state)
{
    static const struct visitor visitor = {.addr =
                                               "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"};
    static char evil[32768];
    struct field fields[] = {{SPAN("referer"), {evil, sizeof(evil)}},
                             {SPAN("user-agent"), {evil, sizeof(evil)}}};
    struct exchange x = {.visitor = &visitor,
                         .req = {.method_text = {evil, 32},
                                 .target = {evil, 8192},
                                 .version = 11,
                                 .nfields = 2,
                                 .fields = fields}};
    struct buf line;
    struct span s;

    (void)state;
    memset(evil, '\n', sizeof(evil));
    buf_init(&line, ACCESSLOG_LINE_MAX);
    accesslog_format(&x, 200, UINT64_MAX, 1769860800, &line);
    s = buf_span(&line);
    assert_true(s.n <= ACCESSLOG_LINE_MAX);
    assert_true(span_ends(s, SPAN("\"\n")));
    assert_int_equal(span_find(s, '\n'), s.n - 1);
    assert_true(memmem(s.p, s.n, "\" 200 18446744073709551615 \"", 28) != NULL);
    buf_done(&line);
}

/* Lines of other forms; what differs from one time to the next is not asked for here. */
static const struct {
    const char *why, *format;
    struct span target, agent;
    const char *remote_user, *tls;
    bool upstream;
    const char *line;
} formats[] = {
    {"common but for its time", "%h %l %u \"%r\" %>s %b", SPAN("/a?b"), SPAN("x"), NULL, NULL,
     false, "192.0.2.1 - - \"GET /a?b HTTP/1.1\" 200 12\n"},
    {"who and what", "%u|%m|%U|%q|%H|%v|%V|%p|%{user}x|%{tls}x", SPAN("/a?b"), SPAN("x"),
     "carol", "TLSv1.3", false,
     "carol|GET|/a|?b|HTTP/1.1|a.example|www.a.example|8080|alice|TLSv1.3\n"},
    {"no query, no TLS", "%q|%{tls}x|%u", SPAN("/a"), SPAN("x"), NULL, NULL, false, "|-|-\n"},
    {"durations", "%D %{us}T %{ms}T %T %{s}T", SPAN("/"), SPAN("x"), NULL, NULL, false,
     "2345678 2345678 2345 2 2\n"},
    {"bytes", "%B %b", SPAN("/"), SPAN("x"), NULL, NULL, false, "12 12\n"},
    {"upstream", "%{upstream_us}x", SPAN("/"), SPAN("x"), NULL, NULL, true, "4711\n"},
    {"no upstream", "%{upstream_us}x", SPAN("/"), SPAN("x"), NULL, NULL, false, "-\n"},
    {"fields", "%{user-agent}i %{X-None}i %{X-Cache}o %{X-None}o", SPAN("/"), SPAN("U/1"), NULL,
     NULL, false, "U/1 - hit -\n"},
    {"forged", "\"%{User-Agent}i\" %U", SPAN("/\x1b[2J"), SPAN("a\"\n\\\xc3\xbc"), "\"", NULL,
     false, "\"a\\x22\\x0a\\x5c\\xc3\\xbc\" /\\x1b[2J\n"},
};

static void
fill_exchange(struct exchange *x, struct field *fields, size_t i)
{
    static const struct visitor plain = {.addr = "192.0.2.1"};
    static struct visitor visitor;
    size_t question = span_find(formats[i].target, '?');

    visitor = plain;
    memcpy(visitor.local_addr, "192.0.2.2", 10);
    visitor.local_port = 8080;
    visitor.tls = formats[i].tls;
    fields[0] = (struct field){SPAN("User-Agent"), formats[i].agent};
    *x = (struct exchange){.visitor = &visitor,
                           .site = &site,
                           .upstream = formats[i].upstream,
                           .upstream_us = 4711,
                           .req = {.method_text = SPAN("GET"),
                                   .target = formats[i].target,
                                   .path = span_of(formats[i].target.p, question),
                                   .query = span_skip(formats[i].target, question + 1),
                                   .has_query = question < formats[i].target.n,
                                   .host = SPAN("www.a.example"),
                                   .host_name = SPAN("www.a.example"),
                                   .version = 11,
                                   .nfields = 1,
                                   .fields = fields}};
    if (formats[i].remote_user)
        x->remote_user = mem_str(formats[i].remote_user);
}

static void
test_lines_of_formats(void **state)
{
    static char host[] = "a.example";
    char *names[] = {host, NULL}, **own = site.names;
    const struct answered a = {200, 12, 2345678901};

    (void)state;
    site.names = names;
    site.user = "alice";
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct response res = {
            .nfields = 2,
            .fields = {{SPAN("x-cache"), SPAN("hit")}, {SPAN("X-Other"), SPAN("no")}}};
        char why[LOGFORMAT_WHY_MAX];
        struct logformat *f;
        struct field fields[1];
        struct exchange x;
        struct buf line;

        assert_int_equal(logformat_new(&f, span_str(formats[i].format), why), 0);
        site.log_format = f;
        fill_exchange(&x, fields, i);
        buf_init(&line, ACCESSLOG_LINE_MAX);
        accesslog_head(&x, &res);
        accesslog_form(&x, &a, &line);
        if (!span_eq(buf_span(&line), span_str(formats[i].line)))
            fail_msg("%s: %.*s", formats[i].why, (int)line.len, line.data);
        buf_done(&line);
        exchange_done(&x);
        logformat_free(&f);
    }
    site.log_format = NULL;
    site.names = own;
}

/* Whatever is asked for, a line ends where it should and holds all that the format does. */
static void
test_longest_lines_of_formats(void **state)
{
    static const char *const texts[] = {"json", "%r", "%r%r%r%r|%s",
                                        "%{User-Agent}i \"%r\" %{User-Agent}i %U %q %D"};
    static const char *const ends[] = {"}\n", "HTTP/1.1\n", "|200\n", " 2345678\n"};
    static char evil[32768], host[] = "a.example";
    static const struct visitor visitor = {.addr = "192.0.2.1"};
    char *names[] = {host, NULL}, **own = site.names;

    (void)state;
    memset(evil, '\xff', sizeof(evil));
    site.names = names;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct field fields[] = {{SPAN("referer"), {evil, sizeof(evil)}},
                                 {SPAN("user-agent"), {evil, sizeof(evil)}}};
        struct exchange x = {.visitor = &visitor,
                             .site = &site,
                             .req = {.method_text = {evil, 3000},
                                     .target = {evil, sizeof(evil)},
                                     .path = {evil, sizeof(evil)},
                                     .query = {evil, sizeof(evil)},
                                     .host = {evil, 3000},
                                     .has_query = true,
                                     .version = 11,
                                     .nfields = 2,
                                     .fields = fields}};
        char why[LOGFORMAT_WHY_MAX], room[ACCESSLOG_LINE_MAX];
        struct buf line = {.data = room, .cap = sizeof(room), .max = sizeof(room)};
        struct logformat *f;

        assert_int_equal(logformat_new(&f, span_str(texts[i]), why), 0);
        site.log_format = f;
        accesslog_form(&x, &(struct answered){200, UINT64_MAX, 2345678901}, &line);
        if (!span_ends(buf_span(&line), span_str(ends[i])))
            fail_msg("%s: ...%.*s", texts[i], 40, line.data + line.len - 40);
        assert_int_equal(span_find(buf_span(&line), '\n'), line.len - 1);
        assert_true(line.len > 4000);
        logformat_free(&f);
    }
    site.log_format = NULL;
    site.names = own;
}

static void
test_json_line(void **state)
{
    static const char want[] =
        "\"request_id\":\"%s\",\"vhost\":\"a.example\",\"user\":\"alice\","
        "\"client\":\"192.0.2.1\",\"remote_user\":null,\"tls\":null,\"method\":\"GET\","
        "\"target\":\"/\\\"\\u001b\\u00ff\",\"protocol\":\"HTTP/1.1\","
        "\"host\":\"www.a.example\",\"referer\":null,\"user_agent\":\"a\\\"b\\\\\","
        "\"status\":200,\"bytes\":0,\"duration_us\":1,\"upstream_us\":null}\n";
    static const struct visitor visitor = {.addr = "192.0.2.1"};
    static char host[] = "a.example";
    char *names[] = {host, NULL}, **own = site.names, why[LOGFORMAT_WHY_MAX];
    char id[REQUEST_ID_TEXT], text[1024];
    struct field fields[] = {{SPAN("user-agent"), SPAN("a\"b\\")}};
    struct exchange x = {.visitor = &visitor,
                         .site = &site,
                         .req = {.method_text = SPAN("GET"),
                                 .target = SPAN("/\x22\x1b\xff"),
                                 .host = SPAN("www.a.example"),
                                 .version = 11,
                                 .nfields = 1,
                                 .fields = fields}};
    struct logformat *f;
    struct buf line;

    (void)state;
    assert_int_equal(logformat_new(&f, SPAN("json"), why), 0);
    site.names = names;
    site.user = "alice";
    site.log_format = f;
    buf_init(&line, ACCESSLOG_LINE_MAX);
    accesslog_form(&x, &(struct answered){200, 0, 1999}, &line);
    exchange_id(&x, id);
    snprintf(text, sizeof(text), want, id);
    assert_true(span_starts(buf_span(&line), SPAN("{\"time\":\"20")));
    if (!span_ends(buf_span(&line), span_str(text)))
        fail_msg("%.*s", (int)line.len, line.data);
    buf_done(&line);
    logformat_free(&f);
    site.log_format = NULL;
    site.names = own;
}

static void
test_names_of_requests(void **state)
{
    struct exchange a = {.id = 0}, b = {.id = 0};
    char first[REQUEST_ID_TEXT], again[REQUEST_ID_TEXT], other[REQUEST_ID_TEXT];

    (void)state;
    exchange_id(&a, first);
    exchange_id(&b, other);
    exchange_id(&a, again);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    assert_int_equal(strspn(first, "0123456789abcdef"), 32);
    assert_memory_equal(first, other, 16);
    request_id_text(exchange_name(&b), again);
    assert_string_equal(other, again);
}

/* SplitMix64's finalizer, there and back. */
static uint64_t
finalize(uint64_t n)
{
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
    n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
    return n ^ (n >> 31);
}

static uint64_t
go_back(uint64_t n)
{
    n = (n ^ (n >> 31) ^ (n >> 62)) * 0x319642b2d24d8ec3;
    n = (n ^ (n >> 27) ^ (n >> 54)) * 0x96de1b173f119089;
    return n ^ (n >> 30) ^ (n >> 60);
}

/* Who sees his own request's name and knows how names are made. */
static void
test_a_name_does_not_tell_the_next(void **state)
{
    const uint64_t step = 0x9e3779b97f4a7c15;
    struct exchange x = {.id = 0};
    uint64_t before = 0;

    (void)state;
    (void)exchange_name(&x); /* secrets are drawn */
    assert_true(go_back(finalize(step)) == step);
    for (uint64_t id = 1; id <= 64; id++) {
        char text[REQUEST_ID_TEXT];
        uint64_t now;

        request_id_text(id, text);
        now = strtoull(text + 16, NULL, 16);
        assert_true(now != finalize(((go_back(before) - step) ^ 1) + step));
        assert_true(now != finalize(go_back(before) + step));
        before = now;
    }
}

static void
test_error_line_is_escaped_and_cut(void **state)
{
    static char longest[5000], host[] = "a.example";
    const struct site_client who = {"192.0.2.1", 0};
    struct logfile *log = log_new(LOGRING_MIN);
    char *names[] = {host, NULL}, **own = site.names;
    char want[256], id[REQUEST_ID_TEXT];
    struct exchange x = {.id = 0};
    const char *text;

    (void)state;
    site.names = names;
    site.error_log = log;
    log_init(STDERR_FILENO, "hostel-worker", "alice");
    site_say(&site, LOG_LEVEL_ERROR, &who, SPAN("evil\nline"));
    memset(longest, 'y', sizeof(longest));
    site_say(&site, LOG_LEVEL_WARN, NULL, span_of(longest, sizeof(longest)));
    site_say(&site, LOG_LEVEL_DEBUG, NULL, SPAN("not asked for"));
    text = lines();
    assert_true(strlen(text) < 2048 + 400);
    snprintf(want, sizeof(want),
             "Z hostel-worker[%ld] alice: error: [vhost %s] [client 192.0.2.1] evil\\x0aline\n",
             (long)getpid(), site.names[0]);
    assert_non_null(strstr(text, want));
    assert_non_null(strstr(text, "] alice: warning: [vhost "));
    assert_null(strstr(text, "not asked for"));
    assert_int_equal(text[strlen(text) - 1], '\n');
    log_level_set(LOG_LEVEL_ERROR);
    site_say(&site, LOG_LEVEL_WARN, NULL, SPAN("less than asked for"));
    site_program(&site, "php", &(struct site_client){"192.0.2.1", exchange_name(&x)},
                 SPAN("PHP Notice"));
    log_level_set(LOG_LEVEL_INFO);
    exchange_id(&x, id);
    snprintf(want, sizeof(want),
             "alice: php: [vhost %s] [client 192.0.2.1] [request %s] PHP Notice\n",
             site.names[0], id);
    text = lines();
    assert_non_null(strstr(text, want));
    assert_null(strstr(text, "less than"));
    site.error_log = NULL;
    site_say(&site, LOG_LEVEL_ERROR, NULL, SPAN("nobody hears"));
    assert_string_equal(lines(), "");
    site.names = own;
    log_done();
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_lines_wait_for_each_other),
        TEST(test_who_cannot_be_told_is_told_again),
        TEST(test_much_is_told_at_once),
        TEST(test_access_lines),
        TEST(test_longest_line_fits),
        TEST(test_lines_of_formats),
        TEST(test_longest_lines_of_formats),
        TEST(test_json_line),
        TEST(test_names_of_requests),
        TEST(test_a_name_does_not_tell_the_next),
        TEST(test_error_line_is_escaped_and_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
