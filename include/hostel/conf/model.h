/*
 * The configuration as the supervisor uses it: checked, with every default filled in.
 * Floor 2; supervisor only (workers and acceptors get what they need as messages).
 */
#ifndef HOSTEL_CONF_MODEL_H
#define HOSTEL_CONF_MODEL_H

#include "hostel/base/log.h"
#include "hostel/base/nets.h"
#include "hostel/sys/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define CONF_SHARED SIZE_MAX

struct conf_listen {
    struct sockaddr_storage addr;
    socklen_t addr_len;
    char *text;   /* as written: "*:80" */
    size_t user;  /* whose workers accept there themselves; CONF_SHARED: the acceptors do */
    size_t vhost; /* which one names it; CONF_SHARED: the main file */
    bool tls;
    bool missing;        /* set by the supervisor: a user's own that could not be opened */
    struct nets proxies; /* who connect here with the PROXY protocol; none: everybody without */
};

#define CONF_METRICS_MAX 4 /* of metrics_listen */

/* A log target: NULL = off, "-" = stderr, else an absolute path. */

struct conf_php {
    char *command;
    uint32_t processes;
    uint32_t max_requests; /* 0 = without end */
    uint64_t idle_exit_ms;
    uint64_t request_timeout_ms;
    uint32_t queue; /* requests of one worker that wait for a process */
    uint64_t queue_timeout_ms;
    char *ini;         /* a file, or NULL */
    char **define;     /* "name=value" of php.ini, NULL-ended; never NULL */
    char **env;        /* "NAME=value", NULL-ended; never NULL */
    char **restart_on; /* files, absolute or below the document root; NULL-ended, never NULL */
};

struct conf_tls {
    char *certificate, *key; /* files; the key may be root's */
    unsigned version_min;    /* 12, 13 */
    size_t line;             /* of vhost.file, where it stands */
};

#define CONF_NO_HSTS UINT32_MAX

/*
 * What `limits` says, of a vhost or for all. The first ones are a site's own, each vhost has
 * its; the others are the user's as a whole (of all with his uid), so his vhosts must agree.
 */
enum conf_limit {
    LIMIT_REQUESTS,        /* a second, of one client address; 0 = no limit */
    LIMIT_REQUESTS_BURST,  /* that may come at once; not set: as many as in a second */
    LIMIT_BANDWIDTH,       /* bytes a second of one connection; 0 = no limit */
    LIMIT_BANDWIDTH_BURST, /* bytes before that */
    LIMIT_PHP_QUEUE,       /* the most that php.queue may be */
    LIMIT_CONNECTIONS,     /* of all his workers together; 0 = no limit */
    LIMIT_PHP_PROCESSES,   /* of all his pools together; 0 = no limit */
    LIMIT_OPEN_FILES,      /* of each process; not set: of a worker many, of PHP some */
    LIMIT_PROCESSES,
    LIMIT_MEMORY,     /* bytes; not set: no limit */
    LIMIT_NICE,       /* 0..19 */
    LIMIT_CPU_WEIGHT, /* cgroups: 1..10000 */
    LIMIT_CPU_MAX,    /* per cent of a core; not set: no limit */
    LIMIT_IO_WEIGHT,  /* 1..10000 */
    CONF_LIMITS,
    LIMITS_OF_SITE = LIMIT_CONNECTIONS /* how many are */
};

struct conf_limits {
    uint64_t value[CONF_LIMITS]; /* a default where it is not set, 0 without one */
    uint32_t set;                /* those that stand in a file, a bit each */
};

static inline bool
conf_limit_set(const struct conf_limits *l, enum conf_limit which)
{
    return l->set >> which & 1;
}

/* Links below the root that are followed; none ever leads out of it. */
enum conf_symlinks { CONF_SYMLINKS_FOLLOW, CONF_SYMLINKS_OWNER, CONF_SYMLINKS_OFF };

enum conf_rule_kind {
    CONF_HEADER,     /* op, statuses, match: pattern, name, value */
    CONF_EXPIRES,    /* seconds, match: media type */
    CONF_REDIRECT,   /* status_min: the one status, match: pattern, value: where to */
    CONF_ERROR_PAGE, /* statuses, value: path in the site */
    CONF_AUTH,       /* match: pattern, name: realm, value: file */
    CONF_ACCESS,     /* allow, net, bits */
    CONF_PATH,    /* serve, files, match: pattern, value: directory of an internal one, or "" */
    CONF_REWRITE, /* match: pattern, value: path in the site, maybe with a query */
    CONF_PARAM,   /* name, value: one more variable for scripts */
    CONF_ROOT,    /* links, value: directory */
    CONF_FASTCGI, /* connections, timeout_ms, match: pattern or "": scripts, value: socket */
};
enum conf_header_op { CONF_HEADER_SET, CONF_HEADER_ADD, CONF_HEADER_REMOVE };
enum conf_serve {
    CONF_SERVE_ALL,
    CONF_SERVE_STATIC,
    CONF_SERVE_INTERNAL,
    CONF_SERVE_NOTHING,
    CONF_SERVE_FORBIDDEN
};

