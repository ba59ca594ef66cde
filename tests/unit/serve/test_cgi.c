/* serve/cgi: what a script is told. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cgi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct visitor plain = {"192.0.2.7", 50123, "192.0.2.1", 8080, false, -1, NULL};
static const struct visitor secure = {"2001:db8::7", 50123, "2001:db8::1", 443, true, -1, NULL};

static size_t
length_get(const unsigned char **p)
{
    const unsigned char *q = *p;

    if (q[0] < 128) {
        *p += 1;
        return q[0];
    }
    *p += 4;
    return (size_t)(q[0] & 0x7f) << 24 | (size_t)q[1] << 16 | (size_t)q[2] << 8 | q[3];
}

/* The one PARAMS record of a small request as "\nNAME=value\n"... */
static char *
as_text(struct span out)
{
    const unsigned char *p = (const unsigned char *)out.p + 16, *end;
    struct buf text;
    char *copy;

    end = p + 8 + (p[4] << 8 | p[5]);
    buf_init(&text, 1 << 20);
    assert_int_equal(0, buf_add_str(&text, "\n"));
    for (p += 8; p < end;) {
        size_t name = length_get(&p), value = length_get(&p);

        (void)buf_add(&text, p, name);
        (void)buf_add_str(&text, "=");
        (void)buf_add(&text, p + name, value);
        (void)buf_add_str(&text, "\n");
        p += name + value;
    }
    copy = strndup(text.data, text.len);
    buf_done(&text);
    return copy;
}

struct row {
    const char *why;
    const char *fields; /* "Name: value\n"..., may be NULL */
    const char *want;   /* this line is there, once */
    const char *never;  /* this text is nowhere; may be NULL */
};

static unsigned
fields_of(const char *text, struct field *f)
{
    unsigned n = 0;

    while (text && *text) {
        size_t line = strcspn(text, "\n"), colon = strcspn(text, ":");

        f[n].name = span_of(text, colon);
        f[n++].value = span_trim(span_of(text + colon + 1, line - colon - 1));
        text += line + 1;
    }
    return n;
}

static void
check(struct exchange *x, const struct php_script *script, const struct row *row)
{
    struct field fields[REQUEST_FIELDS_MAX];
    struct fcgi_writer w;
    struct buf out;
    char *text, *hit, *line;

    print_message("  %s\n", row->why);
    x->req.fields = fields;
    x->req.nfields = fields_of(row->fields, fields);
    buf_init(&out, FCGI_PARAMS_MAX + 65536);
    fcgi_begin(&w, &out);
    cgi_variables(&w, x, script);
    assert_int_equal(0, fcgi_params_end(&w));
    text = as_text(buf_span(&out));
    assert_true(asprintf(&line, "\n%s\n", row->want) > 0);
    hit = strstr(text, line);
    if (!hit || strstr(hit + 1, line))
        fail_msg("not there once: %s\nin: %s", row->want, text);
    if (row->never && strstr(text, row->never))
        fail_msg("there: %s\nin: %s", row->never, text);
    free(line);
    free(text);
    buf_done(&out);
}

static void
request_fill(struct request *q)
{
    q->method = METHOD_GET;
    q->method_text = SPAN("GET");
    q->target = SPAN("/app/a.php/x%20y?q=1&r=%2F");
    q->path = SPAN("/app/a.php/x%20y");
    q->query = SPAN("q=1&r=%2F");
    q->has_query = true;
    q->host = SPAN("WWW.Example:8080");
    q->host_name = SPAN("www.example");
    q->version = 11;
}

static const struct php_script script = {.filename = {"/srv/www/app/a.php", 18},
                                         .name = {"/app/a.php", 10},
                                         .path_info = {"/x y", 4}};
static const struct php_script no_info = {.filename = {"/srv/www/a.php", 14},
                                          .name = {"/a.php", 6}};

