/* The development server's configuration: one directory, no file. Floor 2; supervisor. */
#include "hostel/conf/model.h"

#include "check.h"
#include "fill.h"
#include "listen.h"
#include "rows.h"
#include "value.h"

#include "hostel/base/mem.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What errors call the place where a file would be. */
static const char source[] = "command line";

static bool
runs(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* ret  a php-cgi, owned; NULL when there is none */
static char *
find_php(void)
{
    const char *preset = rows[ROW_PHP_COMMAND].preset;
    struct span path = span_str(getenv("PATH")), dir;

    if (runs(preset))
        return mem_str(preset);
    while (span_cut(&path, ':', &dir)) {
        char *command;

        if (dir.n == 0 || dir.p[0] != '/' || dir.n > PATH_MAX)
            continue;
        command = mem_fmt("%.*s/php-cgi", (int)dir.n, dir.p);
        if (runs(command))
            return command;
        free(command);
    }
    return NULL;
}

static bool
blames_nobody(void *data, const struct conf_vhost *first, const struct conf_vhost *second)
{
    (void)data, (void)first, (void)second;
    return false;
}

static void
fill_directory(struct conf *c, char *root, char *listen, struct conf_errors *errors)
{
    static const struct raw_main raw;
    struct note_listen listens[] = {{.address = listen}};
    const struct notes notes = {.listens = listens, .nlistens = listen ? 1 : 0};
    char host[] = "localhost", yes[] = "true", log[] = "-", user[16];
    struct raw_php raw_php = {.command = find_php()};
    struct raw_vhost raw_vhost = {
        .host = host, .user = user, .root = root, .by_default = yes, .access_log = log};
    struct note_vhost note = {.php = raw_php.command != NULL};
    struct users users;

    raw_vhost.php = &raw_php;
    snprintf(user, sizeof(user), "%u", geteuid());
    fill_listens(c, source, &notes, errors);
    fill_main(c, source, &raw, errors);
    users_init(&users, c);
    fill_vhost(&users, c->files[0], &raw_vhost, &note, errors);
    users_done(&users);
    listen_check(c, blames_nobody, NULL, errors);
    check_limits(c, NULL, NULL, errors);
    free(raw_php.command);
}

int
conf_for_directory(const char *root, const char *listen, struct conf **out,
                   struct conf_errors *errors)
{
    struct conf *c;
    char why[VALUE_WHY_MAX];
    char *absolute, *address = mem_str(listen);

    *errors = (struct conf_errors){0};
    if (geteuid() == 0)
        errors_file(errors, source,
                    "root serves no directory: run this as a user, or write a config file");
    if (listen && value_check(&rows[ROW_LISTEN_ADDRESS], span_str(listen), why) < 0)
        errors_file(errors, source, "--listen %s", why);
    absolute = realpath(root, NULL);
    if (!absolute)
        errors_file(errors, source, "--root %s: %s", root, strerror(errno));
    c = mem_new(sizeof(*c));
    c->files = mem_new_array(2, sizeof(*c->files));
    c->files[0] = mem_str(source);
    if (errors->n == 0)
        fill_directory(c, absolute, address, errors);
    free(absolute);
    free(address);
    if (errors->n > 0) {
        conf_free(&c);
        return -EINVAL;
    }
    *out = c;
    return 0;
}
