/* `limits`: defaults, whose is which, and vhosts of one user that do not agree. */
#include "scratch.h"

struct row {
    const char *why;
    const char *main;      /* inside the main limits */
    const char *one, *two; /* of two vhosts */
    enum conf_limit which;
    uint64_t first, second, user; /* what the vhosts and the first one's user have then */
};

static const struct row rows[] = {
    {"nothing written", "", "", "", LIMIT_PROCESSES, 1024, 1024, 1024},
    {"nothing written, no limit", "", "", "", LIMIT_MEMORY, 0, 0, 0},
    {"for all", "memory: 512m", "", "", LIMIT_MEMORY, 512 << 20, 512 << 20, 512 << 20},
    {"a user's, in one", "memory: 512m", "memory: 64m", "", LIMIT_MEMORY, 64 << 20, 512 << 20,
     64 << 20},
    {"a user's, in the other", "", "", "nice: 7", LIMIT_NICE, 0, 7, 7},
    {"a user's, in both alike", "", "nice: 7", "nice: 7", LIMIT_NICE, 7, 7, 7},
    {"a site's own", "requests_per_second: 5", "requests_per_second: 9", "", LIMIT_REQUESTS, 9,
     5, 5},
    {"a site's own, differing", "", "bandwidth: 1k", "bandwidth: 2k", LIMIT_BANDWIDTH, 1024,
     2048, 0},
    {"a burst of a second", "", "requests_per_second: 9", "", LIMIT_REQUESTS_BURST, 9, 0, 0},
    {"a burst that is said", "", "{requests_per_second: 9, requests_burst: 2}", "",
     LIMIT_REQUESTS_BURST, 2, 0, 0},
    {"a burst for all", "requests_per_second: 9, requests_burst: 2", "", "",
     LIMIT_REQUESTS_BURST, 2, 2, 2},
    {"a burst for all is not another rate's", "requests_per_second: 9, requests_burst: 2",
     "requests_per_second: 50", "", LIMIT_REQUESTS_BURST, 50, 2, 2},
    {"an empty mapping", "", "{}", "", LIMIT_CPU_WEIGHT, 100, 100, 100},
};

/* ret  of conf_load() */
static int
load(const struct row *r, const char *second_user, struct conf **c, struct conf_errors *errors)
{
    const char *texts[] = {r->one, r->two};
    char *limits[2], *text;
    int rc;

    for (int i = 0; i < 2; i++)
        limits[i] = mem_fmt(*texts[i] == '{' ? ", limits: %s"
                            : *texts[i]      ? ", limits: {%s}"
                                             : "%s",
                            texts[i]);
    text = mem_fmt("limits: {%s}\n"
                   "vhosts:\n"
                   "- {host: one.example, user: 70001, root: $D/www%s}\n"
                   "- {host: two.example, user: %s, root: $D/www%s}\n",
                   r->main, limits[0], second_user, limits[1]);
    scratch_write("hostel.yaml", text);
    rc = scratch_load(c, errors);
    free(text);
    free(limits[0]);
    free(limits[1]);
    return rc;
}

static void
test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct conf_errors errors;
        struct conf *c = NULL;

        print_message("    %s\n", rows[i].why);
        assert_int_equal(load(&rows[i], "70001", &c, &errors), 0);
        assert_int_equal(conf_limits_of(c, c->vhosts[0].limits)->value[rows[i].which],
                         rows[i].first);
        assert_int_equal(conf_limits_of(c, c->vhosts[1].limits)->value[rows[i].which],
                         rows[i].second);
        if (rows[i].which >= LIMITS_OF_SITE)
            assert_int_equal(
                conf_limits_of(c, c->users[c->vhosts[0].user].limits)->value[rows[i].which],
                rows[i].user);
        conf_free(&c);
        conf_errors_done(&errors);
    }
}

static void
test_clash(void **state)
{
    static const struct row row = {"", "", "memory: 64m", "memory: 128m", 0, 0, 0, 0};
    struct conf_errors errors;
    struct conf *c = NULL;
    char *expected;

    (void)state;
    assert_int_equal(load(&row, "70001", &c, &errors), -22);
    assert_int_equal(errors.n, 1);
    expected = scratch_text("$D/hostel.yaml:4: vhost two.example: limits: `memory` is the "
                            "user's as a whole, and vhost one.example ($D/hostel.yaml:3) says "
                            "another value");
    assert_string_equal(errors.lines[0], expected);
    free(expected);
    conf_errors_done(&errors);
}

/* Another user's is no clash; the same number in another group is. */
static void
test_whose(void **state)
{
    static const struct row row = {"", "", "memory: 64m", "memory: 128m", 0, 0, 0, 0};
    struct conf_errors errors;
    struct conf *c = NULL;

    (void)state;
    assert_int_equal(load(&row, "70002", &c, &errors), 0);
    assert_int_equal(conf_limits_of(c, c->users[0].limits)->value[LIMIT_MEMORY], 64 << 20);
    assert_int_equal(conf_limits_of(c, c->users[1].limits)->value[LIMIT_MEMORY], 128 << 20);
    conf_free(&c);
    assert_int_equal(load(&row, "70001, group: 70003", &c, &errors), -22);
    assert_int_equal(errors.n, 1);
    conf_errors_done(&errors);
}

static void
test_other_group(void **state)
{
    static const struct row row = {"", "", "memory: 64m", "", 0, 0, 0, 0};
    struct conf_errors errors;
    struct conf *c = NULL;

    (void)state;
    assert_int_equal(load(&row, "70001, group: 70003", &c, &errors), 0);
    assert_int_equal(c->nusers, 2);
    assert_int_equal(conf_limits_of(c, c->users[0].limits)->value[LIMIT_MEMORY], 64 << 20);
    assert_int_equal(conf_limits_of(c, c->users[1].limits)->value[LIMIT_MEMORY], 64 << 20);
    conf_free(&c);
}

static void
test_queue(void **state)
{
    static const struct {
        const char *why, *php, *limits;
        uint32_t queue;
    } queues[] = {
        {"the default", "", "", 1024},
        {"capped default", "", "php_queue: 10", 10},
        {"what is written is capped too", ", queue: 50", "php_queue: 10", 10},
        {"lower than the cap", ", queue: 5", "php_queue: 10", 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(queues) / sizeof(*queues); i++) {
        char *text = mem_fmt("limits: {%s}\nvhosts: [{host: a.example, user: 70001, root: "
                             "$D/www, php: {command: $D/php%s}}]\n",
                             queues[i].limits, queues[i].php);
        struct conf_errors errors;
        struct conf *c = NULL;

        print_message("    %s\n", queues[i].why);
        scratch_write("hostel.yaml", text);
        free(text);
        assert_int_equal(scratch_load(&c, &errors), 0);
        assert_int_equal(c->vhosts[0].php->queue, queues[i].queue);
        conf_free(&c);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),      cmocka_unit_test(test_clash),
        cmocka_unit_test(test_whose),       cmocka_unit_test(test_queue),
        cmocka_unit_test(test_other_group),
    };

    return cmocka_run_group_tests(tests, scratch_start, scratch_stop);
}
