/* supervisor/porter: the end of a room's porter, whichever of its two tidings comes first. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "supervisor.h"
#include "hostel/base/mem.h"

static struct acceptor_child *
porter_of(struct room *r, pid_t pid, bool spawning)
{
    struct acceptor_child *a = r->porter = mem_new(sizeof(*a));

    a->room = r;
    a->child.pid = pid;
    a->child.spawning = spawning;
    return a;
}

/* Reaped, and spawn.c still has its word to say: it is about to be called with this one. */
static void
one_that_is_spawning_yet_is_not_freed(void **state)
{
    struct room r = {.index = 0};
    struct acceptor_child *a = porter_of(&r, 0, true);

    (void)state;
    assert_false(porter_free(&r));
    assert_ptr_equal(r.porter, a);
    a->child.spawning = false;
    assert_true(porter_free(&r));
    assert_null(r.porter);
}

/* Nor is another one started in its place: it would be told of the first one's end. */
static void
one_that_is_spawning_yet_is_not_started_again(void **state)
{
    struct room r = {.index = 0, .listens = 1};
    struct acceptor_child *a = porter_of(&r, 0, true);

    (void)state;
    porter_start(&r); /* without a supervisor: a start would not come back */
    assert_int_equal(a->child.pid, 0);
    assert_true(a->child.spawning);
    a->child.spawning = false;
    assert_true(porter_free(&r));
}

static void
who_has_none_is_free(void **state)
{
    struct room r = {.index = 0};

    (void)state;
    assert_true(porter_free(&r));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_is_spawning_yet_is_not_freed),
        cmocka_unit_test(one_that_is_spawning_yet_is_not_started_again),
        cmocka_unit_test(who_has_none_is_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
