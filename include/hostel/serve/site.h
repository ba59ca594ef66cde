/*
 * A vhost as its worker knows it. Floor 5; worker.
 */
#ifndef HOSTEL_SERVE_SITE_H
#define HOSTEL_SERVE_SITE_H

#include "hostel/base/span.h"

#include <stdint.h>

struct logfile;  /* serve/logfile.h: lines gathered, written append-only */
struct php_pool; /* serve/php_pool.h */

struct site {
    char **names;               /* NULL-ended: host first, then aliases; "*." for wildcards */
    char *root;                 /* absolute path: DOCUMENT_ROOT */
    int root_fd;                /* O_PATH of it, or -1 while it cannot be opened: 404 */
    char **index;               /* NULL-ended */
    struct logfile *access_log; /* NULL = off; lent */
    struct logfile *error_log;  /* lent */
    struct php_pool *php;       /* NULL: a .php file is 403, never sent (I10); lent */
    bool by_default;
};

/*
 * One line into the site's error log: "time [client ADDR] text", text escaped and cut at 2048
 * bytes. client may be NULL.
 */
void site_error(const struct site *s, const char *client, struct span text);

#endif
