/* The filter that codes answers on their way out. */
#include "compress.h"
#include "decode.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* A sink that writes down what it is given, and says what it is told to say. */
struct seen {
    struct sink sink;
    unsigned heads, flushes;
    uint64_t length;
    char fields[1024]; /* "Name: value\n" */
    struct buf body;
    size_t room; /* bytes until it says FULL */
    bool gone, ended, failed;
};

static enum sink_flow
flow_of(const struct seen *s)
{
    return s->gone ? SINK_GONE : s->body.len >= s->room ? SINK_FULL : SINK_MORE;
}

static enum sink_flow
seen_head(struct sink *sink, const struct response *r)
{
    struct seen *s = (struct seen *)sink;
    size_t at = 0;

    s->heads++;
    s->length = r->length;
    for (unsigned i = 0; i < r->nfields; i++)
        at += (size_t)snprintf(s->fields + at, sizeof(s->fields) - at, "%.*s: %.*s\n",
                               (int)r->fields[i].name.n, r->fields[i].name.p,
                               (int)r->fields[i].value.n, r->fields[i].value.p);
    return flow_of(s);
}

static enum sink_flow
seen_copy(struct sink *sink, struct span bytes)
{
    struct seen *s = (struct seen *)sink;

    assert_false(s->ended || s->failed);
    assert_int_equal(buf_add_span(&s->body, bytes), 0);
    return flow_of(s);
}

static enum sink_flow
seen_lend(struct sink *sink, const struct piece *p)
{
    enum sink_flow flow = seen_copy(sink, p->bytes);

    p->release(p->owner);
    return flow;
}

static void
seen_flush(struct sink *sink)
{
    ((struct seen *)sink)->flushes++;
}

static void
seen_end(struct sink *sink)
{
    assert_false(((struct seen *)sink)->gone);
    ((struct seen *)sink)->ended = true;
}

static void
seen_fail(struct sink *sink)
{
    ((struct seen *)sink)->failed = true;
}

static const struct sink_ops seen_ops = {
    .head = seen_head,
    .copy = seen_copy,
    .lend = seen_lend,
    .flush = seen_flush,
    .end = seen_end,
    .fail = seen_fail,
};

/* --- one answer --------------------------------------------------------------------------- */

struct answer {
    struct seen seen;
    struct site site;
    struct field accept;
    struct exchange x;
    struct compress c;
    struct response r;
};

static void
answer_init(struct answer *a, const char *accept, uint64_t length)
{
    *a = (struct answer){
        .seen = {.sink = {&seen_ops}, .room = SIZE_MAX},
        .site = {.compress = true, .compress_min = 1000},
        .accept = {SPAN("Accept-Encoding"), span_str(accept)},
        .r = {.status = 200, .length = length},
    };
    a->x = (struct exchange){
        .site = &a->site, .sink = &a->seen.sink, .req = {.fields = &a->accept, .nfields = 1}};
    buf_init(&a->seen.body, 16u << 20);
    response_add(&a->r, SPAN("Content-Type"), SPAN("text/html"));
    compress_init(&a->c, &a->x);
}

static void
answer_done(struct answer *a)
{
    compress_done(&a->c);
    buf_done(&a->seen.body);
}

static enum sink_flow
head(struct answer *a)
{
    return a->c.sink.ops->head(&a->c.sink, &a->r);
}

static enum sink_flow
copy(struct answer *a, struct span bytes)
{
    return a->c.sink.ops->copy(&a->c.sink, bytes);
}

static void
end(struct answer *a)
{
    a->c.sink.ops->end(&a->c.sink);
}

static bool
says(const struct answer *a, const char *line)
{
    return strstr(a->seen.fields, line) != NULL;
}

static bool
decodes(const struct answer *a, enum coding c, int whole, struct span want)
{
    struct buf back;
    bool same =
        decode(c, buf_span(&a->seen.body), &back) == whole && span_eq(buf_span(&back), want);

    buf_done(&back);
    return same;
}

/* --- what passes -------------------------------------------------------------------------- */

