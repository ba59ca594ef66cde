/* Which coding of a file a request gets, from a real document root. */
#include "compress_file.h"
#include "decode.h"
#include "filecache.h"
#include "hostel/base/mem.h"
#include "hostel/http/media.h"
#include "hostel/serve/turns.h"
#include "tree.h"

#include <fcntl.h>

#define BIG_BYTES  (5 * COMPRESS_SLICE)     /* streams, and is not kept */
#define KEPT_BYTES (COMPRESS_KEEP_MAX - 10) /* streams, and is kept */
#define PAGE_BYTES 5000

static struct site site;
static struct filecache *cache;
static uv_loop_t loop;

/* --- a sink that writes down what it is given ----------------------------------------------
 */

struct notes {
    struct sink sink;
    struct exchange x;
    struct field fields[2];
    unsigned status;
    uint64_t length;
    char text[1024]; /* "Name: value\n" */
    struct buf body;
    size_t room; /* bytes until it says FULL */
    bool gone, ended, failed;
};

static enum sink_flow
flow_of(const struct notes *n)
{
    return n->gone ? SINK_GONE : n->body.len >= n->room ? SINK_FULL : SINK_MORE;
}

static struct notes *
notes_of(struct sink *s)
{
    return (struct notes *)s;
}

static enum sink_flow
note_head(struct sink *s, const struct response *r)
{
    struct notes *n = notes_of(s);
    size_t at = 0;

    n->status = r->status;
    n->length = r->length;
    for (unsigned i = 0; i < r->nfields; i++)
        at += (size_t)snprintf(n->text + at, sizeof(n->text) - at, "%.*s: %.*s\n",
                               (int)r->fields[i].name.n, r->fields[i].name.p,
                               (int)r->fields[i].value.n, r->fields[i].value.p);
    return flow_of(n);
}

static enum sink_flow
note_copy(struct sink *s, struct span bytes)
{
    struct notes *n = notes_of(s);

    assert_true(n->body.len < n->room); /* FULL was heeded */
    assert_int_equal(buf_add_span(&n->body, bytes), 0);
    return flow_of(n);
}

static enum sink_flow
note_lend(struct sink *s, const struct piece *p)
{
    struct notes *n = notes_of(s);

    if (p->fd < 0) {
        assert_int_equal(buf_add_span(&n->body, p->bytes), 0);
    } else {
        char *to = buf_reserve(&n->body, (size_t)p->length);
        ssize_t got = pread(p->fd, to, (size_t)p->length, (off_t)p->offset);

        assert_true(got >= 0 && (uint64_t)got == p->length);
        buf_claim(&n->body, (size_t)p->length);
    }
    p->release(p->owner);
    return flow_of(n);
}

static void
note_flush(struct sink *s)
{
    (void)s;
}

static void
note_end(struct sink *s)
{
    notes_of(s)->x.answerer = NULL;
    notes_of(s)->ended = true;
}

static void
note_fail(struct sink *s)
{
    notes_of(s)->x.answerer = NULL;
    notes_of(s)->failed = true;
}

static const struct sink_ops note_ops = {
    .head = note_head,
    .copy = note_copy,
    .lend = note_lend,
    .flush = note_flush,
    .end = note_end,
    .fail = note_fail,
};

/* --- a document root ------------------------------------------------------------------------
 */

static char *
text_of(size_t n)
{
    char *p = mem_new(n + 1);

    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + (i * 7 + i / 1000) % 26);
    return p;
}

static void
text_file(const char *name, size_t n)
{
    char *text = text_of(n);

    tree_file(name, text);
    free(text);
}

static int
setup(void **state)
{
    (void)state;
    (void)media_init("/nowhere");
    tree_site(&site);
    site.compress = true;
    site.compress_min = 1000;
    cache = filecache_new();
    uv_loop_init(&loop);
    turns_start(&loop);
    text_file("page.html", PAGE_BYTES);
    text_file("kept.txt", KEPT_BYTES);
    text_file("big.txt", BIG_BYTES);
    tree_file("tiny.css", "p{}");
    text_file("pic.png", PAGE_BYTES);
    text_file("side.js", PAGE_BYTES);
    tree_file("side.js.gz", "gz of it");
    text_file("bin.bin", PAGE_BYTES);
    tree_file("bin.bin.br", "br of it");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    filecache_free(&cache);
    turns_stop();
    uv_run(&loop, UV_RUN_DEFAULT);
    media_done();
    tree_done(&site);
    return uv_loop_close(&loop);
}

