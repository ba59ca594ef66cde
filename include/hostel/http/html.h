/* Text into HTML. Pure. Floor 4; worker. */
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

/*
 * Append s as UTF-8: each byte that is no part of any becomes U+FFFD. What was UTF-8 stays as
 * it is. At most three times the bytes.
 *
 * ret  0 or -ENOBUFS; what fitted was appended
 * src  RFC 3629 4
 */
int html_utf8(struct buf *b, struct span s);

#endif
