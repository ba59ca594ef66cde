/* Rules of a vhost: what the model says of good ones, and every error on its line. */
#include "scratch.h"

#include "hostel/base/buf.h"

#include <errno.h>

#define SITE "vhosts:\n  - host: a\n    user: 70001\n    root: $D/www\n"

static struct conf *
load(const char *lines)
{
    char *text = mem_fmt("%s%s", SITE, lines);
    struct conf_errors errors;
    struct conf *c = NULL;
    int rc;

    scratch_write("hostel.yaml", text);
    rc = scratch_load(&c, &errors);
    for (size_t i = 0; i < errors.n; i++)
        print_message("    %s\n", errors.lines[i]);
    assert_int_equal(rc, 0);
    free(text);
    return c;
}

static void
assert_rule(const struct conf_rule *r, enum conf_rule_kind kind, const char *match,
            const char *name, const char *value)
{
    assert_int_equal(r->kind, kind);
    assert_true(match ? r->match && strcmp(r->match, match) == 0 : !r->match);
    assert_true(name ? r->name && strcmp(r->name, name) == 0 : !r->name);
    assert_true(value ? r->value && strcmp(r->value, value) == 0 : !r->value);
}

static void
assert_status(const struct conf_rule *r, uint32_t min, uint32_t max)
{
    assert_int_equal(r->status_min, min);
    assert_int_equal(r->status_max, max);
}

static void
test_defaults(void **state)
{
    struct conf *c = load("");
    const struct conf_vhost *v = c->vhosts;

    (void)state;
    assert_false(v->autoindex);
    assert_true(v->compress);
    assert_int_equal(v->compress_min, 1024);
    assert_int_equal(v->symlinks, CONF_SYMLINKS_FOLLOW);
    assert_null(v->fallback);
    assert_int_equal(v->connections, 0);
    assert_int_equal(v->nrules, 0);
    assert_int_equal(c->body_rate, 500);
    assert_int_equal(c->connections_max, 16384);
    assert_int_equal(c->connections_per_address, 256);
    conf_free(&c);
}

static void
test_values(void **state)
{
    struct conf *c = load("    autoindex: on\n    compress: off\n    compress_min: 2k\n"
                          "    symlinks: owner\n    fallback: /app/index.php\n"
                          "    connections: 7\n"
                          "body_rate: 1k\nconnections_max: 20\nconnections_per_address: 3\n");
    const struct conf_vhost *v = c->vhosts;

    (void)state;
    assert_true(v->autoindex);
    assert_false(v->compress);
    assert_int_equal(v->compress_min, 2048);
    assert_int_equal(v->symlinks, CONF_SYMLINKS_OWNER);
    assert_string_equal(v->fallback, "/app/index.php");
    assert_int_equal(v->connections, 7);
    assert_int_equal(c->body_rate, 1024);
    assert_int_equal(c->connections_max, 20);
    assert_int_equal(c->connections_per_address, 3);
    conf_free(&c);
}

