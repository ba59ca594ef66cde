/*
 * A vhost as its worker knows it. Floor 5; worker.
 */
#ifndef HOSTEL_SERVE_SITE_H
#define HOSTEL_SERVE_SITE_H

#include "hostel/base/log.h"
#include "hostel/base/span.h"
#include "hostel/serve/rules.h"

#include <stdbool.h>
#include <stdint.h>

struct site_dir;
struct scripts;
struct tls_host;  /* net/tls.h */
struct logfile;   /* serve/logfile.h: lines gathered, written append-only */
struct php_pool;  /* serve/php_pool.h */
struct logformat; /* base/logformat.h */

/* Links below the root that are followed; none leads out of it but into a link root. */
enum site_symlinks {
    SYMLINKS_FOLLOW, /* any */
    SYMLINKS_OWNER,  /* only when the link and what it leads to are the same user's */
    SYMLINKS_OFF,    /* none */
};

struct site {
    char **names;               /* NULL-ended: host first, then aliases; "*." for wildcards */
    char *root;                 /* absolute path: DOCUMENT_ROOT */
    struct site_dir *dir;       /* what lies there now, owned by the site */
    char **index;               /* NULL-ended */
    struct logfile *access_log; /* NULL = off; lent */
    struct logfile *error_log;  /* lent */
    const struct logformat *log_format; /* of access lines; NULL: combined; lent */
    const char *user;                   /* whose site it is; lent; may be NULL */
    struct php_pool *php;               /* NULL: a .php file is 403, never sent (I10); lent */
    bool by_default;
    bool autoindex;        /* a directory without an index file is listed */
    bool compress;         /* on the fly */
    bool stream;           /* a body whose length was said goes to a script while it comes */
    uint64_t compress_min; /* bytes; a smaller answer goes out as it is */
    enum site_symlinks symlinks;
    char *fallback;       /* serves a path that is no file; begins with '/'; NULL: 404 */
    uint32_t conns_max;   /* of this site at once, in one worker: over it 503; 0 = no limit */
    bool bounded;         /* conns_max or rate are set */
    uint32_t rate, burst; /* requests a second of one client address; rate 0 = no limit */
    uint64_t rate_key;    /* tells it from the user's other sites, the same in every worker */
    uint64_t bandwidth, bandwidth_burst; /* bytes (a second) of a connection; 0 = no limit */
    bool acme;                           /* answers ACME's challenges, whatever the host */
    struct site_rules rules;
    struct tls_host *tls; /* NULL: not served on a TLS connection; the worker's */
    uint16_t https_port;  /* requests without TLS are sent there; 0: they are not */
    char *hsts;           /* Strict-Transport-Security, or NULL */
};

/*
 * The document root as a directory, opened again by its path twice a second while it is used: a
 * root that is swapped, by a rename or through a link, is the new one then.
 *
 * in   path  lent for the life of it
 */
struct site_dir *site_dir_new(const char *path);
void site_dir_free(struct site_dir **d);

/* ret  lent until the next call; -1 while it cannot be opened: 404 */
int site_dir_fd(struct site_dir *d, uint64_t now_ms);

/* What is known of the scripts below it; lent. ret  NULL: nothing, and make is false */
struct scripts *site_dir_scripts(struct site_dir *d, bool make);

struct site_client {  /* whom a line is about */
    const char *addr; /* NULL: nobody */
    uint64_t id;      /* exchange_name() of his request; 0: of none */
};

/*
 * One line into the site's error log, unless log_level is below it:
 *
 *     TIME hostel-worker[PID] USER: error: [vhost HOST] [client ADDR] [request ID] text
 *
 * text is escaped and cut at 2048 bytes. who may be NULL.
 */
void site_say(const struct site *s, enum log_level level, const struct site_client *who,
              struct span text);

/* What a program of the site's said on its standard error; its name stands for the level. */
void site_program(const struct site *s, const char *program, const struct site_client *who,
                  struct span text);

#endif
