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