static void
test_rules(void **state)
{
    struct conf *c = load("    headers:\n"
                          "      - {set: 'X-A:  one: two ', path: /a*, status: 4xx}\n"
                          "      - {add: 'Link:', status: 200-299}\n"
                          "      - remove: X-Powered-By\n"
                          "    expires: {image/*: 30d, '*': 0, text/css: 1ms}\n"
                          "    redirects:\n"
                          "      - {from: /old/*, to: /new/$1}\n"
                          "      - {from: '*', to: 'https://b.example/$1?x=$$', status: 308}\n"
                          "    error_pages: {404: /404.php, 5xx: /sorry, 400-403: /no}\n"
                          "    auth_basic: {realm: Members only, file: $D/none}\n");
    const struct conf_rule *r = c->vhosts[0].rules;
    char *file = scratch_text("$D/none");

    (void)state;
    assert_int_equal(c->vhosts[0].nrules, 12);
    assert_rule(&r[0], CONF_HEADER, "/a*", "X-A", "one: two");
    assert_int_equal(r[0].op, CONF_HEADER_SET);
    assert_status(&r[0], 400, 499);
    assert_rule(&r[1], CONF_HEADER, "", "Link", "");
    assert_int_equal(r[1].op, CONF_HEADER_ADD);
    assert_status(&r[1], 200, 299);
    assert_rule(&r[2], CONF_HEADER, "", "X-Powered-By", "");
    assert_int_equal(r[2].op, CONF_HEADER_REMOVE);
    assert_status(&r[2], 100, 599);
    assert_rule(&r[3], CONF_EXPIRES, "image/*", NULL, NULL);
    assert_int_equal(r[3].seconds, 30 * 86400);
    assert_int_equal(r[4].seconds, 0);
    assert_int_equal(r[5].seconds, 1);
    assert_rule(&r[6], CONF_REDIRECT, "/old/*", NULL, "/new/$1");
    assert_int_equal(r[6].status_min, 301);
    assert_rule(&r[7], CONF_REDIRECT, "*", NULL, "https://b.example/$1?x=$$");
    assert_int_equal(r[7].status_min, 308);
    assert_rule(&r[8], CONF_ERROR_PAGE, NULL, NULL, "/404.php");
    assert_status(&r[8], 404, 404);
    assert_status(&r[9], 500, 599);
    assert_status(&r[10], 400, 403);
    assert_rule(&r[11], CONF_AUTH, "", "Members only", file);
    free(file);
    conf_free(&c);
}

struct access_case {
    const char *why, *written;
    const char *order; /* + allowed, - denied, and the bits; the last fits everybody */
};

static const struct access_case accesses[] = {
    {"neither", "", ""},
    {"allow alone: nobody else", "    allow: [192.0.2.1]\n", "+128 -0"},
    {"deny alone: everybody else", "    deny: [192.0.2.0/24]\n", "-120 +0"},
    {"both: nobody else", "    allow: [10.0.0.0/8]\n    deny: [10.1.0.0/16]\n", "-112 +104 -0"},
    {"the smaller one first", "    allow: [10.1.0.0/16, 10.1.2.3]\n    deny: [10.0.0.0/8]\n",
     "+128 +112 -104 -0"},
    {"a tie: denied", "    allow: [192.0.2.1]\n    deny: [192.0.2.1]\n", "-128 +128 -0"},
    {"all allowed but one", "    allow: [all]\n    deny: ['2001:db8::/32']\n", "-32 +0 -0"},
    {"all denied but one", "    allow: ['::1']\n    deny: [all]\n", "+128 -0 -0"},
    {"all and all: denied", "    allow: [all]\n    deny: [all]\n", "-0 +0 -0"},
    {"every IPv4 address", "    allow: [0.0.0.0/0]\n", "+96 -0"},
};

static void
test_paths(void **state)
{
    struct conf *c = load("    paths:\n"
                          "      - {path: /in/*, serve: internal, directory: $D/www}\n"
                          "      - {file: '*.sql', serve: nothing}\n"
                          "    rewrites: [{from: /a/*, to: '/b?c=$1'}]\n"
                          "    params: {A: '', _b2: x y}\n");
    const struct conf_rule *r = c->vhosts[0].rules;
    char *dir = scratch_text("$D/www");

    (void)state;
    assert_int_equal(c->vhosts[0].nrules, 5);
    assert_rule(&r[0], CONF_PATH, "/in/*", NULL, dir);
    assert_int_equal(r[0].serve, CONF_SERVE_INTERNAL);
    assert_false(r[0].files);
    assert_rule(&r[1], CONF_PATH, "*.sql", NULL, "");
    assert_int_equal(r[1].serve, CONF_SERVE_NOTHING);
    assert_true(r[1].files);
    assert_rule(&r[2], CONF_REWRITE, "/a/*", NULL, "/b?c=$1");
    assert_rule(&r[3], CONF_PARAM, NULL, "A", "");
    assert_rule(&r[4], CONF_PARAM, NULL, "_b2", "x y");
    free(dir);
    conf_free(&c);
}