/* What a kind does not name is 0 or NULL. */
struct conf_rule {
    enum conf_rule_kind kind;
    enum conf_header_op op;
    enum conf_serve serve;
    bool files; /* the pattern is for what lies there only, not for what is asked for */
    uint32_t status_min, status_max;
    bool links; /* a root that links may lead into, else one that scripts send from */
    uint32_t connections, timeout_ms;
    uint32_t seconds; /* 0 = no-cache */
    bool allow;
    uint8_t net[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint32_t bits;   /* 0..128 */
    char *match;     /* a pattern may be "": every path */
    char *name, *value;
};

/* A preset: what a vhost that names it says beside, and where it says nothing itself. */
struct conf_app {
    char *name, *file;
    char *fallback; /* or NULL */
    struct conf_rule *rules;
    size_t nrules;
};

/*
 * There may be very many. So what is the same for most is there once: what the main file says
 * for all is lent from the conf (the same pointer), and php sections that say the same are one.
 */
struct conf_vhost {
    char *host;       /* lower case, no trailing dot; maybe "*.example.org" */
    char **aliases;   /* the same, NULL-ended; conf.none, or owned */
    char *root;       /* absolute */
    char **index;     /* NULL-ended, in order; conf.index, or owned */
    char *access_log; /* conf.access_log, or owned; so are these two */
    char *error_log;
    char *log_format;           /* of the access log; NULL: combined */
    const struct conf_php *php; /* lent from the conf; NULL: no PHP here */
    struct conf_tls *tls;       /* NULL: not on listen_tls */
    bool https_redirect;
    bool hsts_subdomains;
    uint32_t hsts_seconds; /* CONF_NO_HSTS: no such header */
    bool by_default;
    bool autoindex, compress;
    bool stream;           /* bodies go to scripts while they come */
    uint64_t compress_min; /* bytes */
    enum conf_symlinks symlinks;
    char *fallback;             /* begins with '/', or NULL */
    uint32_t connections;       /* in one worker; 0 = no limit */
    struct conf_limits *limits; /* its own; the user's as it says them. NULL: conf.limits */
    /*
     * Those of one kind as they are written. Access is the other way round: allow and deny are
     * one list already, the first net that fits decides, and the last fits everybody.
     */
    struct conf_rule *rules;
    size_t nrules;
    bool acme;                  /* the one that answers ACME's challenges, for every name */
    const struct conf_app *app; /* its rules come behind; NULL: none; lent from the conf */
    const char *file;           /* where it stands, lent from the conf */
    size_t line;                /* ... and begins; 0: nowhere, it was made */
    size_t user;                /* index into conf.users */
};

#define CONF_NO_USER SIZE_MAX

/* One (user, group) that owns vhosts: a worker's identity. */
struct conf_user {
    struct ids ids;
    bool system;                /* acme_user: may be below min_uid */
    uint32_t workers;           /* the highest that one of its vhosts asks for */
    uint64_t idle_exit_ms;      /* the highest likewise; 0 = never, above all */
    bool jailed;                /* one of them says so */
    bool wide;                  /* all of the machine is his home, or a root */
    struct conf_limits *limits; /* of his vhosts; the user's own of them. NULL: conf.limits */
};

/* The text of a site file that is in effect: what the next load may fall back to. */
struct conf_site {
    const char *file; /* lent from conf.files */
    char *bytes;
    size_t n;
};

struct conf {
    struct conf_listen *listen; /* of listen, of listen_tls, then users' own */
    size_t nlisten;
    uint32_t acceptors;
    struct ids acceptor_ids;
    char *run_dir;
    char *pid_file; /* or NULL */
    char *app_dir;
    struct conf_app **apps; /* those that vhosts name */
    size_t napps;
    char *error_log;          /* the server's own */
    char *access_log;         /* default of vhosts; it may hold %{user} and %{vhost} still */
    char *log_format;         /* likewise */
    char **index;             /* likewise */
    char *none[1];            /* a list of nothing */
    enum log_level log_level; /* of error logs */
    uint32_t min_uid;
    uint64_t stop_timeout_ms, drain_timeout_ms;
    uint64_t body_max;
    uint64_t keepalive_timeout_ms, head_timeout_ms, body_timeout_ms, send_timeout_ms;
    uint64_t request_timeout_ms;
    uint64_t body_rate; /* bytes a second; 0 = as slow as it likes */
    uint32_t connections_max, connections_per_address; /* in one worker */
    struct conf_limits limits;                         /* of the main file */
    struct nets trusted_proxies;
    bool trusted_proxies_close;
    char *cgroup;                /* "auto", "off" or a path */
    struct conf_listen *metrics; /* of metrics_listen; addr_len 0: text is a path */
    size_t nmetrics;
    gid_t metrics_gid; /* of unix sockets among them; 0 = root alone */
    uint32_t metrics_users_max;
    size_t acme; /* index of that vhost's user; CONF_NO_USER: each site answers for itself */
    struct conf_user *users;
    size_t nusers;
    struct conf_vhost *vhosts;
    size_t nvhosts;
    void *phps;              /* a tsearch(3) tree of struct conf_php: of all vhosts */
    bool switching;          /* false: not root, every vhost is the invoking user's */
    bool elsewhere;          /* of another machine: conf_load_elsewhere() */
    char **files;            /* the main file, then the included ones by name; NULL-ended */
    struct conf_site *sites; /* of the included ones, by name, without those left out */
    size_t nsites;
};

/* What is wrong, one line each: "file:line:column: what" or "file: vhost NAME: what". */
struct conf_errors {
    char **lines; /* owned */
    size_t n;
    size_t said; /* also those that were one too many to keep */
};

void conf_errors_done(struct conf_errors *e);

/*
 * Load a main file and all it includes, fill in defaults, check everything.
 *
 * in   path    of the main file
 * in   as_root whether users can be switched to (geteuid() == 0)
 * out  out     owned by the caller, conf_free(); untouched on failure
 * out  errors  every error found, not only the first; empty on success
 * ret  0 or -EINVAL
 */
int conf_load(const char *path, bool as_root, struct conf **out, struct conf_errors *errors);

/*
 * The same of another machine: who is on it is not looked for on this one, nor what lies there.
 * So no user is known, and what is there is good for its names.
 */
int conf_load_elsewhere(const char *path, struct conf **out, struct conf_errors *errors);

/* What else a vhost must pass: its files are in effect only when it does. */
struct conf_judge {
    void *data;
    /* All of them are about to be judged; maybe again, when some did not pass. */
    void (*begin)(void *data, const struct conf *c);
    /* ret  what is wrong, owned by the caller; NULL: nothing */
    char *(*vhost)(void *data, const struct conf *c, const struct conf_vhost *v);
};

/*
 * The same for a server that must go on: a site file with errors counts as it was when it last
 * had none, or, when that cannot be had, is left out.
 *
 * in   last    what is in effect now, lent; NULL: nothing
 * in   judge   or NULL
 * out  errors  what is wrong with site files; on failure also with the main one
 * ret  0; -EINVAL the main file has errors, or no vhost is left
 */
int conf_load_tolerant(const char *path, bool as_root, const struct conf *last,
                       const struct conf_judge *judge, struct conf **out,
                       struct conf_errors *errors);

/*
 * The one-line development server: one vhost for every name, the invoking user's, PHP when
 * php-cgi is there.
 *
 * in   listen  NULL = "127.0.0.1:8080"
 */
int conf_for_directory(const char *root, const char *listen, struct conf **out,
                       struct conf_errors *errors);

/*
 * Nothing but defaults, no vhost: for commands that need no configuration file.
 *
 * out  out  owned by the caller, conf_free()
 * ret  0; -EINVAL when a default does not hold on this machine
 */
int conf_defaults(struct conf **out);

#define CONF_HOST_MAX 253

/*
 * A host name as the configuration takes it: lower case, no trailing dot, maybe "*." in front.
 *
 * ret  0; -EINVAL no host name; -EILSEQ not ASCII
 */
int conf_host_name(const char *text, char name[static CONF_HOST_MAX + 1]);

/* ret  what counts where this is said, lent */
static inline const struct conf_limits *
conf_limits_of(const struct conf *c, const struct conf_limits *own)
{
    return own ? own : &c->limits;
}

/* An order of php sections by all that they say; 0: they say the same. */
int conf_php_order(const struct conf_php *a, const struct conf_php *b);

/* ret  the same section with other processes, lent from the conf */
const struct conf_php *
conf_php_with(struct conf *c, const struct conf_php *php, uint32_t processes);

/* The site is not served with TLS. */
void conf_drop_tls(struct conf_vhost *v);

/*
 * The run_dir that a main file names, as far as it can be read: the file may have errors, or
 * be missing, and then it is the default.
 *
 * ret  owned by the caller; never NULL
 */
char *conf_run_dir(const char *path, bool as_root);

/* Accepts NULL inside; leaves NULL. */
void conf_free(struct conf **c);

/*
 * Print the directive rows (name, type, default, bounds, unit, help) to stdout.
 *
 * in   name  one directive ("php.processes" or "processes"), or NULL for all
 * ret  0; -ENOENT no such directive (a line with the nearest name went to stderr)
 */
int conf_explain(const char *name);

/*
 * Make the manual page of the directives: the template, with an item for each row.
 *
 * in   template  conf/hostel.yaml.5.in
 * in   page      written; removed again on failure
 * ret  0; -EINVAL the template and the rows do not fit (what is wrong went to stderr); -errno
 */
int conf_manual(const char *template, const char *page);

#endif
