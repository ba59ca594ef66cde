/*
 * A snapshot as Prometheus's text format, version 0.0.4: HELP and TYPE, then a line for each
 * time series. One row a metric. Floor 6, hostel-metrics.
 */
#include "metrics.h"
#include "hostel/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

#define OTHERS "_other" /* everybody without a row of his own */

/* --- the metrics ----------------------------------------------------------------------------
 */

struct row {
    const char *name, *type, *help;
    const char *label; /* beside the user: class="2xx"; NULL: none */
    bool counted;      /* at: enum counter, else a figure */
    unsigned at;
};

static const struct row server_rows[] = {
    {"hostel_start_time_seconds", "gauge", "When this server began, as unix time.", NULL, false,
     FIGURE_START_TIME_S},
    {"hostel_config_generation", "gauge", "Number of the configuration in effect.", NULL, false,
     FIGURE_GENERATION},
    {"hostel_config_users", "gauge", "Users that have a site.", NULL, false, FIGURE_USERS},
    {"hostel_config_vhosts", "gauge", "Sites.", NULL, false, FIGURE_VHOSTS},
    {"hostel_config_errors", "gauge", "Errors in files: what is not in effect.", NULL, false,
     FIGURE_ERRORS},
    {"hostel_config_broken_files", "gauge", "Files that hold an error.", NULL, false,
     FIGURE_BROKEN_FILES},
    {"hostel_acceptors", "gauge", "Acceptors that serve.", NULL, false, FIGURE_ACCEPTORS},
    {"hostel_acceptor_restarts_total", "counter", "Acceptors that were started anew.", NULL,
     false, FIGURE_ACCEPTOR_RESTARTS},
    {"hostel_acceptor_waiting_connections", "gauge",
     "Connections that have not said yet which site they want.", NULL, false, FIGURE_WAITING},
    {"hostel_acceptor_routed_total", "counter", "Connections passed on to workers.", NULL,
     false, FIGURE_ROUTED},
    {"hostel_acceptor_refused_total", "counter",
     "Connections that no worker was given: answered by an acceptor.", NULL, false,
     FIGURE_REFUSED},
};

#define REQUESTS(class)                                                                        \
    {                                                                                          \
        "hostel_requests_total", "counter", "Answers, by class of their status.",              \
            "class=\"" #class "xx\"", true, COUNT_ANSWERS_##class##XX                          \
    }

static const struct row user_rows[] = {
    REQUESTS(1),
    REQUESTS(2),
    REQUESTS(3),
    REQUESTS(4),
    REQUESTS(5),
    {"hostel_response_bytes_total", "counter", "Bytes of bodies sent.", NULL, true,
     COUNT_BYTES},
    {"hostel_connections", "gauge", "Connections open now.", NULL, true, COUNT_CONNECTIONS},
    {"hostel_connections_total", "counter", "Connections taken on.", NULL, true, COUNT_ADOPTED},
    {"hostel_handed_back_total", "counter",
     "Connections handed back: their next request was for another user.", NULL, true,
     COUNT_HANDED_BACK},
    {"hostel_limited_total", "counter", "Requests refused because a bound was reached.", NULL,
     true, COUNT_LIMITED},
    {"hostel_workers", "gauge", "Workers that serve.", NULL, false, FIGURE_WORKERS},
    {"hostel_worker_starts_total", "counter", "Workers started.", NULL, false,
     FIGURE_WORKER_STARTS},
    {"hostel_worker_crashes_total", "counter", "Workers that ended otherwise than they should.",
     NULL, false, FIGURE_WORKER_CRASHES},
    {"hostel_worker_resident_memory_bytes", "gauge", "Resident memory of all workers.", NULL,
     false, FIGURE_WORKER_MEMORY},
    {"hostel_user_down", "gauge", "1: the workers crash too often and are not started for now.",
     NULL, false, FIGURE_DOWN},
    {"hostel_php_running_requests", "gauge", "Requests that PHP works on.", NULL, true,
     COUNT_PHP_RUNNING},
    {"hostel_php_queued_requests", "gauge", "Requests that wait for a PHP process.", NULL, true,
     COUNT_PHP_QUEUED},
    {"hostel_php_slow_total", "counter", "Scripts that took longer than their time.", NULL,
     true, COUNT_PHP_SLOW},
    {"hostel_php_pools", "gauge", "PHP pools that run.", NULL, false, FIGURE_PHP_POOLS},
    {"hostel_php_processes", "gauge", "PHP processes of the pools that run.", NULL, false,
     FIGURE_PHP_PROCESSES},
    {"hostel_php_pool_starts_total", "counter", "PHP pools started.", NULL, false,
     FIGURE_PHP_STARTS},
    {"hostel_php_pool_restarts_total", "counter",
     "Of these, pools that were in use: they had crashed, or were to start anew.", NULL, false,
     FIGURE_PHP_RESTARTS},
    {"hostel_log_lost_bytes_total", "counter",
     "Bytes of log lines that were lost: the disk was full, or they came too fast.", NULL,
     false, FIGURE_LOG_LOST},
};

