/*
 * What an administrator says of a site's answers, path by path. Rules of one kind stand in the
 * order of the configuration. Floor 5; worker.
 */
#ifndef HOSTEL_SERVE_RULES_H
#define HOSTEL_SERVE_RULES_H

#include "hostel/base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct site_dir; /* serve/site.h */

/*
 * A path pattern: "*" stands for any bytes, also "/"; everything else for itself. An empty
 * pattern matches every path. A pattern is matched against the decoded path.
 */

enum header_op { HEADER_SET, HEADER_ADD, HEADER_REMOVE };

struct header_rule {
    enum header_op op;
    char *path;                      /* pattern, or "" */
    unsigned status_min, status_max; /* of the answers it is for */
    char *name, *value;              /* value "" for HEADER_REMOVE */
};

struct expires_rule {
    char *type; /* media type "text/css", or "image/" followed by a star for all of them */
    uint32_t seconds;
};

struct redirect_rule {
    char *from;      /* pattern; each "*" captures */
    char *to;        /* a path or an absolute URL; $1..$9 are the captures, percent-encoded */
    unsigned status; /* 301, 302, 303, 307, 308 */
};

struct error_page_rule {
    unsigned status_min, status_max;
    char *path; /* of this site: a file, or a script */
};

struct auth_rule {
    char *path; /* pattern, or "" */
    char *realm;
    char *file; /* htpasswd, absolute; read with the user's own rights */
};

struct access_rule {
    bool allow;
    uint8_t net[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;   /* 0..128 */
};

/* What may come of a path, the mildest first. */
enum path_serve {
    SERVE_ALL,
    SERVE_STATIC,    /* a script is neither run nor sent */
    SERVE_INTERNAL,  /* 404, but a script may name it with X-Accel-Redirect */
    SERVE_NOTHING,   /* 404 */
    SERVE_FORBIDDEN, /* 403 */
};

struct path_rule {
    char *path; /* pattern */
    bool files; /* for what lies there only, not for what is asked for */
    enum path_serve serve;
    char *directory; /* SERVE_INTERNAL: absolute, for the star at the pattern's end; or NULL */
    struct site_dir *dir; /* its; or NULL */
};

struct rewrite_rule {
    char *from; /* pattern; each "*" captures */
    char *to;   /* a path, maybe with a query; $1..$9 are the captures, percent-encoded */
};

struct param_rule {
    char *name, *value; /* one more variable for scripts */
};

/* A directory of the user's beside the root. */
enum root_use {
    ROOT_TO_SEND,  /* a script may have files below it sent */
    ROOT_OF_LINKS, /* links may lead into it */
};

struct root_rule {
    enum root_use use;
    char *path; /* absolute */
    struct site_dir *dir;
};

struct php_pool; /* serve/php.h */

struct upstream_rule {
    char *path;            /* pattern, its star at the end if it has one; "": for scripts */
    struct php_pool *pool; /* lent */
};

struct site_rules {
    struct header_rule *headers;
    struct expires_rule *expires;
    struct redirect_rule *redirects;
    struct error_page_rule *error_pages;
    struct auth_rule *auths;
    struct access_rule *access; /* the first that matches decides; none: allowed */
    struct path_rule *paths;    /* the first that matches decides; none: SERVE_ALL */
    struct rewrite_rule *rewrites;
    struct param_rule *params;
    struct root_rule *roots;
    struct upstream_rule *upstreams;
    unsigned nheaders, nexpires, nredirects, nerror_pages, nauths, naccess;
    unsigned npaths, nrewrites, nparams, nroots, nupstreams;
};

#define RULES_MAX 256 /* of one kind, of one site */

#define REDIRECT_CAPTURES_MAX 9 /* stars of a redirect's pattern; to names them $1 .. $9 */

/*
 * Does a path fit a pattern? At most length of pattern times length of path steps.
 *
 * in   path  decoded
 */
bool rules_path_matches(const char *pattern, struct span path);

/*
 * The same, and what each star stands for: each takes as little as it can, the last one what is
 * left.
 *
 * out  captures   lent from path, one for each star; undefined unless true is returned
 * out  ncaptures  how many
 */
bool
rules_path_captures(const char *pattern, struct span path,
                    struct span captures[static REDIRECT_CAPTURES_MAX], unsigned *ncaptures);

/*
 * Does a media type fit an expires rule's type: itself, "image/" with a star, or a star alone?
 *
 * in   type  without parameters, any case
 */
bool rules_type_matches(const char *pattern, struct span type);

/*
 * Is an address in a rule's net?
 *
 * in   addr  16 bytes, IPv4 as ::ffff:a.b.c.d
 */
bool rules_net_matches(const struct access_rule *r, const uint8_t addr[static 16]);

/* May a visitor in? The first rule that matches decides; with none that does he may. */
bool rules_access_allowed(const struct site_rules *r, const uint8_t addr[static 16]);

/* What is said of one media type, the most special rule first; or NULL. */
const struct expires_rule *rules_expires(const struct site_rules *r, struct span type);

/* The page of a status, an exact one before a class; or NULL. */
const struct error_page_rule *rules_error_page(const struct site_rules *r, unsigned status);

/*
 * The first rule that fits a path, or NULL: all is served.
 *
 * in  found  it is the path of what lies there below the root, not the one that was asked for
 */
const struct path_rule *rules_path(const struct site_rules *r, struct span path, bool found);

/* What may come of it. */
enum path_serve rules_serve(const struct site_rules *r, struct span path, bool found);

/* Frees what the rules own and empties them. */
void rules_done(struct site_rules *r);

#endif
