/* Request paths: decoded, encoded. */
#include "rows.h"
#include "hostel/http/path.h"

#include <errno.h>

/* clang-format off: one row a line */
static const struct {
    const char *why;
    struct span path;
    const char *out; /* NULL: rc says why not */
    int rc;
} decoded[] = {
    {"root", S("/"), "/", 0},
    {"plain", S("/a/b.html"), "/a/b.html", 0},
    {"last slash stays", S("/a/"), "/a/", 0},
    {"escape", S("/%61"), "/a", 0},
    {"escape in either case", S("/%4a%4A"), "/JJ", 0},
    {"space", S("/a%20b"), "/a b", 0},
    {"percent", S("/100%25"), "/100%", 0},
    {"decoded once: an escaped escape is a name", S("/%252e%252e/a"), "/%2e%2e/a", 0},
    {"decoded once: no slash out of two steps", S("/a%252fb"), "/a%2fb", 0},
    {"UTF-8", S("/%C3%A4"), "/\xc3\xa4", 0},
    {"bytes that are no UTF-8", S("/%ff"), "/\xff", 0},
    {"overlong slash stays two bytes", S("/%c0%af"), "/\xc0\xaf", 0},
    {"question mark from an escape", S("/a%3fb"), "/a?b", 0},
    {"backslash is a byte", S("/a%5cb\\c"), "/a\\b\\c", 0},
    {"plus is no space", S("/a+b"), "/a+b", 0},
    {"semicolon is a byte", S("/a;b=c"), "/a;b=c", 0},
    {"colon and tilde", S("/a:b~"), "/a:b~", 0},

    {"empty segments collapse", S("/a//b"), "/a/b", 0},
    {"many, in front", S("////a"), "/a", 0},
    {"many, behind", S("/a///"), "/a/", 0},
    {"only slashes", S("///"), "/", 0},
    {".", S("/a/./b"), "/a/b", 0},
    {". at the end is a directory", S("/a/."), "/a/", 0},
    {". alone", S("/."), "/", 0},
    {"..", S("/a/../b"), "/b", 0},
    {".. at the end is a directory", S("/a/b/.."), "/a/", 0},
    {".. to the root", S("/a/.."), "/", 0},
    {".. with a slash", S("/a/b/../"), "/a/", 0},
    {".. over an empty segment", S("/a//../b"), "/b", 0},
    {"down and up and down", S("/a/b/../../c/./d"), "/c/d", 0},
    {"escaped dot", S("/a/%2e/b"), "/a/b", 0},
    {"escaped dots", S("/a/%2e%2E/b"), "/b", 0},
    {"half escaped dots", S("/a/.%2e/b"), "/b", 0},
    {"dots inside a name", S("/a..b/c.d."), "/a..b/c.d.", 0},

    {".. above the root", S("/.."), NULL, -EINVAL},
    {".. above the root, further on", S("/a/../../b"), NULL, -EINVAL},
    {"escaped .. above the root", S("/%2e%2e/b"), NULL, -EINVAL},
    {".. above the root through empty segments", S("//../b"), NULL, -EINVAL},
    {".. and a backslash is a hidden name", S("/..\\b"), NULL, -ENOENT},
    {"escaped slash", S("/a%2fb"), NULL, -EINVAL},
    {"escaped slash in capitals", S("/a%2Fb"), NULL, -EINVAL},
    {"..%2f", S("/a/..%2f..%2fb"), NULL, -EINVAL},
    {"NUL", S("/a%00b"), NULL, -EINVAL},
    {"NUL at the end", S("/a.php%00"), NULL, -EINVAL},
    {"raw NUL", S("/a\0b"), NULL, -EINVAL},
    {"line feed", S("/a%0ab"), NULL, -EINVAL},
    {"CR LF", S("/a%0d%0ab"), NULL, -EINVAL},
    {"tab", S("/a%09"), NULL, -EINVAL},
    {"DEL", S("/a%7f"), NULL, -EINVAL},
    {"unit separator", S("/%1f"), NULL, -EINVAL},
    {"percent alone", S("/a%"), NULL, -EINVAL},
    {"half an escape", S("/a%4"), NULL, -EINVAL},
    {"no hex", S("/a%zz"), NULL, -EINVAL},
    {"half hex", S("/a%4g"), NULL, -EINVAL},
    {"escape over a slash", S("/a%4/b"), NULL, -EINVAL},
    {"sign in an escape", S("/%+1"), NULL, -EINVAL},
    {"empty", S(""), NULL, -EINVAL},
    {"no slash", S("a/b"), NULL, -EINVAL},
    {"escaped first slash", S("%2fa"), NULL, -EINVAL},
    {"*", S("*"), NULL, -EINVAL},

    {"dotfile", S("/.htaccess"), NULL, -ENOENT},
    {"dot directory", S("/.git/config"), NULL, -ENOENT},
    {"dotfile deep down", S("/a/b/.env"), NULL, -ENOENT},
    {"escaped dotfile", S("/%2ehtaccess"), NULL, -ENOENT},
    {"dotfile behind empty segments", S("//.env"), NULL, -ENOENT},
    {"dotfile left again", S("/.git/../a"), NULL, -ENOENT},
    {"three dots", S("/.../a"), NULL, -ENOENT},
    {".well-known", S("/.well-known/acme-challenge/x"), "/.well-known/acme-challenge/x", 0},
    {".well-known, escaped", S("/%2ewell-known/x"), "/.well-known/x", 0},
    {"dotfile in .well-known", S("/.well-known/.x"), NULL, -ENOENT},
    {"longer than .well-known", S("/.well-knownx"), NULL, -ENOENT},
    {"another case", S("/.Well-Known/x"), NULL, -ENOENT},
};
/* clang-format on */

