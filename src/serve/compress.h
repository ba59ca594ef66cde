/*
 * A sink in front of another: the body of an answer is coded as the visitor takes it, where
 * that is allowed and pays, and the head says so. What is not coded passes as it is.
 *
 * Nothing waits in here but what the encoder holds back: flush() brings that out. When the next
 * sink says SINK_FULL the answerer is told and waits, as it would without the filter; so there
 * is no on_room and no on_gone for this one to know of. Floor 5; worker.
 */
#ifndef SERVE_COMPRESS_H
#define SERVE_COMPRESS_H

#include "encoder.h"
#include "hostel/serve/exchange.h"

struct compress {
    struct sink sink; /* for the answerer */
    const struct exchange *x;
    struct sink *next;
    struct encoder *encoder; /* NULL: the body passes as it is */
    bool broken;             /* it failed: the next call that can say so does */
};

/*
 * Put c in front of x's sink, which itself stays as it is.
 *
 * in   x  its request and site are looked at in head() only
 */
void compress_init(struct compress *c, const struct exchange *x);

/* Will end() still bring bytes? Not to a sink that is full, then. */
bool compress_holds(const struct compress *c);

/* The answer is over, or given up: frees what it took. Not while one of its calls runs. */
void compress_done(struct compress *c);

#endif
