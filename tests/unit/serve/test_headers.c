/* What rules do to the fields of an answer. */
#include "headers.h"
#include "hostel/base/date.h"
#include "hostel/serve/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ALL        100, 599
#define NAME(text) ((char[]){text})

/* clang-format off */
static const struct {
    const char *why;
    struct header_rule rules[2];
    unsigned nrules;
    unsigned status;
    const char *path;
    const char *want; /* the fields after Content-Type and Vary, which are there at first */
} rows[] = {
    {"no rule", {{0}}, 0, 200, "/a", "Content-Type: text/css\nVary: Accept\n"},
    {"set a new one", {{HEADER_SET, NAME(""), ALL, NAME("X-A"), NAME("1")}}, 1, 200, "/a", "Content-Type: text/css\nVary: Accept\nX-A: 1\n"},
    {"set over another, any case", {{HEADER_SET, NAME(""), ALL, NAME("vary"), NAME("*")}}, 1, 200, "/a", "Content-Type: text/css\nvary: *\n"},
    {"add beside another", {{HEADER_ADD, NAME(""), ALL, NAME("Vary"), NAME("Cookie")}}, 1, 200, "/a", "Content-Type: text/css\nVary: Accept\nVary: Cookie\n"},
    {"what stands once is not added twice", {{HEADER_ADD, NAME(""), ALL, NAME("content-type"), NAME("a/b")}}, 1, 200, "/a", "Vary: Accept\ncontent-type: a/b\n"},
    {"remove", {{HEADER_REMOVE, NAME(""), ALL, NAME("VARY"), NAME("")}}, 1, 200, "/a", "Content-Type: text/css\n"},
    {"remove what is not there", {{HEADER_REMOVE, NAME(""), ALL, NAME("X-B"), NAME("")}}, 1, 200, "/a", "Content-Type: text/css\nVary: Accept\n"},
    {"in their order", {{HEADER_SET, NAME(""), ALL, NAME("X-A"), NAME("1")}, {HEADER_REMOVE, NAME(""), ALL, NAME("X-A"), NAME("")}}, 2, 200, "/a", "Content-Type: text/css\nVary: Accept\n"},
    {"an empty value", {{HEADER_SET, NAME(""), ALL, NAME("X-A"), NAME("")}}, 1, 200, "/a", "Content-Type: text/css\nVary: Accept\nX-A: \n"},

    {"its path", {{HEADER_SET, NAME("/a/*"), ALL, NAME("X-A"), NAME("1")}}, 1, 200, "/a/b/c", "Content-Type: text/css\nVary: Accept\nX-A: 1\n"},
    {"another path", {{HEADER_SET, NAME("/a/*"), ALL, NAME("X-A"), NAME("1")}}, 1, 200, "/ab", "Content-Type: text/css\nVary: Accept\n"},
    {"no path could be read", {{HEADER_SET, NAME("/*"), ALL, NAME("X-A"), NAME("1")}}, 1, 400, "", "Content-Type: text/css\nVary: Accept\n"},
    {"a rule for every path needs none", {{HEADER_SET, NAME(""), ALL, NAME("X-A"), NAME("1")}}, 1, 400, "", "Content-Type: text/css\nVary: Accept\nX-A: 1\n"},
    {"its status", {{HEADER_SET, NAME(""), 400, 499, NAME("X-A"), NAME("1")}}, 1, 404, "/", "Content-Type: text/css\nVary: Accept\nX-A: 1\n"},
    {"the class's first", {{HEADER_SET, NAME(""), 400, 499, NAME("X-A"), NAME("1")}}, 1, 400, "/", "Content-Type: text/css\nVary: Accept\nX-A: 1\n"},
    {"below it", {{HEADER_SET, NAME(""), 400, 499, NAME("X-A"), NAME("1")}}, 1, 399, "/", "Content-Type: text/css\nVary: Accept\n"},
    {"above it", {{HEADER_SET, NAME(""), 400, 499, NAME("X-A"), NAME("1")}}, 1, 500, "/", "Content-Type: text/css\nVary: Accept\n"},

    {"the length is the connection's", {{HEADER_ADD, NAME(""), ALL, NAME("content-length"), NAME("0")}}, 1, 200, "/", "Content-Type: text/css\nVary: Accept\n"},
    {"so is the coding", {{HEADER_SET, NAME(""), ALL, NAME("Transfer-Encoding"), NAME("chunked")}}, 1, 200, "/", "Content-Type: text/css\nVary: Accept\n"},
    {"and its end", {{HEADER_SET, NAME(""), ALL, NAME("Connection"), NAME("close")}}, 1, 200, "/", "Content-Type: text/css\nVary: Accept\n"},
    {"and the date", {{HEADER_ADD, NAME(""), ALL, NAME("Date"), NAME("now")}}, 1, 200, "/", "Content-Type: text/css\nVary: Accept\n"},
    {"a name that is none", {{HEADER_SET, NAME(""), ALL, NAME("X A"), NAME("1")}}, 1, 200, "/", "Content-Type: text/css\nVary: Accept\n"},
    {"a second line", {{HEADER_SET, NAME(""), ALL, NAME("X-A"), NAME("1\r\nX-B: 2")}}, 1, 200, "/", "Content-Type: text/css\nVary: Accept\n"},
};
/* clang-format on */

