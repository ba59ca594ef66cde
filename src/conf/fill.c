/* From a file's raw values to the model. Floor 2; supervisor. */
#include "fill.h"

#include "apps.h"
#include "listen.h"
#include "php.h"

#include "rows.h"
#include "value.h"

#include "hostel/base/mem.h"
#include "hostel/sys/jail.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
good(enum row_id id, const char *text)
{
    char why[VALUE_WHY_MAX];

    return text && value_check(&rows[id], span_str(text), why) == 0;
}

/* ret  what was written if it is good, else the preset, maybe NULL; lent */
static const char *
text_of(enum row_id id, const char *text)
{
    return good(id, text) ? text : rows[id].preset;
}

static uint64_t
number_of(enum row_id id, const char *text)
{
    return value_number(&rows[id], span_str(text_of(id, text)));
}

/* ret  a log target as in the model, owned */
static char *
log_of(enum row_id id, const char *text)
{
    if (!good(id, text))
        return mem_str(rows[id].preset);
    return strcmp(text, "off") == 0 ? NULL : mem_str(text);
}

/* ret  a vhost's: shared, lent, where it says no other; else owned */
static char *
own_log(enum row_id id, const char *text, char *shared)
{
    return good(id, text) ? log_of(id, text) : shared;
}

/* Put name in the place of each what; path is owned, and so is what is given back. */
static char *
replaced(char *path, const char *what, const char *name)
{
    char *at = strstr(path, what);

    while (at) {
        char *new = mem_fmt("%.*s%s%s", (int)(at - path), path, name, at + strlen(what));
        size_t behind = (size_t)(at - path) + strlen(name);

        free(path);
        path = new;
        at = strstr(path + behind, what);
    }
    return path;
}

/* A log of each user's, or of each site's: what its path says comes true. */
static void
name_log(char **path, const char *shared, const struct conf_vhost *v, const char *user)
{
    char *host;

    if (!*path || !strstr(*path, "%{"))
        return;
    host = mem_str(v->host);
    if (host[0] == '*')
        host[0] = '_';
    if (*path == shared)
        *path = mem_str(shared);
    *path = replaced(replaced(*path, "%{user}", user), "%{vhost}", host);
    free(host);
}

static char **
preset_list(enum row_id id)
{
    struct span rest = span_str(rows[id].preset), piece;
    size_t n = 0, room = 2;
    char **list;

    for (size_t i = 0; i < rest.n; i++)
        room += rest.p[i] == ' ';
    list = mem_new_array(room, sizeof(*list));
    while (span_cut(&rest, ' ', &piece))
        list[n++] = mem_str_span(piece);
    return list;
}

static char *
default_run_dir(bool switching)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    if (switching)
        return mem_str("/run/hostel");
    if (runtime && runtime[0] == '/')
        return mem_fmt("%s/hostel", runtime);
    return mem_fmt("/tmp/hostel-%u", geteuid());
}

void
fill_main(struct conf *c, const char *file, const struct raw_main *raw,
          struct conf_errors *errors)
{
    char why[USERS_WHY_MAX];

