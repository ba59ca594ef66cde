/* The CGI variables of a request. Floor 5; worker. */
#include "cgi.h"
#include "hostel/base/text.h"

#include <errno.h>

#define SERVER_SOFTWARE "hostel" /* as in the Server field: no version for a stranger */

/* Fields that do not become HTTP_*: why is said in cgi.h. */
static const struct span not_passed[] = {
    SPAN("host"), /* HTTP_HOST comes from the request: an absolute target beats the field */
    SPAN("connection"),
    SPAN("content-length"),
    SPAN("content-type"),
    SPAN("expect"),
    SPAN("keep-alive"),
    SPAN("proxy"),
    SPAN("proxy-authorization"),
    SPAN("proxy-connection"),
    SPAN("te"),
    SPAN("trailer"),
    SPAN("transfer-encoding"),
    SPAN("upgrade"),
};

static void
put(struct fcgi_writer *w, const char *name, struct span value)
{
    fcgi_param(w, span_str(name), value);
}

static void
put_port(struct fcgi_writer *w, const char *name, uint16_t port)
{
    char text[TEXT_DIGITS_MAX];

    put(w, name, text_digits(port, text));
}

/* Two pieces in one value. */
static void
put_two(struct fcgi_writer *w, const char *name, struct span a, struct span b)
{
    struct buf value;

    buf_init(&value, FCGI_CONTENT_MAX);
    if (buf_add_span(&value, a) < 0 || buf_add_span(&value, b) < 0)
        w->error = w->error ? w->error : -EMSGSIZE;
    else
        put(w, name, buf_span(&value));
    buf_done(&value);
}

/* As sent, still encoded; scripts expect a path, so an absolute target loses its front. */
static void
put_uri(struct fcgi_writer *w, const struct request *req)
{
    struct span target = req->target;

    if (target.n == 0 || target.p[0] == '/')
        put(w, "REQUEST_URI", target);
    else if (!req->has_query)
        put(w, "REQUEST_URI", req->path);
    else /* the query's "?" stands before it, among the bytes that were sent */
        put_two(w, "REQUEST_URI", req->path, span_of(req->query.p - 1, req->query.n + 1));
}

/*
 * The configured name, not what the visitor sent: scripts and php.ini sections trust it. A
 * wildcard has none, so there it is the checked name of the request.
 */
static struct span
server_name(const struct exchange *x)
{
    struct span name = span_str(x->site->names[0]);

    if (!span_starts(name, SPAN("*.")))
        return name;
    if (x->req.host_name.n)
        return x->req.host_name;
    return span_skip(name, 2);
}

static struct span
server_protocol(const struct request *req)
{
    switch (req->version) {
    case 10:
        return SPAN("HTTP/1.0");
    case 20:
        return SPAN("HTTP/2.0");
    default:
        return SPAN("HTTP/1.1");
    }
}

static bool
is_passed(struct span name)
{
    if (name.n == 0 || name.n > CGI_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-'))
            return false;
    }
    for (size_t i = 0; i < sizeof(not_passed) / sizeof(not_passed[0]); i++)
        if (span_ieq(name, not_passed[i]))
            return false;
    return true;
}

/* "X-Real-IP" -> "HTTP_X_REAL_IP" */
static struct span
http_name(struct span name, char text[static 5 + CGI_NAME_MAX])
{
    memcpy(text, "HTTP_", 5);
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (c >= 'a' && c <= 'z')
            c = (char)(c - ('a' - 'A'));
        text[5 + i] = c == '-' ? '_' : c;
    }
    return span_of(text, 5 + name.n);
}

/* ret  the index of the next field after i with the same name, or nfields */
static unsigned
next_same(const struct request *req, unsigned i)
{
    struct span name = req->fields[i].name;

    while (++i < req->nfields)
        if (span_ieq(req->fields[i].name, name))
            break;
    return i;
}

static bool
is_first(const struct request *req, unsigned i)
{
    for (unsigned j = 0; j < i; j++)
        if (span_ieq(req->fields[j].name, req->fields[i].name))
            return false;
    return true;
}

/* All values of field i, joined. RFC 9110 5.3, RFC 6265 5.4. */
static void
put_joined(struct fcgi_writer *w, const struct request *req, unsigned i, struct span name)
{
    const struct span glue =
        span_ieq(req->fields[i].name, SPAN("cookie")) ? SPAN("; ") : SPAN(", ");
    struct buf value;
    int rc;

    buf_init(&value, FCGI_CONTENT_MAX);
    rc = buf_add_span(&value, req->fields[i].value);
    while (rc == 0 && (i = next_same(req, i)) < req->nfields) {
        rc = buf_add_span(&value, glue);
        if (rc == 0)
            rc = buf_add_span(&value, req->fields[i].value);
    }
    if (rc < 0)
        w->error = w->error ? w->error : -EMSGSIZE;
    else
        fcgi_param(w, name, buf_span(&value));
    buf_done(&value);
}

