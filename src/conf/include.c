/* The files that a main file includes. Floor 2; supervisor. */
#include "include.h"

#include "hostel/base/mem.h"

#include <glob.h>
#include <stdlib.h>

struct found {
    char **files;
    size_t n, room;
};

static char *
beside(const char *main_file, const char *pattern)
{
    const char *slash = strrchr(main_file, '/');
    size_t n = slash ? (size_t)(slash - main_file) + 1 : 0;

    if (pattern[0] == '/')
        return mem_str(pattern);
    return mem_fmt("%.*s%s", (int)n, main_file, pattern);
}

static void
take(struct found *f, const glob_t *g, struct place at, struct conf_errors *errors)
{
    if (g->gl_pathc > INCLUDE_FILES_MAX - f->n) {
        errors_at(errors, at, "`include` names more than %d files", INCLUDE_FILES_MAX);
        return;
    }
    if (f->n + g->gl_pathc > f->room) {
        f->room = f->n + g->gl_pathc;
        f->files = mem_grow(f->files, f->room * sizeof(*f->files));
    }
    for (size_t i = 0; i < g->gl_pathc; i++)
        f->files[f->n++] = mem_str(g->gl_pathv[i]);
}

static void
expand(struct found *f, const char *main_file, const struct note_glob *note,
       struct conf_errors *errors)
{
    char *pattern = beside(main_file, note->pattern);
    glob_t g = {0};
    int rc = glob(pattern, GLOB_ERR, NULL, &g);

    if (rc == 0)
        take(f, &g, note->at, errors);
    else if (rc == GLOB_ABORTED)
        errors_at(errors, note->at, "`include` %s: its directory cannot be read", pattern);
    else if (rc == GLOB_NOSPACE)
        errors_at(errors, note->at, "`include` %s: not enough memory", pattern);
    else if (!strpbrk(pattern, "*?["))
        errors_at(errors, note->at, "`include` %s: there is no such file", pattern);
    globfree(&g);
    free(pattern);
}

static int
order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t
include_expand(const char *main_file, const struct notes *notes, char ***files,
               struct conf_errors *errors)
{
    struct found f = {0};
    size_t kept = 0;

    for (size_t i = 0; i < notes->nglobs; i++)
        expand(&f, main_file, &notes->globs[i], errors);
    if (f.n > 1)
        qsort(f.files, f.n, sizeof(*f.files), order);
    for (size_t i = 0; i < f.n; i++) {
        if (kept > 0 && strcmp(f.files[kept - 1], f.files[i]) == 0)
            free(f.files[i]); /* two patterns found it */
        else
            f.files[kept++] = f.files[i];
    }
    f.files = mem_grow(f.files, (kept + 1) * sizeof(*f.files));
    f.files[kept] = NULL;
    *files = f.files;
    return kept;
}
