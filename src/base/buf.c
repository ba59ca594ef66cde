/* Owned bytes with a cap. Floor 0, every process. */
#include "hostel/base/buf.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST 256 /* first allocation, bytes: holds a short head */

void
buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void
buf_done(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.max = b->max};
}

char *
buf_reserve(struct buf *b, size_t n)
{
    size_t want, cap;

    if (n > b->max || b->len > b->max - n)
        return NULL;
    want = b->len + n;
    if (b->start + want <= b->cap)
        return b->data + b->start + b->len;
    if (b->start) {
        memmove(b->data, b->data + b->start, b->len);
        b->start = 0;
    }
    if (want > b->cap) {
        cap = b->cap ? b->cap : BUF_FIRST;
        while (cap < want)
            cap *= 2;
        if (cap > b->max)
            cap = b->max;
        b->data = mem_grow(b->data, cap);
        b->cap = cap;
    }
    return b->data + b->len;
}

int
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    char *at;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return -EINVAL;
    /* vsnprintf writes a NUL behind the text: room for it inside the cap */
    at = buf_reserve(b, (size_t)n + 1);
    if (!at)
        return -ENOBUFS;
    vsnprintf(at, (size_t)n + 1, fmt, ap);
    b->len += (size_t)n;
    return 0;
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = buf_vaddf(b, fmt, ap);
    va_end(ap);
    return rc;
}

void
buf_consume(struct buf *b, size_t n)
{
    if (n >= b->len) {
        buf_done(b);
        return;
    }
    b->start += n;
    b->len -= n;
}
