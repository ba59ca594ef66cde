/* Counting keys: bounds, many keys, addresses as keys. */
#include "hostel/base/tally.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define MANY 5000

static void
test_bound_of_one_key(void **state)
{
    struct tally t;
    struct tally_row *a, *b, *c;

    (void)state;
    assert_int_equal(tally_init(&t), 0);
    assert_null(tally_add(&t, 7, 0));
    a = tally_add(&t, 7, 2);
    b = tally_add(&t, 7, 2);
    c = tally_add(&t, 8, 2);
    assert_true(a && a == b && c && c != a);
    assert_null(tally_add(&t, 7, 2));
    tally_drop(&t, &a);
    assert_null(a);
    a = tally_add(&t, 7, 2);
    assert_non_null(a);
    tally_drop(&t, &a);
    tally_drop(&t, &a);
    tally_drop(&t, &b);
    tally_drop(&t, &c);
    assert_int_equal(t.nrows, 0);
    tally_done(&t);
}

static void
test_many_keys_stay_apart(void **state)
{
    static struct tally_row *rows[MANY];
    struct tally t;

    (void)state;
    assert_int_equal(tally_init(&t), 0);
    for (uint64_t i = 0; i < MANY; i++)
        assert_non_null(rows[i] = tally_add(&t, i << 32, 1));
    for (uint64_t i = 0; i < MANY; i++)
        assert_null(tally_add(&t, i << 32, 1));
    assert_int_equal(t.nrows, MANY);
    for (uint64_t i = 0; i < MANY; i += 2)
        tally_drop(&t, &rows[i]);
    assert_int_equal(t.nrows, MANY / 2);
    assert_null(tally_add(&t, 1ull << 32, 1));
    assert_non_null(tally_add(&t, 2ull << 32, 1));
    tally_done(&t);
}

static const struct {
    const char *why;
    const char *one, *other;
    int same;
} pairs[] = {
    {"one address", "192.0.2.1", "192.0.2.1", 1},
    {"neighbours", "192.0.2.1", "192.0.2.2", 0},
    {"mapped into IPv6", "192.0.2.1", "::ffff:192.0.2.1", 1},
    {"hosts of one /64", "2001:db8::1", "2001:db8::ffff:1", 1},
    {"two /64", "2001:db8::1", "2001:db8:0:1::1", 0},
    {"of both families", "0.0.0.0", "::1", 0},
};

static uint64_t
key(const char *text)
{
    struct sockaddr_storage addr = {.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET};
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&addr;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&addr;
    void *to = addr.ss_family == AF_INET6 ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr;

    assert_int_equal(inet_pton(addr.ss_family, text, to), 1);
    return tally_address(&addr);
}

static void
test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if ((key(pairs[i].one) == key(pairs[i].other)) != pairs[i].same)
            fail_msg("%s", pairs[i].why);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound_of_one_key),
        cmocka_unit_test(test_many_keys_stay_apart),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
