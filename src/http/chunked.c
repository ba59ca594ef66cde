/*
 * The chunked coding. Floor 4; worker. RFC 9112 7.1
 *
 *     SIZE -> [EXT_WS -> EXT] -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE
 *                                   | size 0
 *                                   v
 *     LINE -> NAME -> VALUE -> VALUE_LF -> LINE
 *       |
 *       v
 *     END_LF -> done
 *
 * Not llhttp: 8.1.0 as systems ship it takes any byte for the LF behind a chunk's size and
 * any two bytes for the CR LF behind its data, and folds and spaces in trailers. A checker
 * of all that would have to follow every byte as this decoder does.
 */
#include "hostel/http/chunked.h"
#include "hostel/peek/chars.h"

#define DIGITS_MAX 16 /* of a 64-bit size */

enum state {
    SIZE,
    EXT_WS,
    EXT,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    LINE,
    NAME,
    VALUE,
    VALUE_LF,
    END_LF,
};

void
chunked_init(struct chunked *c)
{
    *c = (struct chunked){.state = SIZE};
}

static enum chunked_verdict
go(struct chunked *c, enum state next)
{
    c->state = (uint8_t)next;
    return CHUNKED_MORE;
}

static enum chunked_verdict
expect(struct chunked *c, char got, char want, enum state next)
{
    return got == want ? go(c, next) : CHUNKED_BAD;
}

/* Hex digits and nothing around them: no sign, no "0x", no space. */
static enum chunked_verdict
on_size(struct chunked *c, char byte)
{
    int digit = chars_hex(byte);

    if (digit >= 0) {
        if (c->digits == DIGITS_MAX)
            return CHUNKED_BAD;
        c->digits++;
        c->left = c->left << 4 | (uint64_t)digit;
        return CHUNKED_MORE;
    }
    if (c->digits == 0 || c->left > INT64_MAX)
        return CHUNKED_BAD;
    c->ext_bytes = 0;
    if (byte == ' ' || byte == '\t')
        return go(c, EXT_WS);
    return byte == ';' ? go(c, EXT) : expect(c, byte, '\r', SIZE_LF);
}

static bool
ext_too_long(struct chunked *c)
{
    return ++c->ext_bytes > CHUNKED_EXT_MAX || ++c->ext_all > CHUNKED_EXT_ALL_MAX;
}

/* Bad white space: only before the ";" of an extension, never before a line end. RFC 9110 5.6.3
 */
static enum chunked_verdict
on_ext_ws(struct chunked *c, char byte)
{
    if (ext_too_long(c))
        return CHUNKED_BAD;
    if (byte == ' ' || byte == '\t')
        return CHUNKED_MORE;
    return expect(c, byte, ';', EXT);
}

/* Extensions mean nothing to us (RFC 9112 7.1.1); they only may not grow or hide a line end. */
static enum chunked_verdict
on_ext(struct chunked *c, char byte)
{
    if (byte == '\r')
        return go(c, SIZE_LF);
    if (!chars_is(byte, CHARS_VALUE) || ext_too_long(c))
        return CHUNKED_BAD;
    return CHUNKED_MORE;
}

static enum chunked_verdict
on_data_lf(struct chunked *c, char byte)
{
    c->digits = 0;
    return expect(c, byte, '\n', SIZE);
}

/* Trailers go nowhere: a field that comes after the decisions were made could only mislead. */
static enum chunked_verdict
on_trailer(struct chunked *c, char byte)
{
    if (++c->trailer_bytes > CHUNKED_TRAILERS_MAX)
        return CHUNKED_TRAILERS_LONG;
    switch ((enum state)c->state) {
    case LINE:
        if (byte == '\r')
            return go(c, END_LF);
        return chars_is(byte, CHARS_TOKEN) ? go(c, NAME) : CHUNKED_BAD;
    case NAME:
        if (byte == ':')
            return go(c, VALUE);
        return chars_is(byte, CHARS_TOKEN) ? CHUNKED_MORE : CHUNKED_BAD;
    case VALUE:
        if (byte == '\r')
            return go(c, VALUE_LF);
        return chars_is(byte, CHARS_VALUE) ? CHUNKED_MORE : CHUNKED_BAD;
    case VALUE_LF:
        return expect(c, byte, '\n', LINE);
    default:
        return byte == '\n' ? CHUNKED_DONE : CHUNKED_BAD;
    }
}

static enum chunked_verdict
step(struct chunked *c, char byte)
{
    switch ((enum state)c->state) {
    case SIZE:
        return on_size(c, byte);
    case EXT_WS:
        return on_ext_ws(c, byte);
    case EXT:
        return on_ext(c, byte);
    case SIZE_LF:
        return expect(c, byte, '\n', c->left ? DATA : LINE);
    case DATA_CR:
        return expect(c, byte, '\r', DATA_LF);
    case DATA_LF:
        return on_data_lf(c, byte);
    default:
        return on_trailer(c, byte);
    }
}

enum chunked_verdict
chunked_next(struct chunked *c, struct span *rest, struct span *data)
{
    while (rest->n) {
        enum chunked_verdict v;

        if (c->state == DATA) {
            size_t n = rest->n < c->left ? rest->n : (size_t)c->left;

            *data = span_of(rest->p, n);
            *rest = span_skip(*rest, n);
            c->left -= n;
            if (c->left == 0)
                c->state = DATA_CR;
            return CHUNKED_DATA;
        }
        v = step(c, rest->p[0]);
        *rest = span_skip(*rest, 1);
        if (v != CHUNKED_MORE)
            return v;
    }
    return CHUNKED_MORE;
}
