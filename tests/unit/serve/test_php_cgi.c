/* serve/php against the real php-cgi; skipped where there is none. */
#include "test_php_fixture.h"

#define PHP_CGI "/usr/bin/php-cgi"

static pid_t php;

/* A pool of two processes in a process group of its own: php-cgi's children outlive it. */
static void
php_start(const char *socket_name)
{
    static char *const envp[] = {"PHP_FCGI_CHILDREN=2", "PHP_FCGI_MAX_REQUESTS=50",
                                 "PATH=/usr/bin:/bin", NULL};
    int fd = listen_at(socket_name, 64);

    php = fork_child();
    if (php == 0) {
        (void)setpgid(0, 0);
        dup2(fd, 0);
        execle(PHP_CGI, PHP_CGI, "-n", "-d", "log_errors=1", "-d", "display_errors=0", "-d",
               "html_errors=0", (char *)NULL, envp);
        _exit(127);
    }
    (void)setpgid(php, php);
    close(fd);
}

static void
php_kill(void)
{
    (void)kill(-php, SIGKILL);
    end_child(php, 0);
    /* its children die in their own time, and hold the listening socket until then */
    while (waitpid(-php, NULL, 0) > 0)
        continue;
    php = 0;
}

static int
up(void **state)
{
    if (fixture_up(state) < 0)
        return -1;
    if (access(PHP_CGI, X_OK) < 0)
        return 0;
    php_start("php.1");
    pool_start(&usual, 2, 0);
    ready(1);
    return 0;
}

static int
down(void **state)
{
    if (php)
        php_kill();
    return fixture_down(state);
}

static void
write_script(const char *text)
{
    FILE *f = fopen("script.php", "w");

    if (access(PHP_CGI, X_OK) < 0) {
        fclose(f);
        skip();
    }
    fputs(text, f);
    fclose(f);
}

static void
expect(struct seen *s, unsigned status, const char *body)
{
    assert_true(over(s));
    if (!s->ended || s->page || s->status != status)
        fail_msg("status %u%s, log: %.*s", s->status, s->failed ? ", cut" : "",
                 (int)error_log.len, error_log.data ? error_log.data : "");
    if (body && !span_eq(buf_span(&s->body), span_str(body)))
        fail_msg("body: %.*s", (int)s->body.len, s->body.data);
    seen_free(s);
}

static void
test_variables(void **state)
{
    static const struct {
        const char *why, *expression, *want;
        struct span path_info;
    } rows[] = {
        {"the script",
         "$_SERVER['SCRIPT_NAME'].'|'.$_SERVER['PHP_SELF']",
         "/script.php|/script.php",
         {NULL, 0}},
        {"its file", "$_SERVER['SCRIPT_FILENAME'] === __FILE__ ? 'y' : 'n'", "y", {NULL, 0}},
        {"path info",
         "$_SERVER['PATH_INFO'].'|'.$_SERVER['PHP_SELF']",
         "/x y|/script.php/x y",
         {"/x y", 4}},
        {"the script beside path info",
         "$_SERVER['SCRIPT_NAME'].'|'.($_SERVER['SCRIPT_FILENAME'] === __FILE__ ? 'y' : 'n')",
         "/script.php|y",
         {"/x y", 4}},
        {"nothing is repaired by PHP",
         "implode(',', preg_grep('/^ORIG_/', array_keys($_SERVER)))",
         "",
         {"/x y", 4}},
        {"path translated", "$_SERVER['PATH_TRANSLATED']", "/srv/www/x y", {"/x y", 4}},
        {"no path info", "isset($_SERVER['PATH_INFO']) ? 'y' : 'n'", "n", {NULL, 0}},
        {"query", "$_GET['a'].'|'.$_SERVER['QUERY_STRING']", "1|a=1", {NULL, 0}},
        {"uri", "$_SERVER['REQUEST_URI']", "/script.php?a=1", {NULL, 0}},
        {"name",
         "$_SERVER['SERVER_NAME'].'|'.$_SERVER['HTTP_HOST']",
         "www.example|www.example",
         {NULL, 0}},
        {"visitor", "$_SERVER['REMOTE_ADDR']", "192.0.2.7", {NULL, 0}},
        {"no TLS", "empty($_SERVER['HTTPS']) ? 'y' : 'n'", "y", {NULL, 0}},
        {"root", "$_SERVER['DOCUMENT_ROOT']", "/srv/www", {NULL, 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct seen *s = seen_new("GET", BODY_NONE, 0);
        char *text = mem_fmt("<?php echo %s;", rows[i].expression);
        char *file = mem_fmt("%s/script.php", dir);
        const struct php_script script = {.filename = span_str(file),
                                          .name = SPAN("/script.php"),
                                          .path_info = rows[i].path_info};

        print_message("  %s\n", rows[i].why);
        write_script(text);
        php_answer(&s->x, pool, &script);
        expect(s, 200, rows[i].want);
        free(file);
        free(text);
    }
}

static void
test_status_and_fields(void **state)
{
    struct seen *s;

    (void)state;
    write_script("<?php http_response_code(404); setcookie('a', '1'); setcookie('b', '2');"
                 "header('X-Mine: yes'); echo 'no';");
    s = get();
    assert_true(over(s));
    assert_int_equal(404, s->status);
    assert_non_null(memmem(s->fields.data, s->fields.len, "Set-Cookie: a=1\n", 16));
    assert_non_null(memmem(s->fields.data, s->fields.len, "Set-Cookie: b=2\n", 16));
    assert_non_null(memmem(s->fields.data, s->fields.len, "X-Mine: yes\n", 12));
    expect(s, 404, "no");
    write_script("<?php header('Location: /there');");
    expect(get(), 302, "");
    write_script("<?php header('HTTP/1.1 103 Early'); echo 'x';");
    s = get();
    assert_true(over(s));
    assert_true(s->page && s->status == 502);
    seen_free(s);
}

static void
test_credentials(void **state)
{
    struct field f = {SPAN("Authorization"), SPAN("Basic YWxpY2U6c2VjcmV0")};
    struct seen *s = seen_new("GET", BODY_NONE, 0);

    (void)state;
    write_script("<?php echo $_SERVER['PHP_AUTH_USER'], '|', $_SERVER['PHP_AUTH_PW'];");
    s->x.req.fields = &f;
    s->x.req.nfields = 1;
    ask(s);
    expect(s, 200, "alice|secret");
}

static void
test_post(void **state)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 200000, 9 << 20};
    static char piece[65536];

    (void)state;
    write_script("<?php $b = file_get_contents('php://input'); echo strlen($b), '|', md5($b),"
                 " '|', $_SERVER['CONTENT_LENGTH'] ?? '-';");
    memset(piece, 'p', sizeof(piece));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct seen *s = seen_new("POST", BODY_CHUNKED, 0);
        char want[64];
        size_t left = sizes[i];

        ask(s);
        for (; left > 0; left -= left < sizeof(piece) ? left : sizeof(piece))
            assert_int_equal(0, feed_body(s, piece, left < sizeof(piece) ? left : 65536));
        end_body(s);
        assert_true(over(s));
        snprintf(want, sizeof(want), "|%zu", sizes[i]);
        assert_true(span_ends(buf_span(&s->body), span_str(want)));
        snprintf(want, sizeof(want), "%zu|", sizes[i]);
        assert_true(span_starts(buf_span(&s->body), span_str(want)));
        seen_free(s);
    }
}

