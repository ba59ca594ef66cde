/*
 * From a main file to a checked model. Floor 2; supervisor.
 *
 *     main file:  read -> walk -> raw -> fill_main -> vhosts
 *     each included file, by name:  read -> walk -> raw -> vhosts
 *     all together:  names, one default, at least one vhost
 *
 * A file with errors is still filled as far as it goes, so that one run says all there is.
 */
#include "hostel/conf/model.h"

#include "check.h"
#include "file.h"
#include "fill.h"
#include "include.h"

#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define VHOSTS_MAX 1000000 /* as the row of vhosts says, for all files together */

struct load {
    struct conf *conf;
    struct users users;
    struct stat main_st;
    struct conf_errors *errors;
};

static void
load_vhosts(struct load *l, const char *file, const struct raw_main *raw, struct notes *notes)
{
    /* the two were read from the same bytes; a count that differs means a file that is refused
     */
    if (raw->vhosts.n != notes->nvhosts)
        return;
    for (uint32_t i = 0; i < raw->vhosts.n; i++) {
        if (l->conf->nvhosts == VHOSTS_MAX) {
            errors_at(l->errors, notes->vhosts[i].at, "more than %d vhosts", VHOSTS_MAX);
            return;
        }
        fill_vhost(&l->users, file, &raw->vhosts.v[i], &notes->vhosts[i], l->errors);
    }
}

/*
 * Walk one file and let libcyaml fill the raw structs.
 *
 * ret  NULL when there is nothing to be had of it, with or without errors; raw_free()
 */
static struct raw_main *
load_raw(struct load *l, const char *file, const struct file *f, bool site, struct notes *notes)
{
    struct span bytes = span_of(f->bytes, f->n);
    size_t before = l->errors->n;
    struct raw_main *raw = NULL;
    const char *why;

    walk_file(file, bytes, site, notes, l->errors);
    if (!notes->fit)
        return NULL;
    why = raw_load(bytes, &raw);
    if (why && l->errors->n == before)
        errors_file(l->errors, file, "%s", why);
    return raw;
}

static void
load_site(struct load *l, const char *file)
{
    struct notes notes = {0};
    struct raw_main *raw;
    struct file f = {0};
    const char *why = file_read(file, l->conf->switching, &f);

    if (why) {
        errors_file(l->errors, file, "%s", why);
        return;
    }
    if (f.st.st_dev == l->main_st.st_dev && f.st.st_ino == l->main_st.st_ino) {
        errors_file(l->errors, file, "the main file includes itself");
    } else {
        raw = load_raw(l, file, &f, true, &notes);
        if (raw)
            load_vhosts(l, file, raw, &notes);
        raw_free(&raw);
        notes_done(&notes);
    }
    file_done(&f);
}

static void
load_includes(struct load *l, const char *path, const struct notes *notes)
{
    struct conf *c = l->conf;
    char **found;
    size_t n = include_expand(path, notes, &found, l->errors);

    c->files = mem_grow(c->files, (n + 2) * sizeof(*c->files));
    memcpy(c->files + 1, found, (n + 1) * sizeof(*found));
    free(found);
    for (size_t i = 1; i <= n; i++)
        load_site(l, c->files[i]);
}

static void
load_main(struct load *l, const char *path)
{
    static const struct raw_main nothing;
    struct notes notes = {0};
    struct raw_main *raw;
    struct file f = {0};
    const char *why = file_read(path, l->conf->switching, &f);

    if (why) {
        errors_file(l->errors, path, "%s", why);
        return;
    }
    l->main_st = f.st;
    raw = load_raw(l, path, &f, false, &notes);
    file_done(&f);
    fill_main(l->conf, path, raw ? raw : &nothing, l->errors);
    if (raw)
        load_vhosts(l, path, raw, &notes);
    load_includes(l, path, &notes);
    notes_done(&notes);
    if (l->conf->nvhosts == 0 && l->errors->n == 0)
        errors_file(l->errors, path, "no vhosts: neither here nor in an included file");
    fill_acme(&l->users, path, raw ? raw : &nothing, l->errors);
    raw_free(&raw);
    check_names(l->conf, l->errors);
}

int
conf_load(const char *path, bool as_root, struct conf **out, struct conf_errors *errors)
{
    struct load l = {.conf = mem_new(sizeof(*l.conf)), .errors = errors};

    *errors = (struct conf_errors){0};
    l.conf->switching = as_root;
    l.conf->files = mem_new_array(2, sizeof(*l.conf->files));
    l.conf->files[0] = mem_str(path);
    users_init(&l.users, l.conf);
    load_main(&l, l.conf->files[0]);
    users_done(&l.users);
    if (errors->n > 0) {
        conf_free(&l.conf);
        return -EINVAL;
    }
    *out = l.conf;
    return 0;
}