static void
test_fixed(void **state)
{
    static const struct row rows[] = {
        {"4.1.4", NULL, "GATEWAY_INTERFACE=CGI/1.1", NULL},
        {"4.1.17", NULL, "SERVER_SOFTWARE=hostel", NULL},
        {"4.1.16", NULL, "SERVER_PROTOCOL=HTTP/1.1", NULL},
        {"4.1.14: the configured name, not the Host", NULL, "SERVER_NAME=www.example",
         "SERVER_NAME=WWW"},
        {"4.1.15: the port of the socket, not of the Host", NULL, "SERVER_PORT=8080", NULL},
        {"the socket's address", NULL, "SERVER_ADDR=192.0.2.1", NULL},
        {"4.1.8", NULL, "REMOTE_ADDR=192.0.2.7", NULL},
        {"the visitor's port", NULL, "REMOTE_PORT=50123", NULL},
        {"4.1.12", NULL, "REQUEST_METHOD=GET", NULL},
        {"as sent, not decoded", NULL, "REQUEST_URI=/app/a.php/x%20y?q=1&r=%2F", NULL},
        {"4.1.7: not decoded", NULL, "QUERY_STRING=q=1&r=%2F", NULL},
        {"DOCUMENT_ROOT", NULL, "DOCUMENT_ROOT=/srv/www", NULL},
        {"SCRIPT_FILENAME", NULL, "SCRIPT_FILENAME=/srv/www/app/a.php", NULL},
        {"4.1.13", NULL, "SCRIPT_NAME=/app/a.php", NULL},
        {"4.1.5: decoded", NULL, "PATH_INFO=/x y", NULL},
        {"4.1.6", NULL, "PATH_TRANSLATED=/srv/www/x y", NULL},
        {"php-cgi's force_redirect", NULL, "REDIRECT_STATUS=200", NULL},
        {"plain", NULL, "REQUEST_SCHEME=http", "HTTPS"},
        {"4.1.2: no body, no length", "Content-Length: 3\n", "REQUEST_METHOD=GET", "CONTENT_"},
        {"4.1.3: a body or not", "Content-Type: text/x\n", "CONTENT_TYPE=text/x", "CONTENT_L"},
    };
    struct site site = {.names = (char *[]){"www.example", "alias.example", NULL},
                        .root = "/srv/www"};
    struct exchange x = {.site = &site, .visitor = &plain};

    (void)state;
    request_fill(&x.req);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&x, &script, &rows[i]);
}

static void
test_fields(void **state)
{
    static const struct row rows[] = {
        {"a field", "X-Real-IP: 1.2.3.4\n", "HTTP_X_REAL_IP=1.2.3.4", NULL},
        {"digits", "X-2: a\n", "HTTP_X_2=a", NULL},
        {"the host as the request says it", "Host: other.example\n",
         "HTTP_HOST=WWW.Example:8080", "other"},
        {"an empty value", "X-A:\n", "HTTP_X_A=", NULL},
        {"joined", "X-A: 1\nX-B: 9\nx-a: 2\nX-A: 3\n", "HTTP_X_A=1, 2, 3", NULL},
        {"cookies", "Cookie: a=1\ncookie: b=2\n", "HTTP_COOKIE=a=1; b=2", NULL},
        {"credentials reach the script", "Authorization: Basic YTpi\n",
         "HTTP_AUTHORIZATION=Basic YTpi", NULL},
        {"underscores could forge a field", "X_Real_IP: evil\nX-Real-IP: good\n",
         "HTTP_X_REAL_IP=good", "evil"},
        {"bytes that no variable has", "X.A: evil\nX!: evil\nX~Y: evil\n", "REQUEST_METHOD=GET",
         "evil"},
        {"httpoxy", "Proxy: evil\nPROXY: evil\n", "REQUEST_METHOD=GET", "evil"},
        {"hop by hop",
         "Connection: evil\nKeep-Alive: evil\nTE: evil\nTrailer: evil\nUpgrade: evil\n"
         "Transfer-Encoding: evil\nProxy-Connection: evil\nProxy-Authorization: evil\n",
         "REQUEST_METHOD=GET", "evil"},
        {"answered by us", "Expect: evil\n", "REQUEST_METHOD=GET", "evil"},
        {"not as HTTP_", "Content-Length: 5\nContent-Type: evil\n", "REQUEST_METHOD=GET",
         "HTTP_CONTENT"},
        {"php.ini values cannot come from outside", "PHP-VALUE: evil\nPHP_ADMIN_VALUE: evil\n",
         "HTTP_PHP_VALUE=evil", "\nPHP_"},
        {"our own names cannot either", "Script-Filename: evil\nDocument-Root: evil\n",
         "SCRIPT_FILENAME=/srv/www/app/a.php", "\nDOCUMENT_ROOT=evil"},
        {"nor by an HTTP- in front", "HTTP-Proxy: evil\n", "HTTP_HTTP_PROXY=evil",
         "\nHTTP_PROXY"},
    };
    struct site site = {.names = (char *[]){"www.example", NULL}, .root = "/srv/www"};
    struct exchange x = {.site = &site, .visitor = &plain};

    (void)state;
    request_fill(&x.req);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&x, &script, &rows[i]);
}

