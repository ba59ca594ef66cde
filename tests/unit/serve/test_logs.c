/* Log files, access lines, a site's error lines. */
#include "hostel/serve/accesslog.h"
#include "hostel/serve/logfile.h"
#include "tree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>

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

static struct logfile *
log_at(const char *name)
{
    int fd = open(tree_path(name), O_WRONLY | O_CREAT | O_APPEND, 0644);

    assert_true(fd >= 0);
    return logfile_new(&loop, fd);
}

static size_t
content(const char *name, char *text, size_t n)
{
    FILE *f = fopen(tree_path(name), "r");
    size_t got = fread(text, 1, n - 1, f);

    fclose(f);
    text[got] = '\0';
    return got;
}

static void
test_lines_wait_for_each_other(void **state)
{
    struct logfile *log = log_at("log");
    char text[64];

    (void)state;
    logfile_add(log, SPAN("one\n"));
    logfile_add(log, SPAN("two\n"));
    assert_int_equal(content("log", text, sizeof(text)), 0);
    uv_run(&loop, UV_RUN_DEFAULT); /* until the timer has fired */
    content("log", text, sizeof(text));
    assert_string_equal(text, "one\ntwo\n");
    logfile_add(log, SPAN("three\n"));
    logfile_free(&log); /* at the end nothing is left behind */
    assert_null(log);
    content("log", text, sizeof(text));
    assert_string_equal(text, "one\ntwo\nthree\n");
}

static void
test_full_buffer_is_written(void **state)
{
    struct logfile *log = log_at("log");
    static char line[1024];
    struct stat st;

    (void)state;
    memset(line, 'x', sizeof(line));
    for (int i = 0; i < LOGFILE_GATHER_BYTES / 1024 + 1; i++)
        logfile_add(log, span_of(line, sizeof(line)));
    assert_int_equal(stat(tree_path("log"), &st), 0);
    assert_int_equal(st.st_size, LOGFILE_GATHER_BYTES);
    logfile_free(&log);
}

static void
test_reader_that_stopped_holds_nobody_up(void **state)
{
    static char line[4000];
    struct logfile *log;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    log = logfile_new(&loop, fds[1]);
    memset(line, 'x', sizeof(line));
    for (int i = 0; i < 100; i++)
        logfile_add(log, span_of(line, sizeof(line)));
    logfile_flush(log); /* without the bound this never returns: a pipe holds 64 KiB */
    assert_true(logfile_dropped(log) > 0);
    logfile_free(&log);
    close(fds[0]);
}

static void
test_full_disk_loses_lines_only(void **state)
{
    struct rlimit was, small = {10, 10};
    struct logfile *log = log_at("log");
    char text[64];

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    small.rlim_max = was.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    logfile_add(log, SPAN("0123456\n"));
    logfile_add(log, SPAN("lost to the disk\n"));
    logfile_flush(log);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(logfile_dropped(log), 15);
    logfile_add(log, SPAN("again\n"));
    logfile_free(&log);
    content("log", text, sizeof(text));
    assert_string_equal(text, "0123456\nlo\nagain\n"); /* the torn line ends */
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

static void
test_error_line_is_escaped_and_cut(void **state)
{
    struct logfile *log = log_at("log");
    static char longest[5000];
    char text[8000];

    (void)state;
    site.error_log = log;
    site_error(&site, "192.0.2.1", SPAN("evil\nline"));
    memset(longest, 'y', sizeof(longest));
    site_error(&site, NULL, span_of(longest, sizeof(longest)));
    logfile_free(&log);
    site.error_log = NULL;
    site_error(&site, NULL, SPAN("nobody hears"));
    assert_true(content("log", text, sizeof(text)) < 2048 + 200);
    assert_non_null(strstr(text, "Z [client 192.0.2.1] evil\\x0aline\n"));
    assert_int_equal(text[strlen(text) - 1], '\n');
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_lines_wait_for_each_other),
        TEST(test_full_buffer_is_written),
        TEST(test_reader_that_stopped_holds_nobody_up),
        TEST(test_full_disk_loses_lines_only),
        TEST(test_access_lines),
        TEST(test_longest_line_fits),
        TEST(test_error_line_is_escaped_and_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
