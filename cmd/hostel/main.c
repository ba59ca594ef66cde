/*
 * hostel: the command line. serve, check, confine, and what is asked of a running server
 * (ask.c, status.c). Floor 7.
 */
#include "ask.h"
#include "export.h"
#include "hostel/base/buf.h"
#include "hostel/base/mem.h"
#include "hostel/base/text.h"
#include "hostel/conf/model.h"
#include "hostel/supervisor/run.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/hostel/hostel.yaml"

#define CERT_DAYS      365
#define CERT_DAYS_MAX  36500
#define CERT_NAMES_MAX 32768

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage_text[] =
    "hostel: a web server for machines that many users share\n"
    "\n"
    "  hostel serve [--config FILE]                 serve; FILE is " DEFAULT_CONFIG "\n"
    "                                               unless told otherwise\n"
    "  hostel serve --root DIR [--listen ADDR:PORT] serve one directory, without a config "
    "file\n"
    "                                               (127.0.0.1:8080; PHP if php-cgi is there)\n"
    "  hostel status [--json] [--watch]             what a running server is doing\n"
    "  hostel reload                                read its files anew, lose no connection\n"
    "  hostel upgrade                               start the executable anew, lose no "
    "connection\n"
    "  hostel logs-reopen                           open its log files anew, after a rotation\n"
    "  hostel php-restart USER                      new PHP processes for his next requests\n"
    "  hostel stop                                  stop it; running answers finish\n"
    "                                               (these find it by --config FILE or\n"
    "                                               --run-dir DIR)\n"
    "  hostel check [--config FILE]                 look for errors in a configuration\n"
    "  hostel check --explain [NAME]                what a directive means, or all of them\n"
    "  hostel cert self-signed HOST [ALIAS...] [--dir DIR] [--days DAYS]\n"
    "                                               make a certificate to try things out:\n"
    "                                               HOST.crt and HOST.key\n"
    "  hostel export haproxy-map --box NAME=CONFIG [--box ...] [--output FILE]\n"
    "                                               which host is on which of several\n"
    "                                               machines, for an HAProxy in front\n"
    "  hostel confine ROLE USER [--config FILE] -- PROGRAM [ARG...]\n"
    "                                               run a program in the confinement of a\n"
    "                                               worker, listening-worker, php or\n"
    "                                               acceptor of USER\n"
    "  hostel --version | --help\n";

static int
usage(const char *wrong)
{
    fprintf(stderr, "hostel: %s\n\n%s", wrong, usage_text);
    return EXIT_USAGE;
}

static int
load(const char *path, struct conf **conf)
{
    struct conf_errors errors = {0};
    int rc = conf_load(path, geteuid() == 0, conf, &errors);

    for (size_t i = 0; i < errors.n; i++)
        fprintf(stderr, "%s\n", errors.lines[i]);
    conf_errors_done(&errors);
    return rc;
}

static int
load_directory(const char *root, const char *listen, struct conf **conf)
{
    struct conf_errors errors = {0};
    int rc = conf_for_directory(root, listen, conf, &errors);

    for (size_t i = 0; i < errors.n; i++)
        fprintf(stderr, "hostel: %s\n", errors.lines[i]);
    conf_errors_done(&errors);
    return rc;
}

char *
run_dir_of(const char *config)
{
    return conf_run_dir(config ? config : DEFAULT_CONFIG, geteuid() == 0);
}

static int
cmd_serve(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"root", required_argument, NULL, 'r'},
                                            {"listen", required_argument, NULL, 'l'},
                                            {NULL, 0, NULL, 0}};
    const char *config = NULL, *root = NULL, *listen = NULL;
    struct conf *conf = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            config = optarg;
        else if (option == 'r')
            root = optarg;
        else if (option == 'l')
            listen = optarg;
        else
            return EXIT_USAGE; /* getopt has said why */
    }
    if (optind < argc)
        return usage("serve takes no further words");
    if (root && config)
        return usage("serve takes --config or --root, not both");
    if (listen && !root)
        return usage("--listen goes with --root; a config file has its own listen");
    if (!root)
        return supervisor_serve(config ? config : DEFAULT_CONFIG);
    return load_directory(root, listen, &conf) < 0 ? EXIT_FAILED : supervisor_serve_conf(conf);
}

/* What the machine has to say about TLS, where it is spoken. */
static void
say_ktls(const struct conf *conf)
{
    for (size_t i = 0; i < conf->nlisten; i++) {
        if (!conf->listen[i].tls)
            continue;
        printf("TLS: %s\n", supervisor_ktls()
                                ? "the kernel encrypts what is sent (kTLS)"
                                : "the workers encrypt: this kernel has no kTLS loaded "
                                  "(modprobe tls)");
        return;
    }
}

/* Who takes connections himself. Where all vhosts are one user's, that goes without saying. */
static void
say_own(const struct conf *conf)
{
    for (size_t i = 0; i < conf->nlisten; i++) {
        const struct conf_listen *l = &conf->listen[i];

        if (l->vhost != CONF_SHARED)
            printf("%s %s: user %s's own (vhost %s)\n", l->tls ? "listen_tls" : "listen",
                   l->text, conf->users[l->user].ids.name, conf->vhosts[l->vhost].host);
    }
}

