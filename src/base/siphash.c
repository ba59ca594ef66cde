/* SipHash-2-4. Floor 0; acceptor. */
#include "hostel/base/siphash.h"

struct state {
    uint64_t a, b, c, d;
};

static uint64_t
left(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static void
rounds(struct state *s, unsigned n)
{
    while (n-- > 0) {
        s->a += s->b;
        s->c += s->d;
        s->b = left(s->b, 13) ^ s->a;
        s->d = left(s->d, 16) ^ s->c;
        s->a = left(s->a, 32);
        s->c += s->b;
        s->a += s->d;
        s->b = left(s->b, 17) ^ s->c;
        s->d = left(s->d, 21) ^ s->a;
        s->c = left(s->c, 32);
    }
}

static void
take(struct state *s, uint64_t word)
{
    s->d ^= word;
    rounds(s, 2);
    s->a ^= word;
}

/* Up to eight bytes, the first the least. */
static uint64_t
word_of(struct span bytes)
{
    uint64_t word = 0;

    for (size_t i = 0; i < bytes.n && i < 8; i++)
        word |= (uint64_t)(unsigned char)bytes.p[i] << (8 * i);
    return word;
}

uint64_t
siphash(const uint64_t key[static 2], struct span bytes)
{
    struct state s = {0x736f6d6570736575 ^ key[0], 0x646f72616e646f6d ^ key[1],
                      0x6c7967656e657261 ^ key[0], 0x7465646279746573 ^ key[1]};
    uint64_t length = (uint64_t)bytes.n << 56;

    for (; bytes.n >= 8; bytes = span_skip(bytes, 8))
        take(&s, word_of(bytes));
    take(&s, length | word_of(bytes));
    s.c ^= 0xff;
    rounds(&s, 4);
    return s.a ^ s.b ^ s.c ^ s.d;
}
