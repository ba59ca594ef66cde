/* One small clear page a status; nothing of the server's insides in it. Floor 5; worker. */
#include "hostel/base/buf.h"
#include "hostel/serve/exchange.h"
#include "hostel/serve/response.h"

#define PAGE_MAX 1024

/* What a visitor can make of it, in one sentence. */
static const char *
sentence(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } rows[] = {
        {301, "The page has moved; your browser will follow."},
        {400, "The server could not understand this request."},
        {403, "You may not see this page."},
        {404, "There is no such page here."},
        {405, "This page does not answer to that method."},
        {408, "The request took too long to arrive."},
        {412, "The page has changed in the meantime."},
        {413, "What was sent is larger than this server takes."},
        {414, "The address of the request is too long."},
        {416, "The page does not reach as far as was asked for."},
        {417, "The server cannot do what the request expects of it."},
        {421, "The request came to a server that does not answer for this name."},
        {431, "The head of the request is too large."},
        {500, "Something went wrong on the server."},
        {501, "The server does not know how to do this."},
        {502, "The program behind this page gave no proper answer."},
        {503, "The server is busy just now. Please try again soon."},
        {504, "The program behind this page took too long to answer."},
        {505, "The server does not speak this version of HTTP."},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].status == status)
            return rows[i].text;
    return "The request could not be answered.";
}

static void
page_write(struct buf *page, unsigned status)
{
    struct span reason = response_reason(status);

    (void)buf_addf(page,
                   "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                   "<title>%u %.*s</title></head>\n"
                   "<body><h1>%u %.*s</h1><p>%s</p></body></html>\n",
                   status, (int)reason.n, reason.p, status, (int)reason.n, reason.p,
                   sentence(status));
}

void
errorpage_answer(struct exchange *x, unsigned status, const struct field *extra,
                 unsigned nextra)
{
    char room[PAGE_MAX];
    struct buf page = {.data = room, .cap = sizeof(room), .max = sizeof(room)};
    struct response r;

    response_start(&r, status);
    page_write(&page, status);
    r.length = page.len;
    r.bodiless = x->req.method == METHOD_HEAD;
    response_add(&r, SPAN("Content-Type"), SPAN("text/html; charset=utf-8"));
    for (unsigned i = 0; i < nextra; i++)
        response_add(&r, extra[i].name, extra[i].value);
    if (x->sink->ops->head(x->sink, &r) == SINK_GONE)
        return;
    if (!r.bodiless && x->sink->ops->copy(x->sink, buf_span(&page)) == SINK_GONE)
        return;
    x->sink->ops->end(x->sink);
}
