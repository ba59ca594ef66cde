/* What goes into a log line as it is, and what is escaped. */
#include "hostel/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool
is_plain(int c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Lines are looked at eight bytes at a time: each byte, in each of the places. */
static void
test_escape(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        for (size_t n = 1; n <= 20; n++)
            for (size_t at = 0; at < n; at++) {
                char *text = malloc(n), want[64] = "";
                struct buf b;

                memset(text, 'a', n);
                text[at] = (char)c;
                memset(want, 'a', at);
                if (is_plain(c))
                    want[at] = (char)c;
                else
                    (void)snprintf(want + at, 5, "\\x%02x", (unsigned)c);
                memset(want + strlen(want), 'a', n - at - 1);
                buf_init(&b, 128);
                log_escape(&b, span_of(text, n));
                assert_true(span_eq(buf_span(&b), span_str(want)));
                buf_done(&b);
                free(text);
            }
}

/* Over the cap a run is cut, an escape is left out. */
static void
test_cap(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    log_escape(&b, SPAN("0123456789abcdef"));
    assert_true(span_eq(buf_span(&b), SPAN("0123456789")));
    buf_done(&b);
    log_escape(&b, SPAN("01234567\n9"));
    assert_true(span_eq(buf_span(&b), SPAN("01234567")));
    buf_done(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_cap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
