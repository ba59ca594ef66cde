/*
 * Media types by file name extension, from the system's table. Floor 4; worker.
 *
 * text types and application/javascript get "; charset=utf-8": without it browsers guess, and
 * a guess that a visitor can steer is a hole. JSON has no such parameter (RFC 8259 11).
 */
#ifndef HOSTEL_HTTP_MEDIA_H
#define HOSTEL_HTTP_MEDIA_H

#include "hostel/base/span.h"

#define MEDIA_TABLE   "/etc/mime.types"
#define MEDIA_DEFAULT "application/octet-stream"

/*
 * Where the table is. It is looked through when an extension is asked for the first time, and
 * that one's type is kept. What the file does not name, or all when it is missing, comes from a
 * short list of our own; of two lines for one extension the first counts.
 *
 * in   path  MEDIA_TABLE; lent until media_done()
 * ret  0; -errno when the file cannot be read: usable all the same
 */
int media_init(const char *path);
void media_done(void);

/*
 * The Content-Type of a file.
 *
 * in   name  file name or path; the extension is what follows the last dot of the last
 *            segment, in any case
 * ret  static until media_done(); MEDIA_DEFAULT when nothing is known
 */
struct span media_type(struct span name);

#endif
