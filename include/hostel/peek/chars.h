/*
 * Which byte may stand where in an HTTP message: one table, looked at by every parser.
 * Floor 1; acceptor and worker.
 */
#ifndef HOSTEL_PEEK_CHARS_H
#define HOSTEL_PEEK_CHARS_H

#include "hostel/base/span.h"

#include <stdint.h>

enum chars {
    CHARS_TOKEN = 1,  /* tchar: methods, field names, codings. RFC 9110 5.6.2 */
    CHARS_VALUE = 2,  /* field values: HTAB, SP, VCHAR, obs-text. RFC 9110 5.5 */
    CHARS_TARGET = 4, /* request target, and what browsers leave raw in one: see chars.c */
    CHARS_HOST = 8,   /* letters, digits, "-", "_", ".": a name that a site can have */
    CHARS_HEX = 16,   /* HEXDIG in both cases */
    CHARS_PATH = 32,  /* may stand unescaped in a path: pchar and "/". RFC 3986 3.3 */
};

extern const uint8_t chars_table[256];

static inline bool
chars_is(char c, enum chars class)
{
    return (chars_table[(unsigned char)c] & (unsigned)class) != 0;
}

/* How many bytes of s, from its start, are of the class. */
size_t chars_span(struct span s, enum chars class);

/* Every byte of s is; true for the empty span. */
static inline bool
chars_all(struct span s, enum chars class)
{
    return chars_span(s, class) == s.n;
}

/* The value of a hex digit, or -1. */
int chars_hex(char c);

#endif
