/*
 * Which answerer? Floor 5; worker.
 *
 *   address -> method -> path -> https -> password -> redirects -> paths that are not served
 *
 *   then the path -> upstream_answer
 *              \-- file cache ---------------> static_send
 *              \-- resolve -- a file ----------> static_send
 *                        \--- a script --------> php_answer
 *                        \--- a directory -----> redirect to its "/", or autoindex_answer
 *                        \--- nothing ---------> rewrites, else the site's fallback, once;
 *                                                or error page
 *
 * A password that has to be looked at comes back to the beginning when it fits.
 */
#include "hostel/serve/exchange.h"
#include "autoindex.h"
#include "access.h"
#include "auth.h"
#include "filecache.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/http/path.h"
#include "hostel/peek/chars.h"
#include "hostel/peek/head.h"
#include "hostel/serve/php.h"
#include "hostel/serve/response.h"
#include "headers.h"
#include "redirect.h"
#include "resolve.h"
#include "rewrite.h"
#include "hostel/serve/upstream.h"
#include "static.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_ROOM 8194 /* the longest request target, and what path_decode() adds */

/* Every octet of a path can become three, and the query comes behind it. */
#define LOCATION_MAX (4 * PATH_ROOM)

static const struct field allow_files = {{"Allow", 5}, {"GET, HEAD, OPTIONS", 18}};

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
run_script(struct exchange *x, const struct found *f, const struct rewrite *by)
{
    size_t root_bytes = strlen(x->site->root), name_bytes = strlen(f->name);
    char *filename = mem_raw(root_bytes + 1 + name_bytes);
    const struct php_script script = {
        .filename = span_of(filename, root_bytes + 1 + name_bytes),
        .name = span_of(filename + root_bytes, 1 + name_bytes),
        .path_info = f->path_info,
        .rewritten = by && by->has_query,
        .query = by ? by->query : span_of(NULL, 0),
    };

    memcpy(filename, x->site->root, root_bytes);
    filename[root_bytes] = '/';
    memcpy(filename + root_bytes + 1, f->name, name_bytes);
    php_answer(x, x->site->php, &script);
    free(filename);
}

static void
refuse(struct exchange *x, const struct found *f)
{
    static const struct field retry = {{"Retry-After", 11}, {"5", 1}};

    if (f->error && f->status != 404) {
        char *text = mem_fmt("%s: %s", f->name, strerror(-f->error));

        exchange_error(x, span_str(text));
        free(text);
    }
    errorpage_answer(x, f->status, &retry, f->status == 503);
}

static void
send_found(struct exchange *x, struct span path, struct found *f)
{
    struct cached_file *file;
    int rc = filecache_put(x->files, x->site, path, f->fd, &f->st, span_str(f->name),
                           date_tick_ms(), &file);

    if (rc < 0) {
        *f = (struct found){.kind = FOUND_NOTHING, .status = 503, .error = rc, .fd = -1};
        refuse(x, f);
        return;
    }
    static_send(x, file);
}

/* in  by  what led here, or NULL: the request itself */
static void
answer_found(struct exchange *x, struct span path, struct found *f, const struct rewrite *by)
{
    bool reading = x->req.method == METHOD_GET || x->req.method == METHOD_HEAD;

    switch (f->kind) {
    case FOUND_SCRIPT:
        run_script(x, f, by);
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
            send_found(x, path, f);
        } else {
            fd_close(&f->fd);
            answer_method(x);
        }
        return;
    }
}

/* ret  what was sent not long ago, lent; or NULL: resolve the path */
static struct cached_file *
cached(struct exchange *x, struct span path)
{
    if (x->req.method != METHOD_GET && x->req.method != METHOD_HEAD)
        return NULL;
    /* the name behind a directory's may need a password of its own, and is not in the cache */
    if (x->site->rules.nauths && path.p[path.n - 1] == '/')
        return NULL;
    return filecache_find(x->files, x->site, path, date_tick_ms());
}

/*
 * in   found  the path of what lies there, whose kind is known
 * ret  false: it is answered, as the rules say
 */
static bool
served(struct exchange *x, struct span path, const struct found *found)
{
    enum path_serve serve = rules_serve(&x->site->rules, path, found != NULL);
    bool script = found && found->kind == FOUND_SCRIPT;

    if (serve == SERVE_ALL || (serve == SERVE_STATIC && !script))
        return true;
    errorpage_answer(x, serve == SERVE_INTERNAL || serve == SERVE_NOTHING ? 404 : 403, NULL, 0);
    return false;
}

/*
 * What lies there may have a name, a script's or an index file's, that needs a password or is
 * not served.
 */
