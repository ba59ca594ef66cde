/*
 * Which answerer? Floor 5; worker.
 *
 *   path -> file cache ------------------------> static_send
 *              \-- resolve -- a file ----------> static_send
 *                        \--- a script --------> php_answer
 *                        \--- a directory -----> redirect to its "/", or autoindex_answer
 *                        \--- nothing ---------> error page
 */
#include "hostel/serve/exchange.h"
#include "autoindex.h"
#include "filecache.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/http/path.h"
#include "hostel/serve/php.h"
#include "hostel/serve/response.h"
#include "resolve.h"
#include "static.h"

#include <errno.h>
#include <stdlib.h>

#define PATH_ROOM 8194 /* the longest request target, and what path_decode() adds */

/* Every octet of a path can become three, and the query comes behind it. */
#define LOCATION_MAX (4 * PATH_ROOM)

static const struct field allow_files = {{"Allow", 5}, {"GET, HEAD", 9}};

static void
answer_options(struct exchange *x)
{
    struct response r;

    response_start(&r, 204);
    r.bodiless = true;
    response_add(&r, allow_files.name, allow_files.value);
    x->sink->ops->head(x->sink, &r);
    x->sink->ops->end(x->sink);
}

/* What a file, or the server itself, says to other methods than GET and HEAD. */
static void
answer_method(struct exchange *x)
{
    if (x->req.method == METHOD_OPTIONS)
        answer_options(x);
    else
        errorpage_answer(x, 405, &allow_files, 1);
}

static void
redirect_to_slash(struct exchange *x, struct span path)
{
    struct field extra = {SPAN("Location"), {NULL, 0}};
    struct buf location;
    int rc;

    buf_init(&location, LOCATION_MAX);
    rc = path_encode(&location, path); /* one "/" at its start: it cannot name another host */
    if (rc == 0)
        rc = buf_add_str(&location, "/");
    if (rc == 0 && x->req.has_query) {
        rc = buf_add_str(&location, "?");
        if (rc == 0)
            rc = buf_add_span(&location, x->req.query);
    }
    extra.value = buf_span(&location);
    if (rc < 0)
        errorpage_answer(x, 414, NULL, 0);
    else
        errorpage_answer(x, 301, &extra, 1);
    buf_done(&location);
}

static void
run_script(struct exchange *x, const struct found *f)
{
    char *filename = mem_fmt("%s/%s", x->site->root, f->name);
    const struct php_script script = {
        .filename = span_str(filename),
        .name = span_str(filename + strlen(x->site->root)),
        .path_info = f->path_info,
    };

    php_answer(x, x->site->php, &script);
    free(filename);
}

static void
refuse(struct exchange *x, const struct found *f)
{
    static const struct field retry = {{"Retry-After", 11}, {"5", 1}};

    if (f->error && f->status != 404) {
        char *text = mem_fmt("%s: %s", f->name, strerror(-f->error));

        site_error(x->site, x->visitor->addr, span_str(text));
        free(text);
    }
    errorpage_answer(x, f->status, &retry, f->status == 503);
}

static void
send_found(struct exchange *x, struct filecache *files, struct span path, struct found *f)
{
    struct cached_file *file;
    int rc = filecache_put(files, x->site, path, f->fd, &f->st, span_str(f->name),
                           date_mono_ms(), &file);

    if (rc < 0) {
        *f = (struct found){.kind = FOUND_NOTHING, .status = 503, .error = rc, .fd = -1};
        refuse(x, f);
        return;
    }
    static_send(x, file);
}

static void
answer_found(struct exchange *x, struct filecache *files, struct span path, struct found *f)
{
    bool reading = x->req.method == METHOD_GET || x->req.method == METHOD_HEAD;

    switch (f->kind) {
    case FOUND_SCRIPT:
        run_script(x, f);
        return;
    case FOUND_NOTHING:
        refuse(x, f);
        return;
    case FOUND_DIRECTORY:
        if (reading)
            redirect_to_slash(x, path);
        else
            answer_method(x);
        return;
    case FOUND_LISTING:
        if (reading) {
            autoindex_answer(x, path, f);
        } else {
            fd_close(&f->fd);
            answer_method(x);
        }
        return;
    case FOUND_FILE:
        if (reading) {
            send_found(x, files, path, f);
        } else {
            fd_close(&f->fd);
            answer_method(x);
        }
        return;
    }
}

void
exchange_answer(struct exchange *x, struct filecache *files)
{
    char room[PATH_ROOM];
    struct cached_file *file;
    struct found found;
    struct span path;
    ssize_t n;

    /* TRACE would show cookies to scripts, CONNECT is for proxies; "*" is the server itself */
    if (x->req.method == METHOD_TRACE || x->req.method == METHOD_CONNECT ||
        span_eq(x->req.path, SPAN("*"))) {
        answer_method(x);
        return;
    }
    n = path_decode(x->req.path, room, sizeof(room));
    if (n < 0) {
        errorpage_answer(x, n == -ENOENT ? 404 : n == -ENAMETOOLONG ? 414 : 400, NULL, 0);
        return;
    }
    path = span_of(room, (size_t)n);
    if (x->req.method == METHOD_GET || x->req.method == METHOD_HEAD) {
        file = filecache_find(files, x->site, path, date_mono_ms());
        if (file) {
            static_send(x, file);
            return;
        }
    }
    resolve(x->site, path, date_mono_ms(), &found);
    answer_found(x, files, path, &found);
}
