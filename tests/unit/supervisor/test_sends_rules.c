/* Rules of the configuration as messages: each is one that a worker accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sends_rules.h"

/* What cmocka's tests lend to a rule, which owns its texts elsewhere. */
static char pattern[] = "/a*", every[] = "", type[] = "image/*", name[] = "X-A";
static char value[] = "1", page[] = "/sorry", realm[] = "Members";

struct rule_case {
    const char *why;
    struct conf_rule rule;
    struct msg_rule sent;
};

#define NET "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\0"

static const struct rule_case cases[] = {
    {"a header",
     {.kind = CONF_HEADER,
      .op = CONF_HEADER_ADD,
      .status_min = 200,
      .status_max = 299,
      .match = pattern,
      .name = name,
      .value = value},
     {RULE_HEADER, MSG_HEADER_ADD, 200, 299, SPAN("/a*"), SPAN("X-A"), SPAN("1")}},
    {"a header for every path, without a value",
     {.kind = CONF_HEADER,
      .op = CONF_HEADER_REMOVE,
      .status_min = 100,
      .status_max = 599,
      .match = every,
      .name = name,
      .value = every},
     {RULE_HEADER, MSG_HEADER_REMOVE, 100, 599, SPAN(""), SPAN("X-A"), SPAN("")}},
    {"expires",
     {.kind = CONF_EXPIRES, .seconds = 60, .match = type},
     {.kind = RULE_EXPIRES, .a = 60, .match = SPAN("image/*")}},
    {"a redirect has one status",
     {.kind = CONF_REDIRECT,
      .status_min = 308,
      .status_max = 308,
      .match = pattern,
      .value = page},
     {.kind = RULE_REDIRECT, .a = 308, .match = SPAN("/a*"), .value = SPAN("/sorry")}},
    {"an error page",
     {.kind = CONF_ERROR_PAGE, .status_min = 500, .status_max = 599, .value = page},
     {.kind = RULE_ERROR_PAGE, .a = 500, .b = 599, .value = SPAN("/sorry")}},
    {"passwords",
     {.kind = CONF_AUTH, .match = every, .name = realm, .value = page},
     {.kind = RULE_AUTH, .name = SPAN("Members"), .value = SPAN("/sorry")}},
    {"a net",
     {.kind = CONF_ACCESS,
      .allow = true,
      .bits = 120,
      .net = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2}},
     {.kind = RULE_ACCESS, .op = 1, .a = 120, .match = SPAN(NET)}},
    {"a path",
     {.kind = CONF_PATH, .serve = CONF_SERVE_INTERNAL, .match = pattern, .value = page},
     {.kind = RULE_PATH,
      .op = MSG_SERVE_INTERNAL,
      .match = SPAN("/a*"),
      .value = SPAN("/sorry")}},
    {"a path of files",
     {.kind = CONF_PATH,
      .serve = CONF_SERVE_FORBIDDEN,
      .files = true,
      .match = pattern,
      .value = every},
     {.kind = RULE_PATH, .op = MSG_SERVE_FORBIDDEN, .a = 1, .match = SPAN("/a*")}},
    {"a rewrite",
     {.kind = CONF_REWRITE, .match = pattern, .value = page},
     {.kind = RULE_REWRITE, .match = SPAN("/a*"), .value = SPAN("/sorry")}},
    {"a directory that links may lead into",
     {.kind = CONF_ROOT, .links = true, .value = page},
     {.kind = RULE_ROOT, .op = 1, .value = SPAN("/sorry")}},
    {"a responder",
     {.kind = CONF_FASTCGI, .connections = 3, .timeout_ms = 9, .match = every, .value = page},
     {.kind = RULE_FASTCGI, .a = 3, .b = 9, .value = SPAN("/sorry")}},
    {"a variable",
     {.kind = CONF_PARAM, .name = name, .value = value},
     {.kind = RULE_PARAM, .name = SPAN("X-A"), .value = SPAN("1")}},
};

static void
test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct msg_rule *want = &cases[i].sent;
        struct msg_rule m;
        struct buf b;
        struct writer w = {&b, 0};
        struct reader r;

        print_message("%s\n", cases[i].why);
        sends_rule(&cases[i].rule, &m);
        buf_init(&b, 65536);
        msg_rule_put(&w, &m);
        assert_int_equal(w.error, 0);
        r = (struct reader){buf_span(&b), 0};
        assert_int_equal(msg_rule_get(&r, &m), 0);
        assert_int_equal(m.kind, want->kind);
        assert_int_equal(m.op, want->op);
        assert_int_equal(m.a, want->a);
        assert_int_equal(m.b, want->b);
        assert_true(span_eq(m.match, want->match));
        assert_true(span_eq(m.name, want->name));
        assert_true(span_eq(m.value, want->value));
        buf_done(&b);
    }
}

static void
test_symlinks(void **state)
{
    (void)state;
    assert_int_equal(sends_symlinks(CONF_SYMLINKS_FOLLOW), MSG_SYMLINKS_FOLLOW);
    assert_int_equal(sends_symlinks(CONF_SYMLINKS_OWNER), MSG_SYMLINKS_OWNER);
    assert_int_equal(sends_symlinks(CONF_SYMLINKS_OFF), MSG_SYMLINKS_OFF);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_symlinks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
