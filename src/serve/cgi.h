/*
 * What a script is told about its request: the CGI variables. Pure. Floor 5; worker.
 * Source: RFC 3875 4.1; RFC 9110 7.6.1.
 */
#ifndef HOSTEL_SERVE_CGI_H
#define HOSTEL_SERVE_CGI_H

#include "fcgi.h"
#include "hostel/serve/php.h"

#define CGI_NAME_MAX 256 /* a longer field name is of no use to a script and is not passed */

/*
 * Put every variable but CONTENT_LENGTH, which is known only when the body is whole, into w.
 * Fields become HTTP_*. Not passed are those whose name has a byte outside [A-Za-z0-9-] ("_"
 * and "-" would become the same variable), Proxy (HTTP_PROXY steers libraries), what is
 * hop-by-hop, Expect, and Content-Length and Content-Type as HTTP_*. A field that came more
 * than once is one variable, joined with ", " (Cookie: "; ").
 *
 * in  x  routed: site and visitor are set
 */
void
cgi_variables(struct fcgi_writer *w, const struct exchange *x, const struct php_script *script);

#endif