/* clang-format off: one row a line */
static const struct {
    const char *why, *accept;
    bool off, bodiless;
    unsigned status;
    uint64_t length;
    const char *name, *value; /* one more field of the answer */
    bool coded, vary;
} rows[] = {
    {"gzip is taken", "gzip", false, false, 200, 5000, NULL, NULL, true, true},
    {"of unknown length", "gzip", false, false, 200, RESPONSE_LENGTH_UNKNOWN, NULL, NULL, true,
     true},
    {"HEAD says what GET says", "gzip", false, true, 200, 5000, NULL, NULL, true, true},
    {"an error page of PHP's", "gzip", false, false, 500, 5000, NULL, NULL, true, true},
    {"nothing is taken", "", false, false, 200, 5000, NULL, NULL, false, true},
    {"nothing is taken at all", "*;q=0", false, false, 200, 5000, NULL, NULL, false, true},
    {"switched off", "gzip", true, false, 200, 5000, NULL, NULL, false, false},
    {"too small", "gzip", false, false, 200, 999, NULL, NULL, false, false},
    {"no content", "gzip", false, true, 204, RESPONSE_LENGTH_UNKNOWN, NULL, NULL, false, false},
    {"a part", "gzip", false, false, 206, 5000, NULL, NULL, false, false},
    {"not modified", "gzip", false, true, 304, RESPONSE_LENGTH_UNKNOWN, NULL, NULL, false,
     false},
    {"coded by PHP", "gzip", false, false, 200, 5000, "Content-Encoding", "gzip", false, false},
    {"no-transform", "gzip", false, false, 200, 5000, "Cache-Control", "no-transform", false,
     false},
    {"events", "gzip", false, false, 200, RESPONSE_LENGTH_UNKNOWN, "Content-Type",
     "text/event-stream", false, false},
    {"a picture", "gzip", false, false, 200, 5000, "Content-Type", "image/png", false, false},
};
/* clang-format on */

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer a;

        print_message("%s\n", rows[i].why);
        answer_init(&a, rows[i].accept, rows[i].length);
        a.site.compress = !rows[i].off;
        a.r.status = rows[i].status;
        a.r.bodiless = rows[i].bodiless;
        if (rows[i].name)
            response_add(&a.r, span_str(rows[i].name), span_str(rows[i].value));
        assert_int_equal(head(&a), SINK_MORE);
        assert_int_equal(says(&a, "Content-Encoding: gzip\n") && !rows[i].name, rows[i].coded);
        assert_int_equal(says(&a, "Vary: Accept-Encoding\n"), rows[i].vary);
        assert_true(a.seen.length ==
                    (rows[i].coded ? RESPONSE_LENGTH_UNKNOWN : rows[i].length));
        assert_int_equal(a.c.encoder != NULL, rows[i].coded && !rows[i].bodiless);
        assert_int_equal(compress_holds(&a.c), a.c.encoder != NULL);
        if (!rows[i].coded && !rows[i].bodiless) {
            assert_int_equal(copy(&a, SPAN("as it is")), SINK_MORE);
            assert_true(span_eq(buf_span(&a.seen.body), SPAN("as it is")));
        }
        end(&a);
        assert_true(a.seen.ended && a.seen.heads == 1);
        answer_done(&a);
    }
}

/* --- what is coded ------------------------------------------------------------------------ */

static const char *const names[CODINGS] = {"identity", "br", "zstd", "gzip"};

static void
test_big_pieces(void **state)
{
    static char bytes[5 * ENCODER_PIECE / 2];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)('a' + i % 23 * (i / 1000) % 26);
    for (int c = CODING_IDENTITY + 1; c < CODINGS; c++) {
        struct answer a;

        answer_init(&a, names[c], RESPONSE_LENGTH_UNKNOWN);
        (void)head(&a);
        assert_int_equal(copy(&a, span_of(bytes, sizeof(bytes))), SINK_MORE);
        end(&a);
        assert_true(a.seen.ended);
        assert_true(decodes(&a, (enum coding)c, 1, span_of(bytes, sizeof(bytes))));
        answer_done(&a);
    }
}

static void
test_flush_holds_nothing_back(void **state)
{
    (void)state;
    for (int c = CODING_IDENTITY + 1; c < CODINGS; c++) {
        struct answer a;

        answer_init(&a, names[c], RESPONSE_LENGTH_UNKNOWN);
        (void)head(&a);
        (void)copy(&a, SPAN("first"));
        a.c.sink.ops->flush(&a.c.sink);
        assert_int_equal(a.seen.flushes, 1);
        assert_true(decodes(&a, (enum coding)c, 0, SPAN("first")));
        (void)copy(&a, SPAN(", second"));
        a.c.sink.ops->flush(&a.c.sink);
        assert_true(decodes(&a, (enum coding)c, 0, SPAN("first, second")));
        end(&a);
        assert_true(decodes(&a, (enum coding)c, 1, SPAN("first, second")));
        answer_done(&a);
    }
}

