/*
 * A script that has the server send a file. Floor 5; worker.
 *
 *   X-Sendfile        -> normalise -> a directory that it is below -+
 *   X-Accel-Redirect  -> decode --- an internal path's directory ---+-> resolve_entry -> send
 *                              \--- the site's root ----------------+
 */
#include "sendfile.h"
#include "fields.h"
#include "filecache.h"
#include "headers.h"
#include "hostel/base/date.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/http/path.h"
#include "resolve.h"
#include "roots.h"
#include "static.h"

#include <errno.h>
#include <stdlib.h>

#define PATH_ROOM 8194 /* as much as a request's own path may have, decoded */

static const struct span file_fields[] = {SPAN("X-Sendfile"), SPAN("X-LIGHTTPD-send-file")};
static const struct span uri_field = SPAN("X-Accel-Redirect");

static bool
names_file(struct span name)
{
    return span_ieq(name, file_fields[0]) || span_ieq(name, file_fields[1]);
}

bool
sendfile_is_for_us(struct span name)
{
    return names_file(name) || (name.n > 8 && span_ieq(span_of(name.p, 8), SPAN("X-Accel-")));
}

const struct field *
sendfile_field(const struct field *fields, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (names_file(fields[i].name) || span_ieq(fields[i].name, uri_field))
            return &fields[i];
    return NULL;
}

/* What a visitor is told is little; the site's error log says why. */
static void
refuse(struct exchange *x, const struct field *by, unsigned status, const char *why)
{
    char *text = mem_fmt("%.*s: %.*s: %s", (int)by->name.n, by->name.p, (int)by->value.n,
                         by->value.p, why);

    exchange_error(x, span_str(text));
    free(text);
    errorpage_answer(x, status, NULL, 0);
}

/* Described is what the script would have sent. */
static bool
is_kept(struct span name)
{
    static const struct span dropped[] = {
        SPAN("Content-Type"), /* the file has it: its parts and codings need it too */
        SPAN("Content-Encoding"), SPAN("Content-Range"), SPAN("Accept-Ranges"), SPAN("ETag"),
        SPAN("Last-Modified"),    SPAN("Location"),
    };

    for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
        if (span_ieq(name, dropped[i]))
            return false;
    return !sendfile_is_for_us(name);
}

static void
keep_fields(struct exchange *x, const struct field *fields, unsigned n)
{
    struct field kept[RESPONSE_FIELDS_MAX];
    unsigned nkept = 0;

    for (unsigned i = 0; i < n && nkept < RESPONSE_FIELDS_MAX; i++)
        if (is_kept(fields[i].name))
            kept[nkept++] = fields[i];
    free(x->kept_fields);
    x->kept_fields = fields_copy(kept, nkept);
    x->nkept_fields = nkept;
    headers_start(x, true);
}

static struct span
type_of(const struct field *fields, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (span_ieq(fields[i].name, SPAN("Content-Type")))
            return fields[i].value;
    return SPAN("");
}

/* No name below a root begins with a dot, as in a visitor's path; "." and ".." are gone. */
static bool
is_hidden(const char *name)
{
    return name[0] == '.' || strstr(name, "/.");
}

/* in  f  a name and the directory it is below */
static void
send_found(struct exchange *x, const struct field *by, struct found *f,
           const struct field *fields, unsigned n)
{
    struct cached_file *file;
    int rc;

    resolve_entry(x->site, f->root_fd, f);
    if (f->kind != FOUND_FILE) {
        fd_close(&f->fd);
        if (f->kind == FOUND_SCRIPT || (f->kind == FOUND_NOTHING && f->error == 0))
            refuse(x, by, 403, "it is a script, or no regular file");
        else if (f->kind == FOUND_DIRECTORY)
            refuse(x, by, 404, "it is a directory");
        else
            refuse(x, by, f->status, strerror(-f->error));
        return;
    }
    rc = filecache_lone(x->site, f->fd, &f->st, span_str(f->name), type_of(fields, n), &file);
    if (rc < 0) {
        refuse(x, by, 503, strerror(-rc));
        return;
    }
    keep_fields(x, fields, n);
    if (x->req.method != METHOD_HEAD)
        x->req.method = METHOD_GET; /* the script took what another one brought */
    static_send(x, file);
    cached_file_release(file);
}

