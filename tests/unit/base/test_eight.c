/* Eight bytes at once, against one by one: each byte in each place, beside each neighbour. */
#include "hostel/base/eight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The first place that is hit; 8: none */
static unsigned
first(uint64_t hits)
{
    hits &= EIGHT_TOPS;
    return hits ? (unsigned)__builtin_ctzll(hits) / 8 : 8;
}

static void
each_byte_in_each_place(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++)
        for (unsigned beside = 0; beside < 256; beside += 5)
            for (unsigned place = 0; place < 8; place++) {
                char text[8];
                unsigned below = 8, is = 8;

                memset(text, (int)beside, sizeof(text));
                text[place] = (char)byte;
                for (unsigned i = 8; i-- > 0;) {
                    below = (unsigned char)text[i] < 0x20 ? i : below;
                    is = (unsigned char)text[i] == 0x7f ? i : is;
                }
                assert_int_equal(first(eight_below(eight_at(text), 0x20)), below);
                assert_int_equal(first(eight_is(eight_at(text), 0x7f)), is);
            }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_in_each_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
