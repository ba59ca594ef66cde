/* Host names and the table of bytes. */
#include "rows.h"
#include "hostel/peek/chars.h"
#include "hostel/peek/head.h"

#define L63  "a23456789b23456789c23456789d23456789e23456789f23456789g23456789"
#define L255 L63 "." L63 "." L63 "." L63

static void
test_names(void **state)
{
    static const struct {
        const char *why;
        struct span authority;
        const char *name; /* NULL: refused */
    } rows[] = {
        {"empty is no name", S(""), ""},
        {"plain", S("a.example"), "a.example"},
        {"case", S("A.ExAmPlE"), "a.example"},
        {"port", S("a:1"), "a"},
        {"highest port", S("a:65535"), "a"},
        {"leading zeros of a port", S("a:00080"), "a"},
        {"port 2^64 + 80", S("a:18446744073709551696"), NULL},
        {"space behind the port", S("a:80 "), NULL},
        {"255 bytes", S(L255), L255},
        {"256 bytes", S(L255 "a"), NULL},
        {"255 bytes and a dot", S(L255 "."), NULL},
        {"IPv6 in full", S("[0:0:0:0:0:0:0:1]:80"), "[0:0:0:0:0:0:0:1]"},
        {"IPv6 with IPv4 inside", S("[::ffff:127.0.0.1]"), "[::ffff:127.0.0.1]"},
        {"IPv6 too long for one", S("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]"),
         NULL},
        {"dot behind IPv6", S("[::1]."), NULL},
        {"IPv4 in brackets", S("[127.0.0.1]"), NULL},
        {"line feed", S("a\nb"), NULL},
        {"tilde, a name of RFC 3986 but of no site", S("a~b"), NULL},
        {"semicolon", S("a;b"), NULL},
        {"plus", S("a+b"), NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span authority = copied(rows[i].authority);
        char name[256];

        print_message("%s\n", rows[i].why);
        assert_int_equal(head_host_name(authority, name) == 0, rows[i].name != NULL);
        if (rows[i].name)
            assert_string_equal(name, rows[i].name);
        copied_done(authority);
    }
}

static void
test_classes(void **state)
{
    static const struct {
        const char *why;
        enum chars class;
        const char *members; /* of 0x00-0x7f, besides letters and digits */
        bool space, high;
    } rows[] = {
        {"token: RFC 9110 5.6.2", CHARS_TOKEN, "!#$%&'*+-.^_`|~", false, false},
        {"value: VCHAR, SP, HTAB, obs-text", CHARS_VALUE, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
         true, true},
        {"target", CHARS_TARGET, "!$%&'()*+,-./:;=?@[\\]^_`{|}~", false, false},
        {"host", CHARS_HOST, "-._", false, false},
        {"path: RFC 3986 3.3", CHARS_PATH, "-._~!$&'()*+,;=:@/", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int c = 0; c < 256; c++) {
            bool alnum =
                (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            bool want = alnum || (c && c < 0x80 && strchr(rows[i].members, c)) ||
                        ((c == ' ' || c == '\t') && rows[i].space) ||
                        (c >= 0x80 && rows[i].high);

            if (chars_is((char)c, rows[i].class) != want)
                fail_msg("%s: byte 0x%02x", rows[i].why, (unsigned)c);
        }
    for (int c = 0; c < 256; c++)
        assert_int_equal(chars_is((char)c, CHARS_HEX), chars_hex((char)c) >= 0);
    assert_int_equal(chars_hex('0') + chars_hex('9') + chars_hex('a') + chars_hex('F'), 34);
}

/* The first byte out of class is found wherever it stands. */
static void
test_span(void **state)
{
    char text[40];

    (void)state;
    for (size_t n = 0; n <= sizeof(text); n++)
        for (size_t bad = 0; bad <= n; bad++) {
            struct span own;

            memset(text, 'a', sizeof(text));
            if (bad < n)
                text[bad] = ' ';
            own = copied(span_of(text, n));
            assert_int_equal(chars_span(own, CHARS_TOKEN), bad);
            assert_int_equal(chars_all(own, CHARS_TOKEN), bad == n);
            assert_true(chars_all(own, CHARS_VALUE));
            copied_done(own);
        }
}

/* Values are looked at eight bytes at a time: each byte, in each of the places. */
static void
test_value(void **state)
{
    char text[24];

    (void)state;
    for (int c = 0; c < 256; c++)
        for (size_t at = 0; at < sizeof(text); at++)
            for (int around = 'a'; around <= 0xff; around += 0xff - 'a') {
                struct span own;

                memset(text, around, sizeof(text));
                text[at] = (char)c;
                own = copied(span_of(text, sizeof(text)));
                assert_int_equal(chars_span(own, CHARS_VALUE),
                                 chars_is((char)c, CHARS_VALUE) ? sizeof(text) : at);
                copied_done(own);
            }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_span),
        cmocka_unit_test(test_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