/* --- X-Sendfile ----------------------------------------------------------------------------
 */

/*
 * Without empty, "." and ".." segments.
 *
 * ret  false: not absolute, or too long
 */
static bool
normalise(struct span value, char path[static PATH_MAX])
{
    struct span rest = value;
    size_t n = 0;

    if (value.n == 0 || value.p[0] != '/' || value.n >= PATH_MAX)
        return false;
    while (rest.n > 0) {
        size_t end = span_find(rest, '/');
        struct span segment = span_of(rest.p, end);

        rest = span_skip(rest, end + 1);
        if (segment.n == 0 || span_eq(segment, SPAN(".")))
            continue;
        if (span_eq(segment, SPAN(".."))) {
            while (n > 0 && path[--n] != '/')
                ;
            continue;
        }
        path[n++] = '/';
        memcpy(path + n, segment.p, segment.n);
        n += segment.n;
    }
    path[n] = '\0';
    return true;
}

static void
send_file(struct exchange *x, const struct field *by, const struct field *fields, unsigned n)
{
    char path[PATH_MAX];
    const char *name;
    struct found f = {.fd = -1};

    if (!normalise(by->value, path)) {
        refuse(x, by, 403, "it is no absolute path");
        return;
    }
    f.root_fd = roots_below(x->site, path, &name);
    if (f.root_fd < 0) {
        refuse(x, by, 403, "it is below neither the root nor one of sendfile_roots");
    } else if (is_hidden(name)) {
        refuse(x, by, 403, "a name in it begins with a dot");
    } else {
        memcpy(f.name, name, strlen(name) + 1);
        send_found(x, by, &f, fields, n);
    }
}

/* --- X-Accel-Redirect ----------------------------------------------------------------------
 */

/* An internal path with a directory of its own: what its star stands for is below that. */
static bool
in_directory(const struct path_rule *rule, struct span path, struct found *f)
{
    struct span captures[REDIRECT_CAPTURES_MAX];
    unsigned n;

    if (!rule || !rule->dir || !rules_path_captures(rule->path, path, captures, &n) || n != 1)
        return false;
    f->root_fd = site_dir_fd(rule->dir, date_mono_ms());
    memcpy(f->name, captures[0].p, captures[0].n);
    f->name[captures[0].n] = '\0';
    return true;
}

static void
send_uri(struct exchange *x, const struct field *by, const struct field *fields, unsigned n)
{
    const struct path_rule *rule;
    struct found f = {.fd = -1};
    char room[PATH_ROOM];
    struct span path;
    ssize_t len =
        path_decode(span_of(by->value.p, span_find(by->value, '?')), room, sizeof(room));

    if (len < 0 || (size_t)len >= sizeof(f.name)) {
        refuse(x, by, len == -ENOENT ? 404 : 403, "it is no path of this site");
        return;
    }
    path = span_of(room, (size_t)len);
    rule = rules_path(&x->site->rules, path, true);
    if (rule && (rule->serve == SERVE_NOTHING || rule->serve == SERVE_FORBIDDEN)) {
        refuse(x, by, rule->serve == SERVE_NOTHING ? 404 : 403,
               "it is a path that is not served");
        return;
    }
    if (!in_directory(rule, path, &f)) {
        f.root_fd = site_dir_fd(x->site->dir, date_mono_ms());
        memcpy(f.name, path.p + 1, path.n); /* its NUL too */
    }
    if (f.root_fd < 0)
        refuse(x, by, 404, "its directory cannot be opened");
    else
        send_found(x, by, &f, fields, n);
}

void
sendfile_answer(struct exchange *x, const struct field *by, const struct field *fields,
                unsigned n)
{
    if (span_ieq(by->name, uri_field))
        send_uri(x, by, fields, n);
    else
        send_file(x, by, fields, n);
}
