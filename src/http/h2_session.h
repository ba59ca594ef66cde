/* One HTTP/2 session, as its files share it. Floor 4; worker. */
#ifndef HTTP_H2_SESSION_H
#define HTTP_H2_SESSION_H

#include "h2_budget.h"
#include "h2_fields.h"
#include "h2_walk.h"
#include "hostel/http/h2.h"

#include <nghttp2/nghttp2.h>

struct h2 {
    nghttp2_session *session;
    const struct h2_ops *ops;
    void *data;
    struct h2_budget budget;
    uint64_t now_ms;
    unsigned streams;
    int32_t updated; /* the highest stream that a PRIORITY_UPDATE named before it was there */
    struct h2_fields *fields; /* of the request that is coming in; else NULL */
    size_t unpacked;          /* of the trailer section that is coming in */
    struct h2_walk walk;
    uint32_t last;       /* the highest stream that was opened */
    uint32_t run;        /* from here on to the last, all that can have been were */
    uint32_t *reset;     /* a ring of those that were reset by us last; NULL: none */
    unsigned nreset;     /* how many ever */
    enum h2_error fault; /* what the visitor did wrong, where nghttp2 says nothing */
    bool spent;          /* too much of what moves nothing */
    bool broken;         /* GOAWAY with an error is the last that it says */
    bool draining;       /* it has said that it will go */
    bool drained;        /* and the visitor has heard it */
};

#endif
