/* PROXY protocol, versions 1 and 2. Floor 1; acceptor. */
#include "hostel/peek/proxy.h"

#include <arpa/inet.h>
#include <string.h>

#define V1_MAX 107 /* with CR LF: 2.1 */

static const struct span v1_start = SPAN("PROXY ");
static const struct span v2_start = SPAN("\r\n\r\n\0\r\nQUIT\n");

/* As far as both go, are they the same? */
static bool
begins(struct span bytes, struct span start)
{
    return memcmp(bytes.p, start.p, bytes.n < start.n ? bytes.n : start.n) == 0;
}

static void
map_ipv4(uint8_t addr[static 16], const void *four)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    memcpy(addr, mapped, sizeof(mapped));
    memcpy(addr + sizeof(mapped), four, 4);
}

/* --- version 1: one line of words ----------------------------------------------------------
 */

/* The next word of a line; exactly one blank parts it from the one before. */
static struct span
next_word(struct span *rest)
{
    size_t n = span_find(*rest, ' ');
    struct span word = span_of(rest->p, n);

    *rest = span_skip(*rest, n < rest->n ? n + 1 : n);
    return word;
}

static bool
address_of(struct span word, bool six, uint8_t addr[static 16])
{
    char text[INET6_ADDRSTRLEN];
    uint8_t four[4];

    if (word.n >= sizeof(text) || memchr(word.p, '\0', word.n))
        return false;
    memcpy(text, word.p, word.n);
    text[word.n] = '\0';
    if (six)
        return inet_pton(AF_INET6, text, addr) == 1;
    if (inet_pton(AF_INET, text, four) != 1)
        return false;
    map_ipv4(addr, four);
    return true;
}

static bool
port_of(struct span word, uint16_t *port)
{
    unsigned v = 0;

    if (word.n == 0 || word.n > 5 || (word.n > 1 && word.p[0] == '0'))
        return false;
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] < '0' || word.p[i] > '9')
            return false;
        v = 10 * v + (unsigned)(word.p[i] - '0');
    }
    *port = (uint16_t)v;
    return v <= UINT16_MAX;
}

/* in  line  behind "PROXY ", without its end */
static enum proxy_verdict
v1_line(struct span line, struct proxy *p)
{
    struct span family = next_word(&line);
    bool six = span_eq(family, SPAN("TCP6"));

    if (span_eq(family, SPAN("UNKNOWN"))) /* whatever else it says */
        return PROXY_OK;
    if (!six && !span_eq(family, SPAN("TCP4")))
        return PROXY_BAD;
    p->known = address_of(next_word(&line), six, p->from) &&
               address_of(next_word(&line), six, p->to) &&
               port_of(next_word(&line), &p->from_port);
    /* the last word is all that is left: a blank behind it is none of a port's */
    return p->known && port_of(line, &p->to_port) ? PROXY_OK : PROXY_BAD;
}

static enum proxy_verdict
v1_find(struct span bytes, struct proxy *p)
{
    size_t end = span_find(bytes, '\n');

    if (end == bytes.n)
        return bytes.n < V1_MAX ? PROXY_MORE : PROXY_BAD;
    if (end >= V1_MAX || end <= v1_start.n || bytes.p[end - 1] != '\r')
        return PROXY_BAD;
    p->bytes = end + 1;
    return v1_line(span_of(bytes.p + v1_start.n, end - 1 - v1_start.n), p);
}

/* --- version 2: binary ----------------------------------------------------------------------
 */

#define V2_HEAD 16

enum { LOCAL = 0x20, PROXY = 0x21 };                      /* version and command */
enum { TLV_CRC32C = 0x03, TLV_SSL = 0x20, SSL_USED = 1 }; /* 2.2.3, 2.2.5 */

static unsigned
number(const char *p, size_t n)
{
    unsigned v = 0;

    while (n-- > 0)
        v = v << 8 | (unsigned char)*p++;
    return v;
}

