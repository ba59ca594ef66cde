/* The table of directives. Floor 2; supervisor. */
#include "rows.h"

#include "raw.h"

#define IN_MAIN(field)  .section = SECTION_MAIN, .offset = offsetof(struct raw_main, field)
#define IN_VHOST(field) .section = SECTION_VHOST, .offset = offsetof(struct raw_vhost, field)
#define IN_TLS(field)   .section = SECTION_TLS, .offset = offsetof(struct raw_tls, field)
#define IN_LIMITS(which)                                                                       \
    .section = SECTION_LIMITS,                                                                 \
    .offset = offsetof(struct raw_limits, v) + (which) * sizeof(char *)
#define IN_PHP(field) .section = SECTION_PHP, .offset = offsetof(struct raw_php, field)

/*
 * Times stay below 2^32 ms and counts below what the message table carries, so that every
 * value that passes here fits into every message.
 */
const struct row rows[ROWS] = {
    [ROW_LISTEN] = {.name = "listen",
                    .section = SECTION_MAIN,
                    .type = VALUE_LISTEN,
                    .preset_note = "*:80 as root, 127.0.0.1:8080 otherwise",
                    .min = "1",
                    .max = "64",
                    .help = "Where connections are taken: ADDR:PORT, [V6]:PORT, or *:PORT for "
                            "every address of the machine, IPv6 and IPv4; or a mapping of "
                            "address and what else there is to say of it."},
    [ROW_LISTEN_TLS] = {.name = "listen_tls",
                        .section = SECTION_MAIN,
                        .type = VALUE_LISTEN,
                        .preset_note = "none",
                        .min = "1",
                        .max = "64",
                        .help = "Where TLS connections are taken, written like listen. Which "
                                "site one is for is seen by its server name (SNI); a name "
                                "without a certificate is refused."},
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
    [ROW_APP_DIR] = {.name = "app_dir",
                     IN_MAIN(app_dir),
                     .type = VALUE_PATH,
                     .preset = "/etc/hostel/apps",
                     .help = "Where presets for app are looked for before those that come with "
                             "the server: NAME.yaml. It need not exist."},
    [ROW_ERROR_LOG] = {.name = "error_log",
                       IN_MAIN(error_log),
                       .type = VALUE_LOG,
                       .preset = "-",
                       .help =
                           "The server's own log, and the default of the vhosts' error logs. "
                           "A lone hyphen is standard error; syslog: as in access_log."},
    [ROW_ACCESS_LOG] =
        {.name = "access_log",
         IN_MAIN(access_log),
         .type = VALUE_LOG,
         .preset = "-",
         .help =
             "The default of the vhosts' access logs. Its lines have the form that "
             "log_format says. Files are made mode 0640, "
             "root's and of the group of the user whose sites write there, or of "
             "group root when several users' do; users can read, and neither "
             "alter nor cut them. In a path %{user} stands for the site's user "
             "and %{vhost} for its host: one log for each. "
             "A lone hyphen is standard error. syslog: is the daemon or journal that listens "
             "at /dev/log, with what follows it, parted by commas: a facility (daemon, "
             "user, local0..local7; default daemon), tag=TAG (default hostel), socket=PATH. "
             "Access lines have the severity info, others that of their level; nobody "
             "waits for the daemon, and lines that it does not take are lost, which is "
             "said once."},
    [ROW_LOG_FORMAT] = {.name = "log_format",
                        IN_MAIN(log_format),
                        .type = VALUE_FORMAT,
                        .preset = "combined",
                        .help = "The form of access log lines: a name, or text with directives "
                                "of Apache's mod_log_config, as LOG FORMATS in hostel.yaml(5) "
                                "lists them."},
    [ROW_LOG_LEVEL] = {.name = "log_level",
                       IN_MAIN(log_level),
                       .type = VALUE_WORD,
                       .words = "error warn info debug",
                       .preset = "info",
                       .help =
                           "What error logs hold, of the server and of all sites: lines of "
                           "this level and of those before it. info is what happens as it "
                           "should, debug also each request that is answered with an error, "
                           "and why. What PHP writes is always there. A reload changes it "
                           "for all processes that run."},
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
    [ROW_DRAIN_TIMEOUT] =
        {.name = "drain_timeout",
         IN_MAIN(drain_timeout),
         .type = VALUE_TIME,
         .preset = "30s",
         .min = "0",
         .max = "1d",
         .help = "How long the worker of an earlier configuration may go on after "
                 "a reload: answers finish, and kept connections get one more."},
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
                               "once body_timeout is over, and a reader must take once "
                               "send_timeout is; a slower body is ended with 408, a slower "
                               "reader is cut. 0 is as slow as they like."},
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
    [ROW_TRUSTED_PROXIES] =
        {.name = "trusted_proxies",
         IN_MAIN(trusted_proxies),
         .type = VALUE_NET,
         .shape = ROW_LIST,
         .preset_note = "none",
         .min = "0",
         .max = "64",
         .help = "The reverse proxies in front, by address or ADDRESS/BITS, whose requests say "
                 "who the visitor is: in Forwarded, or X-Forwarded-For and X-Forwarded-Proto. "
                 "He is the last one in the list whom none of these nets has; his address is "
                 "then that of logs, rules, limits and scripts. From anybody else these fields "
                 "mean nothing."},
    [ROW_TRUSTED_PROXIES_CLOSE] =
        {.name = "trusted_proxies_close",
         IN_MAIN(trusted_proxies_close),
         .type = VALUE_BOOL,
         .preset = "false",
         .help = "Whether connections of trusted_proxies are closed after each answer, so that "
                 "no worker ever has one that another user's visitors come by."},
    [ROW_ACME_CHALLENGE_DIR] =
        {.name = "acme_challenge_dir",
         IN_MAIN(acme_challenge_dir),
         .type = VALUE_PATH,
         .preset_note = "none: each site answers for itself",
         .help = "The directory of the answers to ACME's HTTP challenges, for every site at "
                 "once: /.well-known/acme-challenge/TOKEN is the file TOKEN in it, or, as "
                 "certbot and lego write it for a webroot, that path below it."},
    [ROW_ACME_USER] =
        {.name = "acme_user",
         IN_MAIN(acme_user),
         .type = VALUE_ACCOUNT,
         .preset_note = "hostel-acme if there is such a user, else nobody",
         .help = "Who serves acme_challenge_dir: a system user that owns no site and no file. "
                 "Without root it is the invoking user."},
    [ROW_CGROUP] = {.name = "cgroup",
                    IN_MAIN(cgroup),
                    .type = VALUE_CGROUP,
                    .preset = "auto",
                    .help =
                        "Where the control groups of users are made, user-UID of each, "
                        "whose limits hold for all of his processes together. auto: below "
                        "the server's own group, where systemd has delegated that "
                        "(Delegate=yes, as the unit of the package says), or in "
                        "hostel.slice where there is no systemd. A path is a directory of "
                        "cgroup v2, made if the one above it is there. Without control "
                        "groups, rlimits and nice are all there is; hostel check says which "
                        "it is."},
    [ROW_LIMITS] = {.name = "limits",
                    IN_MAIN(limits),
                    .type = VALUE_LIMITS,
                    .preset_note = "the defaults of its directives",
                    .help = "What each user and each site may take, with the limits directives "
                            "inside, where its vhosts do not say otherwise."},
    [ROW_METRICS_LISTEN] =
        {.name = "metrics_listen",
         .section = SECTION_MAIN,
         .type = VALUE_NEAR,
         .shape = ROW_ONE_LIST,
         .preset_note = "none",
         .min = "1",
         .max = "4",
         .help = "Where /metrics is served for Prometheus and /health for load balancers: "
                 "127.0.0.1:PORT, [::1]:PORT, or the path of a unix socket."},
    [ROW_METRICS_GROUP] =
        {.name = "metrics_group",
         IN_MAIN(metrics_group),
         .type = VALUE_ACCOUNT,
         .preset_note = "none, root alone",
         .help = "Whose members may connect to the unix sockets of metrics_listen."},
    [ROW_METRICS_USERS_MAX] =
        {.name = "metrics_users_max",
         IN_MAIN(metrics_users_max),
         .type = VALUE_NUMBER,
         .preset = "1000",
         .min = "0",
         .max = "9999",
         .unit = "users",
         .help = "How many users have time series of their own; all others are added up as "
                 "the user _other."},
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
    [ROW_JAIL] = {.name = "vhost.jail",
                  IN_VHOST(jail),
                  .type = VALUE_WORD,
                  .words = "off home",
                  .preset = "off",
                  .help =
                      "With home this user's workers and PHP reach nothing but his home, his "
                      "document roots, temporary directories and what PHP needs of the system, "
                      "whatever file modes would let him. It counts for all vhosts of one user "
                      "and group when it stands in one."},
    [ROW_VHOST_ACCESS_LOG] = {.name = "vhost.access_log",
                              IN_VHOST(access_log),
                              .type = VALUE_LOG,
                              .preset_note = "the main access_log",
                              .help = "This site's access log; paths and forms as in "
                                      "access_log."},
    [ROW_VHOST_ERROR_LOG] = {.name = "vhost.error_log",
                             IN_VHOST(error_log),
                             .type = VALUE_LOG,
                             .preset_note = "the main error_log",
                             .help = "This site's error log; what PHP writes to standard error "
                                     "goes there as well. %{user} and %{vhost} as in "
                                     "access_log."},
    [ROW_VHOST_LOG_FORMAT] = {.name = "vhost.log_format",
                              IN_VHOST(log_format),
                              .type = VALUE_FORMAT,
                              .preset_note = "the main log_format",
                              .help = "The form of this site's access log lines."},
    [ROW_VHOST_LISTEN] = {.name = "vhost.listen",
                          IN_VHOST(listen),
                          .type = VALUE_ADDRESS,
                          .shape = ROW_LIST,
                          .preset_note = "none: only the main listen",
                          .min = "1",
                          .max = "64",
                          .help =
                              "Addresses of this user's own, written like the main listen: "
                              "his workers take connections there themselves, and only his "
                              "sites answer. He is served on the main ones as well. "
                              "When all vhosts are one user's, the main ones are his own too, "
                              "but for ports that need a privilege (below 1024)."},
    [ROW_VHOST_LISTEN_TLS] = {.name = "vhost.listen_tls",
                              IN_VHOST(listen_tls),
                              .type = VALUE_ADDRESS,
                              .shape = ROW_LIST,
                              .preset_note = "none: only the main listen_tls",
                              .min = "1",
                              .max = "64",
                              .help =
                                  "The same for TLS: his workers see by the server name "
                                  "(SNI) which of his sites one is for, and refuse others."},
    [ROW_DEFAULT] = {.name = "vhost.default",
                     IN_VHOST(by_default),
                     .type = VALUE_BOOL,
                     .preset = "false",
                     .help = "Whether this vhost answers names that no vhost has. One at most; "
                             "without one they are answered 404."},
    [ROW_AUTOINDEX] = {.name = "vhost.autoindex",
                       IN_VHOST(autoindex),
                       .type = VALUE_BOOL,
                       .preset = "false",
                       .help = "Whether a directory without an index file is listed."},
    [ROW_COMPRESS] =
        {.name = "vhost.compress",
         IN_VHOST(compress),
         .type = VALUE_BOOL,
         .preset = "true",
         .help = "Whether answers that are text are compressed for visitors who take that."},
    [ROW_COMPRESS_MIN] = {.name = "vhost.compress_min",
                          IN_VHOST(compress_min),
                          .type = VALUE_SIZE,
                          .preset = "1k",
                          .min = "0",
                          .max = "1g",
                          .help = "A smaller answer is sent as it is."},
    [ROW_SYMLINKS] =
        {.name = "vhost.symlinks",
         IN_VHOST(symlinks),
         .type = VALUE_WORD,
         .words = "follow owner off",
         .preset = "follow",
         .help =
             "Which symbolic links below the root are followed: all, only those whose target "
             "belongs to the link's owner, or none. A link leads out of the root only into one "
             "of link_roots; with follow, an absolute one may lead back into the root."},
    [ROW_LINK_ROOTS] =
        {.name = "vhost.link_roots",
         IN_VHOST(link_roots),
         .type = VALUE_PATH,
         .shape = ROW_LIST,
         .preset_note = "none",
         .min = "0",
         .max = "64",
         .help =
             "Directories of the user's that links in the root may lead into, with symlinks: "
             "follow; a link that leads elsewhere is answered 403."},
    [ROW_SENDFILE_ROOTS] =
        {.name = "vhost.sendfile_roots",
         IN_VHOST(sendfile_roots),
         .type = VALUE_PATH,
         .shape = ROW_LIST,
         .preset_note = "the root alone",
         .min = "0",
         .max = "64",
         .help = "Further directories whose files a script may have sent with X-Sendfile."},
    [ROW_FALLBACK] = {.name = "vhost.fallback",
                      IN_VHOST(fallback),
                      .type = VALUE_PAGE,
                      .preset_note = "none: they are answered 404",
                      .help = "What serves a path that is no file, for instance /index.php."},
    [ROW_APP] =
        {.name = "vhost.app",
         IN_VHOST(app),
         .type = VALUE_APP,
         .preset_note = "none",
         .help = "What is installed in the root, in one word: its preset adds what that "
                 "application needs and what must never be served or run. Rules of the vhost "
                 "come first. dokuwiki drupal front-controller joomla laravel mediawiki "
                 "nextcloud symfony wordpress come with the server."},
    [ROW_HEADERS] =
        {.name = "vhost.headers",
         .section = SECTION_VHOST,
         .type = VALUE_HEADERS,
         .preset_note = "none",
         .min = "0",
         .max = "256",
         .help = "What is changed in the header fields of answers, one after the other."},
    [ROW_EXPIRES] =
        {.name = "vhost.expires",
         .section = SECTION_VHOST,
         .type = VALUE_EXPIRES,
         .preset_note = "none",
         .min = "0",
         .max = "256",
         .unit = "entries",
         .help = "How long visitors may keep answers, TYPE: TIME, where TYPE is a media type, "
                 "image/* for all of a kind, or * for all others. 0 makes them ask each time; "
                 "the longest time is 3650d."},
    [ROW_REDIRECTS] =
        {.name = "vhost.redirects",
         .section = SECTION_VHOST,
         .type = VALUE_REDIRECTS,
         .preset_note = "none",
         .min = "0",
         .max = "256",
         .help =
             "Paths that are answered with another place. The first entry that fits counts."},
    [ROW_ERROR_PAGES] =
        {.name = "vhost.error_pages",
         .section = SECTION_VHOST,
         .type = VALUE_ERROR_PAGES,
         .preset_note = "the server's own",
         .min = "0",
         .max = "256",
         .unit = "entries",
         .help = "The site's own error pages, STATUS: PATH, where STATUS is one such as 404, a "
                 "class such as 5xx, or a range such as 500-504. PATH is a file or a script of "
                 "the site."},
    [ROW_AUTH_BASIC] =
        {.name = "vhost.auth_basic",
         .section = SECTION_VHOST,
         .type = VALUE_AUTH,
         .preset_note = "none",
         .min = "1",
         .max = "256",
         .help = "Asks for a name and a password. The first entry whose path fits counts."},
    [ROW_PATHS] =
        {.name = "vhost.paths",
         .section = SECTION_VHOST,
         .type = VALUE_PATHS,
         .preset_note = "none",
         .min = "0",
         .max = "256",
         .help = "Paths that are served in part, or not at all. The first entry that fits "
                 "counts, for the path that was asked for and again for that of the file that "
                 "would answer it, maybe an index file or a script."},
    [ROW_REWRITES] =
        {.name = "vhost.rewrites",
         .section = SECTION_VHOST,
         .type = VALUE_REWRITES,
         .preset_note = "none",
         .min = "0",
         .max = "256",
         .help = "What serves a path that is no file, before fallback does. The first entry "
                 "that fits and leads to a file or a script counts."},
    [ROW_PARAMS] =
        {.name = "vhost.params",
         .section = SECTION_VHOST,
         .type = VALUE_PARAMS,
         .preset_note =
             "none",
         .min = "0",
         .max = "256",
         .unit = "entries",
         .help = "Further variables that scripts find beside those of CGI, NAME: value."},
    [ROW_BODY] =
        {.name = "vhost.body",
         .section = SECTION_VHOST,
         .offset = offsetof(struct raw_vhost, body),
         .type = VALUE_WORD,
         .words = "spool stream",
         .preset = "spool",
         .help =
             "spool: a script is started when all of the request's body is here. stream: it "
             "is started at once and reads while the visitor sends, so that a slow visitor "
             "holds a process; a body whose length is not said before is spooled all the "
             "same."},
    [ROW_FASTCGI] =
        {.name = "vhost.fastcgi",
         .section = SECTION_VHOST,
         .type = VALUE_FASTCGI,
         .preset_note = "none",
         .min = "1",
         .max = "64",
         .help = "FastCGI programs that the user runs himself, php-fpm for instance. The first "
                 "entry whose path fits counts."},
    [ROW_ALLOW] =
        {.name = "vhost.allow",
         IN_VHOST(allow),
         .type = VALUE_NET,
         .shape = ROW_LIST,
         .preset_note = "everybody whom deny does not name",
         .min = "1",
         .max = "255",
         .help =
             "Who may visit: addresses, networks such as 192.0.2.0/24 or 2001:db8::/32, or "
             "all. Where this is written, nobody else may. Of several networks that fit, in "
             "allow and deny, the smallest counts; of two equal ones deny."},
    [ROW_DENY] =
        {.name = "vhost.deny",
         IN_VHOST(deny),
         .type = VALUE_NET,
         .shape = ROW_LIST,
         .preset_note = "nobody, or with allow everybody else",
         .min = "1",
         .max = "255",
         .help = "Who may not visit, written like allow; they are answered 403. Both together "
                 "have at most 255 entries."},
    [ROW_CONNECTIONS] =
        {.name = "vhost.connections",
         IN_VHOST(connections),
         .type = VALUE_NUMBER,
         .preset = "0",
         .min = "0",
         .max = "1000000",
         .unit = "connections",
         .help = "How many requests of this site may be in progress at once in each worker; "
                 "further "
                 "ones are answered 503. Idle connections do not count. 0 is no limit."},
    [ROW_VHOST_LIMITS] =
        {.name = "vhost.limits",
         IN_VHOST(limits),
         .type = VALUE_LIMITS,
         .preset_note = "the main limits",
         .help = "What this site and its user may take, with the limits directives inside. "
                 "What belongs to the user as a whole counts for all his vhosts when it stands "
                 "in one, and may not stand in two with different values."},
    [ROW_TLS] = {.name = "vhost.tls",
                 IN_VHOST(tls),
                 .type = VALUE_TLS,
                 .preset_note = "none: the site is not served on listen_tls",
                 .help = "The site's certificate, with the tls directives inside. It is given "
                         "to this user's workers and to nobody else."},
    [ROW_HTTPS_REDIRECT] =
        {.name = "vhost.https_redirect",
         IN_VHOST(https_redirect),
         .type = VALUE_BOOL,
         .preset = "false",
         .help = "Whether requests without TLS are sent to the same address with https; those "
                 "for /.well-known/acme-challenge/ never are."},
    [ROW_HSTS] = {.name = "vhost.hsts",
                  IN_VHOST(hsts),
                  .type = VALUE_TIME,
                  .preset_note = "no such header",
                  .min = "0",
                  .max = "3650d",
                  .help = "For how long browsers shall use https only for this site "
                          "(Strict-Transport-Security); 0 makes them forget it. Sent with TLS "
                          "only."},
    [ROW_HSTS_SUBDOMAINS] = {.name = "vhost.hsts_subdomains",
                             IN_VHOST(hsts_subdomains),
                             .type = VALUE_BOOL,
                             .preset = "false",
                             .help = "Whether hsts holds for all names below the site's too."},
    [ROW_PHP] = {.name = "vhost.php",
                 IN_VHOST(php),
                 .type = VALUE_PHP,
                 .preset_note = "no PHP: a .php file is answered 403, never sent",
                 .help =
                     "Turns PHP on, with the php directives inside; {} takes all defaults."},
    [ROW_TLS_CERTIFICATE] =
        {.name = "tls.certificate",
         IN_TLS(certificate),
         .type = VALUE_PATH,
         .required = true,
         .help = "The certificate in PEM, followed by those that lead to a root (certbot's "
                 "fullchain.pem)."},
    [ROW_TLS_KEY] = {.name = "tls.key",
                     IN_TLS(key),
                     .type = VALUE_PATH,
                     .required = true,
                     .help =
                         "Its private key in PEM, without a password. It may be root's, mode "
                         "0600: what the user can read, his PHP can read too."},
    [ROW_TLS_MIN_VERSION] = {.name = "tls.min_version",
                             IN_TLS(min_version),
                             .type = VALUE_WORD,
                             .words = "1.2 1.3",
                             .preset = "1.2",
                             .help = "The oldest version of TLS that is spoken."},
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
    [ROW_PHP_REQUEST_TIMEOUT] =
        {.name = "php.request_timeout",
         IN_PHP(request_timeout),
         .type = VALUE_TIME,
         .preset_note = "that of the whole server",
         .min = "100ms",
         .max = "1d",
         .help = "How long a script may say nothing before its request is answered 504 and its "
                 "process is ended. One whose visitor has left has as long."},
    [ROW_PHP_QUEUE] = {.name = "php.queue",
                       IN_PHP(queue),
                       .type = VALUE_NUMBER,
                       .preset = "1024",
                       .min = "0",
                       .max = "1000000",
                       .unit = "requests",
                       .help = "How many wait for a process in one worker; more are answered "
                               "503 at once."},
    [ROW_PHP_QUEUE_TIMEOUT] = {.name = "php.queue_timeout",
                               IN_PHP(queue_timeout),
                               .type = VALUE_TIME,
                               .preset = "30s",
                               .min = "100ms",
                               .max = "1d",
                               .help = "How long one may wait for a process, or for PHP to "
                                       "start; then it is answered 503."},
    [ROW_PHP_INI] = {.name = "php.ini",
                     IN_PHP(ini),
                     .type = VALUE_PATH,
                     .preset_note = "php-cgi's own",
                     .help = "A php.ini for this site."},
    [ROW_PHP_DEFINE] = {.name = "php.define",
                        .section = SECTION_PHP,
                        .type = VALUE_DEFINE,
                        .preset_note = "none",
                        .min = "0",
                        .max = "100",
                        .unit = "entries",
                        .help = "Settings of php.ini, name: value, 16 KiB together; they come "
                                "after every file, as with php-cgi's option -d."},
    [ROW_PHP_ENV] = {.name = "php.env",
                     .section = SECTION_PHP,
                     .type = VALUE_ENV,
                     .preset_note = "none",
                     .min = "0",
                     .max = "100",
                     .unit = "entries",
                     .help = "Environment variables for PHP, NAME: value, 16 KiB together. "
                             "Nothing is inherited from the server."},
    [ROW_PHP_RESTART_ON] = {.name = "php.restart_on",
                            IN_PHP(restart_on),
                            .type = VALUE_WATCHED,
                            .shape = ROW_LIST,
                            .preset_note = "none",
                            .min = "0",
                            .max = "8",
                            .help = "Files, absolute or below the document root: when one of "
                                    "them appears, goes or changes, the next request finds "
                                    "PHP started anew. Looked at once a second, with the "
                                    "user's own rights."},
    [ROW_LIMITS_FIRST +
        LIMIT_REQUESTS] = {.name = "limits.requests_per_second",
                           IN_LIMITS(LIMIT_REQUESTS),
                           .type = VALUE_NUMBER,
                           .preset = "0",
                           .min = "0",
                           .max = "1000000",
                           .unit = "requests",
                           .help = "How many requests a second one client address may make of "
                                   "this site, counted over all workers of the user; further "
                                   "ones are answered 429. An IPv6 client is its /64. 0 is no "
                                   "limit."},
    [ROW_LIMITS_FIRST +
        LIMIT_REQUESTS_BURST] = {.name = "limits.requests_burst",
                                 IN_LIMITS(LIMIT_REQUESTS_BURST),
                                 .type = VALUE_NUMBER,
                                 .preset_note = "requests_per_second",
                                 .min = "1",
                                 .max = "1000000",
                                 .unit = "requests",
                                 .help =
                                     "How many of them may come at once, after a pause that is "
                                     "long enough."},
    [ROW_LIMITS_FIRST +
        LIMIT_BANDWIDTH] = {.name = "limits.bandwidth",
                            IN_LIMITS(LIMIT_BANDWIDTH),
                            .type = VALUE_SIZE,
                            .preset = "0",
                            .min = "0",
                            .max = "1024g",
                            .help = "How many bytes a second are sent on one connection to a "
                                    "visitor of this site, with HTTP/2 for all its requests "
                                    "together. 0 is no limit."},
    [ROW_LIMITS_FIRST + LIMIT_BANDWIDTH_BURST] =
        {.name = "limits.bandwidth_burst",
         IN_LIMITS(LIMIT_BANDWIDTH_BURST),
         .type = VALUE_SIZE,
         .preset = "0",
         .min = "0",
         .max = "1024g",
         .help = "How much of it is sent at full speed before, and again after "
                 "a pause that is long enough."},
    [ROW_LIMITS_FIRST +
        LIMIT_PHP_QUEUE] = {.name = "limits.php_queue",
                            IN_LIMITS(LIMIT_PHP_QUEUE),
                            .type = VALUE_NUMBER,
                            .preset = "1000000",
                            .min = "0",
                            .max = "1000000",
                            .unit = "requests",
                            .help =
                                "The most that php.queue counts for, whatever stands there."},
    [ROW_LIMITS_FIRST + LIMIT_CONNECTIONS] =
        {.name = "limits.connections",
         IN_LIMITS(LIMIT_CONNECTIONS),
         .type = VALUE_NUMBER,
         .preset = "0",
         .min = "0",
         .max = "1000000",
         .unit = "connections",
         .help = "How many connections all workers of the user may hold at once. For a further "
                 "one an idle one is closed, if the worker that it comes to has one; else its "
                 "request is answered 503, with TLS its handshake is not. 0 is no limit."},
    [ROW_LIMITS_FIRST + LIMIT_PHP_PROCESSES] =
        {.name = "limits.php_processes",
         IN_LIMITS(LIMIT_PHP_PROCESSES),
         .type = VALUE_NUMBER,
         .preset = "0",
         .min = "0",
         .max = "65536",
         .unit = "processes",
         .help = "The most that php.processes of the user's vhosts count for "
                 "together; each php section keeps its share, and one at "
                 "least. 0 is no limit."},
    [ROW_LIMITS_FIRST +
        LIMIT_OPEN_FILES] = {.name = "limits.open_files",
                             IN_LIMITS(LIMIT_OPEN_FILES),
                             .type = VALUE_NUMBER,
                             .preset_note = "65536 of a worker, 4096 of PHP",
                             .min = "64",
                             .max = "1048576",
                             .unit = "files",
                             .help =
                                 "How many descriptors each process of the user may have open "
                                 "(RLIMIT_NOFILE)."},
    [ROW_LIMITS_FIRST +
        LIMIT_PROCESSES] = {.name = "limits.processes",
                            IN_LIMITS(LIMIT_PROCESSES),
                            .type = VALUE_NUMBER,
                            .preset = "1024",
                            .min = "4",
                            .max = "1000000",
                            .unit = "processes",
                            .help =
                                "How many processes and threads the user may have before his "
                                "PHP, and what it starts, can start no more (RLIMIT_NPROC, "
                                "which counts all that the user has on the machine; and "
                                "pids.max)."},
    [ROW_LIMITS_FIRST +
        LIMIT_MEMORY] = {.name = "limits.memory",
                         IN_LIMITS(LIMIT_MEMORY),
                         .type = VALUE_SIZE,
                         .preset_note = "no limit",
                         .min = "32m",
                         .max = "1024g",
                         .help = "How much memory all processes of the user may use together "
                                 "(memory.max); without cgroups, how much data each of his PHP "
                                 "processes may have (RLIMIT_DATA), which holds with them as "
                                 "well."},
    [ROW_LIMITS_FIRST +
        LIMIT_NICE] = {.name = "limits.nice",
                       IN_LIMITS(LIMIT_NICE),
                       .type = VALUE_NUMBER,
                       .preset = "0",
                       .min = "0",
                       .max = "19",
                       .help = "How much the user's processes stand back where the processor "
                               "is short; 19 is most."},
    [ROW_LIMITS_FIRST +
        LIMIT_CPU_WEIGHT] = {.name = "limits.cpu_weight",
                             IN_LIMITS(LIMIT_CPU_WEIGHT),
                             .type = VALUE_NUMBER,
                             .preset = "100",
                             .min = "1",
                             .max = "10000",
                             .help =
                                 "The user's share of the processor beside others', where it "
                                 "is short (cpu.weight). It needs cgroups."},
    [ROW_LIMITS_FIRST +
        LIMIT_CPU_MAX] = {.name = "limits.cpu_max",
                          IN_LIMITS(LIMIT_CPU_MAX),
                          .type = VALUE_NUMBER,
                          .preset_note = "no limit",
                          .min = "1",
                          .max = "100000",
                          .unit = "per cent of a core",
                          .help = "How much of the processor the user may have, in per cent of "
                                  "one core, also where there is more: 150 is one core and a "
                                  "half (cpu.max). It needs cgroups."},
    [ROW_LIMITS_FIRST +
        LIMIT_IO_WEIGHT] = {.name = "limits.io_weight",
                            IN_LIMITS(LIMIT_IO_WEIGHT),
                            .type = VALUE_NUMBER,
                            .preset = "100",
                            .min = "1",
                            .max = "10000",
                            .help =
                                "The user's share of the disks beside others', where they are "
                                "busy (io.weight). It needs cgroups."},
    [ROW_HEADERS_SET] =
        {.name = "headers.set",
         .section = SECTION_HEADERS,
         .type = VALUE_HEADER,
         .preset_note = "none",
         .help = "The field has this value only. An entry has exactly one of set, add and "
                 "remove. The fields that frame a message, Date and Server are the server's."},
    [ROW_HEADERS_ADD] = {.name = "headers.add",
                         .section = SECTION_HEADERS,
                         .type = VALUE_HEADER,
                         .preset_note = "none",
                         .help = "One more field, beside others of that name."},
    [ROW_HEADERS_REMOVE] = {.name = "headers.remove",
                            .section = SECTION_HEADERS,
                            .type = VALUE_NAME,
                            .preset_note = "none",
                            .help = "Fields of this name are left out."},
    [ROW_HEADERS_PATH] =
        {.name = "headers.path",
         .section = SECTION_HEADERS,
         .type = VALUE_PATTERN,
         .preset_note = "every path",
         .help =
             "The paths it is for; * stands for anything, slashes too, at most nine times."},
    [ROW_HEADERS_STATUS] =
        {.name = "headers.status",
         .section = SECTION_HEADERS,
         .type = VALUE_STATUSES,
         .preset = "100-599",
         .help = "The answers it is for: a status such as 404, a class such as 4xx, or a range "
                 "such as 200-299."},
    [ROW_REDIRECTS_FROM] =
        {.name = "redirects.from",
         .section = SECTION_REDIRECTS,
         .type = VALUE_PATTERN,
         .required = true,
         .help = "The paths it is for; each * stands for anything, slashes too."},
    [ROW_REDIRECTS_TO] =
        {.name = "redirects.to",
         .section = SECTION_REDIRECTS,
         .type = VALUE_TARGET,
         .required = true,
         .help =
             "Where to: a path, or a URL with http or https. $1 to $9 are what the stars of "
             "from stand for; never in a host."},
    [ROW_REDIRECTS_STATUS] = {.name = "redirects.status",
                              .section = SECTION_REDIRECTS,
                              .type = VALUE_WORD,
                              .words = "301 302 303 307 308",
                              .preset = "301",
                              .help = "The status of the answer."},
    [ROW_AUTH_REALM] = {.name = "auth_basic.realm",
                        .section = SECTION_AUTH,
                        .type = VALUE_REALM,
                        .required = true,
                        .help = "What visitors are told they are asked for."},
    [ROW_AUTH_FILE] =
        {.name = "auth_basic.file",
         .section = SECTION_AUTH,
         .type = VALUE_PATH,
         .required = true,
         .help =
             "The names and hashed passwords, as htpasswd writes them; read with the user's "
             "rights. While it cannot be read nobody gets in."},
    [ROW_AUTH_PATH] =
        {.name = "auth_basic.path",
         .section = SECTION_AUTH,
         .type = VALUE_PATTERN,
         .preset_note = "every path",
         .help =
             "The paths it is for; * stands for anything, slashes too, at most nine times."},
    [ROW_PATHS_PATH] =
        {.name = "paths.path",
         .section = SECTION_PATHS,
         .type = VALUE_PATTERN,
         .preset_note = "none",
         .help = "The paths it is for, of what is asked for and of what lies there; * stands "
                 "for anything, slashes too, at most nine times. An entry has exactly one of "
                 "path and file."},
    [ROW_PATHS_FILE] =
        {.name = "paths.file",
         .section = SECTION_PATHS,
         .type = VALUE_PATTERN,
         .preset_note = "none",
         .help = "The same, of what lies there only: a page that a script makes at such a path "
                 "is not meant."},
    [ROW_PATHS_SERVE] =
        {.name = "paths.serve",
         .section = SECTION_PATHS,
         .type = VALUE_WORD,
         .words = "all static internal nothing forbidden",
         .required = true,
         .help =
             "all: as if no entry fitted, an exception from those below. static: files, but "
             "no script is run and none is sent (403). internal: nothing to visitors (404), "
             "only where a script says X-Accel-Redirect. nothing: 404. forbidden: 403."},
    [ROW_PATHS_DIRECTORY] =
        {.name = "paths.directory",
         .section = SECTION_PATHS,
         .type = VALUE_PATH,
         .preset_note = "what lies at the path below the root",
         .help = "Where the files of an internal path lie, outside of the root; what the star "
                 "at the end of the path stands for is looked for below it."},
    [ROW_REWRITES_FROM] = {.name = "rewrites.from",
                           .section = SECTION_REWRITES,
                           .type = VALUE_PATTERN,
                           .required = true,
                           .help =
                               "The paths it is for; each * stands for anything, slashes too."},
    [ROW_REWRITES_TO] =
        {.name = "rewrites.to",
         .section = SECTION_REWRITES,
         .type = VALUE_REWRITE,
         .required = true,
         .help = "What serves them: a path in the site, maybe with a query, which comes before "
                 "the visitor's own. $1 to $9 are what the stars of from stand for. The "
                 "address that the visitor sees stays, and so does REQUEST_URI."},
    [ROW_FASTCGI_SOCKET] =
        {.name = "fastcgi.socket",
         .section = SECTION_FASTCGI,
         .type = VALUE_SOCKET,
         .required = true,
         .help =
             "The unix socket that the program listens at. It must be the user's own, and so "
             "must the process that listens; any other is not spoken to (503)."},
    [ROW_FASTCGI_PATH] =
        {.name = "fastcgi.path",
         .section = SECTION_FASTCGI,
         .type = VALUE_PREFIX,
         .preset_note = "the scripts of the vhost, instead of php",
         .help =
             "The requests that it answers, all of them, also where files lie: one path, or "
             "with /* at the end all below it. What the star stands for is PATH_INFO."},
    [ROW_FASTCGI_CONNECTIONS] =
        {.name = "fastcgi.connections",
         .section = SECTION_FASTCGI,
         .type = VALUE_NUMBER,
         .preset = "16",
         .min = "1",
         .max = "1024",
         .unit = "connections",
         .help = "How many requests each worker sends there at once; more wait. As many as the "
                 "program runs at once, or more if it has a queue of its own."},
    [ROW_FASTCGI_REQUEST_TIMEOUT] =
        {.name = "fastcgi.request_timeout",
         .section = SECTION_FASTCGI,
         .type = VALUE_TIME,
         .preset_note = "the main request_timeout",
         .min = "100ms",
         .max = "1d",
         .help = "How long it may say nothing before the request is answered 504."},
    [ROW_LISTEN_ADDRESS] = {.name = "listen.address",
                            .section = SECTION_LISTEN,
                            .type = VALUE_ADDRESS,
                            .required = true,
                            .help = "ADDR:PORT, [V6]:PORT or *:PORT, in an entry of listen or "
                                    "listen_tls that is a mapping."},
    [ROW_LISTEN_PROXY_PROTOCOL] =
        {.name = "listen.proxy_protocol",
         .section = SECTION_LISTEN,
         .type = VALUE_NET,
         .shape = ROW_LIST,
         .preset_note = "none",
         .min = "1",
         .max = "64",
         .help =
             "The load balancers, by address or ADDRESS/BITS, that connect here and say who "
             "the visitor is in a header of the PROXY protocol, version 1 or 2. It must be "
             "there, and a connection from any other address is closed."},
};
