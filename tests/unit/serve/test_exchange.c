/* What a request is answered with: methods, conditions, ranges, redirects, error pages. */
#include "hostel/serve/exchange.h"
#include "hostel/http/media.h"
#include "filecache.h"
#include "tree.h"

#include <string.h>

static struct site site;
static struct filecache *cache;

/* A sink that writes down what it is given. */
struct notes {
    struct sink sink;
    unsigned status;
    uint64_t length;
    bool bodiless, ended;
    char fields[2048]; /* "Name: value\n" */
    char body[4096];
    size_t body_bytes;
    unsigned lent;
};

static enum sink_flow
note_head(struct sink *s, const struct response *r)
{
    struct notes *n = (struct notes *)s;
    size_t at = 0;

    assert_int_equal(n->status, 0);
    n->status = r->status;
    n->length = r->length;
    n->bodiless = r->bodiless;
    for (unsigned i = 0; i < r->nfields; i++)
        at += (size_t)snprintf(n->fields + at, sizeof(n->fields) - at, "%.*s: %.*s\n",
                               (int)r->fields[i].name.n, r->fields[i].name.p,
                               (int)r->fields[i].value.n, r->fields[i].value.p);
    return SINK_MORE;
}

static enum sink_flow
note_copy(struct sink *s, struct span bytes)
{
    struct notes *n = (struct notes *)s;

    if (n->body_bytes + bytes.n < sizeof(n->body))
        memcpy(n->body + n->body_bytes, bytes.p, bytes.n);
    n->body_bytes += bytes.n;
    return SINK_MORE;
}

static enum sink_flow
note_lend(struct sink *s, const struct piece *p)
{
    struct notes *n = (struct notes *)s;

    n->lent++;
    n->body_bytes += p->fd < 0 ? p->bytes.n : p->length;
    p->release(p->owner);
    return SINK_MORE;
}

static void
note_end(struct sink *s)
{
    struct notes *n = (struct notes *)s;

    assert_false(n->ended);
    n->ended = true;
}

static void
note_nothing(struct sink *s)
{
    (void)s;
}

static const struct sink_ops note_ops = {
    .head = note_head,
    .copy = note_copy,
    .lend = note_lend,
    .end = note_end,
    .flush = note_nothing,
    .fail = note_nothing,
};