/* What a preset says stands behind what the vhost says itself, once for all vhosts. */
static void
test_app(void **state)
{
    struct conf *c;

    (void)state;
    scratch_mkdir("apps");
    scratch_write("apps/mine.yaml", "fallback: /f.php\nparams: {A: b}\n");
    c = load("    app: mine\n    params: {C: d}\n"
             "  - {host: b, user: 70001, root: $D/www, app: mine, fallback: /own}\n"
             "app_dir: $D/apps\n");
    assert_int_equal(c->napps, 1);
    assert_ptr_equal(c->vhosts[0].app, c->apps[0]);
    assert_ptr_equal(c->vhosts[1].app, c->apps[0]);
    assert_string_equal(c->vhosts[0].fallback, "/f.php");
    assert_string_equal(c->vhosts[1].fallback, "/own");
    assert_int_equal(c->vhosts[0].nrules, 1);
    assert_int_equal(c->apps[0]->nrules, 1);
    assert_rule(&c->apps[0]->rules[0], CONF_PARAM, NULL, "A", "b");
    conf_free(&c);
}

static void
test_access(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(accesses) / sizeof(*accesses); i++) {
        struct conf *c;
        struct buf got;

        print_message("%s\n", accesses[i].why);
        c = load(accesses[i].written);
        buf_init(&got, 256);
        for (size_t j = 0; j < c->vhosts[0].nrules; j++) {
            const struct conf_rule *r = &c->vhosts[0].rules[j];

            assert_rule(r, CONF_ACCESS, NULL, NULL, NULL);
            buf_addf(&got, "%s%c%u", j ? " " : "", r->allow ? '+' : '-', r->bits);
        }
        buf_add(&got, "", 1);
        assert_string_equal(buf_span(&got).p, accesses[i].order);
        buf_done(&got);
        conf_free(&c);
    }
}

struct error_case {
    const char *why, *written;
    const char *lines[3]; /* behind "$D/hostel.yaml:" */
};

