/*
 * Small objects: allocation succeeds or the process dies (a worker is one user's, it is
 * restarted). Whatever a peer can size goes through struct buf and its cap instead.
 * Floor 0, every process.
 */
#ifndef HOSTEL_BASE_MEM_H
#define HOSTEL_BASE_MEM_H

#include "hostel/base/span.h"

/* ret  zeroed memory, owned by the caller, free() it; never NULL */
void *mem_new(size_t bytes) __attribute__((malloc, returns_nonnull));
void *mem_new_array(size_t count, size_t bytes) __attribute__((malloc, returns_nonnull));

/*
 * For big rooms that are mostly empty: nothing of it costs memory before it is written to.
 *
 * ret  like malloc(3), never NULL
 */
void *mem_raw(size_t bytes) __attribute__((malloc, returns_nonnull));

/* ret  like realloc(3), never NULL */
void *mem_grow(void *p, size_t bytes) __attribute__((returns_nonnull));

/* ret  a NUL-ended copy, owned by the caller; mem_str(NULL) is NULL */
char *mem_str(const char *s);
char *mem_str_span(struct span s) __attribute__((returns_nonnull));

/* ret  the formatted text, owned by the caller */
char *mem_fmt(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

#endif
