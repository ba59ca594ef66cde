/* Text into HTML: what is escaped, what is no UTF-8. */
#include "rows.h"
#include "hostel/http/html.h"

#include <errno.h>

#define FFFD "\xef\xbf\xbd"

struct row {
    const char *why;
    struct span in, out;
};

/* clang-format off: one row a line */
static const struct row escapes[] = {
    {"nothing", S(""), S("")},
    {"plain", S("plain text"), S("plain text")},
    {"all five", S("<a href=\"x\" b='&'>"),
     S("&lt;a href=&quot;x&quot; b=&#39;&amp;&#39;&gt;")},
    {"an entity is text", S("&amp;"), S("&amp;amp;")},
    {"at both ends", S("<>"), S("&lt;&gt;")},
    {"line ends and tabs stay", S("a\n\tb"), S("a\n\tb")},
    {"control bytes do not", S("\x01\x1b\x7f\r"), S("????")},
    {"NUL", S("a\0b"), S("a?b")},
    {"UTF-8 stays", S("gr\xc3\xbc\xc3\x9f"), S("gr\xc3\xbc\xc3\x9f")},
};

static const struct row texts[] = {
    {"nothing", S(""), S("")},
    {"ASCII", S("abc"), S("abc")},
    {"NUL is a character", S("a\0b"), S("a\0b")},
    {"two bytes, first", S("\xc2\x80"), S("\xc2\x80")},
    {"two bytes, last", S("\xdf\xbf"), S("\xdf\xbf")},
    {"three bytes, first", S("\xe0\xa0\x80"), S("\xe0\xa0\x80")},
    {"before the surrogates", S("\xed\x9f\xbf"), S("\xed\x9f\xbf")},
    {"behind the surrogates", S("\xee\x80\x80"), S("\xee\x80\x80")},
    {"three bytes, last", S("\xef\xbf\xbf"), S("\xef\xbf\xbf")},
    {"four bytes, first", S("\xf0\x90\x80\x80"), S("\xf0\x90\x80\x80")},
    {"the last character", S("\xf4\x8f\xbf\xbf"), S("\xf4\x8f\xbf\xbf")},
    {"Latin-1",
     S("gr\xfc\xdf"
       "e"),
     S("gr" FFFD FFFD "e")},
    {"a lone continuation",
     S("a\x80"
       "b"),
     S("a" FFFD "b")},
    {"cut after one", S("\xc3"), S(FFFD)},
    {"cut after two", S("\xe2\x82"), S(FFFD FFFD)},
    {"cut after three", S("\xf0\x9f\x92"), S(FFFD FFFD FFFD)},
    {"broken off by a letter", S("\xe2\x82z"), S(FFFD FFFD "z")},
    {"overlong slash, two bytes", S("\xc0\xaf"), S(FFFD FFFD)},
    {"overlong slash, three bytes", S("\xe0\x80\xaf"), S(FFFD FFFD FFFD)},
    {"overlong slash, four bytes", S("\xf0\x80\x80\xaf"), S(FFFD FFFD FFFD FFFD)},
    {"a surrogate", S("\xed\xa0\x80"), S(FFFD FFFD FFFD)},
    {"above U+10FFFF", S("\xf4\x90\x80\x80"), S(FFFD FFFD FFFD FFFD)},
    {"five bytes", S("\xf8\x88\x80\x80\x80"), S(FFFD FFFD FFFD FFFD FFFD)},
    {"never UTF-8", S("\xfe\xff"), S(FFFD FFFD)},
    {"at the end of good ones", S("\xc3\xbc\xfc"), S("\xc3\xbc" FFFD)},
};
/* clang-format on */

static void
check(const struct row *r, int (*run)(struct buf *b, struct span s))
{
    struct span in = copied(r->in);
    struct buf b;

    print_message("%s\n", r->why);
    buf_init(&b, 256);
    assert_int_equal(run(&b, in), 0);
    assert_true(span_eq(buf_span(&b), r->out));
    buf_done(&b);
    copied_done(in);
}

static void
test_escape(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++)
        check(&escapes[i], html_escape);
}

static void
test_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        check(&texts[i], html_utf8);
}

static void
test_full(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4);
    assert_int_equal(html_escape(&b, SPAN("<>")), -ENOBUFS);
    buf_done(&b);
    assert_int_equal(html_utf8(&b, SPAN("\xff\xff")), -ENOBUFS);
    buf_done(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
