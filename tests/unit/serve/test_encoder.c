/* What the encoders make is what their decoders read. */
#include "encoder.h"
#include "decode.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum matter { TEXT, NOUGHTS, NOISE };

/* clang-format off: one row a line */
static const struct {
    const char *why;
    enum matter matter;
    size_t bytes, piece;
    unsigned flush_every; /* pieces; 0 = never */
    bool size_known;
} rows[] = {
    {"nothing", TEXT, 0, 1, 0, false},
    {"nothing, and that is known", TEXT, 0, 1, 0, true},
    {"one byte", TEXT, 1, 1, 0, false},
    {"byte by byte", TEXT, 3000, 1, 0, true},
    {"byte by byte, each flushed", TEXT, 300, 1, 1, false},
    {"small", TEXT, 1000, 1000, 0, true},
    {"one piece", TEXT, ENCODER_PIECE, ENCODER_PIECE, 0, true},
    {"a megabyte", TEXT, 1 << 20, ENCODER_PIECE, 0, true},
    {"a megabyte of unknown length", TEXT, 1 << 20, ENCODER_PIECE, 0, false},
    {"odd pieces, flushed now and then", TEXT, 1 << 20, 31337, 3, false},
    {"every piece flushed", TEXT, 1 << 20, ENCODER_PIECE, 1, false},
    {"noughts", NOUGHTS, 8 << 20, ENCODER_PIECE, 0, true},
    {"noise", NOISE, 2 << 20, ENCODER_PIECE, 0, true},
    {"noise, flushed", NOISE, 1 << 20, 50000, 2, false},
};
/* clang-format on */

static char *
matter_of(enum matter matter, size_t n)
{
    static const char words[] = "the quick brown fox jumps over the lazy dog and the cat ";
    char *p = mem_new(n ? n : 1);
    uint32_t seed = 1;

    for (size_t i = 0; i < n && matter != NOUGHTS; i++) {
        seed = seed * 1664525 + 1013904223;
        p[i] = matter == NOISE ? (char)(seed >> 24)
                               : words[(i + i / 97 * 7) % (sizeof(words) - 1)];
    }
    return p;
}

static void
round_trip(enum coding c, size_t row)
{
    char *bytes = matter_of(rows[row].matter, rows[row].bytes);
    size_t at = 0, most = 0;
    struct buf out, back;
    unsigned pieces = 0;
    struct encoder *e =
        encoder_new(c, rows[row].size_known ? rows[row].bytes : RESPONSE_LENGTH_UNKNOWN);

    assert_non_null(e);
    buf_init(&out, DECODE_ROOM);
    while (at < rows[row].bytes) {
        size_t n =
            rows[row].bytes - at < rows[row].piece ? rows[row].bytes - at : rows[row].piece;
        bool flush = rows[row].flush_every && ++pieces % rows[row].flush_every == 0;
        size_t before = out.len;

        assert_int_equal(encoder_feed(e, span_of(bytes + at, n), ENCODER_MORE, &out), 0);
        at += n;
        if (flush)
            assert_int_equal(encoder_feed(e, span_of(NULL, 0), ENCODER_FLUSH, &out), 0);
        most = out.len - before > most ? out.len - before : most;
        if (flush && (pieces < 4 || at == rows[row].bytes)) { /* nothing is held back */
            assert_int_equal(decode(c, buf_span(&out), &back), 0);
            assert_int_equal(back.len, at);
            buf_done(&back);
        }
    }
    assert_int_equal(encoder_feed(e, span_of(NULL, 0), ENCODER_END, &out), 0);
    assert_true(most < ENCODER_OUT_MAX);
    assert_int_equal(decode(c, buf_span(&out), &back), 1);
    assert_true(span_eq(buf_span(&back), span_of(bytes, rows[row].bytes)));
    if (rows[row].matter != NOISE && rows[row].bytes >= 1000 && rows[row].flush_every != 1)
        assert_true(out.len < rows[row].bytes / 2);
    buf_done(&back);
    buf_done(&out);
    encoder_free(&e);
    assert_null(e);
    free(bytes);
}

static void
test_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int c = CODING_IDENTITY + 1; c < CODINGS; c++) {
            print_message("%s: %s\n", encoding_name((enum coding)c).p, rows[i].why);
            round_trip((enum coding)c, i);
        }
}

static void
test_last_piece_with_the_end(void **state)
{
    (void)state;
    for (int c = CODING_IDENTITY + 1; c < CODINGS; c++) {
        struct encoder *e = encoder_new((enum coding)c, 5);
        struct buf out, back;

        buf_init(&out, ENCODER_OUT_MAX);
        assert_int_equal(encoder_feed(e, SPAN("hello"), ENCODER_END, &out), 0);
        assert_int_equal(decode((enum coding)c, buf_span(&out), &back), 1);
        assert_true(span_eq(buf_span(&back), SPAN("hello")));
        buf_done(&back);
        buf_done(&out);
        encoder_free(&e);
    }
}

static void
test_no_room(void **state)
{
    char *bytes = matter_of(NOISE, ENCODER_PIECE);

    (void)state;
    for (int c = CODING_IDENTITY + 1; c < CODINGS; c++) {
        struct encoder *e = encoder_new((enum coding)c, RESPONSE_LENGTH_UNKNOWN);
        struct buf out;

        buf_init(&out, 1000);
        assert_int_equal(encoder_feed(e, span_of(bytes, ENCODER_PIECE), ENCODER_FLUSH, &out),
                         -ENOBUFS);
        buf_done(&out);
        encoder_free(&e);
    }
    free(bytes);
}

/* Each costs a megabyte: a crowd of slow visitors gets its pages as they are. */
static void
test_never_too_many(void **state)
{
    struct encoder *all[ENCODERS_MAX], *more;

    (void)state;
    for (size_t i = 0; i < ENCODERS_MAX; i++)
        assert_non_null(all[i] = encoder_new(CODING_GZIP, 1));
    assert_null(more = encoder_new(CODING_BR, 1));
    encoder_free(&all[0]);
    assert_non_null(more = encoder_new(CODING_BR, 1));
    encoder_free(&more);
    for (size_t i = 0; i < ENCODERS_MAX; i++)
        encoder_free(&all[i]);
}

/* What the length promised has to come. */
static void
test_less_than_said(void **state)
{
    struct encoder *e = encoder_new(CODING_ZSTD, 100);
    struct buf out;

    (void)state;
    buf_init(&out, ENCODER_OUT_MAX);
    assert_int_equal(encoder_feed(e, SPAN("short"), ENCODER_MORE, &out), 0);
    assert_int_equal(encoder_feed(e, span_of(NULL, 0), ENCODER_END, &out), -EIO);
    buf_done(&out);
    encoder_free(&e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_last_piece_with_the_end),
        cmocka_unit_test(test_no_room),        cmocka_unit_test(test_never_too_many),
        cmocka_unit_test(test_less_than_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
