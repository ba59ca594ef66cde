/*
 * "hostel status": the server's answer as one JSON document, or as tables for a person.
 * Floor 7, hostel. JSON is YAML: libyaml, which reads the configuration, reads this too.
 */
#include "ask.h"
#include "hostel/base/buf.h"
#include "hostel/base/mem.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#define WATCH_SECONDS 2
#define FEW_DAYS      14

/* --- one line, parsed -----------------------------------------------------------------------
 */

struct record {
    yaml_document_t doc;
    yaml_node_t *root;
};

static bool
record_read(struct record *r, struct span line)
{
    yaml_parser_t parser;
    bool good;

    if (!yaml_parser_initialize(&parser))
        return false;
    yaml_parser_set_input_string(&parser, (const unsigned char *)line.p, line.n);
    good = yaml_parser_load(&parser, &r->doc);
    yaml_parser_delete(&parser);
    r->root = good ? yaml_document_get_root_node(&r->doc) : NULL;
    if (good && (!r->root || r->root->type != YAML_MAPPING_NODE)) {
        yaml_document_delete(&r->doc);
        return false;
    }
    return good;
}

/* ret  the member of a mapping, or NULL */
static yaml_node_t *
member(struct record *r, yaml_node_t *map, const char *key)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        yaml_node_t *k = yaml_document_get_node(&r->doc, p->key);

        if (strcmp((const char *)k->data.scalar.value, key) == 0)
            return yaml_document_get_node(&r->doc, p->value);
    }
    return NULL;
}

