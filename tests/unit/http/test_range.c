/* The Range field. */
#include "rows.h"
#include "hostel/http/range.h"

#include <errno.h>

#define R4  "0-0,2-2,4-4,6-6,"
#define R16 R4 R4 R4 "0-0,2-2,4-4,6-6"

/* clang-format off: one row a line */
static const struct {
    const char *why, *value;
    uint64_t size;
    int ret;
    struct range r[3];
} rows[] = {
    {"first bytes", "bytes=0-99", 500, 1, {{0, 99}}},
    {"one byte", "bytes=0-0", 500, 1, {{0, 0}}},
    {"last byte", "bytes=499-499", 500, 1, {{499, 499}}},
    {"to the end", "bytes=100-", 500, 1, {{100, 499}}},
    {"all", "bytes=0-", 500, 1, {{0, 499}}},
    {"end behind the file's", "bytes=100-900", 500, 1, {{100, 499}}},
    {"end as great as it gets", "bytes=1-18446744073709551615", 500, 1, {{1, 499}}},
    {"end that overflows", "bytes=1-99999999999999999999999", 500, 1, {{1, 499}}},
    {"suffix", "bytes=-100", 500, 1, {{400, 499}}},
    {"suffix of one", "bytes=-1", 500, 1, {{499, 499}}},
    {"suffix as long as the file", "bytes=-500", 500, 1, {{0, 499}}},
    {"suffix longer than file", "bytes=-900", 500, 1, {{0, 499}}},
    {"suffix that overflows", "bytes=-99999999999999999999999", 500, 1, {{0, 499}}},
    {"leading zeros", "bytes=000-009", 500, 1, {{0, 9}}},
    {"unit in another case", "Bytes=0-9", 500, 1, {{0, 9}}},
    {"two, in the order asked", "bytes=9-10,0-1", 500, 2, {{9, 10}, {0, 1}}},
    {"three with spaces", "bytes=0-1 , 5-6,\t-2", 500, 3, {{0, 1}, {5, 6}, {498, 499}}},
    {"empty members", "bytes=,0-1,,", 500, 1, {{0, 1}}},
    {"overlapping are left so", "bytes=0-9,5-", 500, 2, {{0, 9}, {5, 499}}},
    {"the unsatisfiable one is left out", "bytes=900-901,0-1", 500, 1, {{0, 1}}},
    {"a file beyond 4 GiB",
     "bytes=5000000000-5000000001",
     6000000000,
     1,
     {{5000000000, 5000000001}}},
    {"the greatest file",
     "bytes=18446744073709551613-",
     UINT64_MAX,
     1,
     {{18446744073709551613U, 18446744073709551614U}}},
    {"16 are served", "bytes=" R16, 500, 16, {{0, 0}, {2, 2}, {4, 4}}},

    {"behind the end", "bytes=500-", 500, -ERANGE, {{0}}},
    {"behind the end, both", "bytes=500-600", 500, -ERANGE, {{0}}},
    {"overflowing start", "bytes=99999999999999999999999-", 500, -ERANGE, {{0}}},
    {"overflowing both",
     "bytes=99999999999999999999999-99999999999999999999999",
     500,
     -ERANGE,
     {{0}}},
    {"suffix of nothing", "bytes=-0", 500, -ERANGE, {{0}}},
    {"none satisfiable", "bytes=500-,-0", 500, -ERANGE, {{0}}},
    {"empty file", "bytes=0-", 0, -ERANGE, {{0}}},
    {"empty file, one byte", "bytes=0-0", 0, -ERANGE, {{0}}},

    {"suffix of an empty file is all of it", "bytes=-5", 0, 0, {{0}}},
    {"17 are ignored", "bytes=" R16 ",8-8", 500, 0, {{0}}},
    {"another unit", "items=0-1", 500, 0, {{0}}},
    {"no unit", "0-1", 500, 0, {{0}}},
    {"unit alone", "bytes", 500, 0, {{0}}},
    {"unit and =", "bytes=", 500, 0, {{0}}},
    {"empty", "", 500, 0, {{0}}},
    {"only commas", "bytes=,,", 500, 0, {{0}}},
    {"dash alone", "bytes=-", 500, 0, {{0}}},
    {"no dash", "bytes=5", 500, 0, {{0}}},
    {"two dashes", "bytes=0--1", 500, 0, {{0}}},
    {"three numbers", "bytes=0-1-2", 500, 0, {{0}}},
    {"last before first", "bytes=9-5", 500, 0, {{0}}},
    {"one bad spoils all", "bytes=0-1,x", 500, 0, {{0}}},
    {"one backwards spoils all", "bytes=0-1,9-5", 500, 0, {{0}}},
    {"space before =", "bytes =0-1", 500, 0, {{0}}},
    {"space around the dash", "bytes=0 - 1", 500, 0, {{0}}},
    {"sign", "bytes=+0-1", 500, 0, {{0}}},
    {"hexadecimal", "bytes=0x0-0x9", 500, 0, {{0}}},
    {"letters", "bytes=a-b", 500, 0, {{0}}},
    {"letters behind", "bytes=0-9a", 500, 0, {{0}}},
};
/* clang-format on */

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span value = copied(span_str(rows[i].value));
        struct range r[RANGE_MAX], before[RANGE_MAX];
        int ret;

        print_message("%s\n", rows[i].why);
        memset(r, 0x5a, sizeof(r));
        memcpy(before, r, sizeof(r));
        ret = range_parse(value, rows[i].size, r);
        assert_int_equal(ret, rows[i].ret);
        if (ret <= 0)
            assert_memory_equal(r, before, sizeof(r));
        for (int k = 0; k < ret && k < 3; k++) {
            assert_int_equal(r[k].first, rows[i].r[k].first);
            assert_int_equal(r[k].last, rows[i].r[k].last);
        }
        copied_done(value);
    }
}

