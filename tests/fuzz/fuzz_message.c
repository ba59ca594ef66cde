/*
 * Every payload of ipc/table.h: what a get takes, its put writes back to the byte. The first
 * byte of an input says which one.
 */
#include "fuzz.h"
#include "hostel/ipc/message.h"

#define KINDS(X)                                                                               \
    X(hello)                                                                                   \
    X(listener)                                                                                \
    X(start) X(user) X(stop) X(worker_init) X(log) X(pool) X(vhost) X(rule) X(pool_state)      \
        X(pool_stuck) X(conn) X(conn_prefix) X(conn_back) X(commons) X(channel) X(sync)

static void
same(struct buf *b, struct writer *w, struct span came)
{
    must(w->error == 0 && span_eq(buf_span(b), came));
}

#define ROUND(name)                                                                            \
    static void round_##name(struct span came)                                                 \
    {                                                                                          \
        struct reader r = {came, 0};                                                           \
        struct msg_##name m;                                                                   \
        struct writer w;                                                                       \
        struct buf b;                                                                          \
                                                                                               \
        if (msg_##name##_get(&r, &m) < 0)                                                      \
            return;                                                                            \
        buf_init(&b, 1 << 20);                                                                 \
        w = (struct writer){&b, 0};                                                            \
        msg_##name##_put(&w, &m);                                                              \
        same(&b, &w, came);                                                                    \
        buf_done(&b);                                                                          \
    }
KINDS(ROUND)

#define ENTRY(name) round_##name,
static void (*const rounds[])(struct span) = {KINDS(ENTRY)};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size)
        rounds[data[0] % (sizeof(rounds) / sizeof(rounds[0]))](input(data, size));
    return 0;
}