static bool
name_passed(struct exchange *x, struct found *f)
{
    const struct site_rules *rules = &x->site->rules;
    char name[PATH_MAX + 2];
    int n;

    if (rules->nauths + rules->npaths == 0 || f->kind == FOUND_NOTHING)
        return true;
    /* a directory's name ends in a slash, also where the path that was asked for does not */
    n = snprintf(name, sizeof(name), "/%s%s", f->name, f->kind == FOUND_DIRECTORY ? "/" : "");
    if (auth_passed(x, span_of(name, (size_t)n)) && served(x, span_of(name, (size_t)n), f))
        return true;
    fd_close(&f->fd);
    return false;
}

/* No file, and no directory with an index: what the front controller is for. */
static bool
falls_back(const struct site *site, const struct found *f)
{
    struct span name = span_str(f->name);

    if ((!site->fallback && site->rules.nrewrites == 0) || f->kind != FOUND_NOTHING)
        return false;
    return f->status == 404 ||
           (f->status == 403 && f->error == 0 && (name.n == 0 || name.p[name.n - 1] == '/'));
}

/* ret  true: it is answered; false: no file and no script is there */
static bool
answer_instead(struct exchange *x, struct span path, const struct rewrite *by)
{
    struct cached_file *file;
    struct found f;

    if (!auth_passed(x, path))
        return true;
    file = cached(x, path);
    if (file) {
        static_send(x, file);
        return true;
    }
    resolve(x->site, path, date_tick_ms(), &f);
    if (f.kind == FOUND_FILE || f.kind == FOUND_SCRIPT) {
        if (name_passed(x, &f))
            answer_found(x, path, &f, by);
        return true;
    }
    fd_close(&f.fd);
    return false;
}

static void
answer_fallback(struct exchange *x, struct span path)
{
    const struct site_rules *rules = &x->site->rules;
    bool answered = false;

    for (unsigned i = 0; i < rules->nrewrites && !answered; i++) {
        struct rewrite by;

        if (!rewrite_fits(&rules->rewrites[i], &x->req, path, &by))
            continue;
        answered = answer_instead(x, span_of(by.path, by.path_n), &by);
        rewrite_done(&by);
    }
    if (!answered && x->site->fallback)
        answered = answer_instead(x, span_str(x->site->fallback), NULL);
    if (!answered)
        errorpage_answer(x, 404, NULL, 0);
}

/* RFC 8555 8.3: base64url. Other files in that directory are nobody's to ask for. */
static bool
is_challenge(struct span path)
{
    struct span token = span_skip(path, sizeof(HEAD_ACME) - 1);
    bool good = head_is_acme(path) && token.n > 0;

    for (size_t i = 0; i < token.n && good; i++)
        good = chars_is(token.p[i], CHARS_HOST) && token.p[i] != '.';
    return good;
}

/*
 * Two ways to lay out a directory of challenges: as a webroot, or the tokens alone.
 *
 * ret  the path to look at
 */
static struct span
challenge(struct exchange *x, struct span path)
{
    struct span token = span_skip(path, sizeof(HEAD_ACME) - 2);
    struct found f;

    if (!x->site->acme)
        return path;
    resolve(x->site, path, date_tick_ms(), &f);
    if (f.kind == FOUND_NOTHING && f.status == 404)
        return token;
    fd_close(&f.fd);
    return path;
}

static void
answer_path(struct exchange *x, struct span path)
{
    struct cached_file *file = cached(x, path);
    struct found f;

    if (file) {
        static_send(x, file);
        return;
    }
    resolve(x->site, path, date_tick_ms(), &f);
    if (falls_back(x->site, &f))
        answer_fallback(x, path);
    else if (name_passed(x, &f))
        answer_found(x, path, &f, NULL);
}

void
exchange_answer(struct exchange *x, struct filecache *files)
{
    char room[PATH_ROOM];
    struct span path;
    ssize_t n;

    x->files = files;
    headers_start(x, false);
    if (!access_allowed(x)) {
        errorpage_answer(x, 403, NULL, 0);
        return;
    }
    if (x->req.method == METHOD_UNKNOWN) {
        errorpage_answer(x, 501, NULL, 0);
        return;
    }
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
    if (x->site->acme && !is_challenge(path)) {
        errorpage_answer(x, 404, NULL, 0);
        return;
    }
    if (!redirect_to_https(x, path) && auth_passed(x, path) && !redirect_answer(x, path) &&
        served(x, path, NULL) && !upstream_answer(x, path))
        answer_path(x, challenge(x, path));
}