static int
setup(void **state)
{
    char big[20001];

    (void)state;
    (void)media_init("/nowhere"); /* the short list is enough, and the same everywhere */
    tree_site(&site);
    cache = filecache_new();
    tree_file("a.txt", "0123456789");
    tree_file("empty.txt", "");
    tree_file("a.php", "<?php secret();");
    tree_dir("dir");
    tree_dir("sp ace");
    tree_file("dir/index.html", "index");
    memset(big, 'b', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    tree_file("big.bin", big);
    big[8000] = '\0';
    tree_file("mid.bin", big);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    filecache_free(&cache);
    media_done();
    tree_done(&site);
    return 0;
}

/* clang-format off */
#define NO {NULL, 0}
/* clang-format on */

struct row {
    const char *why;
    enum method method;
    const char *target; /* path, maybe "?" and query */
    struct field field; /* one request field */
    unsigned status;
    uint64_t body_bytes;
    const char *has; /* part of the response fields */
};

/* clang-format off */
static const struct row rows[] = {
    {"a file", METHOD_GET, "/a.txt", {NO, NO}, 200, 10, "Content-Type: text/plain; charset=utf-8\n"},
    {"again, from the cache", METHOD_GET, "/a.txt", {NO, NO}, 200, 10, "Accept-Ranges: bytes\n"},
    {"its head", METHOD_HEAD, "/a.txt", {NO, NO}, 200, 0, "ETag: \""},
    {"an empty file", METHOD_GET, "/empty.txt", {NO, NO}, 200, 0, "Last-Modified: "},
    {"lent from memory", METHOD_GET, "/mid.bin", {NO, NO}, 200, 8000, ""},
    {"lent as a file", METHOD_GET, "/big.bin", {NO, NO}, 200, 20000, ""},
    {"encoded", METHOD_GET, "/%61.txt", {NO, NO}, 200, 10, ""},
    {"dot segments", METHOD_GET, "/dir/../a.txt", {NO, NO}, 200, 10, ""},
    {"doubled slash", METHOD_GET, "//a.txt", {NO, NO}, 200, 10, ""},

    {"above the root", METHOD_GET, "/../a.txt", {NO, NO}, 400, 0, NULL},
    {"encoded slash", METHOD_GET, "/dir%2findex.html", {NO, NO}, 400, 0, NULL},
    {"NUL", METHOD_GET, "/a.txt%00.html", {NO, NO}, 400, 0, NULL},
    {"dotfile", METHOD_GET, "/.htpasswd", {NO, NO}, 404, 0, NULL},
    {"missing", METHOD_GET, "/missing", {NO, NO}, 404, 0, NULL},
    {"missing, to POST as well", METHOD_POST, "/missing", {NO, NO}, 404, 0, NULL},
    {"PHP is off", METHOD_GET, "/a.php", {NO, NO}, 403, 0, NULL},
    {"PHP is off for POST", METHOD_POST, "/a.php", {NO, NO}, 403, 0, NULL},

    {"a directory", METHOD_GET, "/dir", {NO, NO}, 301, 0, "Location: /dir/\n"},
    {"a directory and a query", METHOD_GET, "/dir?a=b&c", {NO, NO}, 301, 0, "Location: /dir/?a=b&c\n"},
    {"an empty query", METHOD_GET, "/dir?", {NO, NO}, 301, 0, "Location: /dir/?\n"},
    {"an encoded directory", METHOD_GET, "/sp%20ace", {NO, NO}, 301, 0, "Location: /sp%20ace/\n"},
    {"no way to another host", METHOD_GET, "//dir", {NO, NO}, 301, 0, "Location: /dir/\n"},
    {"a directory's head", METHOD_HEAD, "/dir", {NO, NO}, 301, 0, "Location: /dir/\n"},
    {"an index", METHOD_GET, "/dir/", {NO, NO}, 200, 5, "Content-Type: text/html; charset=utf-8\n"},

    {"POST to a file", METHOD_POST, "/a.txt", {NO, NO}, 405, 0, "Allow: GET, HEAD, OPTIONS\n"},
    {"POST to a directory", METHOD_POST, "/dir", {NO, NO}, 405, 0, "Allow: GET, HEAD, OPTIONS\n"},
    {"PUT", METHOD_PUT, "/a.txt", {NO, NO}, 405, 0, "Allow: GET, HEAD, OPTIONS\n"},
    {"unknown method", METHOD_UNKNOWN, "/a.txt", {NO, NO}, 501, 0, NULL},
    {"unknown to a path that is not there", METHOD_UNKNOWN, "/missing", {NO, NO}, 501, 0, NULL},
    {"a method of others", METHOD_OTHER, "/a.txt", {NO, NO}, 405, 0, "Allow: GET, HEAD, OPTIONS\n"},
    {"TRACE", METHOD_TRACE, "/a.txt", {NO, NO}, 405, 0, "Allow: GET, HEAD, OPTIONS\n"},
    {"CONNECT", METHOD_CONNECT, "", {NO, NO}, 405, 0, "Allow: GET, HEAD, OPTIONS\n"},
    {"OPTIONS", METHOD_OPTIONS, "/a.txt", {NO, NO}, 204, 0, "Allow: GET, HEAD, OPTIONS\n"},
    {"OPTIONS of the server", METHOD_OPTIONS, "*", {NO, NO}, 204, 0, "Allow: GET, HEAD, OPTIONS\n"},

    {"any version will do", METHOD_GET, "/a.txt", {SPAN("If-None-Match"), SPAN("*")}, 304, 0, "ETag: \""},
    {"not changed", METHOD_GET, "/a.txt", {SPAN("If-Modified-Since"), SPAN("Fri, 31 Dec 2100 23:59:59 GMT")}, 304, 0, ""},
    {"changed since", METHOD_GET, "/a.txt", {SPAN("If-Modified-Since"), SPAN("Sat, 01 Jan 2000 00:00:00 GMT")}, 200, 10, ""},
    {"not that version", METHOD_GET, "/a.txt", {SPAN("If-Match"), SPAN("\"x\"")}, 412, 0, NULL},

    {"a part", METHOD_GET, "/a.txt", {SPAN("Range"), SPAN("bytes=2-4")}, 206, 3, "Content-Range: bytes 2-4/10\n"},
    {"the end", METHOD_GET, "/a.txt", {SPAN("Range"), SPAN("bytes=-2")}, 206, 2, "Content-Range: bytes 8-9/10\n"},
    {"a part of a big one", METHOD_GET, "/big.bin", {SPAN("Range"), SPAN("bytes=19990-")}, 206, 10, "bytes 19990-19999/20000"},
    {"not that far", METHOD_GET, "/a.txt", {SPAN("Range"), SPAN("bytes=10-")}, 416, 0, "Content-Range: bytes */10\n"},
    {"overlapping parts are one", METHOD_GET, "/a.txt", {SPAN("Range"), SPAN("bytes=0-4,3-6")}, 206, 7, "Content-Range: bytes 0-6/10\n"},
    {"adjacent parts are one", METHOD_GET, "/a.txt", {SPAN("Range"), SPAN("bytes=5-6,2-4")}, 206, 5, "Content-Range: bytes 2-6/10\n"},
    {"one of two is there", METHOD_GET, "/a.txt", {SPAN("Range"), SPAN("bytes=0-1,99-")}, 206, 2, "Content-Range: bytes 0-1/10\n"},
    {"eight times all of it", METHOD_GET, "/a.txt", {SPAN("Range"), SPAN("bytes=0-,0-,0-,0-,0-,0-,0-,0-")}, 206, 10, "Content-Range: bytes 0-9/10\n"},
    {"more parts than anybody needs", METHOD_GET, "/big.bin", {SPAN("Range"), SPAN("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,30-30,32-32")}, 200, 20000, ""},
    {"no several parts for HEAD", METHOD_HEAD, "/a.txt", {SPAN("Range"), SPAN("bytes=0-1,3-4")}, 200, 0, ""},
    {"no range for HEAD", METHOD_HEAD, "/a.txt", {SPAN("Range"), SPAN("bytes=2-4")}, 200, 0, ""},
    {"another unit", METHOD_GET, "/a.txt", {SPAN("Range"), SPAN("pages=2-4")}, 200, 10, ""},
};
/* clang-format on */

static void
ask(const struct row *r, struct notes *n)
{
    static const struct visitor visitor = {.addr = "192.0.2.1"};
    struct field field = r->field;
    struct span target = span_str(r->target);
    size_t mark = span_find(target, '?');
    struct exchange x = {
        .site = &site,
        .visitor = &visitor,
        .sink = &n->sink,
        .req = {.method = r->method,
                .target = target,
                .path = {target.p, mark},
                .query = span_skip(target, mark + 1),
                .has_query = mark<target.n, .version = 11, .nfields = field.name.n> 0,
                .fields = &field},
    };

    *n = (struct notes){.sink.ops = &note_ops};
    exchange_answer(&x, cache);
}

static void
check(const struct row *r)
{
    struct notes n;
    bool page = !r->has || (r->status >= 300 && r->status != 304);

    ask(r, &n);
    if (n.status != r->status || !n.ended)
        fail_msg("%s: %u", r->why, n.status);
    if (!page && n.body_bytes != r->body_bytes)
        fail_msg("%s: %zu bytes", r->why, n.body_bytes);
    if (!n.bodiless && n.body_bytes != n.length)
        fail_msg("%s: %zu bytes, said %zu", r->why, n.body_bytes, (size_t)n.length);
    if (r->has && !strstr(n.fields, r->has))
        fail_msg("%s: fields %s", r->why, n.fields);
    if (page && r->method != METHOD_HEAD && !strstr(n.body, "<h1>"))
        fail_msg("%s: page %s", r->why, n.body);
    if (r->method == METHOD_HEAD && n.body_bytes != 0)
        fail_msg("%s: a body", r->why);
    if (strstr(n.body, "secret"))
        fail_msg("%s: source was sent", r->why);
}

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&rows[i]);
}