static void
put_fields(struct fcgi_writer *w, const struct request *req)
{
    for (unsigned i = 0; i < req->nfields; i++) {
        const struct field *f = &req->fields[i];
        char text[5 + CGI_NAME_MAX];

        if (!is_passed(f->name) || !is_first(req, i))
            continue;
        if (next_same(req, i) == req->nfields)
            fcgi_param(w, http_name(f->name, text), f->value);
        else
            put_joined(w, req, i, http_name(f->name, text));
    }
    if (req->host.n)
        put(w, "HTTP_HOST", req->host);
}

static void
put_script(struct fcgi_writer *w, const struct exchange *x, const struct php_script *script)
{
    struct span root = span_str(x->site->root);

    put(w, "DOCUMENT_ROOT", root);
    put(w, "SCRIPT_FILENAME", script->filename);
    put(w, "SCRIPT_NAME", script->name);
    if (script->path_info.n == 0)
        return; /* an empty PATH_INFO is not the same as none to PHP */
    put(w, "PATH_INFO", script->path_info);
    put_two(w, "PATH_TRANSLATED", root, script->path_info);
}

static void
put_ends(struct fcgi_writer *w, const struct visitor *v)
{
    char local[ADDRESS_TEXT] = "";
    uint16_t port = 0;

    if (v->local_addr[0])
        memcpy(local, v->local_addr, sizeof(local));
    else
        (void)address_local(v->fd, local, &port); /* empty when the visitor has just left */
    if (v->local_port)
        port = v->local_port;
    put(w, "SERVER_ADDR", span_str(local));
    put_port(w, "SERVER_PORT", port);
    put(w, "REMOTE_ADDR", span_str(v->addr));
    if (v->port) /* a proxy may not say it */
        put_port(w, "REMOTE_PORT", v->port);
    put(w, "REQUEST_SCHEME", v->https ? SPAN("https") : SPAN("http"));
    if (v->https)
        put(w, "HTTPS", SPAN("on"));
}

/* Of the request; or of an error whose page is made: a GET without body. RFC 3875 4.1.12 */
static void
put_request(struct fcgi_writer *w, const struct exchange *x, const struct php_script *script)
{
    const struct request *req = &x->req;
    struct span type = request_field(req, SPAN("content-type"));
    char status[TEXT_DIGITS_MAX];

    put_uri(w, req);
    if (x->error_status) {
        put(w, "REQUEST_METHOD", SPAN("GET"));
        put(w, "QUERY_STRING", SPAN(""));
        put(w, "REDIRECT_STATUS", text_digits(x->error_status, status));
        put(w, "REDIRECT_URL", req->path);
        if (req->has_query)
            put(w, "REDIRECT_QUERY_STRING", req->query);
        return;
    }
    put(w, "REQUEST_METHOD", req->method_text);
    if (script->rewritten)
        put(w, "QUERY_STRING", script->query);
    else
        put(w, "QUERY_STRING", req->has_query ? req->query : SPAN(""));
    put(w, "REDIRECT_STATUS", SPAN("200")); /* php-cgi as a plain CGI insists on it */
    if (type.n)                             /* RFC 3875 4.1.3: whether there is a body or not */
        put(w, "CONTENT_TYPE", type);
}

/* Who the visitor has proved to be. RFC 3875 4.1.1, 4.1.11 */
static void
put_user(struct fcgi_writer *w, const struct exchange *x)
{
    if (!x->remote_user)
        return;
    put(w, "AUTH_TYPE", SPAN("Basic"));
    put(w, "REMOTE_USER", span_str(x->remote_user));
}

/* As Apache's mod_unique_id calls it: what log lines call this request too. */
static void
put_id(struct fcgi_writer *w, const struct exchange *x)
{
    char id[REQUEST_ID_TEXT];

    if (x->id == 0)
        return;
    request_id_text(x->id, id);
    put(w, "UNIQUE_ID", span_str(id));
}

void
cgi_variables(struct fcgi_writer *w, const struct exchange *x, const struct php_script *script)
{
    put(w, "GATEWAY_INTERFACE", SPAN("CGI/1.1"));
    put(w, "SERVER_SOFTWARE", SPAN(SERVER_SOFTWARE));
    put(w, "SERVER_PROTOCOL", server_protocol(&x->req));
    put(w, "SERVER_NAME", server_name(x));
    put_id(w, x);
    put_ends(w, x->visitor);
    put_user(w, x);
    put_request(w, x, script);
    put_script(w, x, script);
    put_fields(w, &x->req);
    for (unsigned i = 0; i < x->site->rules.nparams; i++)
        put(w, x->site->rules.params[i].name, span_str(x->site->rules.params[i].value));
}
