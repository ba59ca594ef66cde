/* The table of directives. Floor 2; supervisor. */
#include "rows.h"

#include "raw.h"

#include "hostel/base/text.h"

#define IN_MAIN(field)  .section = SECTION_MAIN, .offset = offsetof(struct raw_main, field)
#define IN_VHOST(field) .section = SECTION_VHOST, .offset = offsetof(struct raw_vhost, field)
#define IN_PHP(field)   .section = SECTION_PHP, .offset = offsetof(struct raw_php, field)

/*
 * Times stay below 2^32 ms and counts below what the message table carries, so that every
 * value that passes here fits into every message.
 */
const struct row rows[ROWS] = {
    [ROW_LISTEN] = {.name = "listen",
                    IN_MAIN(listen),
                    .type = VALUE_ADDRESS,
                    .shape = ROW_LIST,
                    .preset_note = "*:80 as root, 127.0.0.1:8080 otherwise",
                    .min = "1",
                    .max = "64",
                    .help = "Where connections are taken: ADDR:PORT, [V6]:PORT, or *:PORT for "
                            "every address of the machine, IPv6 and IPv4."},
    [ROW_ACCEPTORS] = {.name = "acceptors",
                       IN_MAIN(acceptors),
                       .type = VALUE_NUMBER,
                       .preset = "1",
                       .min = "1",
                       .max = "64",
                       .unit = "processes",
                       .help = "How many processes accept connections and hand them to the "
                               "users' workers. One is enough for most machines."},
    [ROW_ACCEPTOR_USER] = {.name = "acceptor_user",
                           IN_MAIN(acceptor_user),
                           .type = VALUE_ACCOUNT,
                           .preset_note = "hostel if there is such a user, else nobody",
                           .help = "Who the acceptors run as: a system user that owns no site "
                                   "and no file. Without root they are the invoking user's."},
    [ROW_RUN_DIR] = {.name = "run_dir",
                     IN_MAIN(run_dir),
                     .type = VALUE_PATH,
                     .preset_note = "/run/hostel as root; otherwise $XDG_RUNTIME_DIR/hostel, "
                                    "else /tmp/hostel-UID",
                     .help = "The directory of PHP's sockets and of the acceptors' empty root "
                             "directory. It is made when it is missing."},
    [ROW_PID_FILE] = {.name = "pid_file",
                      IN_MAIN(pid_file),
                      .type = VALUE_PATH,
                      .preset_note = "none",
                      .help = "Where the supervisor writes its process id."},
    [ROW_ERROR_LOG] = {.name = "error_log",
                       IN_MAIN(error_log),
                       .type = VALUE_LOG,
                       .preset = "-",
                       .help =
                           "The server's own log, and the default of the vhosts' error logs. "
                           "A lone hyphen is standard error."},
    [ROW_ACCESS_LOG] = {.name = "access_log",
                        IN_MAIN(access_log),
                        .type = VALUE_LOG,
                        .preset = "-",
                        .help =
                            "The default of the vhosts' access logs, in the combined format."},
    [ROW_MIN_UID] = {.name = "min_uid",
                     IN_MAIN(min_uid),
                     .type = VALUE_NUMBER,
                     .preset = "1000",
                     .min = "1",
                     .max = "4294967294",
                     .help = "No site runs as a user or group whose number is lower; 0 is "
                             "always refused."},
    [ROW_STOP_TIMEOUT] = {.name = "stop_timeout",
                          IN_MAIN(stop_timeout),
                          .type = VALUE_TIME,
                          .preset = "10s",
                          .min = "0",
                          .max = "1d",
                          .help = "How long running answers may take to finish when the server "
                                  "stops."},
    [ROW_BODY_MAX] = {.name = "body_max",
                      IN_MAIN(body_max),
                      .type = VALUE_SIZE,
                      .preset = "128m",
                      .min = "0",
                      .max = "1024g",
                      .help = "The largest request body; a larger one is answered 413."},
    [ROW_KEEPALIVE_TIMEOUT] = {.name = "keepalive_timeout",
                               IN_MAIN(keepalive_timeout),
                               .type = VALUE_TIME,
                               .preset = "60s",
                               .min = "0",
                               .max = "1d",
                               .help = "How long a kept connection waits for its next request; "
                                       "0 keeps none."},
    [ROW_HEAD_TIMEOUT] = {.name = "head_timeout",
                          IN_MAIN(head_timeout),
                          .type = VALUE_TIME,
                          .preset = "10s",
                          .min = "100ms",
                          .max = "1h",
                          .help = "How long a request head may take to arrive."},
    [ROW_BODY_TIMEOUT] = {.name = "body_timeout",
                          IN_MAIN(body_timeout),
                          .type = VALUE_TIME,
                          .preset = "30s",
                          .min = "100ms",
                          .max = "1d",
                          .help = "How long a request body may pause."},
    [ROW_SEND_TIMEOUT] = {.name = "send_timeout",
                          IN_MAIN(send_timeout),
                          .type = VALUE_TIME,
                          .preset = "60s",
                          .min = "100ms",
                          .max = "1d",
                          .help = "How long a visitor may take nothing of an answer."},
    [ROW_REQUEST_TIMEOUT] = {.name = "request_timeout",
                             IN_MAIN(request_timeout),
                             .type = VALUE_TIME,
                             .preset = "60s",
                             .min = "100ms",
                             .max = "1d",
                             .help = "How long PHP may say nothing before the request is "
                                     "answered 504."},
    [ROW_BODY_RATE] = {.name = "body_rate",
                       IN_MAIN(body_rate),
                       .type = VALUE_SIZE,
                       .preset = "500",
                       .min = "0",
                       .max = "1g",
                       .help = "How many bytes a second a request body must bring on average "
                               "once body_timeout is over; a slower one is ended with 408. 0 "
                               "is as slow as it likes."},
    [ROW_CONNECTIONS_MAX] = {.name = "connections_max",
                             IN_MAIN(connections_max),
                             .type = VALUE_NUMBER,
                             .preset = "16384",
                             .min = "16",
                             .max = "1000000",
                             .unit = "connections",
                             .help = "How many a worker holds at once; when there are more, "
                                     "those that have been idle longest are closed first."},
    [ROW_CONNECTIONS_PER_ADDRESS] = {.name = "connections_per_address",
                                     IN_MAIN(connections_per_address),
                                     .type = VALUE_NUMBER,
                                     .preset = "256",
                                     .min = "1",
                                     .max = "1000000",
                                     .unit = "connections",
                                     .help = "How many one client address may hold at once in "
                                             "a worker, and how many of its connections may "
                                             "wait in an acceptor for their first request; "
                                             "further ones are answered 429."},
    [ROW_INCLUDE] = {.name = "include",
                     .section = SECTION_MAIN,
                     .type = VALUE_GLOB,
                     .shape = ROW_ONE_LIST,
                     .preset_note = "none",
                     .min = "0",
                     .max = "1000",
                     .help = "More files with vhosts, relative to this one; a pattern with * "
                             "may match none. An included file holds vhosts and nothing else."},
    [ROW_VHOSTS] = {.name = "vhosts",
                    IN_MAIN(vhosts),
                    .type = VALUE_VHOSTS,
                    .shape = ROW_ONE,
                    .preset_note = "none",
                    .min = "0",
                    .max = "1000000",
                    .help = "The sites. All files together must name at least one."},
    [ROW_HOST] = {.name = "vhost.host",
                  IN_VHOST(host),
                  .type = VALUE_HOST,
                  .required = true,
                  .help = "The name visitors ask for, exact or as *.example.org for every name "
                          "below it."},
    [ROW_ALIASES] = {.name = "vhost.aliases",
                     IN_VHOST(aliases),
                     .type = VALUE_HOST,
                     .shape = ROW_LIST,
                     .preset_note = "none",
                     .min = "0",
                     .max = "10000",
                     .help =
                         "Further names of the same site. A name stands in one vhost only."},
    [ROW_USER] = {.name = "vhost.user",
                  IN_VHOST(user),
                  .type = VALUE_ACCOUNT,
                  .required = true,
                  .help = "Who the site runs as, by name or number: its files are read and its "
                          "PHP runs as this user and nobody else."},
    [ROW_GROUP] = {.name = "vhost.group",
                   IN_VHOST(group),
                   .type = VALUE_ACCOUNT,
                   .preset_note = "the user's own",
                   .help = "The group instead of the user's own, by name or number."},
    [ROW_ROOT] = {.name = "vhost.root",
                  IN_VHOST(root),
                  .type = VALUE_PATH,
                  .required = true,
                  .help = "The document root. Only the user needs to be able to read it: mode "
                          "0700 is fine."},
    [ROW_INDEX] = {.name = "vhost.index",
                   IN_VHOST(index),
                   .type = VALUE_INDEX,
                   .shape = ROW_LIST,
                   .preset = "index.php index.html",
                   .min = "1",
                   .max = "64",
                   .help = "The files that answer for a directory, in this order."},
    [ROW_WORKERS] = {.name = "vhost.workers",
                     IN_VHOST(workers),
                     .type = VALUE_NUMBER,
                     .preset = "1",
                     .min = "1",
                     .max = "64",
                     .unit = "processes",
                     .help =
                         "How many workers serve this user. Among the vhosts of one user and "
                         "group the highest number counts."},
    [ROW_IDLE_EXIT] = {.name = "vhost.idle_exit",
                       IN_VHOST(idle_exit),
                       .type = VALUE_TIME,
                       .preset = "10m",
                       .min = "0",
                       .max = "30d",
                       .help =
                           "A worker without a connection for so long retires; 0 is never. "
                           "Among the vhosts of one user and group the longest time counts, "
                           "and never above all."},
    [ROW_VHOST_ACCESS_LOG] = {.name = "vhost.access_log",
                              IN_VHOST(access_log),
                              .type = VALUE_LOG,
                              .preset_note = "the main access_log",
                              .help = "This site's access log, in the combined format."},
    [ROW_VHOST_ERROR_LOG] = {.name = "vhost.error_log",
                             IN_VHOST(error_log),
                             .type = VALUE_LOG,
                             .preset_note = "the main error_log",
                             .help = "This site's error log; what PHP writes to standard error "
                                     "goes there as well."},
    [ROW_DEFAULT] = {.name = "vhost.default",
                     IN_VHOST(by_default),
                     .type = VALUE_BOOL,
                     .preset = "false",
                     .help = "Whether this vhost answers names that no vhost has. One at most; "
                             "without one they are answered 404."},
    [ROW_PHP] = {.name = "vhost.php",
                 IN_VHOST(php),
                 .type = VALUE_PHP,
                 .preset_note = "no PHP: a .php file is answered 403, never sent",
                 .help =
                     "Turns PHP on, with the php directives inside; {} takes all defaults."},
    [ROW_PHP_COMMAND] = {.name = "php.command",
                         IN_PHP(command),
                         .type = VALUE_PATH,
                         .preset = "/usr/bin/php-cgi",
                         .help = "The php-cgi to run."},
    [ROW_PHP_PROCESSES] = {.name = "php.processes",
                           IN_PHP(processes),
                           .type = VALUE_NUMBER,
                           .preset = "4",
                           .min = "1",
                           .max = "256",
                           .unit = "processes",
                           .help = "How many requests run at once; more wait."},
    [ROW_PHP_MAX_REQUESTS] = {.name = "php.max_requests",
                              IN_PHP(max_requests),
                              .type = VALUE_NUMBER,
                              .preset = "1000",
                              .min = "0",
                              .max = "1000000000",
                              .unit = "requests",
                              .help = "A process is replaced after so many; 0 is never."},
    [ROW_PHP_IDLE_EXIT] = {.name = "php.idle_exit",
                           IN_PHP(idle_exit),
                           .type = VALUE_TIME,
                           .preset = "60s",
                           .min = "1s",
                           .max = "30d",
                           .help =
                               "PHP that nobody used for so long is stopped; the next request "
                               "starts it again."},
    [ROW_PHP_INI] = {.name = "php.ini",
                     IN_PHP(ini),
                     .type = VALUE_PATH,
                     .preset_note = "php-cgi's own",
                     .help = "A php.ini for this site."},
    [ROW_PHP_ENV] = {.name = "php.env",
                     .section = SECTION_PHP,
                     .type = VALUE_ENV,
                     .preset_note = "none",
                     .min = "0",
                     .max = "100",
                     .unit = "entries",
                     .help = "Environment variables for PHP, NAME: value, 16 KiB together. "
                             "Nothing is inherited from the server."},
};