static const char *
text_of(struct record *r, yaml_node_t *map, const char *key)
{
    yaml_node_t *n = member(r, map, key);

    return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

static uint64_t
number_of(struct record *r, yaml_node_t *map, const char *key)
{
    return strtoull(text_of(r, map, key), NULL, 10);
}

/* The items of a list in turn; *at starts at 0. ret  NULL at its end */
static yaml_node_t *
next_of(struct record *r, yaml_node_t *list, size_t *at)
{
    yaml_node_item_t *items;

    if (!list || list->type != YAML_SEQUENCE_NODE)
        return NULL;
    items = list->data.sequence.items.start;
    if (items + *at >= list->data.sequence.items.top)
        return NULL;
    return yaml_document_get_node(&r->doc, items[(*at)++]);
}

/* --- for a person ---------------------------------------------------------------------------
 */

struct shown {
    const char *section; /* whose heading was printed last */
    size_t asleep;
};

static void
heading(struct shown *t, const char *section, const char *columns)
{
    if (t->section && strcmp(t->section, section) == 0)
        return;
    t->section = section;
    printf("\n%s\n", columns);
}

static void
age(char text[static 32], uint64_t s)
{
    if (s < 120)
        snprintf(text, 32, "%" PRIu64 "s", s);
    else if (s < 7200)
        snprintf(text, 32, "%" PRIu64 "m", s / 60);
    else if (s < 48 * 3600)
        snprintf(text, 32, "%" PRIu64 "h", s / 3600);
    else
        snprintf(text, 32, "%" PRIu64 "d", s / 86400);
}

static void
show_server(struct record *r)
{
    char up[32];

    age(up, number_of(r, r->root, "uptime_s"));
    printf("hostel %s, pid %s, %s, up %s, %s users, %s vhosts\n",
           text_of(r, r->root, "version"), text_of(r, r->root, "pid"),
           text_of(r, r->root, "state"), up, text_of(r, r->root, "users"),
           text_of(r, r->root, "vhosts"));
    printf("config %s, generation %s", text_of(r, r->root, "config"),
           text_of(r, r->root, "generation"));
    if (number_of(r, r->root, "errors"))
        printf(", %s errors in %s files", text_of(r, r->root, "errors"),
               text_of(r, r->root, "broken_files"));
    printf("\n");
}

static void
show_child(struct record *r, yaml_node_t *n, const char *who, const char *what)
{
    char since[32];

    age(since, number_of(r, n, "age_s"));
    printf("  %-20s %-9s %7s %-9s %6s %7.1f", who, what, text_of(r, n, "pid"),
           text_of(r, n, "state"), since, (double)number_of(r, n, "rss_kib") / 1024);
}

static void
show_worker(struct record *r, yaml_node_t *n, const char *user)
{
    show_child(r, n, user, "worker");
    printf(" %6s %10s %8.1f %8s %7s %7s %6s %8.1f %8.1f\n", text_of(r, n, "connections"),
           text_of(r, n, "requests"), (double)number_of(r, n, "bytes") / (1024 * 1024),
           text_of(r, n, "2xx"), text_of(r, n, "3xx"), text_of(r, n, "4xx"),
           text_of(r, n, "5xx"), (double)number_of(r, n, "p50_us") / 1000,
           (double)number_of(r, n, "p99_us") / 1000);
}

static void
show_acceptor(struct record *r, struct shown *t)
{
    heading(
        t, "acceptor",
        "                       WHAT          PID STATE        AGE  MEM MB WAITING     ROUTED"
        "    REFUSED");
    show_child(r, r->root, "", "acceptor");
    printf(" %7s %10s %10s\n", text_of(r, r->root, "waiting"), text_of(r, r->root, "routed"),
           text_of(r, r->root, "refused"));
}

/* Bounds that he or his visitors have reached: "limited", and each that has a count. */
static void
show_limits(struct record *r, const char *user)
{
    static const char prefix[] = "limited_";
    bool any = false;

    if (!number_of(r, r->root, "limited"))
        return;
    printf("  %-20s limits: %s requests refused", user, text_of(r, r->root, "limited"));
    for (yaml_node_pair_t *p = r->root->data.mapping.pairs.start;
         p < r->root->data.mapping.pairs.top; p++) {
        const char *key =
            (const char *)yaml_document_get_node(&r->doc, p->key)->data.scalar.value;

        if (strncmp(key, prefix, sizeof(prefix) - 1) != 0 || !number_of(r, r->root, key))
            continue;
        printf("%s %s %s", any ? "," : ":", text_of(r, r->root, key), key + sizeof(prefix) - 1);
        any = true;
    }
    printf("\n");
}

static void
show_user(struct record *r, struct shown *t)
{
    const char *user = text_of(r, r->root, "user"), *state = text_of(r, r->root, "state");
    yaml_node_t *workers = member(r, r->root, "workers"), *pools = member(r, r->root, "pools");
    yaml_node_t *n, *php = member(r, r->root, "php");
    bool runs = false;
    size_t at = 0;

    if (strcmp(state, "asleep") == 0 && !next_of(r, workers, &at)) {
        t->asleep++;
        return;
    }
    heading(
        t, "user",
        "  USER                 WHAT          PID STATE        AGE  MEM MB  CONNS   REQUESTS"
        "   MB OUT      2XX     3XX     4XX    5XX   P50 MS   P99 MS");
    if (strcmp(state, "awake") != 0)
        printf("  %-20s %s after %s crashes\n", user, state, text_of(r, r->root, "crashes"));
    at = 0;
    while ((n = next_of(r, workers, &at)))
        show_worker(r, n, user);
    at = 0;
    while ((n = next_of(r, pools, &at))) {
        if (!number_of(r, n, "pid"))
            continue;
        show_child(r, n, user, "php");
        printf(" %s processes, %s starts, %s restarts\n", text_of(r, n, "processes"),
               text_of(r, n, "starts"), text_of(r, n, "restarts"));
        runs = true;
    }
    if (runs)
        printf("  %-20s php: %s processes, %s busy, %s queued, %s slow\n", user,
               text_of(r, php, "running"), text_of(r, php, "busy"), text_of(r, php, "queued"),
               text_of(r, php, "slow"));
    show_limits(r, user);
    if (number_of(r, r->root, "log_lost_bytes"))
        printf("  %-20s logs: %s bytes of lines lost\n", user,
               text_of(r, r->root, "log_lost_bytes"));
}

/* Those that need somebody: the others are many. */
static void
show_certificate(struct record *r, struct shown *t)
{
    bool expired = strcmp(text_of(r, r->root, "expired"), "true") == 0;
    bool kept = strcmp(text_of(r, r->root, "kept"), "true") == 0;
    uint64_t days = number_of(r, r->root, "days_left");

    if (!kept && (days >= FEW_DAYS || !*text_of(r, r->root, "days_left")))
        return;
    heading(t, "certificate", "  CERTIFICATE OF                           DAYS LEFT");
    printf("  %-40s %9s%s\n", text_of(r, r->root, "vhost"),
           expired ? "expired" : text_of(r, r->root, "days_left"),
           kept ? "  (its files are no good: the one before is served)" : "");
}

static void
on_record(void *data, struct span line)
{
    struct shown *t = data;
    struct record r;
    const char *is;

    if (!record_read(&r, line))
        return;
    is = text_of(&r, r.root, "is");
    if (strcmp(is, "server") == 0) {
        show_server(&r);
    } else if (strcmp(is, "listener") == 0) {
        heading(t, "listener", "  LISTENS ON");
        printf("  %s\n", text_of(&r, r.root, "address"));
    } else if (strcmp(is, "acceptor") == 0) {
        show_acceptor(&r, t);
    } else if (strcmp(is, "metrics") == 0) {
        heading(t, "metrics", "  METRICS");
        show_child(&r, r.root, "", "metrics");
        printf("\n");
    } else if (strcmp(is, "broken") == 0) {
        heading(t, "broken", "  NOT IN EFFECT");
        printf("  %s\n", text_of(&r, r.root, "error"));
    } else if (strcmp(is, "user") == 0) {
        show_user(&r, t);
    } else if (strcmp(is, "certificate") == 0) {
        show_certificate(&r, t);
    }
    yaml_document_delete(&r.doc);
}

/* --- for a program --------------------------------------------------------------------------
 */

/* One document: {"status":[ each line as it came ]}. */
static void
on_json(void *data, struct span line)
{
    bool *first = data;

    printf("%s%.*s", *first ? "" : ",\n ", (int)line.n, line.p);
    *first = false;
}

static int
print_status(const char *run_dir, bool json)
{
    struct shown t = {NULL, 0};
    char *message;
    bool first = true;
    int rc;

    if (json)
        printf("{\"status\":[");
    rc = ask(run_dir, "status", json ? on_json : on_record, json ? (void *)&first : &t,
             &message);
    if (json)
        printf("]}\n");
    else if (rc == 1 && t.asleep)
        printf("\n  %zu users are asleep: nothing of theirs runs\n", t.asleep);
    if (rc < 0)
        fprintf(stderr, "hostel: no server answers in %s: %s\n", run_dir, strerror(-rc));
    else if (rc == 0)
        fprintf(stderr, "hostel: %s\n", message);
    free(message);
    return rc == 1 ? 0 : 1;
}

int
cmd_status(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"run-dir", required_argument, NULL, 'r'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"watch", no_argument, NULL, 'w'},
                                            {NULL, 0, NULL, 0}};
    const char *config = NULL, *given = NULL;
    bool json = false, watch = false;
    char *run_dir;
    int option, rc;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            config = optarg;
        else if (option == 'r')
            given = optarg;
        else if (option == 'j')
            json = true;
        else if (option == 'w')
            watch = true;
        else
            return 2;
    }
    if (optind < argc) {
        fprintf(stderr, "hostel: status takes no further words\n");
        return 2;
    }
    run_dir = given ? mem_str(given) : run_dir_of(config);
    do {
        if (watch && !json && isatty(STDOUT_FILENO))
            printf("\033[H\033[J");
        rc = print_status(run_dir, json);
        if (fflush(stdout) != 0) /* whoever read it has gone */
            watch = false;
    } while (watch && rc == 0 && sleep(WATCH_SECONDS) == 0);
    free(run_dir);
    return rc;
}
