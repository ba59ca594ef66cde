/* serve/fcgi: the wire, out and in. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fcgi.h"

#include <errno.h>
#include <stdlib.h>

/* --- out: read back the way PHP does, each PARAMS record by itself ------------------------ */

struct back {
    size_t pairs, records, value_bytes;
    bool ended;
};

static size_t
length_get(const unsigned char **p)
{
    const unsigned char *q = *p;

    if (q[0] < 128) {
        *p += 1;
        return q[0];
    }
    *p += 4;
    return (size_t)(q[0] & 0x7f) << 24 | (size_t)q[1] << 16 | (size_t)q[2] << 8 | q[3];
}

/* One record's pairs; a pair that is not whole in it fails the test. */
static void
read_pairs(const unsigned char *p, size_t n, struct back *b)
{
    const unsigned char *end = p + n;

    while (p < end) {
        size_t name = length_get(&p), value = length_get(&p);

        assert_true(name + value <= (size_t)(end - p));
        for (size_t i = 0; i < name; i++)
            assert_int_equal(p[i], 'N');
        for (size_t i = 0; i < value; i++)
            assert_int_equal(p[name + i], 'v');
        p += name + value;
        b->pairs++;
        b->value_bytes += value;
    }
}

static void
read_back(struct span out, struct back *b)
{
    const unsigned char *p = (const unsigned char *)out.p, *end = p + out.n;
    static const unsigned char begin[] = {1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};

    assert_true(out.n >= 24);
    assert_memory_equal(p, begin, sizeof(begin));
    for (p += 16; p < end; p += 8 + (p[4] << 8 | p[5]) + p[6]) {
        size_t n = (size_t)(p[4] << 8 | p[5]);

        assert_false(b->ended);
        assert_int_equal(p[0], 1);
        assert_int_equal(p[1], FCGI_PARAMS);
        assert_int_equal(p[2] << 8 | p[3], 1);
        assert_true(n + p[6] <= 65535);
        read_pairs(p + 8, n, b);
        b->records++;
        b->ended = n == 0;
    }
    assert_ptr_equal(p, end);
}

static void
test_params(void **state)
{
    static const struct {
        const char *why;
        size_t pairs, name, value;
        int error;
        size_t records; /* the empty one included */
    } rows[] = {
        {"none", 0, 0, 0, 0, 1},
        {"one", 1, 4, 10, 0, 2},
        {"an empty value", 1, 4, 0, 0, 2},
        {"lengths of one byte", 3, 127, 127, 0, 2},
        {"lengths of four", 3, 128, 128, 0, 2},
        {"a value that fills a record", 1, 4, 65528 - 4 - 5, 0, 2},
        {"one byte more fits none", 1, 4, 65528 - 4 - 5 + 1, -EMSGSIZE, 0},
        {"a length that would not fit the arithmetic", 1, 4, 70000, -EMSGSIZE, 0},
        {"pairs are never split", 3, 4, 40000, 0, 4},
        {"two share, the third begins a record", 3, 4, 30000, 0, 3},
        {"many small ones", 5000, 3, 20, 0, 3},
        {"more than all may have", 4, 4, 40000, -EMSGSIZE, 0},
    };
    char *name = malloc(200), *value = malloc(70000);

    (void)state;
    memset(name, 'N', 200);
    memset(value, 'v', 70000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct back b = {0};
        struct fcgi_writer w;
        struct buf out;

        print_message("  %s\n", rows[i].why);
        buf_init(&out, FCGI_PARAMS_MAX + 65536);
        fcgi_begin(&w, &out);
        for (size_t k = 0; k < rows[i].pairs; k++)
            fcgi_param(&w, span_of(name, rows[i].name), span_of(value, rows[i].value));
        assert_int_equal(rows[i].error, fcgi_params_end(&w));
        if (rows[i].error == 0) {
            read_back(buf_span(&out), &b);
            assert_true(b.ended);
            assert_int_equal(rows[i].pairs, b.pairs);
            assert_int_equal(rows[i].pairs * rows[i].value, b.value_bytes);
            assert_int_equal(rows[i].records, b.records);
        }
        buf_done(&out);
    }
    free(name);
    free(value);
}

static void
test_stdin(void **state)
{
    static const unsigned char want[] = {1, 5, 0, 1, 0xff, 0xf8, 0, 0};
    FCGI_Header h;

    (void)state;
    fcgi_stdin_header(&h, FCGI_CONTENT_MAX);
    assert_memory_equal(&h, want, sizeof(want));
}

/* --- in ---------------------------------------------------------------------------------- */

#define BYTES(s)                                                                               \
    {                                                                                          \
        (s), sizeof(s) - 1                                                                     \
    }
