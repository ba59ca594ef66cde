/*
 * A file's values as text, filled by libcyaml: every scalar as it was written, NULL where the
 * file says nothing. The offsets of the rows point in here. Floor 2; supervisor.
 */
#ifndef HOSTEL_CONF_RAW_H
#define HOSTEL_CONF_RAW_H

#include "hostel/base/span.h"
#include "hostel/conf/model.h"

#include <stdint.h>

struct raw_list {
    char **v;
    uint32_t n;
};

struct raw_php {
    char *command;
    char *processes;
    char *max_requests;
    char *idle_exit;
    char *request_timeout;
    char *queue;
    char *queue_timeout;
    char *ini;
    struct raw_list restart_on;
};

struct raw_tls {
    char *certificate;
    char *key;
    char *min_version;
};

struct raw_limits {
    char *v[CONF_LIMITS]; /* by enum conf_limit */
};

struct raw_vhost {
    char *host;
    struct raw_list aliases;
    char *user;
    char *group;
    char *root;
    struct raw_list index;
    struct raw_list listen;
    struct raw_list listen_tls;
    char *workers;
    char *idle_exit;
    char *jail;
    char *access_log;
    char *error_log;
    char *log_format;
    char *by_default;
    char *autoindex;
    char *compress;
    char *compress_min;
    char *symlinks;
    char *fallback;
    char *app;
    char *body;
    struct raw_list sendfile_roots;
    struct raw_list link_roots;
    struct raw_list allow;
    struct raw_list deny;
    char *connections;
    struct raw_limits *limits;
    struct raw_tls *tls;
    char *https_redirect;
    char *hsts;
    char *hsts_subdomains;
    struct raw_php *php;
};

struct raw_vhosts {
    struct raw_vhost *v;
    uint32_t n;
};

struct raw_main {
    char *acceptors;
    char *acceptor_user;
    char *run_dir;
    char *pid_file;
    char *app_dir;
    char *error_log;
    char *access_log;
    char *log_format;
    char *log_level;
    char *min_uid;
    char *stop_timeout;
    char *drain_timeout;
    char *body_max;
    char *keepalive_timeout;
    char *head_timeout;
    char *body_timeout;
    char *send_timeout;
    char *request_timeout;
    char *body_rate;
    char *connections_max;
    char *connections_per_address;
    struct raw_list trusted_proxies;
    char *trusted_proxies_close;
    char *acme_challenge_dir;
    char *acme_user;
    char *cgroup;
    struct raw_limits *limits;
    char *metrics_group;
    char *metrics_users_max;
    struct raw_vhosts vhosts;
};

/*
 * Let libcyaml fill the structs. Keys that no row has are skipped: walk.h has complained.
 *
 * in   bytes  one whole file without aliases, seen by walk_file()
 * out  out    owned by the caller, raw_free()
 * ret  NULL, or what is wrong: static text
 */
const char *raw_load(struct span bytes, struct raw_main **out);

/* Accepts NULL inside; leaves NULL. */
void raw_free(struct raw_main **raw);

#endif
