/* Deadlines: order, classes, setting again. */
#include "hostel/net/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define ITEMS 3

static struct deadline items[ITEMS];
static int passed[ITEMS];
static int order[8], norder;

static void
on_passed(struct deadline *d)
{
    passed[d - items]++;
    order[norder++] = (int)(d - items);
}

static void
run_for(uv_loop_t *loop, uint64_t ms)
{
    uint64_t end;

    uv_update_time(loop);
    end = uv_now(loop) + ms;
    while (uv_now(loop) < end) {
        uv_run(loop, UV_RUN_NOWAIT);
        uv_sleep(1);
        uv_update_time(loop);
    }
    uv_run(loop, UV_RUN_NOWAIT);
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
    deadlines_init(&s.all, &s.loop);
    deadline_class_add(&s.all, &s.lasting, 60, on_passed);
    deadline_class_add(&s.all, &s.brief, 15, on_passed);
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

    deadline_set(&items[0], &s->lasting);
    deadline_set(&items[1],
                 &s->brief); /* set later, due earlier: the timer is brought forward */
    deadline_set(&items[2], &s->never);
    run_for(&s->loop, 30);
    assert_int_equal(passed[1], 1);
    assert_int_equal(passed[0], 0);
    run_for(&s->loop, 60);
    assert_int_equal(passed[0], 1);
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
    run_for(&s->loop, 30);
    assert_int_equal(passed[0], 0);
}

static void
test_set_again_starts_anew_and_keep_does_not(void **state)
{
    struct setup *s = *state;

    deadline_set(&items[0], &s->lasting);
    deadline_set(&items[1], &s->lasting);
    run_for(&s->loop, 40);
    deadline_set(&items[0], &s->lasting);
    deadline_keep(&items[1], &s->lasting);
    run_for(&s->loop, 35);
    assert_int_equal(passed[0], 0);
    assert_int_equal(passed[1], 1);
    run_for(&s->loop, 40);
    assert_int_equal(passed[0], 1);
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
