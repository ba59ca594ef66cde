/* Deadlines: order, classes, setting again. */
#include "hostel/net/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define ITEMS 3

/* A machine may be busy: how early one passes is looked at, and the order; not how late. */
#define BRIEF_MS   15
#define LASTING_MS 60
#define LATE_MS    5000

static struct deadline items[ITEMS];
static int passed[ITEMS];
static uint64_t passed_ms[ITEMS];
static int order[8], norder;
static uv_loop_t *the_loop;

static uint64_t
now_ms(void)
{
    uv_update_time(the_loop);
    return uv_now(the_loop);
}

static void
on_passed(struct deadline *d)
{
    passed[d - items]++;
    passed_ms[d - items] = now_ms();
    order[norder++] = (int)(d - items);
}

static void
turn(void)
{
    uv_run(the_loop, UV_RUN_NOWAIT);
    uv_sleep(1);
}

static void
run_for(uint64_t ms)
{
    uint64_t end = now_ms() + ms;

    while (now_ms() < end)
        turn();
    uv_run(the_loop, UV_RUN_NOWAIT);
}

static void
run_until_passed(int item)
{
    uint64_t end = now_ms() + LATE_MS;

    while (!passed[item] && now_ms() < end)
        turn();
    assert_int_equal(passed[item], 1);
}

struct setup {
    uv_loop_t loop;
    struct deadlines all;
    struct deadline_class brief, lasting, never;
};

static int
setup(void **state)
{
    static struct setup s;

    memset(items, 0, sizeof(items));
    memset(passed, 0, sizeof(passed));
    norder = 0;
    uv_loop_init(&s.loop);
    the_loop = &s.loop;
    deadlines_init(&s.all, &s.loop);
    deadline_class_add(&s.all, &s.lasting, LASTING_MS, on_passed);
    deadline_class_add(&s.all, &s.brief, BRIEF_MS, on_passed);
    deadline_class_add(&s.all, &s.never, 0, on_passed);
    *state = &s;
    return 0;
}

static int
teardown(void **state)
{
    struct setup *s = *state;

    for (int i = 0; i < ITEMS; i++)
        deadline_clear(&items[i]);
    deadlines_done(&s->all);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    return uv_loop_close(&s->loop);
}

static void
test_shorter_class_passes_first(void **state)
{
    struct setup *s = *state;
    uint64_t begin = now_ms();

    deadline_set(&items[0], &s->lasting);
    deadline_set(&items[1],
                 &s->brief); /* set later, due earlier: the timer is brought forward */
    deadline_set(&items[2], &s->never);
    run_until_passed(1);
    run_until_passed(0);
    assert_true(passed_ms[1] >= begin + BRIEF_MS && passed_ms[0] >= begin + LASTING_MS);
    assert_int_equal(passed[2], 0);
    assert_int_equal(order[0], 1);
}

static void
test_cleared_does_not_pass(void **state)
{
    struct setup *s = *state;

    deadline_set(&items[0], &s->brief);
    deadline_clear(&items[0]);
    deadline_clear(&items[0]);
    run_for(2 * BRIEF_MS);
    assert_int_equal(passed[0], 0);
}

static void
test_set_again_starts_anew_and_keep_does_not(void **state)
{
    struct setup *s = *state;
    uint64_t anew;

    deadline_set(&items[0], &s->lasting);
    deadline_set(&items[1], &s->lasting);
    uv_sleep(LASTING_MS / 2);
    anew = now_ms();
    deadline_set(&items[0], &s->lasting);
    deadline_keep(&items[1], &s->lasting);
    run_until_passed(1);
    run_until_passed(0);
    assert_true(passed_ms[0] >= anew + LASTING_MS);
    assert_int_equal(order[0], 1); /* it was not set anew, so it came first */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_shorter_class_passes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cleared_does_not_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_again_starts_anew_and_keep_does_not, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