#define OUT(n) "\1\6\0\1\0" n "\0\0"
#define ERR(n) "\1\7\0\1\0" n "\0\0"
#define END    "\1\3\0\1\0\10\0\0"

/* What came, as text: output in (), errors in [], "." the end, "!" bad. */
static void
read_all(struct span bytes, size_t step, char *text, struct fcgi_reader *r)
{
    char mode = 0;

    fcgi_reader_init(r);
    *text = '\0';
    while (bytes.n > 0) {
        struct span piece = {bytes.p, step < bytes.n ? step : bytes.n}, data;

        bytes = span_skip(bytes, piece.n);
        for (;;) {
            enum fcgi_event e = fcgi_next(r, &piece, &data);

            if (e == FCGI_EVENT_MORE)
                break;
            if (e == FCGI_EVENT_END || e == FCGI_EVENT_BAD) {
                strcat(text, e == FCGI_EVENT_END ? "." : "!");
                return;
            }
            assert_true(data.n > 0);
            if (mode != (e == FCGI_EVENT_OUT ? 'o' : 'e'))
                strcat(text, e == FCGI_EVENT_OUT ? "o:" : "e:");
            mode = e == FCGI_EVENT_OUT ? 'o' : 'e';
            strncat(text, data.p, data.n);
        }
    }
}

static void
test_reader(void **state)
{
    static const struct {
        const char *why;
        struct span bytes;
        const char *want;
        unsigned protocol_status;
        uint32_t app_status;
    } rows[] = {
        {"an answer", BYTES(OUT("\2") "hi" END "\0\0\0\0\0\0\0\0"), "o:hi.", 0, 0},
        {"statuses", BYTES(END "\1\2\3\4\2\0\0\0"), ".", 2, 0x01020304},
        {"interleaved",
         BYTES(ERR("\2") "e1" OUT("\2") "o1" ERR("\1") "e" END "\0\0\0\0\0\0\0\0"),
         "e:e1o:o1e:e.", 0, 0},
        {"padding is skipped", BYTES("\1\6\0\1\0\2\3\0hi???" END "\0\0\0\0\0\0\0\0"), "o:hi.",
         0, 0},
        {"the end may be padded", BYTES("\1\3\0\1\0\10\5\0\0\0\0\0\0\0\0\0?????"), ".", 0, 0},
        {"empty records", BYTES(OUT("\0") ERR("\0") OUT("\1") "x" END "\0\0\0\0\0\0\0\0"),
         "o:x.", 0, 0},
        {"an empty record that is only padding", BYTES("\1\6\0\1\0\0\4\0????" OUT("\1") "x"),
         "o:x", 0, 0},
        {"reserved bytes may be anything", BYTES("\1\6\0\1\0\1\0\377x"), "o:x", 0, 0},
        {"not whole", BYTES(OUT("\5") "hel"), "o:hel", 0, 0},
        {"half a header", BYTES("\1\6\0"), "", 0, 0},
        {"another version", BYTES("\2\6\0\1\0\0\0\0"), "!", 0, 0},
        {"HTTP instead", BYTES("HTTP/1.1 200 OK\r\n"), "!", 0, 0},
        {"another request", BYTES("\1\6\0\2\0\1\0\0x"), "!", 0, 0},
        {"another request, high byte", BYTES("\1\6\1\1\0\1\0\0x"), "!", 0, 0},
        {"management", BYTES("\1\12\0\0\0\0\0\0"), "!", 0, 0},
        {"STDIN comes back", BYTES("\1\5\0\1\0\1\0\0x"), "!", 0, 0},
        {"BEGIN_REQUEST comes back", BYTES("\1\1\0\1\0\10\0\0"), "!", 0, 0},
        {"an unknown type", BYTES("\1\143\0\1\0\0\0\0"), "!", 0, 0},
        {"an end that is too short", BYTES("\1\3\0\1\0\4\0\0\0\0\0\0"), "!", 0, 0},
        {"an end that is too long", BYTES("\1\3\0\1\0\11\0\0\0\0\0\0\0\0\0\0\0"), "!", 0, 0},
        {"an empty end", BYTES("\1\3\0\1\0\0\0\0"), "!", 0, 0},
        {"after good output",
         BYTES(OUT("\1") "x"
                         "\0"
                         "GARBAGE"),
         "o:x!", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("  %s\n", rows[i].why);
        for (size_t step = 1; step <= rows[i].bytes.n; step++) {
            struct fcgi_reader r;
            char text[128];

            read_all(rows[i].bytes, step, text, &r);
            assert_string_equal(rows[i].want, text);
            assert_int_equal(rows[i].protocol_status, r.protocol_status);
            assert_int_equal(rows[i].app_status, r.app_status);
            if (strchr(text, '!'))
                assert_non_null(r.why);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_stdin),
        cmocka_unit_test(test_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
