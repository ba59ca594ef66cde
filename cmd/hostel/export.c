/*
 * "hostel export haproxy-map": which host is on which machine, for an HAProxy in front of
 * several. Floor 7, hostel.
 *
 * The configurations are those of other machines: their users, directories and certificates are
 * not looked for here.
 */
#include "export.h"
#include "hostel/base/buf.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/conf/model.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOXES_MAX 1024
#define MAP_MAX   ((size_t)1 << 30)

struct box {
    const char *name, *config; /* lent from the command line */
    struct conf *conf;
};

struct boxes {
    struct box *v;
    size_t n;
};

/* One name of one vhost. */
struct named {
    const char *name;
    const struct box *box;
    const struct conf_vhost *vhost;
};

struct names {
    struct named *v;
    size_t n;
};

/* --- the command line -----------------------------------------------------------------------
 */

/* HAProxy's own: letters, digits and "-_.:". */
static bool
is_backend(const char *name, size_t n)
{
    static const char kept[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:";

    return n > 0 && n <= 255 && strspn(name, kept) >= n;
}

/* "NAME=CONFIG". ret  NULL, or what is wrong */
static const char *
add_box(struct boxes *boxes, char *text)
{
    char *equals = strchr(text, '=');

    if (!equals || !equals[1])
        return "--box takes NAME=CONFIG";
    if (!is_backend(text, (size_t)(equals - text)))
        return "the name of a box is that of an HAProxy backend: letters, digits, - _ . :";
    *equals = '\0';
    for (size_t i = 0; i < boxes->n; i++)
        if (strcmp(boxes->v[i].name, text) == 0)
            return "two boxes have one name";
    if (boxes->n == BOXES_MAX)
        return "too many boxes";
    boxes->v = mem_grow(boxes->v, (boxes->n + 1) * sizeof(*boxes->v));
    boxes->v[boxes->n++] = (struct box){.name = text, .config = equals + 1};
    return NULL;
}

/* ret  0; -EINVAL, and every error is said */
static int
load(struct boxes *boxes)
{
    int rc = 0;

    for (struct box *b = boxes->v; b < boxes->v + boxes->n; b++) {
        struct conf_errors errors = {0};

        if (conf_load_elsewhere(b->config, &b->conf, &errors) < 0)
            rc = -EINVAL;
        for (size_t i = 0; i < errors.n; i++)
            fprintf(stderr, "%s\n", errors.lines[i]);
        conf_errors_done(&errors);
    }
    return rc;
}

/* --- the names ------------------------------------------------------------------------------
 */

static int
by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    if (order)
        return order;
    return x->box < y->box ? -1 : x->box > y->box;
}

static size_t
count(const struct boxes *boxes)
{
    size_t n = 0;

    for (const struct box *b = boxes->v; b < boxes->v + boxes->n; b++)
        for (const struct conf_vhost *v = b->conf->vhosts;
             v < b->conf->vhosts + b->conf->nvhosts; v++) {
            n++;
            for (char **alias = v->aliases; *alias; alias++)
                n++;
        }
    return n;
}

static void
gather_vhost(struct names *names, const struct box *b, const struct conf_vhost *v)
{
    if (v->acme) /* made for the machine's own use: nobody can ask for it by its name */
        return;
    names->v[names->n++] = (struct named){v->host, b, v};
    for (char **alias = v->aliases; *alias; alias++)
        names->v[names->n++] = (struct named){*alias, b, v};
}

/* Sorted: the map says the same however the files are cut, so that a difference means one. */
static void
gather(const struct boxes *boxes, struct names *names)
{
    names->v = mem_new_array(count(boxes) + 1, sizeof(*names->v));
    for (const struct box *b = boxes->v; b < boxes->v + boxes->n; b++)
        for (size_t i = 0; i < b->conf->nvhosts; i++)
            gather_vhost(names, b, &b->conf->vhosts[i]);
    if (names->n)
        qsort(names->v, names->n, sizeof(*names->v), by_name);
}

/* ret  how many names are on two boxes; each is said with both places */
static size_t
say_twice(const struct names *names)
{
    size_t n = 0;

    for (size_t i = 1; i < names->n; i++) {
        const struct named *first = &names->v[i - 1], *second = &names->v[i];

        if (strcmp(first->name, second->name) != 0)
            continue;
        fprintf(stderr, "%s:%zu: vhost %s: `%s` is on box %s, and on box %s in %s:%zu\n",
                second->vhost->file, second->vhost->line, second->vhost->host, second->name,
                second->box->name, first->box->name, first->vhost->file, first->vhost->line);
        n++;
    }
    return n;
}

