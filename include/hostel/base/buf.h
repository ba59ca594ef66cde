/*
 * Owned bytes with a cap. What a peer can size lives in one of these: growing past
 * the cap is an error, never an allocation. Floor 0, every process.
 */
#ifndef HOSTEL_BASE_BUF_H
#define HOSTEL_BASE_BUF_H

#include "hostel/base/span.h"

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
 * Append; all or nothing.
 *
 * ret  0; -ENOBUFS when it would grow past max
 */
int buf_add(struct buf *b, const void *p, size_t n);
int buf_add_span(struct buf *b, struct span s);
int buf_add_str(struct buf *b, const char *s);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/*
 * Room for n more bytes in one piece, to be filled and then claimed.
 *
 * ret  NULL when it would grow past max; valid until the next call on b
 */
char *buf_reserve(struct buf *b, size_t n);
void buf_claim(struct buf *b, size_t n);

/* Drop n bytes from the front; memory is given back when nothing is left. */
void buf_consume(struct buf *b, size_t n);

/* What it holds, lent until the next call that changes b. */
static inline struct span
buf_span(const struct buf *b)
{
    return (struct span){b->len ? b->data + b->start : NULL, b->len};
}

#endif