static void
ask(struct notes *n, enum method method, const char *path, const char *accept,
    const struct field *more)
{
    static const struct visitor visitor = {.addr = "192.0.2.1"};
    struct request *r = &n->x.req;

    *n = (struct notes){.sink.ops = &note_ops, .room = SIZE_MAX};
    n->x = (struct exchange){.site = &site, .visitor = &visitor, .sink = &n->sink};
    *r = (struct request){.method = method, .version = 11, .fields = n->fields};
    r->path = r->target = span_str(path);
    if (accept)
        n->fields[r->nfields++] = (struct field){SPAN("Accept-Encoding"), span_str(accept)};
    if (more)
        n->fields[r->nfields++] = *more;
    buf_init(&n->body, 16u << 20);
    exchange_answer(&n->x, cache);
}

static void
get(struct notes *n, const char *path, const char *accept)
{
    ask(n, METHOD_GET, path, accept, NULL);
}

static bool
says(const struct notes *n, const char *text)
{
    return strstr(n->text, text) != NULL;
}

static bool
is_text(const struct notes *n, enum coding c, size_t bytes)
{
    char *want = text_of(bytes);
    struct buf back;
    bool same = decode(c, buf_span(&n->body), &back) == 1 &&
                span_eq(buf_span(&back), span_of(want, bytes));

    buf_done(&back);
    free(want);
    return same;
}

/* --- rows -----------------------------------------------------------------------------------
 */

/* clang-format off: one row a line */
static const struct {
    const char *why;
    enum method method;
    const char *path, *accept;
    bool off; /* the site does not compress */
    struct field more;
    unsigned status;
    const char *coding; /* NULL: identity */
    bool vary, ranges;
} rows[] = {
    {"nothing asked for",
     METHOD_GET,
     "/page.html",
     NULL,
     false,
     {{0}, {0}},
     200,
     NULL,
     true,
     true},
    {"br", METHOD_GET, "/page.html", "br", false, {{0}, {0}}, 200, "br", true, false},
    {"a browser",
     METHOD_GET,
     "/page.html",
     "gzip, br, zstd",
     false,
     {{0}, {0}},
     200,
     "br",
     true,
     false},
    {"HEAD", METHOD_HEAD, "/page.html", "zstd", false, {{0}, {0}}, 200, "zstd", true, false},
    {"HEAD of a big one",
     METHOD_HEAD,
     "/big.txt",
     "gzip",
     false,
     {{0}, {0}},
     200,
     "gzip",
     true,
     false},
    {"switched off", METHOD_GET, "/page.html", "br", true, {{0}, {0}}, 200, NULL, false, true},
    {"too small", METHOD_GET, "/tiny.css", "br", false, {{0}, {0}}, 200, NULL, false, true},
    {"too small, and nothing else is taken",
     METHOD_GET,
     "/tiny.css",
     "br, identity;q=0",
     false,
     {{0}, {0}},
     200,
     "br",
     true,
     false},
    {"a picture", METHOD_GET, "/pic.png", "br", false, {{0}, {0}}, 200, NULL, false, true},
    {"a picture, identity refused",
     METHOD_GET,
     "/pic.png",
     "br, *;q=0",
     false,
     {{0}, {0}},
     406,
     NULL,
     true,
     false},
    {"all refused",
     METHOD_GET,
     "/page.html",
     "*;q=0",
     false,
     {{0}, {0}},
     406,
     NULL,
     true,
     false},
    {"off, and identity refused",
     METHOD_GET,
     "/page.html",
     "br, identity;q=0",
     true,
     {{0}, {0}},
     406,
     NULL,
     true,
     false},
    {"a part is of the file",
     METHOD_GET,
     "/page.html",
     "br",
     false,
     {SPAN("Range"), SPAN("bytes=0-9")},
     206,
     NULL,
     true,
     true},
    {"a part, but identity refused",
     METHOD_GET,
     "/page.html",
     "br, identity;q=0",
     false,
     {SPAN("Range"), SPAN("bytes=0-9")},
     200,
     "br",
     true,
     false},
    {"HEAD knows no ranges",
     METHOD_HEAD,
     "/page.html",
     "br",
     false,
     {SPAN("Range"), SPAN("bytes=0-9")},
     200,
     "br",
     true,
     false},
    {"a neighbour", METHOD_GET, "/side.js", "gzip", false, {{0}, {0}}, 200, "gzip", true, true},
    {"a neighbour before what could be made",
     METHOD_GET,
     "/side.js",
     "br, gzip;q=0.1",
     false,
     {{0}, {0}},
     200,
     "gzip",
     true,
     true},
    {"no such neighbour: made",
     METHOD_GET,
     "/side.js",
     "br",
     false,
     {{0}, {0}},
     200,
     "br",
     true,
     false},
    {"a neighbour of anything",
     METHOD_GET,
     "/bin.bin",
     "br",
     true,
     {{0}, {0}},
     200,
     "br",
     true,
     true},
    {"a part of a neighbour",
     METHOD_GET,
     "/bin.bin",
     "br",
     true,
     {SPAN("Range"), SPAN("bytes=0-1")},
     206,
     "br",
     true,
     true},
    {"not asked for", METHOD_GET, "/bin.bin", "gzip", true, {{0}, {0}}, 200, NULL, true, true},
    {"any version is there",
     METHOD_GET,
     "/page.html",
     "br",
     false,
     {SPAN("If-None-Match"), SPAN("*")},
     304,
     NULL,
     true,
     false},
};
/* clang-format on */

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct notes n;
        char want[64];

        print_message("%s\n", rows[i].why);
        site.compress = !rows[i].off;
        ask(&n, rows[i].method, rows[i].path, rows[i].accept,
            rows[i].more.name.n ? &rows[i].more : NULL);
        site.compress = true;
        snprintf(want, sizeof(want), "Content-Encoding: %s\n",
                 rows[i].coding ? rows[i].coding : "");
        assert_int_equal(n.status, rows[i].status);
        assert_true(n.ended);
        assert_int_equal(says(&n, rows[i].coding ? want : "Content-Encoding"),
                         rows[i].coding != NULL);
        assert_int_equal(says(&n, "Vary: Accept-Encoding\n"), rows[i].vary);
        assert_int_equal(says(&n, "Accept-Ranges: bytes\n"), rows[i].ranges);
        if (rows[i].method == METHOD_GET && n.status != 304)
            assert_true(n.length == n.body.len);
        buf_done(&n.body);
    }
}

