/*
 * Writes JSON (RFC 8259) into a buffer, without a space or a line break: one object a line is
 * how the administrator's socket talks, and a log of that form. Sticky like the codec of
 * messages: after a first failure every later call does nothing. Floor 0, hostel,
 * hostel-worker.
 */
#ifndef HOSTEL_BASE_JSON_H
#define HOSTEL_BASE_JSON_H

#include "hostel/base/buf.h"

#include <stdint.h>

struct json {
    struct buf *b; /* lent */
    int error;     /* 0 or -ENOBUFS */
    bool comma;    /* the next value has one before it */
};

/*
 * in  key      of the member that this is; NULL: it is an item of a list, or all there is
 * in  bracket  '{' or '['
 */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket); /* '}' or ']' */
void json_number(struct json *j, const char *key, uint64_t n);
void json_bool(struct json *j, const char *key, bool value);

/*
 * UTF-8 goes in as it is. A control character, and each byte that is no UTF-8, is \u00XX, so
 * that any bytes make valid JSON. NULL is null.
 * src  RFC 8259 7, 8.1
 */
void json_string(struct json *j, const char *key, const char *s);
void json_span(struct json *j, const char *key, struct span s);
void json_null(struct json *j, const char *key);

/* ret  as much of s, from its beginning, as takes at most room bytes between the quotes */
struct span json_fit(struct span s, size_t room);

#endif
