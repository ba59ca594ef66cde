/* What frames that move nothing may cost. */
#include "rows.h"
#include "h2_budget.h"

static unsigned
flood(struct h2_budget *b, enum h2_cost what, uint64_t now_ms)
{
    unsigned n = 0;

    while (n < 10000 && h2_budget_spend(b, what, now_ms))
        n++;
    return n;
}

static void
test_floods_end(void **state)
{
    static const unsigned most[H2_COSTS] = {
        [H2_COST_RESET] = 250,   [H2_COST_REFUSED] = 500,  [H2_COST_SETTINGS] = 50,
        [H2_COST_PING] = 200,    [H2_COST_PRIORITY] = 500, [H2_COST_EMPTY] = 200,
        [H2_COST_WINDOW] = 1000, [H2_COST_UNKNOWN] = 200,
    };

    (void)state;
    for (unsigned what = 0; what < H2_COSTS; what++) {
        struct h2_budget b;

        h2_budget_init(&b, 5000);
        assert_int_equal(flood(&b, (enum h2_cost)what, 5000), most[what]);
    }
}

static void
test_time_and_work_pay(void **state)
{
    struct h2_budget b;

    (void)state;
    h2_budget_init(&b, 0);
    (void)flood(&b, H2_COST_PING, 0);
    b.left = 0;
    assert_int_equal(flood(&b, H2_COST_WINDOW, 1000), H2_BUDGET_PER_SECOND);
    b.left = 0;
    for (unsigned i = 0; i < 100000; i++) { /* a download: two updates for each DATA frame */
        h2_budget_earn(&b, 2);
        assert_true(h2_budget_spend(&b, H2_COST_WINDOW, 1000));
        assert_true(h2_budget_spend(&b, H2_COST_WINDOW, 1000));
    }
    h2_budget_earn(&b, INT32_MAX);
    assert_int_equal(b.left, H2_BUDGET_MAX); /* nobody saves up for a flood */
    assert_true(h2_budget_spend(&b, H2_COST_WINDOW, UINT64_MAX / 1000));
    assert_int_equal(b.left, H2_BUDGET_MAX - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floods_end),
        cmocka_unit_test(test_time_and_work_pay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