static void
test_head_says_what_get_says(void **state)
{
    struct row get = {"get", METHOD_GET, "/mid.bin", {NO, NO}, 200, 0, ""};
    struct row head = {"head", METHOD_HEAD, "/mid.bin", {NO, NO}, 200, 0, ""};
    struct notes a, b;

    (void)state;
    ask(&get, &a);
    ask(&head, &b);
    assert_string_equal(a.fields, b.fields);
    assert_int_equal(a.length, b.length);
    assert_int_equal(a.lent, 1);
}

/* The boundary of a multipart answer, from its Content-Type. */
static const char *
boundary_of(const struct notes *n)
{
    static char boundary[64];
    const char *at = strstr(n->fields, "Content-Type: multipart/byteranges; boundary=");

    assert_non_null(at);
    assert_int_equal(sscanf(strchr(at, '='), "=%63[0-9a-f]", boundary), 1);
    assert_int_equal(strlen(boundary), 32);
    return boundary;
}

static void
test_several_parts(void **state)
{
    struct row r = {
        "parts", METHOD_GET, "/a.txt", {SPAN("Range"), SPAN("bytes=7-8,0-1,2-2,-1")},
        206,     0,          ""};
    char want[1024], first[64];
    struct notes n;

    (void)state;
    ask(&r, &n);
    assert_int_equal(n.status, 206);
    assert_true(n.ended);
    assert_null(strstr(n.fields, "Content-Range"));
    snprintf(first, sizeof(first), "%s", boundary_of(&n));
    snprintf(want, sizeof(want),
             "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Range: bytes 7-9/10\r\n\r\n789\r\n"
             "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Range: bytes 0-2/10\r\n\r\n012\r\n--%s--\r\n",
             first, first, first);
    assert_string_equal(n.body, want);
    assert_int_equal(n.length, strlen(want));
    ask(&r, &n);
    assert_string_not_equal(boundary_of(&n), first);
}

