/*
 * A script that has the server send a file: X-Sendfile (also X-LIGHTTPD-send-file), a path of
 * the file system; X-Accel-Redirect, a path of the site. Floor 5; worker.
 *
 * The file is sent as if it had been asked for: conditions, ranges, HEAD. What the script said
 * beside stays (Content-Type, Content-Disposition, Set-Cookie, Cache-Control and all others),
 * but not what describes bytes that are not sent: its status, ETag, Last-Modified,
 * Content-Range and Content-Encoding.
 *
 * Only what the user may read, below the root or another directory that the site names for it;
 * never a script's source (I10), never a name that begins with a dot.
 */
#ifndef SERVE_SENDFILE_H
#define SERVE_SENDFILE_H

#include "hostel/serve/exchange.h"

/* A field of an answer of a script that is for the server, and not passed on. */
bool sendfile_is_for_us(struct span name);

/* The field that names a file, the first one; or NULL. */
const struct field *sendfile_field(const struct field *fields, unsigned n);

/*
 * Answer with the file.
 *
 * in  by      from sendfile_field()
 * in  fields  what the script said, lent for the call
 */
void sendfile_answer(struct exchange *x, const struct field *by, const struct field *fields,
                     unsigned n);

#endif
