/* Small text jobs: what the conf room's tests of values do not see. */
#include "hostel/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void
test_digits(void **state)
{
    static const struct {
        const char *why;
        uint64_t v;
        const char *digits;
    } rows[] = {
        {"nothing is a digit too", 0, "0"},
        {"one digit", 9, "9"},
        {"two", 10, "10"},
        {"zeros inside", 1000007, "1000007"},
        {"the most that there are", UINT64_MAX, "18446744073709551615"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[TEXT_DIGITS_MAX];

        if (!span_eq(text_digits(rows[i].v, text), span_str(rows[i].digits)))
            fail_msg("%s: %s", rows[i].why, rows[i].digits);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_digits)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
