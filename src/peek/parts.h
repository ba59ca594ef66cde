/* The parts of head_parse(), in the order of their use. Floor 1; acceptor and worker. */
#ifndef HOSTEL_PEEK_PARTS_H
#define HOSTEL_PEEK_PARTS_H

#include "hostel/peek/head.h"

/* A first line that has not ended yet: HEAD_MORE while it can still become one. */
enum head_verdict line_early(struct span part);

/*
 * The request line, without its CR LF: method, target in all its forms, version.
 *
 * out  h  method, method_text, target, path, query, has_query, version; authority when the
 *         target has one, else empty
 * src  RFC 9112 3
 */
enum head_verdict line_parse(struct span line, struct head *h);

/*
 * The same for a method and a target that came in another framing.
 *
 * in   h  method_text, target
 * out  h  method and all that the target says; authority as line_parse()
 */
enum head_verdict line_judge(struct head *h);

/*
 * The field lines, split by llhttp and proven to be what RFC 9112 5 allows.
 *
 * in   bytes  from the CR LF of the request line to the end of the head's empty line
 * in   h      as line_parse() left it
 * out  h      fields, nfields
 */
enum head_verdict fields_parse(struct span bytes, struct head *h);

/*
 * What the fields mean for routing and framing: Host, Connection, Content-Length,
 * Transfer-Encoding, Expect.
 */
enum head_verdict meaning_parse(struct head *h);

#endif
