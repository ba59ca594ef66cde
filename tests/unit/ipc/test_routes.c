/* The routing table: which user gets which name, and that a forged table is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hostel/ipc/routes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct route table[] = {
    {SPAN("alice.example"), 0, true},    {SPAN("www.alice.example"), 0, false},
    {SPAN("*.bob.example"), 1, true},    {SPAN("x.bob.example"), 2, false},
    {SPAN("*.y.bob.example"), 3, false}, {SPAN("[::1]"), 4, false},
    {SPAN("*.example"), 5, false},
};

static const struct {
    const char *why, *host;
    uint32_t user; /* with users 0-5 and 6 for unknown names */
    bool by_default;
} finds[] = {
    {"exact", "alice.example", 0, false},
    {"alias", "www.alice.example", 0, false},
    {"one label below a wildcard", "a.bob.example", 1, false},
    {"two labels below", "b.a.bob.example", 1, false},
    {"exact before wildcard", "x.bob.example", 2, false},
    {"below an exact name: the wildcard above", "a.x.bob.example", 1, false},
    {"the longest wildcard", "a.y.bob.example", 3, false},
    {"a wildcard is not its own name", "y.bob.example", 1, false},
    {"nor its parent's: next wildcard up", "bob.example", 5, false},
    {"an address literal", "[::1]", 4, false},
    {"no name was given", "", 6, true},
    {"unknown", "other.test", 6, true},
    {"the suffix itself as text", ".bob.example", 1, false},
    {"only a dot", ".", 6, true},
    {"many dots", ".....", 6, true},
    {"the star as text", "*", 6, true},
};

static void
finds_users_of_tls(void **state)
{
    static const struct {
        const char *why, *host;
        uint32_t user;
    } rows[] = {
        {"a name with a certificate", "alice.example", 0},
        {"a name without one", "www.alice.example", ROUTES_NO_USER},
        {"a wildcard with one", "a.bob.example", 1},
        {"an exact name without one goes before it", "x.bob.example", ROUTES_NO_USER},
        {"a longer wildcard too", "a.y.bob.example", ROUTES_NO_USER},
        {"an unknown name, whatever the default is", "other.test", ROUTES_NO_USER},
        {"no name", "", 5},
    };
    struct routes *r;
    int fd;

    (void)state;
    assert_int_equal(routes_build(table, sizeof(table) / sizeof(table[0]), 7, 6, 5, 4, &fd), 0);
    assert_int_equal(routes_open(fd, &r), 0);
    close(fd);
    assert_int_equal(routes_acme(r), 4);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].why);
        assert_int_equal(routes_find_tls(r, span_str(rows[i].host)), rows[i].user);
    }
    routes_free(&r);
}

static void
finds_users(void **state)
{
    struct routes *r;
    bool by_default;
    int fd;

    (void)state;
    assert_int_equal(routes_build(table, sizeof(table) / sizeof(table[0]), 7, 6, 5, 4, &fd), 0);
    assert_int_equal(routes_open(fd, &r), 0);
    close(fd);
    assert_int_equal(routes_users(r), 7);
    for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
        uint32_t user = routes_find(r, span_str(finds[i].host), &by_default);

        if (user != finds[i].user || by_default != finds[i].by_default)
            fail_msg("%s: user %u", finds[i].why, user);
    }
    routes_free(&r);
    assert_null(r);
}

static void
unknown_names_without_a_default(void **state)
{
    struct routes *r;
    bool by_default;
    int fd;

    (void)state;
    assert_int_equal(
        routes_build(table, 2, 1, ROUTES_NO_USER, ROUTES_NO_USER, ROUTES_NO_USER, &fd), 0);
    assert_int_equal(routes_open(fd, &r), 0);
    close(fd);
    assert_int_equal(routes_find(r, SPAN("other.test"), &by_default), ROUTES_NO_USER);
    routes_free(&r);
}

static void
refuses_what_is_wrong(void **state)
{
    const struct route twice[] = {{SPAN("a"), 0, false}, {SPAN("a"), 0, false}};
    const struct route nobody[] = {{SPAN("a"), 1, false}};
    int fd = -1;

    (void)state;
    assert_int_equal(
        routes_build(twice, 2, 1, ROUTES_NO_USER, ROUTES_NO_USER, ROUTES_NO_USER, &fd),
        -EEXIST);
    assert_int_equal(
        routes_build(nobody, 1, 1, ROUTES_NO_USER, ROUTES_NO_USER, ROUTES_NO_USER, &fd),
        -EINVAL);
    assert_int_equal(fd, -1);
}

/* A table of random bytes over a good one: opened or refused, never read outside. */
static void
forged_tables(void **state)
{
    char good[4096];
    struct routes *r;
    bool by_default;
    ssize_t n;
    int fd;

    (void)state;
    assert_int_equal(routes_build(table, sizeof(table) / sizeof(table[0]), 7, 6, 5, 4, &fd), 0);
    n = pread(fd, good, sizeof(good), 0);
    assert_true(n > 0);
    close(fd);
    srandom(1);
    for (int round = 0; round < 2000; round++) {
        fd = memfd_create("forged", MFD_ALLOW_SEALING | MFD_CLOEXEC);
        assert_int_equal(write(fd, good, (size_t)n), n);
        for (int k = 0; k < 4; k++) {
            char c = (char)random();

            assert_int_equal(pwrite(fd, &c, 1, random() % n), 1);
        }
        if (round % 2)
            assert_int_equal(ftruncate(fd, random() % n), 0);
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
        if (routes_open(fd, &r) == 0) {
            for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++)
                (void)routes_find(r, span_str(finds[i].host), &by_default);
            routes_free(&r);
        }
        close(fd);
    }
}

static void
an_unsealed_table_is_refused(void **state)
{
    char good[4096];
    struct routes *r;
    ssize_t n;
    int fd;

    (void)state;
    assert_int_equal(
        routes_build(table, 2, 1, ROUTES_NO_USER, ROUTES_NO_USER, ROUTES_NO_USER, &fd), 0);
    n = pread(fd, good, sizeof(good), 0);
    assert_true(pwrite(fd, "x", 1, 0) < 0); /* the control: the real one cannot be changed */
    close(fd);
    fd = memfd_create("open", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    assert_int_equal(write(fd, good, (size_t)n), n);
    assert_int_equal(routes_open(fd, &r), -EBADMSG);
    close(fd);
}

static void
ten_thousand_names(void **state)
{
    enum { N = 10000 };
    struct route *routes = calloc(N, sizeof(*routes));
    char(*names)[32] = calloc(N, sizeof(*names));
    struct routes *r;
    bool by_default;
    int fd;

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof(names[i]), "site%u.example", i);
        routes[i] = (struct route){span_str(names[i]), i, i % 2};
    }
    assert_int_equal(
        routes_build(routes, N, N, ROUTES_NO_USER, ROUTES_NO_USER, ROUTES_NO_USER, &fd), 0);
    assert_int_equal(routes_open(fd, &r), 0);
    close(fd);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(routes_find(r, span_str(names[i]), &by_default), i);
    routes_free(&r);
    free(routes);
    free(names);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_users),
        cmocka_unit_test(finds_users_of_tls),
        cmocka_unit_test(unknown_names_without_a_default),
        cmocka_unit_test(refuses_what_is_wrong),
        cmocka_unit_test(forged_tables),
        cmocka_unit_test(an_unsealed_table_is_refused),
        cmocka_unit_test(ten_thousand_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
