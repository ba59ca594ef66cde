/* Media types. */
#include "rows.h"
#include "hostel/http/media.h"

#include <errno.h>
#include <unistd.h>

#define UTF8 "; charset=utf-8"

static void
is(const char *name, const char *type)
{
    struct span got = media_type(span_str(name));

    print_message("%s\n", name);
    assert_true(span_eq(got, span_str(type)));
}

static char path[] = "/tmp/hostel-media-XXXXXX";

/* A table in a file of its own, loaded. */
static void
load(const char *text)
{
    int fd;

    memcpy(strrchr(path, '-'), "-XXXXXX", 7);
    fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    assert_int_equal(media_init(path), 0);
}

static void
unload(void)
{
    media_done();
    unlink(path);
}

static void
test_built_in(void **state)
{
    static const struct {
        const char *name, *type;
    } rows[] = {
        {"/index.html", "text/html" UTF8},
        {"/a.HTM", "text/html" UTF8},
        {"a.css", "text/css" UTF8},
        {"a.js", "text/javascript" UTF8},
        {"a.mjs", "text/javascript" UTF8},
        {"a.txt", "text/plain" UTF8},
        {"a.json", "application/json"},
        {"a.svg", "image/svg+xml"},
        {"a.PNG", "image/png"},
        {"a.tar.gz", "application/gzip"},
        {"a.wasm", "application/wasm"},
        {"a.woff2", "font/woff2"},
        {"/a.d/index.html", "text/html" UTF8},
        {"/a.html/b", MEDIA_DEFAULT},
        {"/a.html/", MEDIA_DEFAULT},
        {"/README", MEDIA_DEFAULT},
        {"a.", MEDIA_DEFAULT},
        {".", MEDIA_DEFAULT},
        {"", MEDIA_DEFAULT},
        {"a.htmlx", MEDIA_DEFAULT},
        {"a.htm l", MEDIA_DEFAULT},
        {"a.nothing", MEDIA_DEFAULT},
        {"a.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", MEDIA_DEFAULT},
    };

    (void)state;
    assert_int_equal(media_init("/nonexistent/mime.types"), -ENOENT);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        is(rows[i].name, rows[i].type);
    media_done();
}

static void
test_not_loaded(void **state)
{
    (void)state;
    media_done();
    is("a.html", MEDIA_DEFAULT);
}

static void
test_file(void **state)
{
    (void)state;
    load("# a comment\n"
         "\n"
         "application/x-one\tone  ONCE\r\n"
         "application/x-two one two # three\n"
         "text/x-four four\n"
         "application/javascript js\n"
         "application/x-no-extension\n"
         "notype bad1\n"
         "text/<b> bad2\n"
         "  application/x-space   space   \n"
         "text/html html\n"
         "application/x-last last");
    is("a.one", "application/x-one"); /* the first line counts */
    is("a.once", "application/x-one");
    is("a.two", "application/x-two");
    is("a.three", MEDIA_DEFAULT);
    is("a.four", "text/x-four" UTF8);
    is("a.js", "application/javascript" UTF8); /* before ours */
    is("a.bad1", MEDIA_DEFAULT);
    is("a.bad2", MEDIA_DEFAULT);
    is("a.space", "application/x-space");
    is("a.last", "application/x-last");
    is("a.avif", "image/avif"); /* ours fill the gaps */
    unload();
}

/* What is read in pieces: lines across their ends, and one that is longer than a piece. */
static void
test_pieces(void **state)
{
    static char text[32768];
    size_t n = 0;

    (void)state;
    for (int i = 0; n < 4000; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "application/x-%d e%d\n", i, i);
    n += (size_t)snprintf(text + n, sizeof(text) - n, "application/x-across-the-end-of-it%*s\n",
                          200, "across");
    memcpy(text + n, "application/x-long ", 19);
    memset(text + n + 19, 'l', 9000);
    n += 19 + 9000;
    n += (size_t)snprintf(text + n, sizeof(text) - n, " toolong\napplication/x-after after\n");
    n += (size_t)snprintf(text + n, sizeof(text) - n, "application/x-last last");
    load(text);
    is("a.e0", "application/x-0");
    is("a.e100", "application/x-100");
    is("a.across", "application/x-across-the-end-of-it");
    is("a.toolong", MEDIA_DEFAULT);
    is("a.after", "application/x-after");
    is("a.LAST", "application/x-last");
    is("a.html", "text/html" UTF8);
    unload();
}

/* Names are the visitor's and the user's choice: any number of extensions without a type. */
static void
test_unknown(void **state)
{
    char name[32];

    (void)state;
    load("application/x-one one\n");
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "a.u%d", i);
        assert_true(span_eq(media_type(span_str(name)), SPAN(MEDIA_DEFAULT)));
    }
    is("a.one", "application/x-one");
    is("a.u2999", MEDIA_DEFAULT);
    unload();
}

static void
test_unreadable(void **state)
{
    (void)state;
    assert_int_equal(media_init("/"), -EISDIR);
    is("a.html", "text/html" UTF8);
    media_done();
}

/* As many as there may be. */
static void
test_many(void **state)
{
    size_t cap = 400000, n = 0;
    char *text = malloc(cap);

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < 5000; i++)
        n += (size_t)snprintf(text + n, cap - n, "application/x-%d e%d f%d\n", i, i, i);
    load(text);
    free(text);
    is("a.e0", "application/x-0");
    is("a.f4999", "application/x-4999");
    is("a.e2500", "application/x-2500");
    is("a.e5000", MEDIA_DEFAULT);
    is("a.html", "text/html" UTF8);
    unload();
}

static void
test_system(void **state)
{
    (void)state;
    if (media_init(MEDIA_TABLE) < 0)
        skip();
    is("a.html", "text/html" UTF8);
    is("a.jpeg", "image/jpeg");
    is("a.odt", "application/vnd.oasis.opendocument.text");
    media_done();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_loaded), cmocka_unit_test(test_built_in),
        cmocka_unit_test(test_file),       cmocka_unit_test(test_many),
        cmocka_unit_test(test_pieces),     cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_unreadable), cmocka_unit_test(test_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
