/* The values that rules are made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "value.h"
#include "value_rules.h"

struct value_case {
    const char *why;
    enum value_type type;
    const char *text;
    bool good;
};

static const struct value_case values[] = {
    {"page", VALUE_PAGE, "/index.php", true},
    {"relative page", VALUE_PAGE, "index.php", false},
    {"page up the tree", VALUE_PAGE, "/../x", false},
    {"page that ends up the tree", VALUE_PAGE, "/a/..", false},
    {"page with dots in a name", VALUE_PAGE, "/a..b", true},
    {"pattern", VALUE_PATTERN, "/a/*", true},
    {"pattern that is a star", VALUE_PATTERN, "*.php", true},
    {"pattern of a name", VALUE_PATTERN, "a", false},
    {"empty pattern", VALUE_PATTERN, "", false},
    {"nine stars", VALUE_PATTERN, "*********", true},
    {"ten stars", VALUE_PATTERN, "**********", false},
    {"status", VALUE_STATUSES, "404", true},
    {"class", VALUE_STATUSES, "2xx", true},
    {"class in capitals", VALUE_STATUSES, "2XX", true},
    {"class 0", VALUE_STATUSES, "0xx", false},
    {"class 6", VALUE_STATUSES, "6xx", false},
    {"range", VALUE_STATUSES, "200-299", true},
    {"range backwards", VALUE_STATUSES, "299-200", false},
    {"range without an end", VALUE_STATUSES, "200-", false},
    {"range without a start", VALUE_STATUSES, "-200", false},
    {"below", VALUE_STATUSES, "99", false},
    {"above", VALUE_STATUSES, "600", false},
    {"error", VALUE_ERRORS, "400-599", true},
    {"no error", VALUE_ERRORS, "399-404", false},
    {"header", VALUE_HEADER, "X-Frame-Options: DENY", true},
    {"header without a value", VALUE_HEADER, "X:", true},
    {"header with UTF-8", VALUE_HEADER, "X: \xc3\xa4", true},
    {"header without a colon", VALUE_HEADER, "X", false},
    {"header without a name", VALUE_HEADER, ": x", false},
    {"a space before the colon", VALUE_HEADER, "X : y", false},
    {"length is the server's", VALUE_HEADER, "content-length: 5", false},
    {"coding is the server's", VALUE_HEADER, "Transfer-Encoding: chunked", false},
    {"connection is the server's", VALUE_HEADER, "CONNECTION: close", false},
    {"date is the server's", VALUE_HEADER, "Date: now", false},
    {"upgrade is the server's", VALUE_HEADER, "Upgrade: h2c", false},
    {"name", VALUE_NAME, "X-Powered-By", true},
    {"name with a colon", VALUE_NAME, "X:", false},
    {"name of the server's", VALUE_NAME, "Date", false},
    {"the server's own name", VALUE_NAME, "Server", false},
    {"target path", VALUE_TARGET, "/new/$1?a=b#c", true},
    {"target URL", VALUE_TARGET, "https://b.example/$1", true},
    {"target host alone", VALUE_TARGET, "http://b.example", true},
    {"target relative", VALUE_TARGET, "new", false},
    {"target that names a host without a scheme", VALUE_TARGET, "//b.example/", false},
    {"a browser takes a backslash for a slash", VALUE_TARGET, "/\\b.example/", false},
    {"target of another scheme", VALUE_TARGET, "javascript:alert(1)", false},
    {"target without a host", VALUE_TARGET, "https:///x", false},
    {"a visitor chooses the host", VALUE_TARGET, "https://$1/", false},
    {"a visitor goes on with the host", VALUE_TARGET, "https://b.example$1", false},
    {"target with a space", VALUE_TARGET, "/a b", false},
    {"target with UTF-8", VALUE_TARGET, "/\xc3\xa4", false},
    {"target empty", VALUE_TARGET, "", false},
    {"realm", VALUE_REALM, "Members only", true},
    {"realm with a quote", VALUE_REALM, "a\"b", false},
    {"realm with a backslash", VALUE_REALM, "a\\b", false},
    {"realm with UTF-8", VALUE_REALM, "\xc3\xa4", false},
    {"realm empty", VALUE_REALM, "", false},
    {"media type", VALUE_MEDIA, "text/css", true},
    {"media type with a plus", VALUE_MEDIA, "image/svg+xml", true},
    {"media types", VALUE_MEDIA, "image/*", true},
    {"every media type", VALUE_MEDIA, "*", true},
    {"every media type, longer", VALUE_MEDIA, "*/*", false},
    {"half a star", VALUE_MEDIA, "image/p*", false},
    {"media type with a parameter", VALUE_MEDIA, "text/css;a=b", false},
    {"half a media type", VALUE_MEDIA, "image/", false},
};

