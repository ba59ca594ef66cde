/* Which addresses are in a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hostel/base/nets.h"

#include <arpa/inet.h>

static void
address(const char *text, uint8_t addr[16])
{
    assert_int_equal(inet_pton(AF_INET6, text, addr), 1);
}

static void
test_net(void **state)
{
    static const struct {
        const char *why, *net;
        uint8_t bits;
        const char *addr;
        bool want;
    } rows[] = {
        {"the address itself", "::ffff:10.1.2.3", 128, "::ffff:10.1.2.3", true},
        {"its neighbour", "::ffff:10.1.2.3", 128, "::ffff:10.1.2.2", false},
        {"a whole byte", "::ffff:10.0.0.0", 104, "::ffff:10.255.0.1", true},
        {"beside it", "::ffff:10.0.0.0", 104, "::ffff:11.0.0.0", false},
        {"part of a byte, in", "2001:db8::", 33, "2001:db8:7fff::1", true},
        {"part of a byte, out", "2001:db8::", 33, "2001:db8:8000::1", false},
        {"no bit: everything", "::", 0, "::ffff:1.2.3.4", true},
        {"of the other family", "::ffff:0.0.0.0", 96, "2001:db8::1", false},
        {"more bits than there are", "::1", 129, "::1", false},
    };
    struct nets nets = {.n = 0};
    uint8_t addr[16];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct net net = {.bits = rows[i].bits};

        print_message("%s\n", rows[i].why);
        address(rows[i].net, net.addr);
        address(rows[i].addr, addr);
        assert_int_equal(net_has(&net, addr), rows[i].want);
    }
    assert_false(nets_have(&nets, addr));
    nets.v[nets.n++] = (struct net){.bits = 1};
    nets.v[nets.n++] = (struct net){.bits = 0};
    addr[0] = 0xff;
    assert_true(nets_have(&nets, addr));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_net)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
