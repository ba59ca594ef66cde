/* serve/php: files whose change starts PHP anew, and all others. */
#include "test_php_fake.h"
#include "php_request.h"

#include <fcntl.h>

static const struct fake good = {.answer = {OUT("\7") "X: y\n\nz" END, 8 + 7 + 16}, .told = -1};

static void
make(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
}

/* A file comes to the document root, and then a request. ret  was a new generation asked for?
 */
static bool
restarts(struct span restart_on, const char *comes)
{
    pid_t pid = fake_pool(&good, &usual, 1);
    struct seen *s;

    renews = 0;
    php_pool_watch(pool, dir, restart_on);
    make(comes);
    s = get();
    if (renews > 0) { /* it waits for the next one */
        end_child(pid, SIGKILL);
        pid = fake_start(listen_at("php.2", 8), &good);
        ready(2);
    }
    assert_true(over(s));
    seen_free(s);
    end_child(pid, SIGKILL);
    (void)unlink(comes);
    return renews > 0;
}

static void
test_named(void **state)
{
    (void)state;
    assert_true(restarts(SPAN("a\nb"), "b"));
}

static void
test_another(void **state)
{
    (void)state;
    assert_false(restarts(SPAN("a\nb"), "c"));
}

/* Not the document root itself, which is what an empty name below it would be. */
static void
test_none_is_named(void **state)
{
    (void)state;
    assert_false(restarts(SPAN(""), "c"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_up, fixture_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_named), TEST(test_another),
                                       TEST(test_none_is_named)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