static void
test_form(void **state)
{
    struct field f = {SPAN("Content-Type"), SPAN("application/x-www-form-urlencoded")};
    struct seen *s = seen_new("POST", BODY_LENGTH, 9);

    (void)state;
    write_script("<?php echo $_POST['a'], $_POST['b'];");
    s->x.req.fields = &f;
    s->x.req.nfields = 1;
    ask(s);
    assert_int_equal(0, feed_body(s, "a=1&b=two", 9));
    end_body(s);
    expect(s, 200, "1two");
}

static void
test_head(void **state)
{
    struct seen *s = seen_new("HEAD", BODY_NONE, 0);

    (void)state;
    write_script("<?php header('Content-Length: 5'); echo 'hello';");
    ask(s);
    assert_true(over(s));
    assert_true(s->bodiless && s->length == 5);
    expect(s, 200, "");
}

static void
test_errors_are_logged(void **state)
{
    (void)state;
    write_script("<?php error_log(\"hello\\nlog\"); trigger_error('careful'); echo 'ok';");
    expect(get(), 200, "ok");
    assert_true(logged("hello\nlog"));
    assert_true(logged("careful"));
    write_script("<?php nothing();");
    expect(get(), 500, "");
    assert_true(logged("Call to undefined function nothing()"));
}

static void
test_large_answer(void **state)
{
    struct seen *s;

    (void)state;
    write_script("<?php for ($i = 0; $i < 5000; $i++) echo str_repeat(chr($i % 251), 1000);");
    s = get();
    assert_true(over(s));
    assert_int_equal(5000000, s->body.len);
    for (size_t i = 0; i < s->body.len; i++)
        assert_int_equal((unsigned char)s->body.data[i], i / 1000 % 251);
    expect(s, 200, NULL);
}

static void
test_flush(void **state)
{
    struct seen *s;

    (void)state;
    write_script("<?php echo 'first'; flush(); usleep(300000); echo 'second';");
    s = get();
    assert_true(over(s));
    assert_int_equal(5, s->flushed_body);
    expect(s, 200, "firstsecond");
}

static void
test_killed(void **state)
{
    struct seen *s;

    (void)state;
    write_script("<?php exec('kill -9 ' . getmypid());");
    s = get();
    assert_true(over(s));
    assert_true(s->page && s->status == 502);
    seen_free(s);
    write_script("<?php echo 'half'; flush(); usleep(50000); exec('kill -9 ' . getmypid());");
    s = get();
    assert_true(over(s));
    assert_true(s->failed && s->status == 200);
    seen_free(s);
    write_script("<?php echo 'alive';");
    expect(get(), 200, "alive"); /* the parent forked another */
}

/* Its processes end after 50 requests each: no visitor notices. */
static void
test_retiring_processes(void **state)
{
    (void)state;
    write_script("<?php echo 'ok';");
    for (int i = 0; i < 60; i++) {
        struct seen *s[4];

        for (int k = 0; k < 4; k++)
            s[k] = get();
        for (int k = 0; k < 4; k++)
            expect(s[k], 200, "ok");
    }
}

static void
test_whole_pool_dies(void **state)
{
    struct seen *s;

    (void)state;
    write_script("<?php echo 'ok';");
    expect(get(), 200, "ok");
    php_kill();
    s = get();
    turn_for(50);
    assert_int_equal(1, brokens);
    php_start("php.2");
    ready(2);
    expect(s, 200, "ok");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_variables),
        TEST(test_status_and_fields),
        TEST(test_credentials),
        TEST(test_post),
        TEST(test_form),
        TEST(test_head),
        TEST(test_errors_are_logged),
        TEST(test_large_answer),
        TEST(test_flush),
        TEST(test_killed),
        TEST(test_retiring_processes),
        TEST(test_whole_pool_dies),
    };

    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* php-cgi's orphans are ours to wait for */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
