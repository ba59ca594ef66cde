/* What the supervisor says of sites: in which order it may be said, and how much of it. */
#include "worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

static struct worker w;
static struct logfile *logs[1]; /* one, which is off */

/* ret  what the worker answers to a payload */
static int
say(enum msg_type type, struct buf *b)
{
    struct message m = {.type = type, .payload = {buf_span(b), 0}};
    int rc = control_ops.on_message(&w, &m);

    buf_done(b);
    return rc;
}

static int
say_vhost(const char *name)
{
    struct msg_vhost v = {.names = span_str(name),
                          .root = SPAN("/nowhere"),
                          .access_log = MSG_NONE,
                          .pool = MSG_NONE,
                          .autoindex = 1,
                          .compress_min = 7,
                          .symlinks = MSG_SYMLINKS_OWNER,
                          .fallback = SPAN("/index.php"),
                          .conns_max = 9};
    struct buf b;
    struct writer out = {&b, 0};

    buf_init(&b, IPC_BYTES_MAX);
    msg_vhost_put(&out, &v);
    return say(MSG_VHOST, &b);
}

static int
say_rule(void)
{
    struct buf b;
    struct writer out = {&b, 0};

    buf_init(&b, IPC_BYTES_MAX);
    msg_rule_put(&out, &(struct msg_rule){.kind = RULE_EXPIRES, .match = SPAN("*")});
    return say(MSG_RULE, &b);
}

static int
start(void **state)
{
    (void)state;
    w = (struct worker){.sites = sites_new(), .logs = logs, .nlogs = 1};
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    sites_free(&w.sites);
    return 0;
}

static void
a_rule_needs_a_site(void **state)
{
    (void)state;
    assert_int_equal(say_rule(), -EBADMSG);
}

static void
a_rule_is_of_the_last_site(void **state)
{
    const struct site *a, *b;

    (void)state;
    assert_int_equal(say_vhost("a.example"), 0);
    assert_int_equal(say_rule(), 0);
    assert_int_equal(say_rule(), 0);
    assert_int_equal(say_vhost("b.example"), 0);
    assert_int_equal(say_rule(), 0);
    a = sites_find(w.sites, SPAN("a.example"));
    b = sites_find(w.sites, SPAN("b.example"));
    assert_int_equal(a->rules.nexpires, 2);
    assert_int_equal(b->rules.nexpires, 1);
    assert_true(a->autoindex);
    assert_false(a->compress);
    assert_int_equal(a->compress_min, 7);
    assert_int_equal(a->symlinks, SYMLINKS_OWNER);
    assert_string_equal(a->fallback, "/index.php");
    assert_int_equal(a->conns_max, 9);
}

static void
too_many_rules(void **state)
{
    (void)state;
    assert_int_equal(say_vhost("a.example"), 0);
    for (unsigned i = 0; i < RULES_MAX; i++)
        assert_int_equal(say_rule(), 0);
    assert_int_equal(say_rule(), -EBADMSG);
}

static void
a_rule_with_bytes_behind_it(void **state)
{
    struct buf b;
    struct writer out = {&b, 0};

    (void)state;
    assert_int_equal(say_vhost("a.example"), 0);
    buf_init(&b, IPC_BYTES_MAX);
    msg_rule_put(&out, &(struct msg_rule){.kind = RULE_EXPIRES, .match = SPAN("*")});
    put_u8(&out, 0);
    assert_int_equal(say(MSG_RULE, &b), -EBADMSG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rule_needs_a_site, start, stop),
        cmocka_unit_test_setup_teardown(a_rule_is_of_the_last_site, start, stop),
        cmocka_unit_test_setup_teardown(too_many_rules, start, stop),
        cmocka_unit_test_setup_teardown(a_rule_with_bytes_behind_it, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
