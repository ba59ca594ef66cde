/*
 * The least that a connection must move while it is the visitor's turn: body_rate bytes a
 * second over each window of body_ms or send_ms. Windows follow each other, so that who was
 * fast at first cannot be slow for hours on it. Floor 6; worker.
 */
#include "conn.h"

void
pace_start(struct pace *p, const struct conns *all, uint64_t moved)
{
    p->since_ms = uv_now(all->loop);
    p->bytes = moved;
}

bool
pace_late(struct pace *p, const struct conns *all, uint64_t moved, uint64_t window_ms)
{
    uint64_t took_ms = uv_now(all->loop) - p->since_ms, bytes = moved - p->bytes;

    if (took_ms < window_ms)
        return false;
    if (bytes == 0 || bytes * 1000 < all->settings.body_rate * took_ms)
        return true;
    pace_start(p, all, moved);
    return false;
}
