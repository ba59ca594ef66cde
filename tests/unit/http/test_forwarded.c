/* Who a request is from: lists from their end, what stops there, what cannot be made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hostel/http/forwarded.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 4

static const struct nets trusted = {
    .v = {{{[10] = 0xff, [11] = 0xff, [12] = 10}, 104}, /* 10.0.0.0/8 */
          {{0xfd}, 8}},                                 /* fd00::/8 */
    .n = 2,
};

struct row {
    const char *why;
    const char *fields[FIELDS_MAX][2];
    const char *ip; /* NULL: nobody is found */
    uint16_t port;
    enum forwarded_scheme scheme;
    uint16_t to_port;
    int rc;
};

#define XFF "X-Forwarded-For"
#define XFP "X-Forwarded-Proto"
#define FWD "Forwarded"

static const struct row rows[] = {
    {"nothing is said", {{"Host", "a"}}, NULL, 0, 0, 0, 0},
    {"one visitor", {{XFF, "192.0.2.1"}}, "::ffff:192.0.2.1", 0, 0, 0, 0},
    {"the last whom nobody trusts",
     {{XFF, "203.0.113.9, 192.0.2.1"}},
     "::ffff:192.0.2.1",
     0,
     0,
     0,
     0},
    {"proxies are passed over",
     {{XFF, "1.2.3.4, 192.0.2.1, 10.0.0.1, 10.9.9.9"}},
     "::ffff:192.0.2.1",
     0,
     0,
     0,
     0},
    {"nothing but proxies: the first",
     {{XFF, "10.0.0.1, 10.0.0.2"}},
     "::ffff:10.0.0.1",
     0,
     0,
     0,
     0},
    {"several fields are one list",
     {{XFF, "1.2.3.4"}, {"x-forwarded-for", "192.0.2.1"}, {XFF, "10.0.0.1"}},
     "::ffff:192.0.2.1",
     0,
     0,
     0,
     0},
    {"empty entries count for nothing",
     {{XFF, "192.0.2.1, ,,"}, {XFF, ""}, {XFF, " ,10.0.0.1"}},
     "::ffff:192.0.2.1",
     0,
     0,
     0,
     0},
    {"with a port", {{XFF, "192.0.2.1:4711"}}, "::ffff:192.0.2.1", 4711, 0, 0, 0},
    {"IPv6", {{XFF, "2001:db8::1"}}, "2001:db8::1", 0, 0, 0, 0},
    {"IPv6 in brackets", {{XFF, "[2001:db8::1]"}}, "2001:db8::1", 0, 0, 0, 0},
    {"IPv6 with a port", {{XFF, "[2001:db8::1]:80"}}, "2001:db8::1", 80, 0, 0, 0},
    {"trusted ones of IPv6",
     {{XFF, "2001:db8::1, fd00::1, [fdff::2]:9"}},
     "2001:db8::1",
     0,
     0,
     0,
     0},
    {"nonsense ends it",
     {{XFF, "192.0.2.1, nonsense, 10.0.0.2"}},
     "::ffff:10.0.0.2",
     0,
     0,
     0,
     0},
    {"unknown ends it", {{XFF, "192.0.2.1, unknown"}}, NULL, 0, 0, 0, 0},
    {"nonsense before it changes nothing",
     {{XFF, "\"<script>, 192.0.2.1"}},
     "::ffff:192.0.2.1",
     0,
     0,
     0,
     0},
    {"zeros in front are no address", {{XFF, "192.000.002.001"}}, NULL, 0, 0, 0, 0},
    {"nor is a number", {{XFF, "3221225985"}}, NULL, 0, 0, 0, 0},
    {"nor is half of one", {{XFF, "192.0.2"}}, NULL, 0, 0, 0, 0},
    {"nor one with a name behind", {{XFF, "192.0.2.1.example"}}, NULL, 0, 0, 0, 0},
    {"a port that is none", {{XFF, "192.0.2.1:99999"}}, NULL, 0, 0, 0, 0},
    {"a port that is missing", {{XFF, "192.0.2.1:"}}, NULL, 0, 0, 0, 0},
    {"a bracket that stays open", {{XFF, "[2001:db8::1"}}, NULL, 0, 0, 0, 0},
    {"brackets around IPv4", {{XFF, "[192.0.2.1]"}}, NULL, 0, 0, 0, 0},
    {"https, for all of them",
     {{XFF, "192.0.2.1, 10.0.0.1"}, {XFP, "https"}},
     "::ffff:192.0.2.1",
     0,
     FORWARDED_HTTPS,
     0,
     0},
    {"the visitor's own of several",
     {{XFF, "192.0.2.1, 10.0.0.1"}, {XFP, "HTTPS, http"}},
     "::ffff:192.0.2.1",
     0,
     FORWARDED_HTTPS,
     0,
     0},
    {"not what a visitor says before",
     {{XFF, "1.2.3.4, 192.0.2.1"}, {XFP, "https, http"}},
     "::ffff:192.0.2.1",
     0,
     FORWARDED_HTTP,
     0,
     0},
    {"a scheme alone", {{XFP, "https"}}, NULL, 0, FORWARDED_HTTPS, 0, 0},
    {"another scheme is none", {{XFP, "gopher"}}, NULL, 0, 0, 0, 0},
    {"a port to connect to",
     {{XFF, "192.0.2.1"}, {"X-Forwarded-Port", "8443"}},
     "::ffff:192.0.2.1",
     0,
     0,
     8443,
     0},
    {"RFC 7239: one", {{FWD, "for=192.0.2.1"}}, "::ffff:192.0.2.1", 0, 0, 0, 0},
    {"RFC 7239: all of it",
     {{FWD, "for=192.0.2.1;proto=https;by=10.0.0.1;host=a"}},
     "::ffff:192.0.2.1",
     0,
     FORWARDED_HTTPS,
     0,
     0},
    {"RFC 7239: in any order and case",
     {{FWD, "Proto=HTTP ; FOR=\"192.0.2.1:80\""}},
     "::ffff:192.0.2.1",
     80,
     FORWARDED_HTTP,
     0,
     0},
    {"RFC 7239: IPv6",
     {{FWD, "for=\"[2001:db8:cafe::17]:4711\""}},
     "2001:db8:cafe::17",
     4711,
     0,
     0,
     0},
    {"RFC 7239: a port that is a name",
     {{FWD, "for=\"192.0.2.1:_abc\""}},
     "::ffff:192.0.2.1",
     0,
     0,
     0,
     0},
    {"RFC 7239: escaped for nothing",
     {{FWD, "for=\"192.0.\\2.1\""}},
     "::ffff:192.0.2.1",
     0,
     0,
     0,
     0},
    {"RFC 7239: several",
     {{FWD, "for=1.2.3.4, for=192.0.2.1;proto=https"}, {FWD, "for=10.0.0.7;proto=http"}},
     "::ffff:192.0.2.1",
     0,
     FORWARDED_HTTPS,
     0,
     0},
    {"RFC 7239: the proxy hides him", {{FWD, "for=192.0.2.1, for=_hidden"}}, NULL, 0, 0, 0, 0},
    {"he is hidden, and how he came is said",
     {{FWD, "proto=http;for=192.0.2.1, for=_hidden;proto=https"}},
     NULL,
     0,
     FORWARDED_HTTPS,
     0,
     0},
    {"nobody is named", {{FWD, "proto=https;host=a"}}, NULL, 0, FORWARDED_HTTPS, 0, 0},
    {"hidden behind a proxy of ours",
     {{FWD, "for=_hidden;proto=https, for=10.0.0.1;proto=http"}},
     "::ffff:10.0.0.1",
     0,
     FORWARDED_HTTPS,
     0,
     0},
    {"what is malformed says no scheme", {{FWD, "proto=https;for"}}, NULL, 0, 0, 0, 0},
    {"a long host, which visitors choose, hides nobody",
     {{FWD, "host=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;for="
            "192.0.2.1;proto=https"}},
     "::ffff:192.0.2.1",
     0,
     FORWARDED_HTTPS,
     0,
     0},
    {"in quotes as well",
     {{FWD, "for=192.0.2.1;host="
            "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80\";"
            "proto=https"}},
     "::ffff:192.0.2.1",
     0,
     FORWARDED_HTTPS,
     0,
     0},
    {"what is too long is no address",
     {{FWD,
       "for=192.0.2.1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
     NULL,
     0,
     0,
     0,
     0},
    {"RFC 7239: and the next does not",
     {{FWD, "for=unknown, for=10.0.0.1;proto=https"}},
     "::ffff:10.0.0.1",
     0,
     FORWARDED_HTTPS,
     0,
     0},
    {"RFC 7239: a comma in quotes",
     {{FWD, "for=10.0.0.1;x=\"a, for=1.2.3.4\""}},
     "::ffff:10.0.0.1",
     0,
     0,
     0,
     0},
    {"RFC 7239: a quote before cannot swallow the end",
     {{FWD, "for=\"1.2.3.4, for=192.0.2.1"}},
     "::ffff:192.0.2.1",
     0,
     0,
     0,
     0},
    {"RFC 7239: nor an escaped one",
     {{FWD, "for=\"\\\", for=\"[2001:db8::1]\""}},
     "2001:db8::1",
     0,
     0,
     0,
     0},
    {"RFC 7239: twice in one entry", {{FWD, "for=192.0.2.1;for=192.0.2.2"}}, NULL, 0, 0, 0, 0},
    {"RFC 7239: none in an entry", {{FWD, "for=192.0.2.1, by=10.0.0.1"}}, NULL, 0, 0, 0, 0},
    {"RFC 7239: no pair", {{FWD, "192.0.2.1"}}, NULL, 0, 0, 0, 0},
    {"RFC 7239: an open quote", {{FWD, "for=\"192.0.2.1"}}, NULL, 0, 0, 0, 0},
    {"RFC 7239: something behind a quote", {{FWD, "for=\"192.0.2.1\"x"}}, NULL, 0, 0, 0, 0},
    {"RFC 7239: as long as nothing is",
     {{FWD, "for=1111111111111111111111111111111111111111111"
            "111111111111111111111111111111111111"}},
     NULL,
     0,
     0,
     0,
     0},
    {"both, and of one mind",
     {{XFF, "192.0.2.1"}, {FWD, "for=192.0.2.1"}},
     "::ffff:192.0.2.1",
     0,
     0,
     0,
     0},
    {"both, and one is made up",
     {{XFF, "192.0.2.1"}, {FWD, "for=1.2.3.4"}},
     NULL,
     0,
     0,
     0,
     -EEXIST},
    {"both, and one hides", {{XFF, "192.0.2.1"}, {FWD, "for=_x"}}, NULL, 0, 0, 0, -EEXIST},
};

/* Each value in its own allocation, so that the sanitizer sees a read past it. */
static void
test_rows(void **state)
{
    (void)state;
    for (const struct row *r = rows; r < rows + sizeof(rows) / sizeof(*rows); r++) {
        struct field fields[FIELDS_MAX];
        struct forwarded f;
        uint8_t ip[16];
        unsigned n = 0;
        int rc;

        print_message("%s\n", r->why);
        for (; n < FIELDS_MAX && r->fields[n][0]; n++) {
            size_t length = strlen(r->fields[n][1]);
            char *copy = malloc(length ? length : 1);

            memcpy(copy, r->fields[n][1], length);
            fields[n] = (struct field){span_str(r->fields[n][0]), span_of(copy, length)};
        }
        rc = forwarded_find(fields, n, &trusted, &f);
        while (n-- > 0)
            free((void *)(uintptr_t)fields[n].value.p);
        assert_int_equal(rc, r->rc);
        if (rc < 0)
            continue;
        assert_int_equal(f.found, r->ip != NULL);
        assert_int_equal(f.scheme, r->scheme);
        assert_int_equal(f.to_port, r->to_port);
        if (!r->ip)
            continue;
        assert_int_equal(inet_pton(AF_INET6, r->ip, ip), 1);
        assert_memory_equal(f.ip, ip, 16);
        assert_int_equal(f.port, r->port);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
