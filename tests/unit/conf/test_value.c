/* One value against its row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>

#include "value.h"

struct check_case {
    const char *why;
    enum row_id id;
    const char *text;
    const char *wrong; /* NULL: accepted */
};

static const struct check_case checks[] = {
    {"lowest number", ROW_ACCEPTORS, "1", NULL},
    {"highest number", ROW_ACCEPTORS, "64", NULL},
    {"below", ROW_ACCEPTORS, "0", "must be 1..64, not `0`"},
    {"above", ROW_ACCEPTORS, "65", "must be 1..64, not `65`"},
    {"wraps 64 bits", ROW_ACCEPTORS, "18446744073709551617",
     "must be 1..64, not `18446744073709551617`"},
    {"negative", ROW_ACCEPTORS, "-1", "must be a number, not `-1`"},
    {"hexadecimal", ROW_ACCEPTORS, "0x10", "must be a number, not `0x10`"},
    {"a word", ROW_ACCEPTORS, "many", "must be a number, not `many`"},
    {"empty", ROW_ACCEPTORS, "", "must be a number, not ``"},
    {"highest uid is not -1", ROW_MIN_UID, "4294967295",
     "must be 1..4294967294, not `4294967295`"},
    {"time", ROW_STOP_TIMEOUT, "250ms", NULL},
    {"bare time", ROW_STOP_TIMEOUT, "10", NULL},
    {"days", ROW_IDLE_EXIT, "30d", NULL},
    {"too many days", ROW_IDLE_EXIT, "31d", "must be 0..30d, not `31d`"},
    {"unknown unit", ROW_STOP_TIMEOUT, "10y",
     "must be a time such as 250ms, 10s, 5m, 1h or 2d, not `10y`"},
    {"time below", ROW_HEAD_TIMEOUT, "99ms", "must be 100ms..1h, not `99ms`"},
    {"size", ROW_BODY_MAX, "2G", NULL},
    {"size with a time's unit", ROW_BODY_MAX, "2h",
     "must be a size such as 512, 64k, 128m or 2g, not `2h`"},
    {"size above", ROW_BODY_MAX, "1025g", "must be 0..1024g, not `1025g`"},
    {"bool", ROW_DEFAULT, "yes", NULL},
    {"no bool", ROW_DEFAULT, "2", "must be true or false, not `2`"},
    {"path", ROW_ROOT, "/srv/www", NULL},
    {"relative path", ROW_ROOT, "www", "must be absolute, not `www`"},
    {"relative ini", ROW_PHP_INI, "./php.ini", "must be absolute, not `./php.ini`"},
    {"newline in a path", ROW_ROOT, "/a\nb", "must be without control characters, not `/a\nb`"},
    {"log off", ROW_ACCESS_LOG, "off", NULL},
    {"log to stderr", ROW_ERROR_LOG, "-", NULL},
    {"log file", ROW_ERROR_LOG, "/var/log/x", NULL},
    {"relative log", ROW_ERROR_LOG, "x.log", "must be absolute, syslog:, `-` or `off`, not `x.log`"},
    {"account name", ROW_USER, "alice", NULL},
    {"account number", ROW_USER, "1001", NULL},
    {"account with a colon", ROW_USER, "a:b",
     "must be the name or number of an account, not `a:b`"},
    {"index", ROW_INDEX, "index.html", NULL},
    {"index with a path", ROW_INDEX, "a/b",
     "must be a file name without `/` and not begin with a dot, not `a/b`"},
    {"index above", ROW_INDEX, "..",
     "must be a file name without `/` and not begin with a dot, not `..`"},
    {"host in UTF-8", ROW_HOST,
     "b\xc3\xbc"
     "cher.example",
     "must be ASCII: write the xn-- form of the name, not `b\xc3\xbc"
     "cher.example`"},
    {"mapping", ROW_PHP, "on", "must not be a single value, not `on`"},
};

static void
test_checks(void **state)
{
    char why[VALUE_WHY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        const struct check_case *t = &checks[i];
        int rc = value_check(&rows[t->id], span_str(t->text), why);

        print_message("%s\n", t->why);
        assert_int_equal(rc, t->wrong ? -EINVAL : 0);
        if (t->wrong)
            assert_string_equal(why, t->wrong);
    }
}

