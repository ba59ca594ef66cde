/*
 * Owned bytes with a cap. What a peer can size lives in one of these: growing past
 * the cap is an error, never an allocation. Floor 0, every process.
 */
#ifndef HOSTEL_BASE_BUF_H
#define HOSTEL_BASE_BUF_H

#include "hostel/base/span.h"

#include <errno.h>
#include <stdarg.h>

struct buf {
    char *data;   /* NULL while empty: an idle buffer costs nothing */
    size_t start; /* first byte not yet consumed */
    size_t len;   /* bytes from start */
    size_t cap;   /* allocated */
    size_t max;   /* never more than this many bytes */
};

/* in  max  cap in bytes; nothing is allocated yet */
void buf_init(struct buf *b, size_t max);

/* Frees the bytes and empties the buffer; the cap stays, it can be used again. */
void buf_done(struct buf *b);

/*
 * Room for n more bytes in one piece, to be filled and then claimed.
 *
 * ret  NULL when it would grow past max; valid until the next call on b
 */
char *buf_reserve(struct buf *b, size_t n);

static inline void
buf_claim(struct buf *b, size_t n)
{
    b->len += n;
}

/*
 * Append; all or nothing. Lines and heads are made of many short pieces, so what fits into the
 * room that is there already is done in line.
 *
 * ret  0; -ENOBUFS when it would grow past max
 */
static inline int
buf_add(struct buf *b, const void *p, size_t n)
{
    char *at;

    if (n == 0)
        return 0;
    if (n <= b->max && b->len <= b->max - n && b->start + b->len + n <= b->cap)
        at = b->data + b->start + b->len;
    else
        at = buf_reserve(b, n);
    if (!at)
        return -ENOBUFS;
    memcpy(at, p, n);
    b->len += n;
    return 0;
}

static inline int
buf_add_span(struct buf *b, struct span s)
{
    return buf_add(b, s.p, s.n);
}

static inline int
buf_add_str(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Drop n bytes from the front; memory is given back when nothing is left. */
void buf_consume(struct buf *b, size_t n);

/* What it holds, lent until the next call that changes b. */
static inline struct span
buf_span(const struct buf *b)
{
    return (struct span){b->len ? b->data + b->start : NULL, b->len};
}

#endif
