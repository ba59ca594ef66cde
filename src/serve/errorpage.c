/*
 * One small clear page a status, with nothing of the server's insides in it; or the page that
 * the site has for it, a file or a script, fetched once and never for its own errors.
 * Floor 5; worker.
 */
#include "hostel/base/buf.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/http/html.h"
#include "hostel/serve/exchange.h"
#include "hostel/serve/php.h"
#include "hostel/serve/response.h"
#include "fields.h"
#include "filecache.h"
#include "headers.h"
#include "resolve.h"

#include <stdlib.h>

#define PAGE_MAX 4096
#define LINK_MAX 512 /* bytes of a Location that is shown; escaped it is six times as long */

/* What a visitor can make of it, in one sentence. */
static const char *
sentence(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } rows[] = {
        {301, "The page has moved; your browser will follow."},
        {302, "The page is elsewhere for now; your browser will follow."},
        {303, "The answer is on another page; your browser will follow."},
        {307, "The page is elsewhere for now; your browser will follow."},
        {308, "The page has moved; your browser will follow."},
        {400, "The server could not understand this request."},
        {401, "This page asks for a name and a password."},
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

/* A redirect says where to, for those whose browser does not follow. RFC 9110 15.4 */
static void
page_write(struct buf *page, unsigned status, struct span location)
{
    struct span reason = response_reason(status);

    (void)buf_addf(page,
                   "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                   "<title>%u %.*s</title></head>\n<body><h1>%u %.*s</h1><p>%s</p>",
                   status, (int)reason.n, reason.p, status, (int)reason.n, reason.p,
                   sentence(status));
    if (location.n > 0 && location.n <= LINK_MAX) {
        (void)buf_add_str(page, "<p><a href=\"");
        (void)html_escape(page, location);
        (void)buf_add_str(page, "\">It is here now.</a></p>");
    }
    (void)buf_add_str(page, "</body></html>\n");
}

static void
answer_small(struct exchange *x, unsigned status, const struct field *extra, unsigned nextra)
{
    char room[PAGE_MAX];
    struct buf page = {.data = room, .cap = sizeof(room), .max = sizeof(room)};
    struct span location = {NULL, 0};
    struct response r;

    response_start(&r, status);
    response_add(&r, SPAN("Content-Type"), SPAN("text/html; charset=utf-8"));
    for (unsigned i = 0; i < nextra; i++) {
        response_add(&r, extra[i].name, extra[i].value);
        if (status < 400 && span_ieq(extra[i].name, SPAN("Location")))
            location = extra[i].value;
    }
    page_write(&page, status, location);
    r.length = page.len;
    r.bodiless = x->req.method == METHOD_HEAD;
    if (x->sink->ops->head(x->sink, &r) == SINK_GONE)
        return;
    if (!r.bodiless && x->sink->ops->copy(x->sink, buf_span(&page)) == SINK_GONE)
        return;
    x->sink->ops->end(x->sink);
}

/* --- the site's own ---------------------------------------------------------------------- */

/* The whole file, whatever range or version was asked for: it is not what was asked for. */
static void
send_file(struct exchange *x, struct cached_file *f)
{
    struct piece p = {.fd = f->fd, .release = cached_file_release, .owner = f};
    struct response r;

    response_start(&r, x->error_status);
    r.length = f->size;
    r.bodiless = x->req.method == METHOD_HEAD;
    response_add(&r, SPAN("Content-Type"), f->type);
    if (x->sink->ops->head(x->sink, &r) == SINK_GONE)
        return;
    if (!r.bodiless && f->size > 0) {
        if (f->body)
            p.bytes = span_of(f->body, (size_t)f->size);
        else
            p.length = f->size;
        cached_file_hold(f);
        if (x->sink->ops->lend(x->sink, &p) == SINK_GONE)
            return;
    }
    x->sink->ops->end(x->sink);
}

static void
run_script(struct exchange *x, const char *name)
{
    char *filename = mem_fmt("%s/%s", x->site->root, name);
    const struct php_script script = {
        .filename = span_str(filename),
        .name = span_str(filename + strlen(x->site->root)),
    };

    php_answer(x, x->site->php, &script);
    free(filename);
}

/* May visitors who ask for it have it too? */
static bool
is_public(const struct exchange *x, const struct found *f)
{
    char *name = mem_fmt("/%s", f->name);
    bool public = rules_serve(&x->site->rules, span_str(name), true) <= SERVE_STATIC;

    free(name);
    return public;
}

/*
 * What only an error shows is kept from the cache: whoever asks for it would find it there.
 *
 * ret  the file, the caller's to release; or NULL, and f is what was found instead
 */
static struct cached_file *
find_file(struct exchange *x, struct span path, struct found *f)
{
    uint64_t now_ms = date_mono_ms();
    struct cached_file *file = filecache_find(x->files, x->site, path, now_ms);

    if (!file) {
        resolve(x->site, path, now_ms, f);
        if (f->kind != FOUND_FILE) {
            fd_close(&f->fd);
            return NULL;
        }
        if (!is_public(x, f)) {
            if (filecache_lone(x->site, f->fd, &f->st, span_str(f->name), SPAN(""), &file) < 0)
                return NULL;
            return file;
        }
        if (filecache_put(x->files, x->site, path, f->fd, &f->st, span_str(f->name), now_ms,
                          &file) < 0)
            return NULL;
    }
    cached_file_hold(file);
    return file;
}

/* PHP does not explain its own trouble, nor do busy servers get more to do. */
static bool
may_run(unsigned status)
{
    return status != 502 && status != 503 && status != 504;
}

/* ret  false: there is none, or it cannot be had */
static bool
answer_own(struct exchange *x, unsigned status, const struct field *extra, unsigned nextra)
{
    const struct error_page_rule *rule = rules_error_page(&x->site->rules, status);
    struct cached_file *file;
    struct found f;
    char *text;

    if (!rule)
        return false;
    file = find_file(x, span_str(rule->path), &f);
    if (!file && (f.kind != FOUND_SCRIPT || !may_run(status))) {
        text = mem_fmt("error page for %u: %s: not to be had", status, rule->path);
        exchange_error(x, span_str(text));
        free(text);
        return false;
    }
    x->error_status = status;
    x->error_fields = fields_copy(extra, nextra); /* the page may take its time */
    x->nerror_fields = nextra;
    headers_start(x, true);
    if (file) {
        send_file(x, file);
        cached_file_release(file);
    } else {
        run_script(x, f.name);
    }
    return true;
}

static void
say_error(struct exchange *x, unsigned status)
{
    const struct site_client who = {x->visitor->addr, exchange_name(x)};
    struct buf text;

    if (!x->site)
        return;
    buf_init(&text, 4096);
    (void)buf_addf(&text, "answered %u: ", status);
    (void)buf_add_span(&text, x->req.method_text);
    (void)buf_add_str(&text, " ");
    (void)buf_add_span(&text, x->req.target); /* or nothing, where it is endless */
    site_say(x->site, LOG_LEVEL_DEBUG, &who, buf_span(&text));
    buf_done(&text);
}

void
errorpage_answer(struct exchange *x, unsigned status, const struct field *extra,
                 unsigned nextra)
{
    if (x->error_status) { /* the site's own page failed: what was wrong first still counts */
        answer_small(x, x->error_status, NULL, 0);
        return;
    }
    if (status >= 400 && log_wants(LOG_LEVEL_DEBUG))
        say_error(x, status);
    if (status >= 400 && x->files && x->site && answer_own(x, status, extra, nextra))
        return;
    answer_small(x, status, extra, nextra);
}
