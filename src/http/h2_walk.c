/* Frame heads. RFC 9113 4.1. Floor 4; worker. */
#include "h2_walk.h"

#define HEAD_BYTES    9
#define PREFACE_BYTES 24

enum { HEADERS = 1, CONTINUATION = 9, END_HEADERS = 4 };

void
h2_walk_init(struct h2_walk *w)
{
    *w = (struct h2_walk){.skip = PREFACE_BYTES};
}

static void
read_head(struct h2_walk *w, struct h2_frame *f)
{
    const uint8_t *p = w->head;

    f->length = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
    f->type = p[3];
    f->flags = p[4];
    f->stream =
        ((uint32_t)p[5] << 24 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 8 | p[8]) & 0x7fffffff;
    w->have = 0;
    w->skip = f->length;
    if (f->type == HEADERS || f->type == CONTINUATION)
        w->in_block = !(f->flags & END_HEADERS);
}

bool
h2_walk_next(struct h2_walk *w, struct span *rest, struct h2_frame *f)
{
    size_t all = rest->n, n = w->skip < rest->n ? w->skip : rest->n;

    *rest = span_skip(*rest, n);
    w->skip -= (uint32_t)n;
    if (rest->n == 0)
        return false;
    n = (size_t)(HEAD_BYTES - w->have) < rest->n ? (size_t)(HEAD_BYTES - w->have) : rest->n;
    memcpy(w->head + w->have, rest->p, n);
    w->have = (uint8_t)(w->have + n);
    *rest = span_skip(*rest, n);
    if (w->have < HEAD_BYTES)
        return false;
    f->at = all - rest->n - 1;
    read_head(w, f);
    return true;
}