/* Ends of the histogram's buckets, in us: ends of classes of counters.h. */
static const uint64_t bucket_us[] = {128,    512,     2048,    4096,    8192,
                                     16384,  32768,   65536,   131072,  262144,
                                     524288, 1048576, 2097152, 8388608, 33554432};

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* --- text -----------------------------------------------------------------------------------
 */

static void
put_escaped(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '\\' || c == '"')
            (void)buf_addf(out, "\\%c", c);
        else if (c == '\n')
            (void)buf_add_str(out, "\\n");
        else
            (void)buf_addf(out, "%c", c >= 0x20 && c < 0x7f ? c : '?');
    }
}

static void
put_help(struct buf *out, const char *name, const char *type, const char *help)
{
    (void)buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* name{user="alice",class="2xx" -- and what follows is the caller's */
static void
put_user(struct buf *out, const char *name, const char *suffix, const struct figures_user *u)
{
    (void)buf_addf(out, "%s%s{user=\"", name, suffix);
    put_escaped(out, u->name.n ? u->name : SPAN(OTHERS));
    if (u->twin)
        (void)buf_addf(out, ":%" PRIu32, u->gid);
    (void)buf_add_str(out, "\"");
}

/* --- the page -------------------------------------------------------------------------------
 */

static void
put_server(struct buf *out, const struct figures_server *f, bool serving)
{
    put_help(out, "hostel_build_info", "gauge", "What is running.");
    (void)buf_add_str(out, "hostel_build_info{version=\"" HOSTEL_VERSION "\"} 1\n");
    put_help(out, "hostel_serving", "gauge", "1: visitors are served; 0: it is stopping.");
    (void)buf_addf(out, "hostel_serving %d\n", serving);
    for (size_t i = 0; i < COUNT_OF(server_rows); i++) {
        const struct row *r = &server_rows[i];

        put_help(out, r->name, r->type, r->help);
        (void)buf_addf(out, "%s %" PRIu64 "\n", r->name, f->value[r->at]);
    }
}

/* One time series for each bound that has a counter of its own: "limited_requests". */
static int
put_limits(struct buf *out, const struct figures *f)
{
    static const char name[] = "hostel_limits_hit_total";
    const size_t prefix = sizeof("limited_") - 1;
    bool first = true;
    int rc = 0;

    for (enum counter c = 0; c < COUNTERS; c++) {
        const char *limit = counter_name(c);

        if (strncmp(limit, "limited_", prefix) != 0)
            continue;
        if (first)
            put_help(out, name, "counter", "Requests refused, by the bound that was reached.");
        first = false;
        for (uint32_t i = 0; rc == 0 && i < f->nusers; i++) {
            put_user(out, name, "", &f->users[i]);
            rc = buf_addf(out, ",limit=\"%s\"} %" PRIu64 "\n", limit + prefix,
                          f->users[i].counters.value[c]);
        }
    }
    return rc;
}

/* ret  0 or -ENOBUFS */
static int
put_user_row(struct buf *out, const struct figures *f, const struct row *r)
{
    int rc = 0;

    if (r == user_rows || strcmp(r->name, r[-1].name) != 0)
        put_help(out, r->name, r->type, r->help);
    for (uint32_t i = 0; rc == 0 && i < f->nusers; i++) {
        const struct figures_user *u = &f->users[i];

        put_user(out, r->name, "", u);
        rc = buf_addf(out, "%s%s} %" PRIu64 "\n", r->label ? "," : "", r->label ? r->label : "",
                      r->counted ? u->counters.value[r->at] : u->value[r->at]);
    }
    return rc;
}

static int
put_times(struct buf *out, const struct figures *f)
{
    static const char name[] = "hostel_request_duration_seconds";
    int rc = 0;

    put_help(out, name, "histogram", "Times from a request's head to the end of its answer.");
    for (uint32_t i = 0; rc == 0 && i < f->nusers; i++) {
        const struct figures_user *u = &f->users[i];
        uint64_t all = 0, us = u->counters.value[COUNT_TIME_US];

        for (size_t k = 0; k < COUNTERS_CLASSES; k++)
            all += u->counters.time[k];
        for (size_t k = 0; k < COUNT_OF(bucket_us); k++) {
            put_user(out, name, "_bucket", u);
            (void)buf_addf(out, ",le=\"%" PRIu64 ".%06" PRIu64 "\"} %" PRIu64 "\n",
                           bucket_us[k] / 1000000, bucket_us[k] % 1000000,
                           counters_within_us(&u->counters, bucket_us[k]));
        }
        put_user(out, name, "_bucket", u);
        (void)buf_addf(out, ",le=\"+Inf\"} %" PRIu64 "\n", all);
        put_user(out, name, "_sum", u);
        (void)buf_addf(out, "} %" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000);
        put_user(out, name, "_count", u);
        rc = buf_addf(out, "} %" PRIu64 "\n", all);
    }
    return rc;
}

static int
put_certificates(struct buf *out, const struct figures *f)
{
    static const char name[] = "hostel_certificate_expiry_timestamp_seconds";
    int rc = 0;

    if (f->ncertificates)
        put_help(out, name, "gauge", "When the certificate of a site ends, as unix time.");
    for (uint32_t i = 0; rc == 0 && i < f->ncertificates; i++) {
        const struct figures_certificate *c = &f->certificates[i];

        (void)buf_addf(out, "%s{user=\"", name);
        put_escaped(out, c->vhost.n ? c->user : SPAN(OTHERS));
        (void)buf_add_str(out, "\",vhost=\"");
        put_escaped(out, c->vhost.n ? c->vhost : SPAN(OTHERS));
        rc = buf_addf(out, "\"} %" PRIu64 "\n", c->until);
    }
    return rc;
}

int
page_write(const struct figures *f, bool serving, struct buf *out)
{
    int rc = 0;

    put_server(out, &f->server, serving);
    for (const struct row *r = user_rows; rc == 0 && r < user_rows + COUNT_OF(user_rows); r++)
        rc = put_user_row(out, f, r);
    rc = rc < 0 ? rc : put_limits(out, f);
    rc = rc < 0 ? rc : put_times(out, f);
    return rc < 0 ? rc : put_certificates(out, f);
}

struct page *
page_hold(struct page *p)
{
    if (!p) {
        p = mem_new(sizeof(*p));
        buf_init(&p->text, PAGE_MAX);
    }
    p->users++;
    return p;
}

void
page_drop(struct page **p)
{
    if (*p && --(*p)->users == 0) {
        buf_done(&(*p)->text);
        free(*p);
    }
    *p = NULL;
}