static bool
has_this_machine(const struct nets *nets)
{
    static const uint8_t four[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
    static const uint8_t six[16] = {[15] = 1};

    return nets_have(nets, four) || nets_have(nets, six);
}

/* Whose word on a visitor counts here may be that of every program of every user. */
static void
say_proxies(const struct conf *conf)
{
    const char *where = has_this_machine(&conf->trusted_proxies) ? "trusted_proxies" : NULL;

    for (size_t i = 0; i < conf->nlisten && !where; i++)
        if (has_this_machine(&conf->listen[i].proxies))
            where = "proxy_protocol";
    if (where)
        printf("warning: %s names this machine: whoever may connect from it can say that a "
               "visitor is anybody (hostel.yaml(5), PROXIES)\n",
               where);
}

static int
check_all(const char *config)
{
    struct conf *conf = NULL;
    unsigned wrong;
    int rc;

    if (load(config, &conf) < 0)
        return EXIT_FAILED;
    rc = supervisor_examine(conf, &wrong);
    if (rc == 0 && wrong == 0) {
        say_ktls(conf);
        say_proxies(conf);
        say_own(conf);
        (void)supervisor_say_limits(conf);
        puts("ok");
    }
    conf_free(&conf);
    return rc == 0 && wrong == 0 ? EXIT_OK : EXIT_FAILED;
}

static int
cmd_check(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"explain", no_argument, NULL, 'e'},
                                            {NULL, 0, NULL, 0}};
    const char *config = DEFAULT_CONFIG;
    bool explain = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            config = optarg;
        else if (option == 'e')
            explain = true;
        else
            return EXIT_USAGE;
    }
    if (explain && argc - optind <= 1)
        return conf_explain(optind < argc ? argv[optind] : NULL) < 0 ? EXIT_FAILED : EXIT_OK;
    if (optind < argc)
        return usage("check takes no further words");
    return check_all(config);
}

/* cert self-signed HOST [ALIAS...] */
static int
cmd_cert(int argc, char **argv)
{
    static const struct option options[] = {{"dir", required_argument, NULL, 'd'},
                                            {"days", required_argument, NULL, 'n'},
                                            {NULL, 0, NULL, 0}};
    unsigned long long days = CERT_DAYS;
    const char *dir = ".";
    struct conf *conf = NULL;
    struct buf names;
    int option, rc;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'd')
            dir = optarg;
        else if (option != 'n')
            return EXIT_USAGE;
        else if (span_u64(span_str(optarg), CERT_DAYS_MAX, &days) < 0 || days == 0)
            return usage("cert: --days is 1..36500");
    }
    if (argc - optind < 2 || strcmp(argv[optind], "self-signed") != 0)
        return usage("cert takes \"self-signed\" and a host name");
    buf_init(&names, CERT_NAMES_MAX);
    for (int i = optind + 1; i < argc; i++) {
        char name[CONF_HOST_MAX + 1];

        if (conf_host_name(argv[i], name) < 0 || name[0] == '[')
            return usage("cert: a host name is such as example.org or *.example.org");
        if (buf_addf(&names, "%s%s", names.len ? "\n" : "", name) < 0)
            return usage("cert: too many names");
    }
    rc = conf_defaults(&conf);
    if (rc == 0)
        rc = supervisor_cert(conf, buf_span(&names), (unsigned)days, dir);
    buf_done(&names);
    conf_free(&conf);
    return rc < 0 ? EXIT_FAILED : EXIT_OK;
}

static int
role_of(const char *word, enum confine_role *role)
{
    static const char *const names[] = {"worker", "php", "acceptor", "listening-worker"};

    for (int i = 0; i < 4; i++) {
        if (strcmp(word, names[i]) == 0) {
            *role = (enum confine_role)i;
            return 0;
        }
    }
    return -1;
}

static int
cmd_confine(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    const char *config = NULL, *words[2] = {NULL, NULL};
    struct conf *conf = NULL;
    enum confine_role role;
    int option, nwords = 0, rc;

    /* ROLE and USER may stand before or after --config; PROGRAM's own options follow "--" */
    while ((option = getopt_long(argc, argv, "-", options, NULL)) != -1) {
        if (option == 'c')
            config = optarg;
        else if (option == 1 && nwords < 2)
            words[nwords++] = optarg;
        else if (option == 1)
            return usage("confine: put \"--\" before the program");
        else
            return EXIT_USAGE;
    }
    if (nwords < 2 || optind >= argc)
        return usage("confine takes ROLE, USER, \"--\" and a program");
    if (role_of(words[0], &role) < 0)
        return usage("confine: the role is worker, php or acceptor");
    rc = config ? load(config, &conf) : conf_defaults(&conf);
    if (rc < 0)
        return EXIT_FAILED;
    rc = supervisor_confine(role, words[1], conf, argv + optind);
    conf_free(&conf);
    return rc;
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {
        {"serve", cmd_serve},     {"check", cmd_check},     {"confine", cmd_confine},
        {"status", cmd_status},   {"reload", cmd_ask},      {"stop", cmd_ask},
        {"php-restart", cmd_ask}, {"logs-reopen", cmd_ask}, {"upgrade", cmd_ask},
        {"cert", cmd_cert},       {"export", cmd_export}};
    const char *names[sizeof(commands) / sizeof(commands[0]) + 1] = {NULL}, *near;

    if (argc < 2)
        return usage("tell me what to do");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(usage_text, stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("hostel " HOSTEL_VERSION);
        return EXIT_OK;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        names[i] = commands[i].name;
    near = text_nearest(argv[1], names);
    fprintf(stderr, "hostel: there is no command \"%s\"%s%s%s\n\n%s", argv[1],
            near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "", usage_text);
    return EXIT_USAGE;
}