/* ret  the vhost that answers what no vhost has; there may be one on each box: the first's */
static struct named
find_default(const struct boxes *boxes)
{
    struct named found = {NULL, NULL, NULL};

    for (const struct box *b = boxes->v; b < boxes->v + boxes->n; b++)
        for (const struct conf_vhost *v = b->conf->vhosts;
             v < b->conf->vhosts + b->conf->nvhosts; v++) {
            if (!v->by_default)
                continue;
            if (found.box)
                fprintf(stderr,
                        "%s:%zu: warning: vhost %s is the default of box %s, but names that no "
                        "vhost has go to that of box %s\n",
                        v->file, v->line, v->host, b->name, found.box->name);
            else
                found = (struct named){"*", b, v};
        }
    return found;
}

/* --- the map --------------------------------------------------------------------------------
 */

static int
write_map(const struct boxes *boxes, const struct names *names, struct buf *out)
{
    struct named rest = find_default(boxes);
    int rc = buf_add_str(out, "# host backend; made by hostel export haproxy-map\n");

    if (rc == 0 && rest.box)
        rc = buf_addf(out, "* %s\n", rest.box->name);
    for (size_t i = 0; rc == 0 && i < names->n; i++)
        rc = buf_addf(out, "%s %s\n", names->v[i].name, names->v[i].box->name);
    return rc;
}

static int
put_all(int fd, struct span bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);

        if (n < 0 && errno != EINTR)
            return -errno;
        bytes = span_skip(bytes, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

/* Whole or not at all: an HAProxy that reloads just now reads the one before. */
static int
put_file(const char *path, struct span bytes)
{
    char *beside = mem_fmt("%s.XXXXXX", path);
    int fd = mkostemp(beside, O_CLOEXEC), rc = fd < 0 ? -errno : put_all(fd, bytes);

    if (rc == 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0 || rename(beside, path) < 0))
        rc = -errno;
    if (rc < 0 && fd >= 0)
        (void)unlink(beside);
    fd_close(&fd);
    free(beside);
    return rc;
}

/* ret  exit status */
static int export(struct boxes *boxes, const char *output)
{
    struct names names = {NULL, 0};
    struct buf map;
    int rc = load(boxes);

    buf_init(&map, MAP_MAX);
    if (rc == 0) {
        gather(boxes, &names);
        rc = say_twice(&names) ? -EINVAL : write_map(boxes, &names, &map);
    }
    if (rc == 0) {
        rc = output ? put_file(output, buf_span(&map)) : put_all(STDOUT_FILENO, buf_span(&map));
        if (rc < 0)
            fprintf(stderr, "hostel: %s: %s\n", output ? output : "standard output",
                    strerror(-rc));
    }
    buf_done(&map);
    free(names.v);
    return rc < 0;
}

static int
wrong(const char *what)
{
    fprintf(stderr,
            "hostel: export: %s\n\n"
            "  hostel export haproxy-map --box NAME=CONFIG [--box NAME=CONFIG ...]\n"
            "                            [--output FILE]\n",
            what);
    return 2;
}

int
cmd_export(int argc, char **argv)
{
    static const struct option options[] = {{"box", required_argument, NULL, 'b'},
                                            {"output", required_argument, NULL, 'o'},
                                            {NULL, 0, NULL, 0}};
    const char *output = NULL, *why = NULL;
    struct boxes boxes = {NULL, 0};
    int option, rc;

    while (!why && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'b')
            why = add_box(&boxes, optarg);
        else if (option == 'o')
            output = optarg;
        else
            why = "that is no option of it";
    }
    if (!why && (optind != argc - 1 || strcmp(argv[optind], "haproxy-map") != 0))
        why = "what can be exported is haproxy-map";
    if (!why && boxes.n == 0)
        why = "at least one --box is needed";
    rc = why ? wrong(why) : export(&boxes, output);
    for (size_t i = 0; i < boxes.n; i++)
        conf_free(&boxes.v[i].conf);
    free(boxes.v);
    return rc;
}
