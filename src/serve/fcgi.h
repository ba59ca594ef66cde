/*
 * The FastCGI wire, one request at a time: records out into a buffer, records in from bytes
 * as they come. Structs and numbers are fastcgi.h's, of the FastCGI devkit. Pure. Floor 5;
 * worker.
 */
#ifndef HOSTEL_SERVE_FCGI_H
#define HOSTEL_SERVE_FCGI_H

#include "hostel/base/buf.h"

#include <fastcgi.h>
#include <stdint.h>

#define FCGI_REQUEST_ID 1 /* one request at a time: PHP does not multiplex */

/*
 * Content of one record of ours. 8 bytes below the wire's limit: a multiple of 8, so that a
 * full record needs no padding, and content with padding can never pass 65535.
 */
#define FCGI_CONTENT_MAX 65528

/* All PARAMS records of one request together; over it the request is refused with 431. */
#define FCGI_PARAMS_MAX (128 * 1024)

/* The start of a request as it grows. */
struct fcgi_writer {
    struct buf *out;   /* lent; nothing is consumed from it before fcgi_params_end() */
    size_t record;     /* offset in out of the open PARAMS record's header */
    size_t param_left; /* of FCGI_PARAMS_MAX */
    int error;         /* sticky: the first one */
};

/*
 * Append BEGIN_REQUEST (responder) and open the parameters.
 *
 * in  out  empty, its cap at least FCGI_PARAMS_MAX
 */
void fcgi_begin(struct fcgi_writer *w, struct buf *out);

/*
 * Append one pair. A record holds whole pairs only: PHP parses each record by itself.
 * w->error becomes -EMSGSIZE when the pair fits no record or all pairs pass FCGI_PARAMS_MAX.
 */
void fcgi_param(struct fcgi_writer *w, struct span name, struct span value);

/*
 * Close the parameters with the empty record.
 *
 * ret  w->error
 */
int fcgi_params_end(struct fcgi_writer *w);

/* May the connection be used for another request? FastCGI 5.1, FCGI_KEEP_CONN. fcgi_begin(): no
 */
void fcgi_keep(struct buf *out, bool keep);

/* out  h  header of an STDIN record with n (<= FCGI_CONTENT_MAX) bytes; 0 ends the body */
void fcgi_stdin_header(FCGI_Header *h, size_t n);

enum fcgi_event {
    FCGI_EVENT_MORE, /* rest is empty: feed more */
    FCGI_EVENT_OUT,  /* data: 1 or more bytes of what the script writes */
    FCGI_EVENT_ERR,  /* data: 1 or more bytes for the error log */
    FCGI_EVENT_END,  /* the request is over: protocol_status, app_status */
    FCGI_EVENT_BAD,  /* not FastCGI, or nothing this request can get: close */
};

struct fcgi_reader {
    FCGI_Header header;
    FCGI_EndRequestBody end;
    size_t header_bytes; /* of header that came */
    size_t end_bytes;    /* of end that came */
    size_t content_left, padding_left;
    unsigned protocol_status; /* FCGI_REQUEST_COMPLETE, FCGI_OVERLOADED ... */
    uint32_t app_status;
    const char *why; /* FCGI_EVENT_BAD: static text for the error log */
};

void fcgi_reader_init(struct fcgi_reader *r);

/*
 * Read on to the next thing that means something.
 *
 * in/out  rest  what has arrived, lent; what was read is cut off its front
 * out     data  OUT and ERR: a piece of rest's bytes
 * ret     see enum; after END or BAD the reader is used no more
 */
enum fcgi_event fcgi_next(struct fcgi_reader *r, struct span *rest, struct span *data);

#endif