/* --- bytes ----------------------------------------------------------------------------------
 */

static const char *const names[CODINGS] = {"identity", "br", "zstd", "gzip"};

static void
test_small_ones_are_made_at_once_and_kept(void **state)
{
    (void)state;
    for (int c = CODING_IDENTITY + 1; c < CODINGS; c++)
        for (int turn = 0; turn < 2; turn++) {
            struct notes n;

            get(&n, "/page.html", names[c]);
            assert_true(n.ended && n.length == n.body.len);
            assert_true(is_text(&n, (enum coding)c, PAGE_BYTES));
            assert_true(says(&n, "ETag: W/\""));
            buf_done(&n.body);
        }
}

static void
test_big_ones_take_turns(void **state)
{
    (void)state;
    for (int c = CODING_IDENTITY + 1; c < CODINGS; c++) {
        struct notes a, b;
        unsigned turns = 0;

        get(&a, "/big.txt", names[c]);
        get(&b, "/big.txt", names[c]);
        assert_true(a.x.answerer && b.x.answerer && !a.ended && !b.ended);
        while (!a.ended || !b.ended) {
            assert_true(turns++ < 12);
            uv_run(&loop, UV_RUN_NOWAIT);
        }
        assert_true(turns >= 8); /* one slice each at first, then one of both a turn */
        assert_true(is_text(&a, (enum coding)c, BIG_BYTES));
        assert_true(is_text(&b, (enum coding)c, BIG_BYTES));
        buf_done(&a.body);
        buf_done(&b.body);
    }
    assert_int_equal(uv_loop_alive(&loop), 0); /* nobody waits: the loop may sleep */
}

