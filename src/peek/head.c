/*
 * One request head: where it ends, then its parts. Floor 1; acceptor and worker.
 *
 * The end is found first, so that every part has all its bytes in one piece and llhttp runs
 * once over a whole head: most heads come in one packet, and those that do not are only
 * searched for their end, each byte once.
 */
#include "parts.h"

/* Empty lines before a request: some old clients send one behind a body. RFC 9112 2.2 */
static enum head_verdict
skip_blanks(struct span bytes, size_t *start)
{
    size_t at = 0;

    while (at < bytes.n && bytes.p[at] == '\r') {
        if (at + 1 == bytes.n)
            return HEAD_MORE;
        if (bytes.p[at + 1] != '\n' || at == 2 * (size_t)HEAD_BLANKS_MAX)
            return HEAD_BAD;
        at += 2;
    }
    *start = at;
    return at < bytes.n ? HEAD_OK : HEAD_MORE;
}

/*
 * Find the empty line. A bare LF is refused as soon as it is seen (RFC 9112 2.2 lets us).
 *
 * in   from  where to begin: behind the first line's LF
 * out  end   behind the empty line's LF
 */
static enum head_verdict
find_end(struct span bytes, size_t from, size_t *end)
{
    struct span rest = {bytes.p, bytes.n < HEAD_BYTES_MAX ? bytes.n : HEAD_BYTES_MAX};
    size_t at = from;

    while (at < rest.n) {
        at += span_find(span_skip(rest, at), '\n');
        if (at >= rest.n)
            break;
        if (rest.p[at - 1] != '\r' || rest.p[at - 2] == '\r')
            return HEAD_BAD; /* CR CR LF too: it would hide the end that the client meant */
        at++;
        if (rest.p[at - 3] == '\n') {
            *end = at;
            return HEAD_OK;
        }
    }
    return bytes.n > HEAD_BYTES_MAX ? HEAD_FIELDS_LONG : HEAD_MORE;
}

static enum head_verdict
first_line(struct span bytes, size_t start, size_t lf, struct head *h)
{
    if (lf == start || bytes.p[lf - 1] != '\r')
        return HEAD_BAD;
    return line_parse(span_of(bytes.p + start, lf - 1 - start), h);
}

enum head_verdict
head_parse(struct span bytes, size_t *seen, struct head *h)
{
    size_t start = 0, lf, end = 0;
    enum head_verdict v;
    bool judged;

    v = skip_blanks(bytes, &start);
    if (v != HEAD_OK)
        return v;
    lf = start + span_find(span_skip(bytes, start), '\n');
    if (lf == bytes.n) {
        *seen = bytes.n;
        return line_early(span_skip(bytes, start));
    }
    judged = *seen > lf;
    if (!judged)
        v = first_line(bytes, start, lf, h);
    if (v == HEAD_OK)
        v = find_end(bytes, judged ? *seen : lf + 1, &end);
    *seen = bytes.n;
    if (v == HEAD_OK && judged)
        v = first_line(bytes, start, lf, h);
    if (v == HEAD_OK)
        v = fields_parse(span_of(bytes.p + lf - 1, end - lf + 1), h);
    if (v == HEAD_OK)
        v = meaning_parse(h);
    h->bytes = end;
    return v;
}
