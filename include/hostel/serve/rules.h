/*
 * What an administrator says of a site's answers, path by path. Rules of one kind stand in the
 * order of the configuration. Floor 5; worker.
 */
#ifndef HOSTEL_SERVE_RULES_H
#define HOSTEL_SERVE_RULES_H

#include "hostel/base/span.h"

#include <stdint.h>

/*
 * A path pattern: "*" stands for any bytes, also "/"; everything else for itself. An empty
 * pattern matches every path. A pattern is matched against the decoded path.
 */

enum header_op { HEADER_SET, HEADER_ADD, HEADER_REMOVE };

struct header_rule {
    enum header_op op;
    char *path;                     /* pattern, or "" */
    unsigned status_min, status_max; /* of the answers it is for */
    char *name, *value;             /* value "" for HEADER_REMOVE */
};

struct expires_rule {
    char *type; /* media type "text/css", or "image/" followed by a star for all of them */
    uint32_t seconds;
};

struct redirect_rule {
    char *from; /* pattern; each "*" captures */
    char *to;   /* a path or an absolute URL; $1..$9 are the captures, percent-encoded */
    unsigned status; /* 301, 302, 303, 307, 308 */
};

struct error_page_rule {
    unsigned status_min, status_max;
    char *path; /* of this site: a file, or a script */
};

struct auth_rule {
    char *path;  /* pattern, or "" */
    char *realm;
    char *file;  /* htpasswd, absolute; read with the user's own rights */
};

struct access_rule {
    bool allow;
    uint8_t net[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;   /* 0..128 */
};

struct site_rules {
    struct header_rule *headers;
    struct expires_rule *expires;
    struct redirect_rule *redirects;
    struct error_page_rule *error_pages;
    struct auth_rule *auths;
    struct access_rule *access; /* the first that matches decides; none: allowed */
    unsigned nheaders, nexpires, nredirects, nerror_pages, nauths, naccess;
};

#define RULES_MAX 256 /* of one kind, of one site */

/* Frees what the rules own and empties them. */
void rules_done(struct site_rules *r);

#endif