static void
test_full_is_passed_on(void **state)
{
    struct answer a;

    (void)state;
    answer_init(&a, "gzip", RESPONSE_LENGTH_UNKNOWN);
    a.seen.room = 0;
    assert_int_equal(head(&a), SINK_FULL);
    a.seen.room = 1;
    assert_int_equal(copy(&a, SPAN("a")), SINK_FULL); /* gzip's own head */
    a.seen.room = SIZE_MAX;
    assert_int_equal(copy(&a, SPAN("b")), SINK_MORE); /* though nothing came out */
    end(&a);
    assert_true(decodes(&a, CODING_GZIP, 1, SPAN("ab")));
    answer_done(&a);
}

static void
test_gone(void **state)
{
    struct answer a;

    (void)state;
    answer_init(&a, "gzip", RESPONSE_LENGTH_UNKNOWN);
    (void)head(&a);
    (void)copy(&a, SPAN("a"));
    a.seen.gone = true;
    assert_int_equal(copy(&a, SPAN("b")), SINK_GONE);
    end(&a); /* the sink has heard the last of it */
    assert_false(a.seen.ended);
    answer_done(&a);
}

static void
test_cut(void **state)
{
    struct answer a;

    (void)state;
    answer_init(&a, "br", RESPONSE_LENGTH_UNKNOWN);
    (void)head(&a);
    (void)copy(&a, SPAN("a"));
    (a.c.sink.ops->fail)(&a.c.sink);
    assert_true(a.seen.failed && !a.seen.ended);
    answer_done(&a);
}

static unsigned released;

static void
on_release(void *owner)
{
    (void)owner;
    released++;
}

static void
test_lent(void **state)
{
    char path[] = "/tmp/hostel-test-XXXXXX";
    int fd = mkstemp(path);
    struct piece file = {
        .fd = fd, .offset = 2, .length = 5, .release = on_release, .owner = NULL};
    struct piece bytes = {.fd = -1, .bytes = SPAN("lent "), .release = on_release};
    struct answer a;

    (void)state;
    released = 0;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(write(fd, "01hello89", 9), 9);
    answer_init(&a, "zstd", RESPONSE_LENGTH_UNKNOWN);
    (void)head(&a);
    assert_int_equal(a.c.sink.ops->lend(&a.c.sink, &bytes), SINK_MORE);
    assert_int_equal(a.c.sink.ops->lend(&a.c.sink, &file), SINK_MORE);
    assert_int_equal(released, 2);
    file.length = 50; /* more than there is */
    assert_int_equal(a.c.sink.ops->lend(&a.c.sink, &file), SINK_GONE);
    assert_int_equal(released, 3);
    assert_true(a.seen.failed);
    answer_done(&a);

    answer_init(&a, "", RESPONSE_LENGTH_UNKNOWN);
    (void)head(&a);
    assert_int_equal(a.c.sink.ops->lend(&a.c.sink, &bytes), SINK_MORE);
    assert_true(span_eq(buf_span(&a.seen.body), SPAN("lent ")));
    assert_int_equal(released, 4);
    answer_done(&a);
    close(fd);
}

/* PHP says 100 bytes and sends five: the encoder cannot end, and nobody must take it for whole.
 */
static void
test_encoder_that_fails(void **state)
{
    struct answer a;

    (void)state;
    answer_init(&a, "zstd", 5000);
    (void)head(&a);
    (void)copy(&a, SPAN("short"));
    end(&a);
    assert_true(a.seen.failed && !a.seen.ended);
    answer_done(&a);
}

static void
test_too_many(void **state)
{
    static struct answer all[ENCODERS_MAX + 1];

    (void)state;
    for (size_t i = 0; i <= ENCODERS_MAX; i++) {
        answer_init(&all[i], "gzip", 5000);
        assert_int_equal(head(&all[i]), SINK_MORE);
        assert_int_equal(says(&all[i], "Content-Encoding"), i < ENCODERS_MAX);
        assert_true(says(&all[i], "Vary: Accept-Encoding\n"));
    }
    for (size_t i = 0; i <= ENCODERS_MAX; i++)
        answer_done(&all[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_big_pieces),
        cmocka_unit_test(test_flush_holds_nothing_back),
        cmocka_unit_test(test_full_is_passed_on),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_lent),
        cmocka_unit_test(test_encoder_that_fails),
        cmocka_unit_test(test_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