static void
test_variants(void **state)
{
    struct site site = {.names = (char *[]){"www.example", NULL}, .root = "/srv/www"};
    struct site wild = {.names = (char *[]){"*.example", NULL}, .root = "/srv/www"};
    struct exchange x = {.site = &site, .visitor = &secure};

    (void)state;
    request_fill(&x.req);
    check(&x, &no_info, &(struct row){"TLS", NULL, "HTTPS=on", NULL});
    check(&x, &no_info, &(struct row){"its scheme", NULL, "REQUEST_SCHEME=https", NULL});
    check(&x, &no_info, &(struct row){"IPv6", NULL, "REMOTE_ADDR=2001:db8::7", NULL});
    check(&x, &no_info, &(struct row){"no path info", NULL, "SCRIPT_NAME=/a.php", "PATH_"});
    x.site = &wild;
    check(&x, &no_info, &(struct row){"a wildcard", NULL, "SERVER_NAME=www.example", NULL});
    x.req.host_name = SPAN("");
    x.req.host = SPAN("");
    x.req.version = 10;
    check(&x, &no_info,
          &(struct row){"no name at all", NULL, "SERVER_NAME=example", "HTTP_HOST"});
    check(&x, &no_info, &(struct row){"HTTP/1.0", NULL, "SERVER_PROTOCOL=HTTP/1.0", NULL});
    x.req.version = 20;
    check(&x, &no_info, &(struct row){"HTTP/2", NULL, "SERVER_PROTOCOL=HTTP/2.0", NULL});
    x.req.has_query = false;
    x.req.query = (struct span){NULL, 0};
    check(&x, &no_info, &(struct row){"no query: empty", NULL, "QUERY_STRING=", NULL});
    x.req.method_text = SPAN("PROPFIND");
    check(&x, &no_info, &(struct row){"any method", NULL, "REQUEST_METHOD=PROPFIND", NULL});
    x.req.framing = BODY_CHUNKED;
    check(
        &x, &no_info,
        &(struct row){"a body's type", "Content-Type: text/x\n", "CONTENT_TYPE=text/x", NULL});
    check(&x, &no_info,
          &(struct row){"a body without one", NULL, "REQUEST_METHOD=PROPFIND", "CONTENT_"});
}

static void
test_absolute_target(void **state)
{
    static const char sent[] = "http://www.example/a.php?x=1";
    struct site site = {.names = (char *[]){"www.example", NULL}, .root = "/srv/www"};
    struct exchange x = {.site = &site, .visitor = &plain};

    (void)state;
    request_fill(&x.req);
    x.req.target = SPAN(sent);
    x.req.path = span_of(sent + 18, 6);
    x.req.query = span_of(sent + 25, 3);
    check(&x, &no_info, &(struct row){"with a query", NULL, "REQUEST_URI=/a.php?x=1", "http:"});
    x.req.query = span_of(sent + 25, 0);
    check(&x, &no_info, &(struct row){"an empty query", NULL, "REQUEST_URI=/a.php?", NULL});
    x.req.has_query = false;
    check(&x, &no_info, &(struct row){"without", NULL, "REQUEST_URI=/a.php", NULL});
    x.req.path = SPAN("/");
    check(&x, &no_info, &(struct row){"without a path", NULL, "REQUEST_URI=/", NULL});
}

static void
test_too_much(void **state)
{
    struct site site = {.names = (char *[]){"www.example", NULL}, .root = "/srv/www"};
    struct exchange x = {.site = &site, .visitor = &plain};
    struct field fields[REQUEST_FIELDS_MAX];
    char *big = malloc(70000);
    struct fcgi_writer w;
    struct buf out;

    (void)state;
    request_fill(&x.req);
    memset(big, 'x', 70000);
    for (unsigned n = 1; n < REQUEST_FIELDS_MAX; n *= 3) {
        for (unsigned i = 0; i < n; i++)
            fields[i] = (struct field){SPAN("X-Big"), span_of(big, 70000 / n)};
        x.req.fields = fields;
        x.req.nfields = n;
        buf_init(&out, FCGI_PARAMS_MAX + 65536);
        fcgi_begin(&w, &out);
        cgi_variables(&w, &x, &script);
        assert_int_equal(-EMSGSIZE, fcgi_params_end(&w));
        buf_done(&out);
    }
    free(big);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),    cmocka_unit_test(test_fields),
        cmocka_unit_test(test_variants), cmocka_unit_test(test_absolute_target),
        cmocka_unit_test(test_too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