static void
test_several_parts_of_a_big_file(void **state)
{
    struct row r = {
        "parts", METHOD_GET, "/big.bin", {SPAN("Range"), SPAN("bytes=10000-19999,0-4999")},
        206,     0,          ""};
    struct notes n;

    (void)state;
    ask(&r, &n);
    assert_int_equal(n.status, 206);
    assert_int_equal(n.lent, 2); /* its bytes pass through nobody's memory */
    assert_int_equal(n.length, n.body_bytes);
    assert_true(n.length > 15000 && n.length < 15500);
}

static void
test_changes_are_seen(void **state)
{
    struct row r = {"new", METHOD_GET, "/new.txt", {NO, NO}, 404, 0, NULL};
    struct notes n;

    (void)state;
    ask(&r, &n);
    assert_int_equal(n.status, 404);
    tree_file("new.txt", "new"); /* that nothing was there is not remembered */
    ask(&r, &n);
    assert_int_equal(n.status, 200);
    assert_memory_equal(n.body, "new", 3);
    assert_int_equal(unlink(tree_path("new.txt")), 0);
    usleep(1000 * 999);
    ask(&r, &n);
    assert_int_equal(n.status, 404);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_head_says_what_get_says),
        cmocka_unit_test(test_several_parts),
        cmocka_unit_test(test_several_parts_of_a_big_file),
        cmocka_unit_test(test_changes_are_seen),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
