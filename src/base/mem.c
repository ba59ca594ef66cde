/* Allocation that succeeds or ends the process. Floor 0, every process. */
#include "hostel/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *
sure(void *p)
{
    static const char said[] = "hostel: out of memory\n";

    if (!p) {
        (void)!write(STDERR_FILENO, said, sizeof(said) - 1);
        abort();
    }
    return p;
}

void *
mem_new(size_t bytes)
{
    return sure(calloc(1, bytes ? bytes : 1));
}

void *
mem_new_array(size_t count, size_t bytes)
{
    return sure(calloc(count ? count : 1, bytes ? bytes : 1));
}

void *
mem_raw(size_t bytes)
{
    return sure(malloc(bytes ? bytes : 1));
}

void *
mem_grow(void *p, size_t bytes)
{
    return sure(realloc(p, bytes ? bytes : 1));
}

char *
mem_str(const char *s)
{
    return s ? mem_str_span(span_str(s)) : NULL;
}

char *
mem_str_span(struct span s)
{
    char *copy = mem_new(s.n + 1);

    if (s.n)
        memcpy(copy, s.p, s.n);
    return copy;
}

char *
mem_fmt(const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    return sure(n < 0 ? NULL : text);
}
