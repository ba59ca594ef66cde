/*
 * From a main file to a checked model. Floor 2; supervisor.
 *
 *     main file:  read -> walk -> raw -> fill_main -> vhosts
 *     each included file, by name:  read -> walk -> raw -> vhosts
 *     all together:  names, one default, at least one vhost
 *
 * A file with errors is still filled as far as it goes, so that one run says all there is.
 * Where a server must go on (tolerant), a site file with errors falls back to what it said when
 * it last had none, or is left out, and all is looked at again: the result has no error.
 */
#include "hostel/conf/model.h"

#include "check.h"
#include "file.h"
#include "fill.h"
#include "include.h"
#include "listen.h"

#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define VHOSTS_MAX 1000000 /* as the row of vhosts says, for all files together */

/* Which text of a site file counts. */
enum site_turn {
    SITE_AS_IT_IS,
    SITE_AS_IT_WAS, /* it has errors: what it said when it last had none */
    SITE_OUT,       /* nor can that be had */
};

struct site {
    enum site_turn turn;
    bool read;
    struct file now;
    const char *why; /* it cannot be read */
    const struct conf_site *last;
};

struct load {
    struct conf *conf;
    struct users users;
    struct file main;
    struct conf_errors *errors;
    /* once a site file has errors, is the rest looked at without it? else: all of it is said */
    bool tolerant, switching, elsewhere;
    const struct conf *last; /* what served until now; NULL: nothing */
    const struct conf_judge *judge;
    struct site *sites; /* of conf.files + 1 */
    char **found;       /* their names, NULL-ended; NULL: not looked for yet */
    size_t nsites;
    bool fell; /* a site file has taken another turn: all is to be looked at again */
    bool main_bad;
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
load_raw(struct load *l, const char *file, struct span bytes, bool site, struct notes *notes)
{
    size_t before = l->errors->said;
    struct raw_main *raw = NULL;
    const char *why;

    walk_file(file, bytes, site, notes, l->errors);
    if (!notes->fit)
        return NULL;
    why = raw_load(bytes, &raw);
    if (why && l->errors->said == before)
        errors_file(l->errors, file, "%s", why);
    return raw;
}

/* --- site files -----------------------------------------------------------------------------
 */

static int
site_order(const void *a, const void *b)
{
    return strcmp(((const struct conf_site *)a)->file, ((const struct conf_site *)b)->file);
}

/* ret  how a file was when it last had no error, or NULL */
static const struct conf_site *
site_before(const struct conf *last, const char *file)
{
    struct conf_site key = {.file = file};

    if (!last || !last->nsites)
        return NULL;
    return bsearch(&key, last->sites, last->nsites, sizeof(key), site_order);
}

static void
site_read(struct load *l, struct site *site, const char *file)
{
    if (site->read)
        return;
    site->read = true;
    site->why = file_read(file, l->conf->switching, &site->now);
    site->last = site_before(l->last, file);
    if (!site->why && site->now.st.st_dev == l->main.st.st_dev &&
        site->now.st.st_ino == l->main.st.st_ino)
        site->why = "the main file includes itself";
}

static void
site_fall(struct load *l, struct site *site)
{
    site->turn = site->turn == SITE_AS_IT_IS && site->last ? SITE_AS_IT_WAS : SITE_OUT;
    l->fell = true;
}

static struct span
site_text(const struct site *site)
{
    return site->turn == SITE_AS_IT_WAS ? span_of(site->last->bytes, site->last->n)
                                        : span_of(site->now.bytes, site->now.n);
}

static void
load_text(struct load *l, struct span text, const char *file)
{
    struct notes notes = {0};
    struct raw_main *raw = load_raw(l, file, text, true, &notes);

    if (raw)
        load_vhosts(l, file, raw, &notes);
    raw_free(&raw);
    notes_done(&notes);
}

/* What was good once may not be any more: a user is gone, min_uid has risen. */
static void
load_as_it_was(struct load *l, struct site *site, const char *file)
{
    struct conf_errors *errors = l->errors, old = {0};

    l->errors = &old;
    load_text(l, site_text(site), file);
    l->errors = errors;
    if (old.n > 0) {
        site_fall(l, site);
        errors_file(errors, file, "what was in effect does not hold any more (%s): left out",
                    old.lines[0]);
    }
    conf_errors_done(&old);
}

static void
load_site(struct load *l, struct site *site, const char *file)
{
    size_t before = l->errors->said;

    site_read(l, site, file);
    if (site->turn == SITE_AS_IT_WAS)
        load_as_it_was(l, site, file);
    if (site->turn != SITE_AS_IT_IS)
        return;
    if (site->why)
        errors_file(l->errors, file, "%s", site->why);
    else
        load_text(l, site_text(site), file);
    if (l->tolerant && l->errors->said > before)
        site_fall(l, site);
}

/* What had room to grow needs it no more. */
static void
shrink(struct conf *c)
{
    c->vhosts = mem_grow(c->vhosts, (c->nvhosts + 1) * sizeof(*c->vhosts));
    c->users = mem_grow(c->users, (c->nusers + 1) * sizeof(*c->users));
}

/* The texts that count are kept: the next load may have to fall back to them. */
static void
keep_sites(struct load *l)
{
    struct conf *c = l->conf;

    c->sites = mem_new_array(l->nsites + 1, sizeof(*c->sites));
    for (size_t i = 0; i < l->nsites; i++) {
        struct site *site = &l->sites[i];
        struct span text = site_text(site);
        char *bytes = site->now.bytes;

        if (site->turn == SITE_OUT)
            continue;
        if (site->turn == SITE_AS_IT_WAS)
            bytes = mem_str_span(text);
        else
            site->now.bytes = NULL; /* taken */
        c->sites[c->nsites++] = (struct conf_site){c->files[i + 1], bytes, text.n};
    }
}

/* Which one of a pair that cannot both be there has to go: one that is new, if there is one. */
static struct site *
site_of(const struct load *l, const struct conf_vhost *v)
{
    for (size_t i = 0; i < l->nsites; i++)
        if (l->conf->files[i + 1] == v->file)
            return &l->sites[i];
    return NULL;
}

static bool
is_news(const struct site *site)
{
    return site && site->turn == SITE_AS_IT_IS &&
           (!site->last || !span_eq(span_of(site->now.bytes, site->now.n),
                                    span_of(site->last->bytes, site->last->n)));
}

static bool
blames_first(void *data, const struct conf_vhost *first, const struct conf_vhost *second)
{
    struct load *l = data;
    struct site *a, *b;
    bool to_first;

    if (!l->tolerant)
        return false;
    a = site_of(l, first);
    b = site_of(l, second);
    to_first = !is_news(b) && (is_news(a) || !b);
    if (to_first ? !a : !b)
        l->main_bad = true;
    else if ((to_first ? a : b)->turn != SITE_OUT)
        site_fall(l, to_first ? a : b);
    return to_first;
}

/* Only what has no other error is judged: it may have to be done again as it is. */
static void
judge(struct load *l)
{
    struct conf *c = l->conf;

    if (!l->judge || l->main_bad)
        return;
    l->judge->begin(l->judge->data, c);
    for (struct conf_vhost *v = c->vhosts; v < c->vhosts + c->nvhosts; v++) {
        char *why = l->judge->vhost(l->judge->data, c, v);
        struct site *site;

        if (!why)
            continue;
        errors_vhost(l->errors, v, "%s", why);
        free(why);
        site = site_of(l, v);
        if (!site)
            l->main_bad = true;
        else if (site->turn != SITE_OUT)
            site_fall(l, site);
    }
}

/* --- the whole ------------------------------------------------------------------------------
 */

static void
load_includes(struct load *l, const char *path, const struct notes *notes)
{
    struct conf *c = l->conf;

    if (!l->found) {
        l->nsites = include_expand(path, notes, &l->found, l->errors);
        l->sites = mem_new_array(l->nsites + 1, sizeof(*l->sites));
    }
    c->files = mem_grow(c->files, (l->nsites + 2) * sizeof(*c->files));
    for (size_t i = 0; i <= l->nsites; i++)
        c->files[i + 1] = mem_str(l->found[i]);
}

static void
load_main(struct load *l, const char *path)
{
    static const struct raw_main nothing;
    struct notes notes = {0};
    struct raw_main *raw = load_raw(l, path, span_of(l->main.bytes, l->main.n), false, &notes);

    fill_listens(l->conf, path, &notes, l->errors);
    fill_main(l->conf, path, raw ? raw : &nothing, l->errors);
    fill_metrics(l->conf, path, raw ? raw : &nothing, &notes, l->errors);
    if (raw)
        load_vhosts(l, path, raw, &notes);
    load_includes(l, path, &notes);
    notes_done(&notes);
    fill_acme(&l->users, path, raw ? raw : &nothing, l->errors);
    raw_free(&raw);
}

static void
load_pass(struct load *l, const char *path)
{
    size_t before = l->errors->said;

    l->fell = false;
    l->conf = mem_new(sizeof(*l->conf));
    l->conf->switching = l->switching;
    l->conf->elsewhere = l->elsewhere;
    l->conf->files = mem_new_array(2, sizeof(*l->conf->files));
    l->conf->files[0] = mem_str(path);
    users_init(&l->users, l->conf);
    load_main(l, l->conf->files[0]);
    l->main_bad = l->errors->said > before;
    for (size_t i = 0; i < l->nsites; i++)
        load_site(l, &l->sites[i], l->conf->files[i + 1]);
    if (!l->fell)
        check_names(l->conf, blames_first, l, l->errors);
    if (!l->fell)
        listen_check(l->conf, blames_first, l, l->errors);
    if (!l->fell)
        check_limits(l->conf, blames_first, l, l->errors);
    if (!l->fell)
        judge(l);
    users_done(&l->users);
}

/* Everything that is wrong with a site file makes it fall; each falls twice at the most. */
static int
load(struct load *l, const char *path)
{
    const char *why = file_read(path, l->switching, &l->main);

    if (why) {
        errors_file(l->errors, path, "%s", why);
        return -EINVAL;
    }
    load_pass(l, path);
    while (l->tolerant && l->fell && !l->main_bad) {
        conf_free(&l->conf);
        load_pass(l, path);
    }
    if (l->conf->nvhosts == (l->conf->acme != CONF_NO_USER) &&
        (l->tolerant || l->errors->n == 0)) {
        errors_file(l->errors, path, "no vhosts: neither here nor in an included file");
        l->main_bad = true;
    }
    return l->main_bad || (!l->tolerant && l->errors->n > 0) ? -EINVAL : 0;
}

static int
load_and_keep(struct load *l, const char *path, struct conf **out)
{
    int rc;

    *l->errors = (struct conf_errors){0};
    rc = load(l, path);
    if (rc == 0) {
        keep_sites(l);
        shrink(l->conf);
        *out = l->conf;
    } else {
        conf_free(&l->conf);
    }
    for (size_t i = 0; i < l->nsites; i++) {
        file_done(&l->sites[i].now);
        free(l->found[i]);
    }
    free(l->found);
    free(l->sites);
    file_done(&l->main);
    return rc;
}

int
conf_load(const char *path, bool as_root, struct conf **out, struct conf_errors *errors)
{
    struct load l = {.switching = as_root, .errors = errors};

    return load_and_keep(&l, path, out);
}

int
conf_load_elsewhere(const char *path, struct conf **out, struct conf_errors *errors)
{
    struct load l = {.switching = true, .elsewhere = true, .errors = errors};

    return load_and_keep(&l, path, out);
}

int
conf_load_tolerant(const char *path, bool as_root, const struct conf *last,
                   const struct conf_judge *judge, struct conf **out,
                   struct conf_errors *errors)
{
    struct load l = {
        .switching = as_root, .errors = errors, .tolerant = true, .last = last, .judge = judge};

    return load_and_keep(&l, path, out);
}

char *
conf_run_dir(const char *path, bool as_root)
{
    static const struct raw_main nothing;
    struct conf_errors errors = {0};
    struct load l = {.conf = mem_new(sizeof(*l.conf)), .errors = &errors, .switching = as_root};
    struct notes notes = {0};
    struct raw_main *raw = NULL;
    struct file f = {0};
    char *run_dir;

    l.conf->switching = as_root;
    if (!file_read(path, as_root, &f))
        raw = load_raw(&l, path, span_of(f.bytes, f.n), false, &notes);
    file_done(&f);
    fill_listens(l.conf, path, &notes, &errors);
    fill_main(l.conf, path, raw ? raw : &nothing, &errors);
    fill_metrics(l.conf, path, raw ? raw : &nothing, &notes, &errors);
    run_dir = mem_str(l.conf->run_dir);
    raw_free(&raw);
    notes_done(&notes);
    conf_errors_done(&errors);
    conf_free(&l.conf);
    return run_dir;
}
