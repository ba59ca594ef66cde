/*
 * The directives, one row each: parser, schema, defaults, bounds, `hostel check --explain` and
 * the test of the manual page all read this table. Floor 2; supervisor.
 */
#ifndef HOSTEL_CONF_ROWS_H
#define HOSTEL_CONF_ROWS_H

#include "hostel/base/buf.h"
#include "hostel/conf/model.h"

#include <stdint.h>

/* Those from SECTION_HEADERS to SECTION_FASTCGI are the entries of rules: walk_rules.h. */
enum section {
    SECTION_MAIN,
    SECTION_VHOST,
    SECTION_TLS,
    SECTION_PHP,
    SECTION_LIMITS,
    SECTION_HEADERS,
    SECTION_REDIRECTS,
    SECTION_AUTH,
    SECTION_PATHS,
    SECTION_REWRITES,
    SECTION_FASTCGI,
    SECTION_LISTEN,
    SECTIONS /* how many */
};

enum value_type {
    VALUE_NUMBER,
    VALUE_TIME,
    VALUE_SIZE,
    VALUE_BOOL,
    VALUE_PATH,    /* absolute */
    VALUE_CGROUP,  /* auto, off or an absolute path */
    VALUE_LOG,     /* off, - or an absolute path, maybe with %{user} and %{vhost} */
    VALUE_FORMAT,  /* of access lines: base/logformat.h */
    VALUE_ADDRESS, /* ADDR:PORT, *:PORT, [V6]:PORT */
    VALUE_HOST,    /* exact or "*.example.org" */
    VALUE_ACCOUNT, /* name or number of a user or group */
    VALUE_INDEX,   /* a file name without '/' */
    VALUE_WATCHED, /* a file, absolute or below the document root */
    VALUE_GLOB,
    VALUE_WORD,     /* one of the row's words */
    VALUE_PAGE,     /* a path in the site: begins with '/' */
    VALUE_PATTERN,  /* of paths: "*" stands for any bytes */
    VALUE_STATUSES, /* 404, 4xx, 200-299 */
    VALUE_ERRORS,   /* the same, of errors */
    VALUE_HEADER,   /* Name: value */
    VALUE_NAME,     /* of a header */
    VALUE_TARGET,   /* of a redirect */
    VALUE_REALM,
    VALUE_NET,      /* address, ADDRESS/BITS or all */
    VALUE_MEDIA,    /* media type, all of "image/" with a star, or a star */
    VALUE_REWRITE,  /* a path in the site, maybe with a query: what serves another */
    VALUE_VARIABLE, /* name of a variable for scripts */
    VALUE_TEXT,     /* anything on one line */
    VALUE_APP,      /* name of a preset */
    VALUE_SOCKET,   /* absolute path of a unix socket */
    VALUE_NEAR,     /* the same, or a port of a loopback address */
    VALUE_PREFIX,   /* pattern of paths that has its one star at the end, or none */
    VALUE_VHOSTS,   /* list of mappings: SECTION_VHOST */
    VALUE_TLS,      /* a mapping: SECTION_TLS */
    VALUE_PHP,      /* a mapping, maybe empty: SECTION_PHP */
    VALUE_LIMITS,   /* a mapping: SECTION_LIMITS */
    VALUE_LISTEN,   /* list of VALUE_ADDRESS, or of mappings: SECTION_LISTEN */
    VALUE_ENV,      /* a mapping with free keys */
    VALUE_DEFINE,   /* the same, of php.ini's names */
    /* what follows becomes rules: walk_rules.h */
    VALUE_HEADERS,     /* list of mappings: SECTION_HEADERS */
    VALUE_REDIRECTS,   /* list of mappings: SECTION_REDIRECTS */
    VALUE_AUTH,        /* a mapping or a list of them: SECTION_AUTH */
    VALUE_EXPIRES,     /* a mapping of VALUE_MEDIA to times */
    VALUE_ERROR_PAGES, /* a mapping of VALUE_ERRORS to VALUE_PAGE */
    VALUE_PATHS,       /* list of mappings: SECTION_PATHS */
    VALUE_REWRITES,    /* list of mappings: SECTION_REWRITES */
    VALUE_FASTCGI,     /* a mapping or a list of them: SECTION_FASTCGI */
    VALUE_PARAMS,      /* a mapping of VALUE_VARIABLE to VALUE_TEXT */
};

enum row_shape {
    ROW_ONE,     /* one scalar, or the mapping that its type says */
    ROW_LIST,    /* a list of scalars; min..max count its items */
    ROW_ONE_LIST /* one scalar or a list of them */
};