/* What addresses of a kind take. ret  -1: there is no such kind */
static int
v2_addresses(unsigned kind)
{
    switch (kind) {
    case 0x00:
        return 0;
    case 0x11: /* TCP and UDP over IPv4 */
    case 0x12:
        return 2 * 4 + 2 * 2;
    case 0x21: /* ... IPv6 */
    case 0x22:
        return 2 * 16 + 2 * 2;
    case 0x31: /* two paths */
    case 0x32:
        return 2 * 108;
    default:
        return -1;
    }
}

static void
v2_take_addresses(const char *at, bool six, struct proxy *p)
{
    size_t each = six ? 16 : 4;

    if (six) {
        memcpy(p->from, at, each);
        memcpy(p->to, at + each, each);
    } else {
        map_ipv4(p->from, at);
        map_ipv4(p->to, at + each);
    }
    p->from_port = (uint16_t)number(at + 2 * each, 2);
    p->to_port = (uint16_t)number(at + 2 * each + 2, 2);
    p->known = true;
}

/* RFC 9260 appendix A, bit by bit: a header is short. in  hole  four bytes that count as 0 */
static uint32_t
crc32c(struct span bytes, size_t hole)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < bytes.n; i++) {
        crc ^= i - hole < 4 ? 0 : (unsigned char)bytes.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

/* in  at  where they begin in the header. ret  false: they do not fit, or the checksum does not
 */
static bool
v2_take_tlvs(struct span header, size_t at, struct proxy *p)
{
    while (at < header.n) {
        unsigned type = (unsigned char)header.p[at];
        size_t n;

        if (header.n - at < 3)
            return false;
        n = number(header.p + at + 1, 2);
        at += 3;
        if (header.n - at < n)
            return false;
        if (type == TLV_CRC32C && (n != 4 || number(header.p + at, 4) != crc32c(header, at)))
            return false;
        if (type == TLV_SSL && n < 5)
            return false;
        if (type == TLV_SSL)
            p->tls = header.p[at] & SSL_USED;
        at += n;
    }
    return true;
}

static enum proxy_verdict
v2_find(struct span bytes, struct proxy *p)
{
    unsigned command, kind;
    size_t room;
    int n;

    if (bytes.n < V2_HEAD)
        return PROXY_MORE;
    command = (unsigned char)bytes.p[12];
    kind = (unsigned char)bytes.p[13];
    room = number(bytes.p + 14, 2);
    n = v2_addresses(kind);
    if ((command != LOCAL && command != PROXY) || V2_HEAD + room > PROXY_BYTES_MAX)
        return PROXY_BAD;
    if (command == PROXY && (n < 0 || room < (size_t)n))
        return PROXY_BAD;
    if (bytes.n < V2_HEAD + room)
        return PROXY_MORE;
    p->bytes = V2_HEAD + room;
    if (command == LOCAL || kind == 0x00) /* what else it says, even of what kind: 2.2 */
        return PROXY_OK;
    /* of a kind that cannot be a visitor's of a web site the connection's own ends count */
    if (kind == 0x11 || kind == 0x21)
        v2_take_addresses(bytes.p + V2_HEAD, kind == 0x21, p);
    return v2_take_tlvs(span_of(bytes.p, p->bytes), V2_HEAD + (size_t)n, p) ? PROXY_OK
                                                                            : PROXY_BAD;
}

enum proxy_verdict
proxy_find(struct span bytes, struct proxy *p)
{
    struct proxy found = {.known = false};
    enum proxy_verdict v;

    if (bytes.n == 0)
        return PROXY_MORE;
    if (begins(bytes, v2_start))
        v = v2_find(bytes, &found);
    else if (begins(bytes, v1_start))
        v = v1_find(bytes, &found);
    else
        v = PROXY_BAD;
    if (v == PROXY_OK)
        *p = found;
    return v;
}