static const struct error_case errors_of[] = {
    {"set and remove",
     "    headers: [{set: 'A: b', remove: A}]\n",
     {"5:15: an entry of `headers` must have one of set, add and remove"}},
    {"neither",
     "    headers: [{path: /a}]\n",
     {"5:15: an entry of `headers` must have one of set, add and remove"}},
    {"one error is said once",
     "    headers: [{set: A}]\n",
     {"5:21: `set` must be a header field such as `Name: value`, not `A`"}},
    {"no list",
     "    headers: {set: 'A: b'}\n",
     {"5:14: `headers` must be a list, not a mapping"}},
    {"a word in the list",
     "    headers: [x, {remove: A}]\n",
     {"5:15: an entry of `headers` must be a mapping, not a single value"}},
    {"an unknown key",
     "    headers: [{remve: A}]\n",
     {"5:16: unknown key `remve`, did you mean `remove`?"}},
    {"a key of another place",
     "    headers: [{remove: A, realm: x}]\n",
     {"5:27: unknown key `realm`: it belongs in auth_basic"}},
    {"a key twice",
     "    headers: [{remove: A, remove: B}]\n",
     {"5:27: `remove` stands here twice"}},
    {"a mapping for a text",
     "    headers: [{remove: {A: b}}]\n",
     {"5:24: `remove` must be a single value, not a mapping"}},
    {"a redirect without an end", "    redirects: [{from: /a}]\n", {"5:17: `to` is missing"}},
    {"more captures than stars",
     "    redirects: [{from: /*/*, to: /$1/$3}]\n",
     {"5:17: `to` has $3, but `from` has only 2 of *"}},
    {"a status that is no redirect",
     "    redirects: [{from: /a, to: /b, status: 304}]\n",
     {"5:44: `status` must be one of 301 302 303 307 308, not `304`"}},
    {"a media type that is none",
     "    expires: {images: 1d}\n",
     {"5:15: a key of `expires` must be a media type such as text/css, image/* or *, not "
      "`images`"}},
    {"a time that is none",
     "    expires: {'*': soon}\n",
     {"5:20: `*` must be a time such as 250ms, 10s, 5m, 1h or 2d, not `soon`"}},
    {"a time beyond ten years",
     "    expires: {'*': 3651d}\n",
     {"5:20: `*` must be 0..3650d, not `3651d`"}},
    {"a type twice",
     "    expires: {image/png: 1, text/css: 1, image/PNG: 2}\n",
     {"5:42: `image/PNG` stands here twice"}},
    {"a list for a time",
     "    expires: {image/png: [1]}\n",
     {"5:26: `image/png` must be a single value, not a list"}},
    {"expires as a list",
     "    expires: [1]\n",
     {"5:14: `expires` must be a mapping, not a list"}},
    {"a page for a success",
     "    error_pages: {200: /a}\n",
     {"5:19: a key of `error_pages` must be a status such as 404, 5xx or 500-504, of errors, "
      "not `200`"}},
    {"a page elsewhere",
     "    error_pages: {404: 'http://b/'}\n",
     {"5:24: `404` must begin with /, not `http://b/`"}},
    {"a status twice",
     "    error_pages: {404: /a, 404: /b}\n",
     {"5:28: `404` stands here twice"}},
    {"a list as a key",
     "    error_pages: {? [404] : /a}\n",
     {"5:21: a key must be a word, not a list"}},
    {"a password file that is relative",
     "    auth_basic: {realm: R, file: htpasswd}\n",
     {"5:34: `file` must be absolute, not `htpasswd`"}},
    {"no realm", "    auth_basic: [{file: /h}]\n", {"5:18: `realm` is missing"}},
    {"auth_basic without a value asks for nothing, which nobody means",
     "    auth_basic:\n",
     {"5:16: `auth_basic` must have 1..256 entries, not 0"}},
    {"the same for an empty list",
     "    auth_basic: []\n",
     {"5:17: `auth_basic` must have 1..256 entries, not 0"}},
    {"allow nobody", "    allow: []\n", {"5:12: `allow` must have 1..255 entries, not 0"}},
    {"a host as a net",
     "    deny: [a.example]\n",
     {"5:12: `deny` must be an address, a network such as 192.0.2.0/24, or all, not "
      "`a.example`"}},
    {"a path without a pattern",
     "    paths: [{serve: all}]\n",
     {"5:13: an entry of `paths` must have one of path and file"}},
    {"a directory for what every visitor may see",
     "    paths: [{path: /a/*, serve: static, directory: /b}]\n",
     {"5:13: `directory` needs `serve: internal` and a path that ends in /* and has no other "
      "star"}},
    {"a rewrite to another host",
     "    rewrites: [{from: /a, to: //b}]\n",
     {"5:31: `to` must be a path in the site, not `//b`"}},
    {"a rewrite with a star too few",
     "    rewrites: [{from: /a*, to: /$2}]\n",
     {"5:16: `to` has $2, but `from` has only 1 of *"}},
    {"a variable that the server sets",
     "    params: {HTTP_X: a}\n",
     {"5:14: a key of `params` must not be a variable that the server sets, not `HTTP_X`"}},
    {"a variable twice", "    params: {A: a, A: b}\n", {"5:20: `A` stands here twice"}},
    {"a socket whose name is too long for any",
     "    fastcgi: {socket: "
     "/123456789012345678901234567890123456789012345678901234567890123456789"
     "01234567890123456789012345678901234567}\n",
     {"5:23: `socket` must be at most 107 bytes, not "
      "`/12345678901234567890123456789012345678901234567890123456789...`"}},
    {"a star that is not all there is of the rest",
     "    fastcgi: [{socket: /s, path: /a*}]\n",
     {"5:34: `path` must be a path, or end in /*, not `/a*`"}},
    {"two places for scripts",
     "    php: {command: $D/php}\n    fastcgi: {socket: /s}\n",
     {"2: vhost a: scripts have one place to run: `php`, or one entry of `fastcgi` without a "
      "path"}},
    {"a link root that is relative",
     "    link_roots: [storage]\n",
     {"5:18: `link_roots` must be absolute, not `storage`"}},
    {"a preset that could be any file",
     "    app: ../x\n",
     {"5:10: `app` must be one word of a-z, 0-9 and hyphens, not `../x`"}},
    {"several",
     "    symlinks: maybe\n    fallback: x\n    connections: -1\n",
     {"5:15: `symlinks` must be one of follow owner off, not `maybe`",
      "6:15: `fallback` must begin with /, not `x`",
      "7:18: `connections` must be a number, not `-1`"}},
};

