/* What the tests of this room share. */
#ifndef HOSTEL_TEST_HTTP_ROWS_H
#define HOSTEL_TEST_HTTP_ROWS_H

#include "hostel/base/span.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define S(literal)                                                                             \
    {                                                                                          \
        (literal), sizeof(literal) - 1                                                         \
    }

/* The bytes alone in their own allocation, so that the sanitizer sees a read past them. */
static inline struct span
copied(struct span s)
{
    char *p = malloc(s.n ? s.n : 1);

    assert_non_null(p);
    if (s.n)
        memcpy(p, s.p, s.n);
    return span_of(p, s.n);
}

static inline void
copied_done(struct span s)
{
    free((void *)(uintptr_t)s.p);
}

#endif
