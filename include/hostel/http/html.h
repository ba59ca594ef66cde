/* Text into HTML. Floor 4; worker. */
#ifndef HOSTEL_HTTP_HTML_H
#define HOSTEL_HTTP_HTML_H

#include "hostel/base/buf.h"

/*
 * Append s with & < > " ' escaped: safe between tags and in quoted attributes. Control bytes
 * but HT and LF become "?".
 *
 * ret  0 or -ENOBUFS; what fitted was appended
 */
int html_escape(struct buf *b, struct span s);

#endif