const char *
row_key(const struct row *r)
{
    const char *dot = strchr(r->name, '.');

    return dot ? dot + 1 : r->name;
}

const struct row *
row_find(enum section section, const char *key)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].section == section && strcmp(row_key(&rows[i]), key) == 0)
            return &rows[i];
    return NULL;
}

const char *
row_nearest(enum section section, const char *key)
{
    const char *keys[ROWS + 1];
    size_t n = 0;

    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].section == section)
            keys[n++] = row_key(&rows[i]);
    keys[n] = NULL;
    return text_nearest(key, keys);
}

void
row_summary(const struct row *r, struct buf *out)
{
    static const char *const types[][2] = {
        [VALUE_NUMBER] = {"number"},
        [VALUE_TIME] = {"time (ms s m h d)"},
        [VALUE_SIZE] = {"size (k m g)"},
        [VALUE_BOOL] = {"true or false"},
        [VALUE_PATH] = {"absolute path"},
        [VALUE_LOG] = {"absolute path, - or off"},
        [VALUE_ADDRESS] = {"address", "list of addresses"},
        [VALUE_HOST] = {"host name", "list of host names"},
        [VALUE_ACCOUNT] = {"name or number"},
        [VALUE_INDEX] = {"file name", "list of file names"},
        [VALUE_GLOB] = {"pattern", "pattern or list of patterns"},
        [VALUE_VHOSTS] = {"list of vhosts"},
        [VALUE_PHP] = {"mapping"},
        [VALUE_ENV] = {"mapping"},
    };
    bool list = r->shape != ROW_ONE;

    buf_add_str(out, types[r->type][list]);
    if (r->unit)
        buf_addf(out, " of %s", r->unit);
    if (r->min)
        buf_addf(out, ", %s..%s%s", r->min, r->max, list ? " items" : "");
    if (r->required)
        buf_add_str(out, ", required");
    else
        buf_addf(out, ", default %s", r->preset ? r->preset : r->preset_note);
}
