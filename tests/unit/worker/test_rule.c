/* RULE messages as rules of a site. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "rule.h"

#define NET "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\0"

static void
every_kind_arrives(void **state)
{
    static const struct msg_rule sent[] = {
        {RULE_HEADER, MSG_HEADER_ADD, 200, 299, SPAN("/a*"), SPAN("X-A"), SPAN("1")},
        {RULE_HEADER, MSG_HEADER_REMOVE, 100, 599, SPAN(""), SPAN("X-B"), SPAN("")},
        {.kind = RULE_EXPIRES, .a = 60, .match = SPAN("image/*")},
        {.kind = RULE_REDIRECT, .a = 307, .match = SPAN("/old*"), .value = SPAN("/new$1")},
        {.kind = RULE_ERROR_PAGE, .a = 500, .b = 599, .value = SPAN("/sorry")},
        {.kind = RULE_AUTH, .match = SPAN("/m*"), .name = SPAN("R"), .value = SPAN("/h")},
        {.kind = RULE_ACCESS, .op = 1, .a = 120, .match = SPAN(NET)},
        {.kind = RULE_ACCESS, .op = 0, .a = 0, .match = SPAN(NET)},
        {.kind = RULE_PATH,
         .op = MSG_SERVE_INTERNAL,
         .match = SPAN("/p/*"),
         .value = SPAN("/srv/p")},
        {.kind = RULE_PATH, .op = MSG_SERVE_STATIC, .a = 1, .match = SPAN("*.x")},
        {.kind = RULE_REWRITE, .match = SPAN("/r/*"), .value = SPAN("/s?t=$1")},
        {.kind = RULE_PARAM, .name = SPAN("KEY"), .value = SPAN("v")},
        {.kind = RULE_ROOT, .op = 1, .value = SPAN("/srv/links")},
        {.kind = RULE_ROOT, .op = 0, .value = SPAN("/srv/send")},
        {.kind = RULE_FASTCGI, .a = 2, .b = 9, .match = SPAN("/u/*"), .value = SPAN("/s")},
    };
    struct site_rules r = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(sent) / sizeof(*sent); i++)
        assert_int_equal(rule_add(&r, &sent[i]), 0);
    assert_int_equal(r.nheaders, 2);
    assert_int_equal(r.headers[0].op, HEADER_ADD);
    assert_string_equal(r.headers[0].path, "/a*");
    assert_int_equal(r.headers[0].status_min, 200);
    assert_int_equal(r.headers[0].status_max, 299);
    assert_string_equal(r.headers[0].name, "X-A");
    assert_string_equal(r.headers[0].value, "1");
    assert_int_equal(r.headers[1].op, HEADER_REMOVE);
    assert_string_equal(r.headers[1].path, "");
    assert_string_equal(r.headers[1].value, "");
    assert_int_equal(r.nexpires, 1);
    assert_string_equal(r.expires[0].type, "image/*");
    assert_int_equal(r.expires[0].seconds, 60);
    assert_int_equal(r.nredirects, 1);
    assert_string_equal(r.redirects[0].from, "/old*");
    assert_string_equal(r.redirects[0].to, "/new$1");
    assert_int_equal(r.redirects[0].status, 307);
    assert_int_equal(r.nerror_pages, 1);
    assert_int_equal(r.error_pages[0].status_min, 500);
    assert_string_equal(r.error_pages[0].path, "/sorry");
    assert_int_equal(r.nauths, 1);
    assert_string_equal(r.auths[0].path, "/m*");
    assert_string_equal(r.auths[0].realm, "R");
    assert_string_equal(r.auths[0].file, "/h");
    assert_int_equal(r.naccess, 2);
    assert_true(r.access[0].allow);
    assert_int_equal(r.access[0].bits, 120);
    assert_memory_equal(r.access[0].net, NET, 16);
    assert_false(r.access[1].allow);
    assert_int_equal(r.npaths, 2);
    assert_string_equal(r.paths[0].path, "/p/*");
    assert_string_equal(r.paths[0].directory, "/srv/p");
    assert_int_equal(r.paths[0].serve, SERVE_INTERNAL);
    assert_false(r.paths[0].files);
    assert_null(r.paths[1].directory);
    assert_int_equal(r.paths[1].serve, SERVE_STATIC);
    assert_true(r.paths[1].files);
    assert_int_equal(r.nrewrites, 1);
    assert_string_equal(r.rewrites[0].from, "/r/*");
    assert_string_equal(r.rewrites[0].to, "/s?t=$1");
    assert_int_equal(r.nparams, 1);
    assert_string_equal(r.params[0].name, "KEY");
    assert_string_equal(r.params[0].value, "v");
    assert_non_null(r.paths[0].dir);
    assert_null(r.paths[1].dir);
    assert_int_equal(r.nupstreams, 1);
    assert_string_equal(r.upstreams[0].path, "/u/*");
    assert_int_equal(r.nroots, 2);
    assert_int_equal(r.roots[0].use, ROOT_OF_LINKS);
    assert_string_equal(r.roots[0].path, "/srv/links");
    assert_int_equal(r.roots[1].use, ROOT_TO_SEND);
    assert_non_null(r.roots[1].dir);
    rules_done(&r);
    assert_null(r.headers);
    assert_null(r.paths);
    assert_null(r.roots);
    assert_int_equal(r.naccess, 0);
}

/* The bound is one of each kind: a full kind takes no room from another. */
static void
one_kind_has_a_bound(void **state)
{
    static const struct msg_rule expires = {.kind = RULE_EXPIRES, .match = SPAN("*")};
    static const struct msg_rule access = {.kind = RULE_ACCESS, .match = SPAN(NET)};
    struct site_rules r = {0};

    (void)state;
    for (unsigned i = 0; i < RULES_MAX; i++)
        assert_int_equal(rule_add(&r, &expires), 0);
    assert_int_equal(rule_add(&r, &expires), -EBADMSG);
    assert_int_equal(r.nexpires, RULES_MAX);
    assert_int_equal(rule_add(&r, &access), 0);
    rules_done(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_arrives),
        cmocka_unit_test(one_kind_has_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
