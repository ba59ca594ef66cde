/* Sending a file to GET and HEAD. Floor 5; worker. */
#ifndef SERVE_STATIC_H
#define SERVE_STATIC_H

#include "filecache.h"

/*
 * The representation that the request prefers: conditions, then one byte range, several, or the
 * whole. The answer is complete when this returns, but for a big file that is compressed now: x
 * has its answerer then.
 *
 * in   f  lent; what the answer lends of it is held
 * src  RFC 9110 12.5.3, 13, 14, 15.3.7, 15.5.17
 */
void static_send(struct exchange *x, struct cached_file *f);

/* The head of a 200 with the bytes of f; length as in struct response. */
enum sink_flow static_head(struct exchange *x, struct cached_file *f, uint64_t length);

#endif
