/* Who may visit: addresses as connections tell them, against rules in their order. */
#include "access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define V4(a, b, c, d)                                                                         \
    {                                                                                          \
        [10] = 0xff, [11] = 0xff, [12] = (a), [13] = (b), [14] = (c), [15] = (d)               \
    }

static struct access_rule office[] = {
    {.allow = false, .net = V4(192, 0, 2, 66), .bits = 128},
    {.allow = true, .net = V4(192, 0, 2, 0), .bits = 96 + 24},
    {.allow = true, .net = {0x20, 0x01, 0x0d, 0xb8, 0x12}, .bits = 36},
    {.allow = false, .bits = 0},
};

static struct access_rule one_out[] = {
    {.allow = false, .net = V4(198, 51, 100, 7), .bits = 128},
};

static const struct {
    const char *why;
    struct access_rule *rules;
    unsigned n;
    const char *addr;
    bool allowed;
} rows[] = {
    {"no rules", NULL, 0, "203.0.113.1", true},
    {"no rules, no address", NULL, 0, "", true},
    {"in the net", office, 4, "192.0.2.1", true},
    {"the net's last", office, 4, "192.0.2.255", true},
    {"just behind the net", office, 4, "192.0.3.0", false},
    {"an exception that stands first", office, 4, "192.0.2.66", false},
    {"IPv4 told as IPv6", office, 4, "::ffff:192.0.2.1", true},
    {"IPv4-compatible is another", office, 4, "::192.0.2.1", false},
    {"IPv6 in the net", office, 4, "2001:db8:1fff::1", true},
    {"IPv6 one bit out", office, 4, "2001:db8:2000::1", false},
    {"somebody else", office, 4, "203.0.113.1", false},
    {"no address at all", office, 4, "", false},
    {"half an address", office, 4, "192.0.2", false},
    {"an address and more", office, 4, "192.0.2.1 ", false},
    {"one is out", one_out, 1, "198.51.100.7", false},
    {"all others are in", one_out, 1, "198.51.100.8", true},
    {"who cannot be told is not", one_out, 1, "unknown", false},
};

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct site site = {.rules = {.access = rows[i].rules, .naccess = rows[i].n}};
        struct visitor visitor = {.port = 1};
        const struct exchange x = {.site = &site, .visitor = &visitor};

        memcpy(visitor.addr, rows[i].addr, strlen(rows[i].addr));
        if (access_allowed(&x) != rows[i].allowed)
            fail_msg("%s", rows[i].why);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