enum row_id {
    ROW_LISTEN,
    ROW_LISTEN_TLS,
    ROW_ACCEPTORS,
    ROW_ACCEPTOR_USER,
    ROW_RUN_DIR,
    ROW_PID_FILE,
    ROW_APP_DIR,
    ROW_ERROR_LOG,
    ROW_ACCESS_LOG,
    ROW_LOG_FORMAT,
    ROW_LOG_LEVEL,
    ROW_MIN_UID,
    ROW_STOP_TIMEOUT,
    ROW_DRAIN_TIMEOUT,
    ROW_BODY_MAX,
    ROW_KEEPALIVE_TIMEOUT,
    ROW_HEAD_TIMEOUT,
    ROW_BODY_TIMEOUT,
    ROW_SEND_TIMEOUT,
    ROW_REQUEST_TIMEOUT,
    ROW_BODY_RATE,
    ROW_CONNECTIONS_MAX,
    ROW_CONNECTIONS_PER_ADDRESS,
    ROW_TRUSTED_PROXIES,
    ROW_TRUSTED_PROXIES_CLOSE,
    ROW_ACME_CHALLENGE_DIR,
    ROW_ACME_USER,
    ROW_CGROUP,
    ROW_LIMITS,
    ROW_METRICS_LISTEN,
    ROW_METRICS_GROUP,
    ROW_METRICS_USERS_MAX,
    ROW_INCLUDE,
    ROW_VHOSTS,
    ROW_HOST,
    ROW_ALIASES,
    ROW_USER,
    ROW_GROUP,
    ROW_ROOT,
    ROW_INDEX,
    ROW_WORKERS,
    ROW_IDLE_EXIT,
    ROW_JAIL,
    ROW_VHOST_ACCESS_LOG,
    ROW_VHOST_ERROR_LOG,
    ROW_VHOST_LOG_FORMAT,
    ROW_VHOST_LISTEN,
    ROW_VHOST_LISTEN_TLS,
    ROW_DEFAULT,
    ROW_AUTOINDEX,
    ROW_COMPRESS,
    ROW_COMPRESS_MIN,
    ROW_SYMLINKS,
    ROW_LINK_ROOTS,
    ROW_SENDFILE_ROOTS,
    ROW_FALLBACK,
    ROW_APP,
    ROW_HEADERS,
    ROW_EXPIRES,
    ROW_REDIRECTS,
    ROW_ERROR_PAGES,
    ROW_AUTH_BASIC,
    ROW_PATHS,
    ROW_REWRITES,
    ROW_PARAMS,
    ROW_BODY,
    ROW_FASTCGI,
    ROW_ALLOW,
    ROW_DENY,
    ROW_CONNECTIONS,
    ROW_VHOST_LIMITS,
    ROW_TLS,
    ROW_HTTPS_REDIRECT,
    ROW_HSTS,
    ROW_HSTS_SUBDOMAINS,
    ROW_PHP,
    ROW_TLS_CERTIFICATE,
    ROW_TLS_KEY,
    ROW_TLS_MIN_VERSION,
    ROW_PHP_COMMAND,
    ROW_PHP_PROCESSES,
    ROW_PHP_MAX_REQUESTS,
    ROW_PHP_IDLE_EXIT,
    ROW_PHP_REQUEST_TIMEOUT,
    ROW_PHP_QUEUE,
    ROW_PHP_QUEUE_TIMEOUT,
    ROW_PHP_INI,
    ROW_PHP_DEFINE,
    ROW_PHP_ENV,
    ROW_PHP_RESTART_ON,
    ROW_LIMITS_FIRST, /* those of limits, in the order of enum conf_limit */
    ROW_LIMITS_LAST = ROW_LIMITS_FIRST + CONF_LIMITS - 1,
    ROW_HEADERS_SET,
    ROW_HEADERS_ADD,
    ROW_HEADERS_REMOVE,
    ROW_HEADERS_PATH,
    ROW_HEADERS_STATUS,
    ROW_REDIRECTS_FROM,
    ROW_REDIRECTS_TO,
    ROW_REDIRECTS_STATUS,
    ROW_AUTH_REALM,
    ROW_AUTH_FILE,
    ROW_AUTH_PATH,
    ROW_PATHS_PATH,
    ROW_PATHS_FILE,
    ROW_PATHS_SERVE,
    ROW_PATHS_DIRECTORY,
    ROW_REWRITES_FROM,
    ROW_REWRITES_TO,
    ROW_FASTCGI_SOCKET,
    ROW_FASTCGI_PATH,
    ROW_FASTCGI_CONNECTIONS,
    ROW_FASTCGI_REQUEST_TIMEOUT,
    ROW_LISTEN_ADDRESS,
    ROW_LISTEN_PROXY_PROTOCOL,
    ROWS /* how many */
};

struct row {
    const char *name; /* with its section: "php.processes" */
    enum section section;
    enum value_type type;
    enum row_shape shape;
    bool required;
    const char *preset; /* default as it would be written (lists: items parted by a space);
                           NULL: none, or it depends: see preset_note */
    const char *preset_note;
    const char *min, *max; /* as written in a file; NULL: no bounds */
    const char *unit;  /* of a number or a count: "processes"; NULL where the type says it */
    const char *words; /* VALUE_WORD: parted by a space */
    const char *help;
    size_t offset; /* in the section's struct of raw.h */
};

extern const struct row rows[ROWS];

/* The rows of one section stand together; there are at most 64 of them. */
const struct row *rows_of(enum section section);

/* The key as written in a file: the name without its section. */
const char *row_key(const struct row *r);

/* ret  the row of this section with this key, or NULL */
const struct row *row_find(enum section section, const char *key);

/* The key of the section that is nearest to a misspelt one, or NULL. */
const char *row_nearest(enum section section, const char *key);

/* Append "number of processes, 1..256, default 4". */
void row_summary(const struct row *r, struct buf *out);

#endif