    c->acme = CONF_NO_USER;
    c->acceptors = (uint32_t)number_of(ROW_ACCEPTORS, raw->acceptors);
    c->run_dir =
        good(ROW_RUN_DIR, raw->run_dir) ? mem_str(raw->run_dir) : default_run_dir(c->switching);
    c->pid_file = mem_str(text_of(ROW_PID_FILE, raw->pid_file));
    c->app_dir = mem_str(text_of(ROW_APP_DIR, raw->app_dir));
    c->error_log = log_of(ROW_ERROR_LOG, raw->error_log);
    c->access_log = log_of(ROW_ACCESS_LOG, raw->access_log);
    c->log_format = mem_str(text_of(ROW_LOG_FORMAT, raw->log_format));
    c->index = preset_list(ROW_INDEX);
    c->log_level = (enum log_level)number_of(ROW_LOG_LEVEL, raw->log_level);
    if (c->error_log && strstr(c->error_log, "%{"))
        errors_file(errors, file,
                    "error_log: it is the server's own, and no site's: without %%{...}");
    c->min_uid = (uint32_t)number_of(ROW_MIN_UID, raw->min_uid);
    c->drain_timeout_ms = number_of(ROW_DRAIN_TIMEOUT, raw->drain_timeout);
    c->stop_timeout_ms = number_of(ROW_STOP_TIMEOUT, raw->stop_timeout);
    c->body_max = number_of(ROW_BODY_MAX, raw->body_max);
    c->keepalive_timeout_ms = number_of(ROW_KEEPALIVE_TIMEOUT, raw->keepalive_timeout);
    c->head_timeout_ms = number_of(ROW_HEAD_TIMEOUT, raw->head_timeout);
    c->body_timeout_ms = number_of(ROW_BODY_TIMEOUT, raw->body_timeout);
    c->send_timeout_ms = number_of(ROW_SEND_TIMEOUT, raw->send_timeout);
    c->request_timeout_ms = number_of(ROW_REQUEST_TIMEOUT, raw->request_timeout);
    c->body_rate = number_of(ROW_BODY_RATE, raw->body_rate);
    c->connections_max = (uint32_t)number_of(ROW_CONNECTIONS_MAX, raw->connections_max);
    c->connections_per_address =
        (uint32_t)number_of(ROW_CONNECTIONS_PER_ADDRESS, raw->connections_per_address);
    c->cgroup = mem_str(text_of(ROW_CGROUP, raw->cgroup));
    c->limits = fill_limits(NULL, raw->limits);
    for (uint32_t i = 0; i < raw->trusted_proxies.n; i++)
        fill_net(&c->trusted_proxies, raw->trusted_proxies.v[i]);
    c->trusted_proxies_close =
        number_of(ROW_TRUSTED_PROXIES_CLOSE, raw->trusted_proxies_close) != 0;
    if (users_system(c, text_of(ROW_ACCEPTOR_USER, raw->acceptor_user), "hostel",
                     &c->acceptor_ids, why) < 0)
        errors_file(errors, file, "acceptor_user: %s", why);
}

static struct conf_tls *
tls_of(const struct raw_tls *raw, size_t line)
{
    struct conf_tls *tls;

    if (!raw || !good(ROW_TLS_CERTIFICATE, raw->certificate) || !good(ROW_TLS_KEY, raw->key))
        return NULL;
    tls = mem_new(sizeof(*tls));
    tls->certificate = mem_str(raw->certificate);
    tls->key = mem_str(raw->key);
    tls->line = line;
    tls->version_min = 12 + (unsigned)number_of(ROW_TLS_MIN_VERSION, raw->min_version);
    return tls;
}

/* ret  the good ones of a list, NULL-ended, owned */
static char **
list_of(enum row_id id, const struct raw_list *raw, size_t *bytes)
{
    char **list = mem_new_array(raw->n + 1, sizeof(*list));
    char name[VALUE_HOST_MAX + 1];
    size_t n = 0;

    for (uint32_t i = 0; i < raw->n; i++) {
        if (!good(id, raw->v[i]))
            continue;
        if (rows[id].type == VALUE_HOST && value_host(span_str(raw->v[i]), name) == 0)
            list[n++] = mem_str(name);
        else
            list[n++] = mem_str(raw->v[i]);
        *bytes += strlen(list[n - 1]) + 1; /* a separator each */
    }
    return list;
}

static char **
take_list(struct note_list *list)
{
    char **v = list->v ? list->v : mem_new_array(1, sizeof(*v));

    *list = (struct note_list){0};
    return v;
}

/* in  queue_max  what its limits leave of it */
static const struct conf_php *
php_of(struct conf *c, const struct raw_php *raw, struct note_vhost *note, uint64_t queue_max)
{
    static const struct raw_php empty;
    struct conf_php *php = mem_new(sizeof(*php));
    size_t bytes = 0;

    raw = raw ? raw : &empty;
    php->command = mem_str(text_of(ROW_PHP_COMMAND, raw->command));
    php->processes = (uint32_t)number_of(ROW_PHP_PROCESSES, raw->processes);
    php->max_requests = (uint32_t)number_of(ROW_PHP_MAX_REQUESTS, raw->max_requests);
    php->idle_exit_ms = number_of(ROW_PHP_IDLE_EXIT, raw->idle_exit);
    php->request_timeout_ms = good(ROW_PHP_REQUEST_TIMEOUT, raw->request_timeout)
                                  ? number_of(ROW_PHP_REQUEST_TIMEOUT, raw->request_timeout)
                                  : c->request_timeout_ms;
    php->queue = (uint32_t)number_of(ROW_PHP_QUEUE, raw->queue);
    if (php->queue > queue_max)
        php->queue = (uint32_t)queue_max;
    php->queue_timeout_ms = number_of(ROW_PHP_QUEUE_TIMEOUT, raw->queue_timeout);
    php->ini = mem_str(text_of(ROW_PHP_INI, raw->ini));
    php->define = take_list(&note->define);
    php->env = take_list(&note->env);
    php->restart_on = list_of(ROW_PHP_RESTART_ON, &raw->restart_on, &bytes);
    return php_share(c, php);
}

