/* The codec: fixed little-endian integers and counted bytes. Floor 2, every process. */
#include "hostel/ipc/wire.h"

#include <errno.h>

static void
put(struct writer *w, uint64_t v, size_t bytes)
{
    unsigned char raw[8];

    for (size_t i = 0; i < bytes; i++)
        raw[i] = (unsigned char)(v >> (8 * i));
    if (!w->error)
        w->error = buf_add(w->b, raw, bytes);
}

void
put_u8(struct writer *w, uint8_t v)
{
    put(w, v, 1);
}

void
put_u16(struct writer *w, uint16_t v)
{
    put(w, v, 2);
}

void
put_u32(struct writer *w, uint32_t v)
{
    put(w, v, 4);
}

void
put_u64(struct writer *w, uint64_t v)
{
    put(w, v, 8);
}

void
put_bytes(struct writer *w, const void *p, size_t n)
{
    if (!w->error)
        w->error = buf_add(w->b, p, n);
}

void
put_span(struct writer *w, struct span s)
{
    if (s.n > UINT32_MAX) {
        w->error = w->error ? w->error : -EMSGSIZE;
        return;
    }
    put_u32(w, (uint32_t)s.n);
    if (!w->error)
        w->error = buf_add_span(w->b, s);
}

static uint64_t
get(struct reader *r, size_t bytes)
{
    uint64_t v = 0;

    if (r->error || r->rest.n < bytes) {
        r->error = -EBADMSG;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)r->rest.p[i] << (8 * i);
    r->rest = span_skip(r->rest, bytes);
    return v;
}

uint8_t
get_u8(struct reader *r)
{
    return (uint8_t)get(r, 1);
}

uint16_t
get_u16(struct reader *r)
{
    return (uint16_t)get(r, 2);
}

uint32_t
get_u32(struct reader *r)
{
    return (uint32_t)get(r, 4);
}

uint64_t
get_u64(struct reader *r)
{
    return get(r, 8);
}

void
get_bytes(struct reader *r, void *p, size_t n)
{
    if (r->error || r->rest.n < n) {
        r->error = -EBADMSG;
        memset(p, 0, n);
        return;
    }
    memcpy(p, r->rest.p, n);
    r->rest = span_skip(r->rest, n);
}

struct span
get_span(struct reader *r, size_t max)
{
    uint32_t n = get_u32(r);
    struct span s;

    if (r->error || n > max || n > r->rest.n) {
        r->error = -EBADMSG;
        return (struct span){NULL, 0};
    }
    s = (struct span){r->rest.p, n};
    r->rest = span_skip(r->rest, n);
    return s;
}

int
reader_end(const struct reader *r)
{
    return r->error || r->rest.n ? -EBADMSG : 0;
}