static void
test_what_was_streamed_is_kept_up_to_a_size(void **state)
{
    struct notes n;

    (void)state;
    get(&n, "/kept.txt", "zstd");
    assert_true(n.length == RESPONSE_LENGTH_UNKNOWN && !n.ended);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(n.ended && is_text(&n, CODING_ZSTD, KEPT_BYTES));
    buf_done(&n.body);
    get(&n, "/kept.txt", "zstd");
    assert_true(n.ended && n.length == n.body.len && is_text(&n, CODING_ZSTD, KEPT_BYTES));
    buf_done(&n.body);
}

static void
test_full_waits_for_room(void **state)
{
    struct notes n;

    (void)state;
    get(&n, "/big.txt", "gzip");
    n.room = n.body.len + 1; /* whatever comes next fills it */
    for (int i = 0; i < 100 && !n.ended; i++) {
        uv_run(&loop, UV_RUN_DEFAULT); /* it ends: who waits for room does not spin */
        n.room = n.body.len + 1;
        if (n.x.answerer)
            n.x.answerer->on_room(n.x.answerer_data);
    }
    assert_true(n.ended && is_text(&n, CODING_GZIP, BIG_BYTES));
    buf_done(&n.body);
}

static void
test_gone(void **state)
{
    struct notes n;

    (void)state;
    get(&n, "/big.txt", "br"); /* between turns */
    n.x.answerer->on_gone(n.x.answerer_data);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_false(n.ended || n.failed);
    buf_done(&n.body);

    get(&n, "/big.txt", "br"); /* heard from the sink, told afterwards */
    n.gone = true;
    uv_run(&loop, UV_RUN_DEFAULT);
    if (n.x.answerer)
        n.x.answerer->on_gone(n.x.answerer_data);
    assert_false(n.ended || n.failed);
    buf_done(&n.body);
}

static void
test_a_file_that_changes_meanwhile_is_cut(void **state)
{
    struct notes n;

    (void)state;
    text_file("moving.txt", BIG_BYTES);
    get(&n, "/moving.txt", "gzip");
    assert_int_equal(truncate(tree_path("moving.txt"), COMPRESS_SLICE + 5), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(n.failed && !n.ended);
    buf_done(&n.body);

    text_file("moving.txt", BIG_BYTES);
    get(&n, "/moving.txt", "gzip");
    assert_true(n.x.answerer != NULL);
    text_file("moving.txt", BIG_BYTES); /* as long as before, in place */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(n.failed && !n.ended);
    buf_done(&n.body);
}

/* With a neighbour's age: a second's stamp counts as the second. */
static void
test_age_of_neighbours(void **state)
{
    static const struct {
        const char *why;
        struct timespec stamp;
        bool counts;
    } ages[] = {
        {"as old as the file", {1000, 500}, true},
        {"younger", {1001, 0}, true},
        {"younger by nanoseconds", {1000, 501}, true},
        {"older by nanoseconds", {1000, 499}, false},
        {"a tool that stamps seconds", {1000, 0}, true},
        {"older", {999, 0}, false},
        {"older, with nanoseconds", {999, 900}, false},
    };
    struct timespec of[2] = {{1000, 500}, {1000, 500}};

    (void)state;
    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        struct timespec stamps[2] = {ages[i].stamp, ages[i].stamp};
        char name[32], beside[40], path[40];
        struct notes n;

        print_message("%s\n", ages[i].why);
        snprintf(name, sizeof(name), "age%zu.bin", i);
        snprintf(beside, sizeof(beside), "%s.gz", name);
        snprintf(path, sizeof(path), "/%s", name);
        text_file(name, 100);
        tree_file(beside, "gz");
        assert_int_equal(utimensat(AT_FDCWD, tree_path(name), of, 0), 0);
        assert_int_equal(utimensat(AT_FDCWD, tree_path(beside), stamps, 0), 0);
        get(&n, path, "gzip");
        assert_int_equal(says(&n, "Content-Encoding: gzip\n"), ages[i].counts);
        buf_done(&n.body);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_small_ones_are_made_at_once_and_kept),
        cmocka_unit_test(test_big_ones_take_turns),
        cmocka_unit_test(test_what_was_streamed_is_kept_up_to_a_size),
        cmocka_unit_test(test_full_waits_for_room),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_a_file_that_changes_meanwhile_is_cut),
        cmocka_unit_test(test_age_of_neighbours),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
