/*
 * The heads of frames as they go by, before the session takes them: what it ignores without a
 * word is counted here, too. Pure. Floor 4; worker.
 */
#ifndef HTTP_H2_WALK_H
#define HTTP_H2_WALK_H

#include "hostel/base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct h2_walk {
    uint32_t skip; /* bytes before the next frame's head */
    uint8_t have;  /* bytes of a head that is not whole */
    uint8_t head[9];
    bool in_block; /* a block of fields has begun and its last frame has not */
};

struct h2_frame {
    uint32_t length;
    uint8_t type, flags;
    uint32_t stream;
    size_t at; /* all before it is safe to take: at least its last byte is not among that */
};

void h2_walk_init(struct h2_walk *w);

/*
 * The next head of a frame.
 *
 * in/out  rest  what has arrived; what was looked at is cut off its front
 * out     f     untouched unless true is returned; at counts from rest's old front
 * ret     false: there is none in rest, which is empty then
 */
bool h2_walk_next(struct h2_walk *w, struct span *rest, struct h2_frame *f);

/* Is a block of fields, or a part of a frame, still to come? */
static inline bool
h2_walk_inside(const struct h2_walk *w)
{
    return w->in_block || w->have > 0;
}

#endif
