/* multipart/byteranges. Floor 5; worker. RFC 9110 14.6, RFC 2046 5.1.1 */
#include "multirange.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

int
multirange_init(struct multirange *m, const struct range *parts, unsigned n, uint64_t size,
                struct span type)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char random[MULTIRANGE_BOUNDARY / 2];
    char *at = m->content_type + sizeof(MULTIRANGE_TYPE) - 1;

    assert(n <= RANGE_MAX);
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -EIO;
    memcpy(m->content_type, MULTIRANGE_TYPE, sizeof(MULTIRANGE_TYPE) - 1);
    m->boundary = at;
    for (size_t i = 0; i < sizeof(random); i++) {
        *at++ = hex[random[i] >> 4];
        *at++ = hex[random[i] & 15];
    }
    *at = '\0';
    memcpy(m->parts, parts, n * sizeof(parts[0]));
    m->n = n;
    m->size = size;
    m->type = type;
    return 0;
}

size_t
multirange_part(const struct multirange *m, unsigned i, char text[static MULTIRANGE_PART_MAX])
{
    /* the line end before a boundary belongs to it, not to the part that it ends */
    const char *before = i == 0 ? "" : "\r\n";
    int n;

    if (i == m->n)
        n = snprintf(text, MULTIRANGE_PART_MAX, "%s--%s--\r\n", before, m->boundary);
    else
        n = snprintf(text, MULTIRANGE_PART_MAX,
                     "%s--%s\r\nContent-Type: %.*s\r\n"
                     "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n\r\n",
                     before, m->boundary, (int)m->type.n, m->type.p, m->parts[i].first,
                     m->parts[i].last, m->size);
    assert(n > 0 && n < MULTIRANGE_PART_MAX);
    return (size_t)n;
}

uint64_t
multirange_length(const struct multirange *m)
{
    char text[MULTIRANGE_PART_MAX];
    uint64_t length = 0;

    for (unsigned i = 0; i <= m->n; i++)
        length += multirange_part(m, i, text);
    for (unsigned i = 0; i < m->n; i++)
        length += m->parts[i].last - m->parts[i].first + 1;
    return length;
}