static void
check_errors(const char *lines, const char *const *wanted, size_t most)
{
    char *text = mem_fmt("%s%s", SITE, lines);
    struct conf_errors errors;
    struct conf *c = NULL;
    size_t n = 0;

    scratch_write("hostel.yaml", text);
    free(text);
    assert_int_equal(scratch_load(&c, &errors), -EINVAL);
    for (size_t i = 0; i < errors.n; i++)
        print_message("    %s\n", errors.lines[i]);
    for (; n < most && wanted[n]; n++) {
        char *line = mem_fmt("%s/hostel.yaml:%s", scratch_dir, wanted[n]);

        assert_true(n < errors.n);
        assert_string_equal(errors.lines[n], line);
        free(line);
    }
    assert_int_equal(errors.n, n);
    conf_errors_done(&errors);
}

static void
test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(errors_of) / sizeof(*errors_of); i++) {
        print_message("%s\n", errors_of[i].why);
        check_errors(errors_of[i].written, errors_of[i].lines, 3);
    }
}

/* A list with n entries; each has its number between two pieces. */
static void
check_many(const char *before, const char *head, const char *tail, const char *after,
           unsigned n, const char *wanted)
{
    struct buf text;
    char *lines;

    buf_init(&text, 8 << 20);
    buf_add_str(&text, before);
    for (unsigned i = 0; i < n; i++)
        buf_addf(&text, "%s%s%u%s", i ? ", " : "", head, i, tail);
    buf_add_str(&text, after);
    lines = mem_str_span(buf_span(&text));
    check_errors(lines, &wanted, 1);
    free(lines);
    buf_done(&text);
}

static void
test_bounds(void **state)
{
    char *tail = mem_fmt("%03000d'}", 0);

    (void)state;
    check_many("    expires: {", "t/x", ": 1d", "}\n", 257,
               "5:14: `expires` must have 0..256 entries, not 257");
    check_many("    expires: {", "t/x", ": 1d", "}\n", 20000,
               "5:14: `expires` must have 0..256 entries, not 20000");
    check_many("    redirects: [", "{from: /", ", to: /}", "]\n", 257,
               "5:16: `redirects` must have 0..256 entries, not 257");
    check_many("    deny: [all]\n    allow: [", "0.0.0.", "", "]\n", 255,
               "2: vhost a: allow and deny have 256 entries, 255 together are the most");
    check_many("    headers: [", "{set: 'A: ", tail, "]\n", 100,
               "2: vhost a: headers, redirects and other rules take 300290 bytes, 262144 are "
               "the most");
    free(tail);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_values),
        cmocka_unit_test(test_rules),    cmocka_unit_test(test_access),
        cmocka_unit_test(test_errors),   cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_paths),    cmocka_unit_test(test_app),
    };

    return cmocka_run_group_tests(tests, scratch_start, scratch_stop);
}
