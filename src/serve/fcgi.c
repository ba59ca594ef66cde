/* The FastCGI wire. Source: the FastCGI specification 1.0, 3.3-5.5. Floor 5; worker. */
#include "fcgi.h"

#include <errno.h>

#define LENGTHS_MAX 8 /* two lengths of four bytes before a pair */

static void
header_set(FCGI_Header *h, unsigned char type, size_t n)
{
    *h = (FCGI_Header){
        .version = FCGI_VERSION_1,
        .type = type,
        .requestIdB0 = FCGI_REQUEST_ID,
        .contentLengthB1 = (unsigned char)(n >> 8),
        .contentLengthB0 = (unsigned char)(n & 0xff),
    };
}

static void
put(struct fcgi_writer *w, const void *p, size_t n)
{
    if (!w->error)
        w->error = buf_add(w->out, p, n) < 0 ? -EMSGSIZE : 0;
}

static size_t
record_content(const struct fcgi_writer *w)
{
    return w->out->len - w->record - FCGI_HEADER_LEN;
}

static void
record_open(struct fcgi_writer *w)
{
    FCGI_Header h;

    w->record = w->out->len;
    header_set(&h, FCGI_PARAMS, 0);
    put(w, &h, sizeof(h));
}

/* The length of an open record is known only now. */
static void
record_close(struct fcgi_writer *w)
{
    if (!w->error)
        header_set((void *)(w->out->data + w->out->start + w->record), FCGI_PARAMS,
                   record_content(w));
}

void
fcgi_begin(struct fcgi_writer *w, struct buf *out)
{
    FCGI_BeginRequestRecord begin = {.body.roleB0 = FCGI_RESPONDER};

    *w = (struct fcgi_writer){.out = out, .param_left = FCGI_PARAMS_MAX};
    header_set(&begin.header, FCGI_BEGIN_REQUEST, sizeof(begin.body));
    put(w, &begin, sizeof(begin));
    record_open(w);
}

void
fcgi_keep(struct buf *out, bool keep)
{
    FCGI_BeginRequestRecord *begin = (void *)(out->data + out->start);

    begin->body.flags = keep ? FCGI_KEEP_CONN : 0;
}

/* One byte up to 127, else four with the top bit set. FastCGI 3.4. */
static size_t
length_put(unsigned char *p, size_t n)
{
    if (n < 128) {
        p[0] = (unsigned char)n;
        return 1;
    }
    p[0] = (unsigned char)(0x80 | n >> 24);
    p[1] = (unsigned char)(n >> 16 & 0xff);
    p[2] = (unsigned char)(n >> 8 & 0xff);
    p[3] = (unsigned char)(n & 0xff);
    return 4;
}

void
fcgi_param(struct fcgi_writer *w, struct span name, struct span value)
{
    unsigned char lengths[LENGTHS_MAX];
    size_t n, all;

    if (w->error)
        return;
    if (name.n > FCGI_CONTENT_MAX || value.n > FCGI_CONTENT_MAX) {
        w->error = -EMSGSIZE;
        return;
    }
    n = length_put(lengths, name.n);
    n += length_put(lengths + n, value.n);
    all = n + name.n + value.n;
    if (all > FCGI_CONTENT_MAX || all > w->param_left) {
        w->error = -EMSGSIZE;
        return;
    }
    w->param_left -= all;
    if (record_content(w) + all > FCGI_CONTENT_MAX) {
        record_close(w);
        record_open(w);
    }
    put(w, lengths, n);
    put(w, name.p, name.n);
    put(w, value.p, value.n);
}

int
fcgi_params_end(struct fcgi_writer *w)
{
    if (w->error)
        return w->error;
    if (record_content(w) > 0) {
        record_close(w);
        record_open(w);
    }
    return w->error;
}

void
fcgi_stdin_header(FCGI_Header *h, size_t n)
{
    header_set(h, FCGI_STDIN, n);
}

void
fcgi_reader_init(struct fcgi_reader *r)
{
    *r = (struct fcgi_reader){0};
}

static enum fcgi_event
bad(struct fcgi_reader *r, const char *why)
{
    r->why = why;
    return FCGI_EVENT_BAD;
}

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A header is whole: may this record come at all? */
static enum fcgi_event
header_check(struct fcgi_reader *r)
{
    const FCGI_Header *h = &r->header;

    r->content_left = (size_t)h->contentLengthB1 << 8 | h->contentLengthB0;
    r->padding_left = h->paddingLength;
    r->end_bytes = 0;
    if (h->version != FCGI_VERSION_1)
        return bad(r, "a record of another FastCGI version");
    if (h->requestIdB1 != 0 || h->requestIdB0 != FCGI_REQUEST_ID)
        return bad(r, "a record of another request");
    switch (h->type) {
    case FCGI_STDOUT:
    case FCGI_STDERR:
        return FCGI_EVENT_MORE;
    case FCGI_END_REQUEST:
        if (r->content_left != sizeof(r->end))
            return bad(r, "an END_REQUEST of the wrong length");
        return FCGI_EVENT_MORE;
    default:
        return bad(r, "a record of a type that answers nothing");
    }
}

static enum fcgi_event
header_feed(struct fcgi_reader *r, struct span *rest)
{
    size_t n = least(rest->n, sizeof(r->header) - r->header_bytes);

    memcpy((char *)&r->header + r->header_bytes, rest->p, n);
    r->header_bytes += n;
    *rest = span_skip(*rest, n);
    return r->header_bytes < sizeof(r->header) ? FCGI_EVENT_MORE : header_check(r);
}

static enum fcgi_event
end_feed(struct fcgi_reader *r, struct span bytes)
{
    const FCGI_EndRequestBody *e = &r->end;

    memcpy((char *)&r->end + r->end_bytes, bytes.p, bytes.n);
    r->end_bytes += bytes.n;
    if (r->end_bytes < sizeof(r->end))
        return FCGI_EVENT_MORE;
    r->protocol_status = e->protocolStatus;
    r->app_status = (uint32_t)e->appStatusB3 << 24 | (uint32_t)e->appStatusB2 << 16 |
                    (uint32_t)e->appStatusB1 << 8 | e->appStatusB0;
    return FCGI_EVENT_END;
}

/* The piece of the record's content that rest begins with. */
static enum fcgi_event
content_feed(struct fcgi_reader *r, struct span *rest, struct span *data)
{
    struct span piece = {rest->p, least(rest->n, r->content_left)};

    *rest = span_skip(*rest, piece.n);
    r->content_left -= piece.n;
    if (r->header.type == FCGI_END_REQUEST)
        return end_feed(r, piece);
    *data = piece;
    return r->header.type == FCGI_STDOUT ? FCGI_EVENT_OUT : FCGI_EVENT_ERR;
}

enum fcgi_event
fcgi_next(struct fcgi_reader *r, struct span *rest, struct span *data)
{
    while (rest->n > 0) {
        enum fcgi_event event = FCGI_EVENT_MORE;

        if (r->header_bytes < sizeof(r->header)) {
            event = header_feed(r, rest);
        } else if (r->content_left > 0) {
            event = content_feed(r, rest, data);
        } else {
            size_t n = least(rest->n, r->padding_left);

            r->padding_left -= n;
            *rest = span_skip(*rest, n);
        }
        /* an empty record, or one that was read to its end: a header is next */
        if (r->header_bytes == sizeof(r->header) && !r->content_left && !r->padding_left)
            r->header_bytes = 0;
        if (event != FCGI_EVENT_MORE)
            return event;
    }
    return FCGI_EVENT_MORE;
}