static void
test_long_values_are_cut(void **state)
{
    char path[VALUE_PATH_MAX + 3], why[VALUE_WHY_MAX];

    (void)state;
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    assert_int_equal(value_check(&rows[ROW_ROOT], span_of(path, VALUE_PATH_MAX), why), 0);
    assert_int_equal(value_check(&rows[ROW_ROOT], span_of(path, VALUE_PATH_MAX + 1), why),
                     -EINVAL);
    assert_true(strlen(why) < 120);
}

struct host_case {
    const char *why, *text, *name; /* name NULL: refused */
};

static const struct host_case hosts[] = {
    {"plain", "example.org", "example.org"},
    {"one label", "localhost", "localhost"},
    {"upper case", "WWW.Example.ORG", "www.example.org"},
    {"trailing dot", "example.org.", "example.org"},
    {"wildcard", "*.example.org", "*.example.org"},
    {"underscore", "my_site.example.org", "my_site.example.org"},
    {"IPv4", "127.0.0.1", "127.0.0.1"},
    {"IPv6", "[::1]", "[::1]"},
    {"IPv6 without brackets", "::1", NULL},
    {"IPv6 that is none", "[::g]", NULL},
    {"empty brackets", "[]", NULL},
    {"empty", "", NULL},
    {"a dot", ".", NULL},
    {"two dots", "a..b", NULL},
    {"two trailing dots", "a..", NULL},
    {"leading dot", ".example.org", NULL},
    {"port", "example.org:80", NULL},
    {"lone star", "*", NULL},
    {"star and dot", "*.", NULL},
    {"star inside", "www.*.org", NULL},
    {"star in a label", "w*.example.org", NULL},
    {"two stars", "*.*.org", NULL},
    {"space", "a b", NULL},
    {"space around a label", "a. b", NULL},
    {"slash", "a/b", NULL},
    {"hyphen first", "-a.example", NULL},
    {"hyphen last", "a-.example", NULL},
    {"label of 64", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
     NULL},
};

static void
test_hosts(void **state)
{
    char name[VALUE_HOST_MAX + 1], longest[VALUE_HOST_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        print_message("%s\n", hosts[i].why);
        assert_int_equal(value_host(span_str(hosts[i].text), name),
                         hosts[i].name ? 0 : -EINVAL);
        if (hosts[i].name)
            assert_string_equal(name, hosts[i].name);
    }
    memset(longest, 'a', sizeof(longest));
    for (size_t i = 63; i < sizeof(longest); i += 64)
        longest[i] = '.';
    assert_int_equal(value_host(span_of(longest, VALUE_HOST_MAX), name), 0);
    assert_int_equal(value_host(span_of(longest, VALUE_HOST_MAX + 1), name), -EINVAL);
}

struct address_case {
    const char *why, *text;
    int family; /* 0: refused */
    uint16_t port;
};

static const struct address_case addresses[] = {
    {"IPv4", "127.0.0.1:8080", AF_INET, 8080},
    {"IPv6", "[::1]:443", AF_INET6, 443},
    {"everything", "*:80", AF_INET6, 80},
    {"highest port", "*:65535", AF_INET6, 65535},
    {"port 0", "*:0", 0, 0},
    {"port above", "*:65536", 0, 0},
    {"no port", "127.0.0.1", 0, 0},
    {"empty port", "127.0.0.1:", 0, 0},
    {"port alone", ":80", 0, 0},
    {"bare number", "80", 0, 0},
    {"name", "localhost:80", 0, 0},
    {"IPv6 without brackets", "::1:80", 0, 0},
    {"IPv4 in brackets", "[127.0.0.1]:80", 0, 0},
    {"star in brackets", "[*]:80", 0, 0},
    {"bracket not closed", "[::1:80", 0, 0},
    {"zone", "[fe80::1%lo]:80", 0, 0},
    {"signed port", "*:+80", 0, 0},
    {"too long", "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80", 0, 0},
};

static void
test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        const struct address_case *t = &addresses[i];
        struct sockaddr_storage addr;
        struct sockaddr_in four;
        socklen_t len = 0;

        print_message("%s\n", t->why);
        assert_int_equal(value_address(span_str(t->text), &addr, &len),
                         t->family ? 0 : -EINVAL);
        if (!t->family)
            continue;
        assert_int_equal(addr.ss_family, t->family);
        assert_int_equal(len, t->family == AF_INET ? sizeof(struct sockaddr_in)
                                                   : sizeof(struct sockaddr_in6));
        memcpy(&four, &addr, sizeof(four)); /* the port is at one place in both */
        assert_int_equal(ntohs(four.sin_port), t->port);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_long_values_are_cut),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
