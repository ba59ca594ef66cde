/* Starting a response without clearing room for fields it will not have. Floor 5; worker. */
#ifndef HOSTEL_SERVE_RESPONSE_H
#define HOSTEL_SERVE_RESPONSE_H

#include "hostel/http/sink.h"

/* All but the fields behind nfields is set: a response is 4 KiB, most of it never used. */
static inline void
response_start(struct response *r, unsigned status)
{
    r->status = status;
    r->reason = (struct span){NULL, 0};
    r->length = RESPONSE_LENGTH_UNKNOWN;
    r->bodiless = false;
    r->close = false;
    r->flush = false;
    r->unbuffered = false;
    r->nready = 0;
    r->nfields = 0;
}

#endif