/*
 * What the whole user takes from one of his vhosts: the highest of each, where 0 is never to
 * exit, and the narrower wall.
 */
static void
raise_user(struct conf_user *u, uint32_t workers, uint64_t idle_ms, bool jailed)
{
    bool fresh = u->workers == 0;

    if (workers > u->workers)
        u->workers = workers;
    if (fresh || idle_ms == 0 || (u->idle_exit_ms != 0 && idle_ms > u->idle_exit_ms))
        u->idle_exit_ms = idle_ms;
    u->jailed = u->jailed || jailed;
}

static bool
is_top(const char *path)
{
    return path && *path && !path[strspn(path, "/.")];
}

/* Among the directories that a vhost names beside its root. */
static bool
names_top(const struct conf_vhost *v)
{
    for (size_t i = 0; i < v->nrules; i++)
        if ((v->rules[i].kind == CONF_ROOT || v->rules[i].kind == CONF_PATH) &&
            is_top(v->rules[i].value))
            return true;
    return false;
}

/* A jail that is as wide as the machine is none; the vhost that makes it so is named. */
static void
check_jail(struct conf_user *u, const struct conf_vhost *v, struct conf_errors *errors)
{
    u->wide = u->wide || is_top(u->ids.home) || is_top(v->root) || names_top(v);
    if (u->jailed && u->wide)
        errors_vhost(errors, v,
                     "jail: home would be no wall: / is the home of user %s, or a root of his",
                     u->ids.name);
}

