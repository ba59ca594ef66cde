/* The table of bytes. Floor 1; acceptor and worker. */
#include "hostel/peek/chars.h"
#include "hostel/base/eight.h"

#define T CHARS_TOKEN
#define V CHARS_VALUE
#define G CHARS_TARGET
#define H CHARS_HOST
#define X CHARS_HEX
#define P CHARS_PATH

/*
 * A target may hold every visible ASCII character but " # < >. RFC 3986 has no room for
 * \ ^ ` { | } either, but browsers send them raw in a query, so a site would break without
 * them; none of them means anything to a parser of ours.
 */
/* clang-format off: one run of bytes a line */
const uint8_t chars_table[256] = {
    [0x09] = V,
    [0x20] = V,
    ['!'] = T | V | G | P,
    ['"'] = V,
    ['#'] = T | V,
    ['$'] = T | V | G | P,
    ['%'] = T | V | G,
    ['&' ... '\''] = T | V | G | P,
    ['(' ... ')'] = V | G | P,
    ['*' ... '+'] = T | V | G | P,
    [','] = V | G | P,
    ['-' ... '.'] = T | V | G | H | P,
    ['/'] = V | G | P,
    ['0' ... '9'] = T | V | G | H | X | P,
    [':' ... ';'] = V | G | P,
    ['<'] = V,
    ['='] = V | G | P,
    ['>'] = V,
    ['?'] = V | G,
    ['@'] = V | G | P,
    ['A' ... 'F'] = T | V | G | H | X | P,
    ['G' ... 'Z'] = T | V | G | H | P,
    ['[' ... ']'] = V | G,
    ['^'] = T | V | G,
    ['_'] = T | V | G | H | P,
    ['`'] = T | V | G,
    ['a' ... 'f'] = T | V | G | H | X | P,
    ['g' ... 'z'] = T | V | G | H | P,
    ['{'] = V | G,
    ['|'] = T | V | G,
    ['}'] = V | G,
    ['~'] = T | V | G | P,
    [0x80 ... 0xff] = V,
};
/* clang-format on */

/*
 * A field value, most of what is looked at, needs no table: only controls may not be in it.
 * HTAB may: the caller looks again, one by one.
 */
static size_t
value_span(struct span s)
{
    size_t n = 0;

    for (; s.n - n >= 8; n += 8) {
        uint64_t eight = eight_at(s.p + n);

        if ((eight_below(eight, 0x20) | eight_is(eight, 0x7f)) & EIGHT_TOPS)
            break;
    }
    return n;
}

/* Eight bytes to a branch: this loop is a third of what reading a head costs. */
size_t
chars_span(struct span s, enum chars class)
{
    const unsigned char *p = (const unsigned char *)s.p;
    const uint8_t *t = chars_table;
    size_t n = class == CHARS_VALUE ? value_span(s) : 0;

    while (s.n - n >= 8) {
        unsigned all = t[p[n]] & t[p[n + 1]] & t[p[n + 2]] & t[p[n + 3]] & t[p[n + 4]] &
                       t[p[n + 5]] & t[p[n + 6]] & t[p[n + 7]];

        if (!(all & (unsigned)class))
            break;
        n += 8;
    }
    while (n < s.n && chars_is(s.p[n], class))
        n++;
    return n;
}

int
chars_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}