/* clang-format off: one row a line */
static const struct {
    const char *why;
    unsigned n;
    struct range r[5];
    unsigned left;
    struct range out[3];
} unions[] = {
    {"one", 1, {{3, 5}}, 1, {{3, 5}}},
    {"apart", 2, {{0, 1}, {3, 4}}, 2, {{0, 1}, {3, 4}}},
    {"apart, order kept", 2, {{8, 9}, {0, 1}}, 2, {{8, 9}, {0, 1}}},
    {"twice the same", 2, {{0, 4}, {0, 4}}, 1, {{0, 4}}},
    {"overlapping", 2, {{0, 4}, {3, 9}}, 1, {{0, 9}}},
    {"overlapping, later one first", 2, {{3, 9}, {0, 4}}, 1, {{0, 9}}},
    {"one in another", 2, {{0, 9}, {3, 4}}, 1, {{0, 9}}},
    {"one around another", 2, {{3, 4}, {0, 9}}, 1, {{0, 9}}},
    {"adjacent", 2, {{0, 4}, {5, 9}}, 1, {{0, 9}}},
    {"adjacent, later one first", 2, {{5, 9}, {0, 4}}, 1, {{0, 9}}},
    {"at the file's very start", 2, {{0, 0}, {1, 1}}, 1, {{0, 1}}},
    {"the third joins the first two", 3, {{0, 1}, {4, 5}, {2, 3}}, 1, {{0, 5}}},
    {"the merged one stands first", 3, {{10, 19}, {40, 49}, {15, 29}}, 2, {{10, 29}, {40, 49}}},
    {"those between keep their order",
     4,
     {{50, 59}, {30, 31}, {10, 11}, {60, 69}},
     3,
     {{50, 69}, {30, 31}, {10, 11}}},
    {"a chain from the far end", 5, {{8, 9}, {6, 7}, {4, 5}, {2, 3}, {0, 1}}, 1, {{0, 9}}},
    {"the greatest positions",
     2,
     {{UINT64_MAX - 1, UINT64_MAX - 1}, {UINT64_MAX - 3, UINT64_MAX - 2}},
     1,
     {{UINT64_MAX - 3, UINT64_MAX - 1}}},
};
/* clang-format on */

static void
test_coalesce(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(unions) / sizeof(unions[0]); i++) {
        struct range r[5];

        print_message("%s\n", unions[i].why);
        memcpy(r, unions[i].r, sizeof(r));
        assert_int_equal(range_coalesce(r, unions[i].n), unions[i].left);
        assert_memory_equal(r, unions[i].out, unions[i].left * sizeof(r[0]));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_coalesce),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
