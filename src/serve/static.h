/* Sending a file to GET and HEAD. Floor 5; worker. */
#ifndef SERVE_STATIC_H
#define SERVE_STATIC_H

#include "filecache.h"

/*
 * Conditions, then one byte range, several, or the whole file; the answer is complete when this
 * returns.
 *
 * in   f  lent; what the answer lends of it is held
 * src  RFC 9110 13, 14, 15.3.7, 15.5.17
 */
void static_send(struct exchange *x, struct cached_file *f);

#endif
