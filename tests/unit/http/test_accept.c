/* The Accept field. */
#include "rows.h"
#include "hostel/http/accept.h"

/* clang-format off: one row a line */
static const struct {
    const char *why, *first, *second; /* field values; NULL = no such field */
    unsigned weight;                  /* of application/json */
} rows[] = {
    {"no field", NULL, NULL, 0},
    {"empty", "", NULL, 0},
    {"alone", "application/json", NULL, 1000},
    {"in another case", "Application/JSON", NULL, 1000},
    {"with a weight", "application/json;q=0.5", NULL, 500},
    {"spaces around the semicolon", "application/json ; q=0.25", NULL, 250},
    {"weight in upper case", "application/json;Q=0.125", NULL, 125},
    {"one", "application/json;q=1", NULL, 1000},
    {"one with zeros", "application/json;q=1.000", NULL, 1000},
    {"a point without digits", "application/json;q=0.", NULL, 0},
    {"refused", "application/json;q=0", NULL, 0},
    {"refused with zeros", "application/json;q=0.000", NULL, 0},
    {"behind another parameter", "application/json;a=b;q=0.3", NULL, 300},
    {"in a list", "text/html, application/json;q=0.9, */*;q=0.1", NULL, 900},
    {"the greatest of two", "application/json;q=0.2, application/json;q=0.4", NULL, 400},
    {"on a second line", "text/html", "application/json", 1000},
    {"a star does not name it", "*/*", NULL, 0},
    {"half a star neither", "application/*", NULL, 0},
    {"another type", "text/html", NULL, 0},
    {"a longer type", "application/json5", NULL, 0},
    {"a suffix of a type", "application/ld+json", NULL, 0},
    {"above one", "application/json;q=1.1", NULL, 0},
    {"two", "application/json;q=2", NULL, 0},
    {"negative", "application/json;q=-1", NULL, 0},
    {"four digits", "application/json;q=0.1234", NULL, 0},
    {"no digits", "application/json;q=", NULL, 0},
    {"letters", "application/json;q=0.x", NULL, 0},
    {"a comma for a point", "application/json;q=0,5", NULL, 0},
    {"only separators", ",;,;;,", NULL, 0},
};
/* clang-format on */

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span first = copied(span_str(rows[i].first));
        struct span second = copied(span_str(rows[i].second));
        struct field fields[] = {{SPAN("Accept"), first},
                                 {SPAN("Accept-Language"), SPAN("application/json")},
                                 {SPAN("accept"), second}};
        struct request r = {.fields = fields, .nfields = rows[i].first ? 3 : 0};

        print_message("%s\n", rows[i].why);
        assert_int_equal(accept_weight(&r, SPAN("application/json")), rows[i].weight);
        copied_done(first);
        copied_done(second);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