static void
check_php(const struct conf_vhost *v, struct conf_errors *errors)
{
    const struct conf_php *php = v->php;
    struct stat st;

    if (stat(php->command, &st) < 0)
        errors_vhost(errors, v, "php command %s: %s", php->command, strerror(errno));
    else if (!S_ISREG(st.st_mode) || access(php->command, X_OK) < 0)
        errors_vhost(errors, v, "php command %s is not executable", php->command);
    if (!php->ini)
        return;
    if (stat(php->ini, &st) < 0 || access(php->ini, R_OK) < 0)
        errors_vhost(errors, v, "php ini %s: %s", php->ini, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        errors_vhost(errors, v, "php ini %s is not a file", php->ini);
}

static void
check_vhost(const struct conf_vhost *v, size_t names_bytes, size_t index_bytes, bool jailed,
            struct conf_errors *errors)
{
    struct stat st;

    if (names_bytes > FILL_NAMES_MAX)
        errors_vhost(errors, v, "host and aliases take %zu bytes, %d are the most", names_bytes,
                     FILL_NAMES_MAX);
    if (index_bytes > FILL_INDEX_MAX)
        errors_vhost(errors, v, "index takes %zu bytes, %d are the most", index_bytes,
                     FILL_INDEX_MAX);
    if (v->root && stat(v->root, &st) < 0)
        errors_vhost(errors, v, "root %s: %s", v->root, strerror(errno));
    else if (v->root && !S_ISDIR(st.st_mode))
        errors_vhost(errors, v, "root %s is not a directory", v->root);
    if (v->php)
        check_php(v, errors);
    if (jailed && jail_version() < 0)
        errors_vhost(errors, v,
                     "jail: home needs Landlock, which this kernel does not have or was booted "
                     "without: 5.19 or newer, with landlock among its lsm=");
}

/* A directory is named once; one that is missing now may come, as the root's files may. */
static void
add_roots(struct rules *rules, enum row_id id, const struct raw_list *raw)
{
    for (uint32_t i = 0; i < raw->n; i++)
        if (good(id, raw->v[i]))
            rules_add(rules, (struct conf_rule){.kind = CONF_ROOT,
                                                .links = id == ROW_LINK_ROOTS,
                                                .value = mem_str(raw->v[i])});
}

static struct rules
rules_of_app(const struct conf_app *app)
{
    return (struct rules){app ? app->rules : NULL, app ? app->nrules : 0};
}

/* Do the rules fit into what a worker takes, those of the vhost and its app's together? */
static void
check_rules(const struct conf_vhost *v, struct conf_errors *errors)
{
    const struct rules own = {v->rules, v->nrules}, app = rules_of_app(v->app);
    size_t bytes = rules_bytes(&own) + rules_bytes(&app);

    if (bytes > FILL_RULES_MAX)
        errors_vhost(errors, v,
                     "headers, redirects and other rules take %zu bytes, %d are the most",
                     bytes, FILL_RULES_MAX);
    for (size_t i = 0; i < app.n; i++) {
        enum conf_rule_kind kind = app.v[i].kind;

        if (rules_of_kind(&own, kind) + rules_of_kind(&app, kind) <= RULES_KIND_MAX)
            continue;
        errors_vhost(errors, v,
                     "with those of app `%s` there are more than %d rules of one kind",
                     v->app->name, RULES_KIND_MAX);
        return;
    }
}

/* Scripts are run by one of php and fastcgi, and by one program. */
static void
fill_fastcgi(const struct conf *c, struct conf_vhost *v, struct conf_errors *errors)
{
    unsigned n = v->php != NULL;

    for (size_t i = 0; i < v->nrules; i++) {
        struct conf_rule *rule = &v->rules[i];

        if (rule->kind != CONF_FASTCGI)
            continue;
        n += !*rule->match;
        if (!rule->timeout_ms) /* a row has it below a day: it fits */
            rule->timeout_ms = (uint32_t)c->request_timeout_ms;
    }
    if (n > 1)
        errors_vhost(errors, v,
                     "scripts have one place to run: `php`, or one entry of `fastcgi` without "
                     "a path");
}

static void
fill_app(struct conf *c, struct conf_vhost *v, const struct raw_vhost *raw,
         struct conf_errors *errors)
{
    char why[APPS_WHY_MAX];

    if (!good(ROW_APP, raw->app) || c->elsewhere)
        return;
    v->app = apps_find(c, raw->app, errors, why);
    if (!v->app)
        errors_vhost(errors, v, "%s", why);
    else if (!v->fallback)
        v->fallback = mem_str(v->app->fallback);
}

/* What says how the site answers, beside its files. */
static void
fill_answers(struct conf_vhost *v, const struct raw_vhost *raw, struct rules *rules,
             struct conf_errors *errors)
{
    v->autoindex = number_of(ROW_AUTOINDEX, raw->autoindex) != 0;
    v->stream = number_of(ROW_BODY, raw->body) != 0;
    v->compress = number_of(ROW_COMPRESS, raw->compress) != 0;
    v->compress_min = number_of(ROW_COMPRESS_MIN, raw->compress_min);
    v->symlinks = (enum conf_symlinks)number_of(ROW_SYMLINKS, raw->symlinks);
    v->fallback = mem_str(text_of(ROW_FALLBACK, raw->fallback));
    v->connections = (uint32_t)number_of(ROW_CONNECTIONS, raw->connections);
    if (raw->allow.n + raw->deny.n > RULES_NETS_MAX)
        errors_vhost(errors, v, "allow and deny have %u entries, %d together are the most",
                     raw->allow.n + raw->deny.n, RULES_NETS_MAX);
    rules_add_access(rules, &raw->allow, &raw->deny);
    if (raw->link_roots.n > 0 && v->symlinks != CONF_SYMLINKS_FOLLOW)
        errors_vhost(errors, v, "link_roots needs `symlinks: follow`");
    add_roots(rules, ROW_SENDFILE_ROOTS, &raw->sendfile_roots);
    add_roots(rules, ROW_LINK_ROOTS, &raw->link_roots);
    v->rules = rules->v;
    v->nrules = rules->n;
    *rules = (struct rules){0};
}

static struct conf_limits *
own_limits(const struct conf *c, const struct raw_limits *raw)
{
    struct conf_limits *limits;

    if (!raw)
        return NULL;
    limits = mem_new(sizeof(*limits));
    *limits = fill_limits(&c->limits, raw);
    return limits;
}

static struct conf_vhost *
new_vhost(struct conf *c)
{
    if ((c->nvhosts & (c->nvhosts + 1)) == 0) /* 0, 1, 3, 7, ...: double */
        c->vhosts = mem_grow(c->vhosts, (2 * c->nvhosts + 1) * sizeof(*c->vhosts));
    return &c->vhosts[c->nvhosts++];
}

void
fill_vhost(struct users *users, const char *file, const struct raw_vhost *raw,
           struct note_vhost *note, struct conf_errors *errors)
{
    struct conf *c = users->conf;
    char host[VALUE_HOST_MAX + 1], why[USERS_WHY_MAX];
    bool jailed = number_of(ROW_JAIL, raw->jail) != 0;
    size_t names_bytes, index_bytes = 0;
    struct conf_vhost *v;

    if (!good(ROW_HOST, raw->host) || value_host(span_str(raw->host), host) < 0)
        return;
    v = new_vhost(c);
    names_bytes = strlen(host);
    *v = (struct conf_vhost){
        .host = mem_str(host),
        .aliases = raw->aliases.n ? list_of(ROW_ALIASES, &raw->aliases, &names_bytes) : c->none,
        .root = mem_str(text_of(ROW_ROOT, raw->root)),
        .index = raw->index.n ? list_of(ROW_INDEX, &raw->index, &index_bytes) : c->index,
        .access_log = own_log(ROW_VHOST_ACCESS_LOG, raw->access_log, c->access_log),
        .error_log = own_log(ROW_VHOST_ERROR_LOG, raw->error_log, c->error_log),
        .log_format = good(ROW_VHOST_LOG_FORMAT, raw->log_format) ? mem_str(raw->log_format)
                                                                  : c->log_format,
        .limits = own_limits(c, raw->limits),
        .tls = tls_of(raw->tls, note->tls_line),
        .https_redirect = number_of(ROW_HTTPS_REDIRECT, raw->https_redirect) != 0,
        .hsts_subdomains = number_of(ROW_HSTS_SUBDOMAINS, raw->hsts_subdomains) != 0,
        .hsts_seconds = good(ROW_HSTS, raw->hsts)
                            ? (uint32_t)(number_of(ROW_HSTS, raw->hsts) / 1000)
                            : CONF_NO_HSTS,
        .by_default = number_of(ROW_DEFAULT, raw->by_default) != 0,
        .file = file,
        .line = note->at.line,
        .user = CONF_NO_USER, /* until he is found */
    };
    if (note->php)
        v->php =
            php_of(c, raw->php, note, conf_limits_of(c, v->limits)->value[LIMIT_PHP_QUEUE]);
    fill_answers(v, raw, &note->rules, errors);
    fill_app(c, v, raw, errors);
    check_rules(v, errors);
    fill_fastcgi(c, v, errors);
    if (c->elsewhere) /* whose it is, and what lies there, is that machine's */
        return;
    check_vhost(v, names_bytes, index_bytes, jailed, errors);
    if (!good(ROW_USER, raw->user))
        return;
    if (users_find(users, raw->user, good(ROW_GROUP, raw->group) ? raw->group : NULL, &v->user,
                   why) < 0)
        errors_vhost(errors, v, "%s", why);
    else {
        raise_user(&c->users[v->user], (uint32_t)number_of(ROW_WORKERS, raw->workers),
                   number_of(ROW_IDLE_EXIT, raw->idle_exit), jailed);
        check_jail(&c->users[v->user], v, errors);
        name_log(&v->access_log, c->access_log, v, c->users[v->user].ids.name);
        name_log(&v->error_log, c->error_log, v, c->users[v->user].ids.name);
        listen_own(c, v, raw);
    }
}

/* No visitor can ask for its name: RFC 6761 6.4. */
#define ACME_HOST    "acme-challenge.invalid"
#define ACME_IDLE_MS (10 * 60 * 1000)

void
fill_acme(struct users *users, const char *file, const struct raw_main *raw,
          struct conf_errors *errors)
{
    struct conf *c = users->conf;
    char why[USERS_WHY_MAX];
    struct conf_vhost *v;
    struct ids ids;
    struct stat st;
    size_t user;

    if (!good(ROW_ACME_CHALLENGE_DIR, raw->acme_challenge_dir))
        return;
    if (users_system(c, text_of(ROW_ACME_USER, raw->acme_user), "hostel-acme", &ids, why) < 0) {
        errors_file(errors, file, "acme_user: %s", why);
        return;
    }
    if (!c->elsewhere && (stat(raw->acme_challenge_dir, &st) < 0 || !S_ISDIR(st.st_mode)))
        errors_file(errors, file, "acme_challenge_dir %s is not a directory",
                    raw->acme_challenge_dir);
    v = new_vhost(c);
    user = users_add_system(users, &ids);
    *v = (struct conf_vhost){
        .host = mem_str(ACME_HOST),
        .aliases = c->none,
        .root = mem_str(raw->acme_challenge_dir),
        .index = c->none,
        .access_log = c->access_log,
        .error_log = c->error_log,
        .log_format = c->log_format,
        .hsts_seconds = CONF_NO_HSTS,
        .symlinks = CONF_SYMLINKS_OFF,
        .acme = true,
        .file = file,
        .user = user,
    };
    name_log(&v->access_log, c->access_log, v, c->users[user].ids.name);
    c->acme = v->user;
    if (c->users[v->user].system)
        c->users[v->user].idle_exit_ms = ACME_IDLE_MS;
}