static void
print(const struct response *r, char text[static 512])
{
    size_t at = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < r->nfields; i++)
        at += (size_t)snprintf(text + at, 512 - at, "%.*s: %.*s\n", (int)r->fields[i].name.n,
                               r->fields[i].name.p, (int)r->fields[i].value.n,
                               r->fields[i].value.p);
}

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct header_rule own[2] = {rows[i].rules[0], rows[i].rules[1]};
        const struct site_rules rules = {.headers = own, .nheaders = rows[i].nrules};
        struct response r;
        char text[512];

        response_start(&r, rows[i].status);
        response_add(&r, SPAN("Content-Type"), SPAN("text/css"));
        response_add(&r, SPAN("Vary"), SPAN("Accept"));
        headers_apply(&rules, span_str(rows[i].path), &r);
        print(&r, text);
        if (strcmp(text, rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].why, text);
    }
}

static struct expires_rule fresh[] = {
    {NAME("text/css"), 3600},
    {NAME("image/*"), 86400},
    {NAME("text/html"), 0},
};

#define NO                                                                                     \
    {                                                                                          \
        NULL, 0                                                                                \
    }

static const struct {
    const char *why;
    unsigned status;
    const char *type;   /* what the file is, or "" */
    const char *sent;   /* Content-Type, or "" */
    struct field other; /* of the answer */
    const char *want;   /* Cache-Control; NULL: none is added */
} fresh_rows[] = {
    {"by its Content-Type", 200, "", "text/css", {NO, NO}, "max-age=3600"},
    {"with a parameter", 200, "", "Text/CSS; charset=utf-8", {NO, NO}, "max-age=3600"},
    {"by the file's", 200, "text/css; charset=utf-8", "", {NO, NO}, "max-age=3600"},
    {"a part", 206, "image/png", "multipart/byteranges; boundary=x", {NO, NO}, "max-age=86400"},
    {"not changed", 304, "image/png", "", {NO, NO}, "max-age=86400"},
    {"not fresh at all", 200, "", "text/html", {NO, NO}, "no-cache"},
    {"no rule", 200, "", "text/plain", {NO, NO}, NULL},
    {"no type", 200, "", "", {NO, NO}, NULL},
    {"an error", 404, "", "text/css", {NO, NO}, NULL},
    {"a redirect", 301, "", "text/css", {NO, NO}, NULL},
    {"PHP knows better", 200, "", "text/css", {SPAN("cache-control"), SPAN("private")}, NULL},
    {"or in the old way", 200, "", "text/css", {SPAN("expires"), SPAN("0")}, NULL},
    {"one visitor's own", 200, "", "text/css", {SPAN("Set-Cookie"), SPAN("a=b")}, NULL},
};

static const struct field *
field(const struct response *r, struct span name)
{
    for (unsigned i = 0; i < r->nfields; i++)
        if (span_eq(r->fields[i].name, name))
            return &r->fields[i];
    return NULL;
}

static void
test_expires(void **state)
{
    const struct site_rules rules = {.expires = fresh, .nexpires = 3};

    (void)state;
    for (size_t i = 0; i < sizeof(fresh_rows) / sizeof(fresh_rows[0]); i++) {
        const char *want = fresh_rows[i].want;
        char text[HEADERS_EXPIRES_ROOM];
        const struct field *f;
        struct response r;
        time_t at;

        response_start(&r, fresh_rows[i].status);
        if (fresh_rows[i].sent[0])
            response_add(&r, SPAN("Content-Type"), span_str(fresh_rows[i].sent));
        if (fresh_rows[i].other.name.n)
            response_add(&r, fresh_rows[i].other.name, fresh_rows[i].other.value);
        headers_expire(&rules, span_str(fresh_rows[i].type), &r, text);
        f = field(&r, SPAN("Cache-Control"));
        if (want ? !f || !span_eq(f->value, span_str(want)) : f != NULL)
            fail_msg("%s", fresh_rows[i].why);
        f = field(&r, SPAN("Expires"));
        if (!want || strcmp(want, "no-cache") == 0) {
            assert_null(f);
        } else {
            assert_int_equal(date_parse(f->value, time(NULL), &at), 0);
            assert_in_range(at - time(NULL), strtol(want + 8, NULL, 10) - 2, 86400);
        }
    }
}

static void
test_longest(void **state)
{
    struct expires_rule ever[] = {{NAME("*"), UINT32_MAX}};
    const struct site_rules rules = {.expires = ever, .nexpires = 1};
    char text[HEADERS_EXPIRES_ROOM];
    struct response r;

    (void)state;
    response_start(&r, 200);
    headers_expire(&rules, SPAN("a/b"), &r, text);
    assert_int_equal(r.nfields, 2);
    assert_int_equal(r.fields[1].value.n, DATE_LEN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_expires),
        cmocka_unit_test(test_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
