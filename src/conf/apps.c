/* The presets that vhosts name with `app`. Floor 2; supervisor. */
#include "apps.h"

#include "file.h"
#include "walk.h"

#include "hostel/base/mem.h"
#include "hostel/base/text.h"

#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NAMES_MAX 256 /* presets that a misspelt name is compared with */

/* Beside this executable (a build directory), and in the data directory next to it. */
static const char *const places[] = {"apps", "../share/hostel/apps"};

#define PLACES (sizeof(places) / sizeof(places[0]))

/* ret  the nth directory to look in, owned; NULL: there are no more */
static char *
directory(const struct conf *c, size_t nth)
{
    char self[4096];
    ssize_t n;

    if (nth == 0)
        return mem_str(c->app_dir);
    if (nth > PLACES)
        return NULL;
    n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n < 0)
        return NULL;
    self[n] = '\0';
    return mem_fmt("%s/%s", dirname(self), places[nth - 1]);
}

/* ret  the path of the preset's file, owned; or NULL: there is none */
static char *
find_file(const struct conf *c, const char *name)
{
    char *dir, *path;

    for (size_t i = 0; (dir = directory(c, i)); i++) {
        path = mem_fmt("%s/%s.yaml", dir, name);
        free(dir);
        if (access(path, F_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

/* "a/b/wordpress.yaml" -> "wordpress" */
static char *
name_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    return mem_fmt("%.*s", (int)(strlen(name) - strlen(".yaml")), name);
}

static size_t
names(const struct conf *c, char *list[static NAMES_MAX + 1])
{
    size_t n = 0;
    char *dir;

    for (size_t i = 0; (dir = directory(c, i)); i++) {
        char *pattern = mem_fmt("%s/*.yaml", dir);
        glob_t g = {0};

        if (glob(pattern, 0, NULL, &g) == 0)
            for (size_t j = 0; j < g.gl_pathc && n < NAMES_MAX; j++)
                list[n++] = name_of(g.gl_pathv[j]);
        globfree(&g);
        free(pattern);
        free(dir);
    }
    list[n] = NULL;
    return n;
}

static void
say_missing(const struct conf *c, const char *name, char why[static APPS_WHY_MAX])
{
    char *list[NAMES_MAX + 1];
    size_t n = names(c, list);
    const char *nearest = text_nearest(name, (const char *const *)list);
    int at = snprintf(why, APPS_WHY_MAX, "app `%s` does not exist", name);

    if (nearest)
        snprintf(why + at, (size_t)(APPS_WHY_MAX - at), ", did you mean `%s`?", nearest);
    for (size_t i = 0; i < n; i++) {
        if (!nearest && at < APPS_WHY_MAX)
            at += snprintf(why + at, (size_t)(APPS_WHY_MAX - at), "%s%s",
                           i ? ", " : "; there are ", list[i]);
        free(list[i]);
    }
}

/* A file with errors is still an app, so that it is read, and they are said, once. */
static struct conf_app *
load(const struct conf *c, const char *name, char *file, struct conf_errors *errors)
{
    struct conf_app *app = mem_new(sizeof(*app));
    struct notes notes = {0};
    struct file f = {0};
    const char *why = file_read(file, c->switching, &f);

    app->name = mem_str(name);
    app->file = file;
    if (why)
        errors_file(errors, file, "%s", why);
    else
        walk_app(file, span_of(f.bytes, f.n), &notes, errors);
    if (notes.nvhosts) {
        struct note_vhost *note = &notes.vhosts[0];

        app->fallback = note->fallback;
        app->rules = note->rules.v;
        app->nrules = note->rules.n;
        note->fallback = NULL;
        note->rules = (struct rules){0};
    }
    notes_done(&notes);
    file_done(&f);
    return app;
}

const struct conf_app *
apps_find(struct conf *c, const char *name, struct conf_errors *errors,
          char why[static APPS_WHY_MAX])
{
    char *file;

    for (size_t i = 0; i < c->napps; i++)
        if (strcmp(c->apps[i]->name, name) == 0)
            return c->apps[i];
    file = find_file(c, name);
    if (!file) {
        say_missing(c, name, why);
        return NULL;
    }
    c->apps = mem_grow(c->apps, (c->napps + 1) * sizeof(*c->apps));
    c->apps[c->napps] = load(c, name, file, errors);
    return c->apps[c->napps++];
}

void
apps_done(struct conf *c)
{
    for (size_t i = 0; i < c->napps; i++) {
        struct conf_app *app = c->apps[i];
        struct rules rules = {app->rules, app->nrules};

        rules_done(&rules);
        free(app->name);
        free(app->file);
        free(app->fallback);
        free(app);
    }
    free(c->apps);
}