static void
test_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(decoded) / sizeof(decoded[0]); i++) {
        struct span path = copied(decoded[i].path);
        char *out = malloc(path.n + 2);
        ssize_t n = path_decode(path, out, path.n + 2);

        print_message("%s\n", decoded[i].why);
        if (decoded[i].out) {
            assert_int_equal(n, strlen(decoded[i].out));
            assert_string_equal(out, decoded[i].out);
        } else {
            assert_int_equal(n, decoded[i].rc);
        }
        free(out);
        copied_done(path);
    }
}

/* With whatever room: never past it, and the same answer as soon as it fits. */
static void
test_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(decoded) / sizeof(decoded[0]); i++)
        for (size_t cap = 1; decoded[i].out && cap < decoded[i].path.n + 2; cap++) {
            char *out = malloc(cap);
            ssize_t n = path_decode(decoded[i].path, out, cap);

            if (n < 0)
                assert_int_equal(n, -ENAMETOOLONG);
            else
                assert_string_equal(out, decoded[i].out);
            free(out);
        }
}

static void
test_encode(void **state)
{
    static const struct {
        const char *why, *path, *out;
    } rows[] = {
        {"plain", "/a/b-c._~", "/a/b-c._~"},
        {"sub-delims, colon and at", "/!$&'()*+,;=:@", "/!$&'()*+,;=:@"},
        {"space", "/a b", "/a%20b"},
        {"percent", "/100%", "/100%25"},
        {"question mark and number sign", "/a?b#c", "/a%3Fb%23c"},
        {"line end", "/a\r\nX: y", "/a%0D%0AX:%20y"},
        {"UTF-8", "/\xc3\xa4", "/%C3%A4"},
        {"markup", "/<a>\"`{|}^\\[]", "/%3Ca%3E%22%60%7B%7C%7D%5E%5C%5B%5D"},
        {"empty", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf b;

        print_message("%s\n", rows[i].why);
        buf_init(&b, strlen(rows[i].out));
        assert_int_equal(path_encode(&b, span_str(rows[i].path)), 0);
        assert_true(span_eq(buf_span(&b), span_str(rows[i].out)));
        assert_true(!rows[i].out[0] || path_encode(&b, SPAN("x")) == -ENOBUFS);
        assert_int_equal(b.len, strlen(rows[i].out));
        buf_done(&b);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_encode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
