/* Text into HTML. Floor 4; worker. */
#include "hostel/http/html.h"

/* What a byte becomes, or empty: itself. */
static struct span
escaped(char c)
{
    switch (c) {
    case '&':
        return SPAN("&amp;");
    case '<':
        return SPAN("&lt;");
    case '>':
        return SPAN("&gt;");
    case '"':
        return SPAN("&quot;");
    case '\'':
        return SPAN("&#39;");
    default:
        break;
    }
    if (((unsigned char)c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
        return SPAN("?");
    return span_of(NULL, 0);
}

int
html_escape(struct buf *b, struct span s)
{
    size_t from = 0;
    int rc = 0;

    for (size_t i = 0; i < s.n && rc == 0; i++) {
        struct span e = escaped(s.p[i]);

        if (e.n == 0)
            continue;
        rc = buf_add(b, s.p + from, i - from);
        if (rc == 0)
            rc = buf_add_span(b, e);
        from = i + 1;
    }
    return rc == 0 ? buf_add_span(b, span_skip(s, from)) : rc;
}

static bool
between(unsigned char c, unsigned char low, unsigned char high)
{
    return c >= low && c <= high;
}

/*
 * Bytes of the UTF-8 character that s begins with; 0 = it begins with none. The second byte
 * tells overlong forms, surrogates and what lies above U+10FFFF. RFC 3629 4
 */
static size_t
utf8_len(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    unsigned char low = 0x80, high = 0xbf;
    size_t n = 1;

    if (p[0] < 0x80)
        return 1;
    if (between(p[0], 0xc2, 0xdf))
        n = 2;
    else if (between(p[0], 0xe0, 0xef))
        n = 3;
    else if (between(p[0], 0xf0, 0xf4))
        n = 4;
    else
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (s.n < n || !between(p[1], low, high))
        return 0;
    for (size_t i = 2; i < n; i++)
        if (!between(p[i], 0x80, 0xbf))
            return 0;
    return n;
}

int
html_utf8(struct buf *b, struct span s)
{
    size_t from = 0, i = 0;
    int rc = 0;

    while (i < s.n && rc == 0) {
        size_t n = utf8_len(span_skip(s, i));

        if (n > 0) {
            i += n;
            continue;
        }
        rc = buf_add(b, s.p + from, i - from);
        if (rc == 0)
            rc = buf_add_str(b, "\xef\xbf\xbd");
        from = ++i;
    }
    return rc == 0 ? buf_add_span(b, span_skip(s, from)) : rc;
}