static void
test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        const struct value_case *t = &values[i];

        print_message("%s\n", t->why);
        assert_int_equal(value_rule_wrong(t->type, span_str(t->text)) == NULL, t->good);
    }
}

struct net_case {
    const char *why, *text;
    int rc;
    uint32_t bits;
    uint8_t net[16];
};

#define V4(a, b, c, d)                                                                         \
    {                                                                                          \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (a), (b), (c), (d)                           \
    }

static const struct net_case nets[] = {
    {"address", "192.0.2.1", 0, 128, V4(192, 0, 2, 1)},
    {"network", "192.0.2.0/24", 0, 120, V4(192, 0, 2, 0)},
    {"a network that ends inside a byte", "192.0.2.128/25", 0, 121, V4(192, 0, 2, 128)},
    {"every IPv4 address", "0.0.0.0/0", 0, 96, V4(0, 0, 0, 0)},
    {"IPv6 address", "::1", 0, 128, {[15] = 1}},
    {"IPv6 network", "2001:db8::/32", 0, 32, {0x20, 0x01, 0x0d, 0xb8}},
    {"everybody", "all", 0, 0, {0}},
    {"IPv4 written as IPv6 is the same", "::ffff:192.0.2.1", 0, 128, V4(192, 0, 2, 1)},
    {"bits behind the prefix", "192.0.2.1/24", -ERANGE, 0, {0}},
    {"one bit behind the prefix", "192.0.2.128/24", -ERANGE, 0, {0}},
    {"IPv6 bits behind the prefix", "2001:db8::1/32", -ERANGE, 0, {0}},
    {"too many bits", "192.0.2.0/33", -EINVAL, 0, {0}},
    {"too many IPv6 bits", "::/129", -EINVAL, 0, {0}},
    {"no bits", "192.0.2.0/", -EINVAL, 0, {0}},
    {"a mask", "192.0.2.0/255.255.255.0", -EINVAL, 0, {0}},
    {"negative", "192.0.2.0/-1", -EINVAL, 0, {0}},
    {"three parts", "192.0.2", -EINVAL, 0, {0}},
    {"a port", "192.0.2.1:80", -EINVAL, 0, {0}},
    {"brackets", "[::1]", -EINVAL, 0, {0}},
    {"a scope", "fe80::1%lo", -EINVAL, 0, {0}},
    {"empty", "", -EINVAL, 0, {0}},
    {"longer than an address",
     "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
     -EINVAL,
     0,
     {0}},
};

static void
test_nets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(nets) / sizeof(*nets); i++) {
        const struct net_case *t = &nets[i];
        uint8_t net[16] = {0};
        uint32_t bits = 0;

        print_message("%s\n", t->why);
        assert_int_equal(value_net(span_str(t->text), net, &bits), t->rc);
        assert_int_equal(bits, t->bits);
        assert_memory_equal(net, t->net, sizeof(net));
    }
}

static void
test_words(void **state)
{
    const struct row *r = &rows[ROW_SYMLINKS];
    char why[VALUE_WHY_MAX];

    (void)state;
    assert_int_equal(value_number(r, SPAN("follow")), 0);
    assert_int_equal(value_number(r, SPAN("owner")), 1);
    assert_int_equal(value_number(r, SPAN("off")), 2);
    assert_int_equal(value_check(r, SPAN("Off"), why), -EINVAL);
    assert_int_equal(value_check(r, SPAN("follow owner"), why), -EINVAL);
    assert_int_equal(value_check(r, SPAN(""), why), -EINVAL);
}

static void
test_captures(void **state)
{
    (void)state;
    assert_int_equal(value_captures(SPAN("/a")), 0);
    assert_int_equal(value_captures(SPAN("/$2/$1")), 2);
    assert_int_equal(value_captures(SPAN("/$0$$$x$")), 0);
    assert_int_equal(value_stars(SPAN("/*a**")), 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_nets),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_captures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
