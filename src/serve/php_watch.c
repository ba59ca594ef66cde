/*
 * Files whose change starts PHP anew (restart_on). Looked at when a request comes, once a
 * second at the most and with the user's own rights: a pool that nobody uses costs nothing, and
 * what lies there is nothing to anybody but him. Floor 5; worker.
 */
#include "php_request.h"
#include "hostel/base/mem.h"

#include <stdlib.h>
#include <sys/stat.h>

#define LOOK_MS 1000

static void
look(struct php_watched *w, struct php_file *f)
{
    struct stat st;

    *f = (struct php_file){0};
    if (stat(w->path, &st) < 0)
        return;
    *f = (struct php_file){true, st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
}

static bool
same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
same(const struct php_file *a, const struct php_file *b)
{
    return a->there == b->there && a->dev == b->dev && a->ino == b->ino &&
           a->bytes == b->bytes && same_time(a->mtime, b->mtime) &&
           same_time(a->ctime, b->ctime);
}

void
php_pool_watch(struct php_pool *p, const char *root, struct span names)
{
    struct span name;

    while (names.n && span_cut(&names, '\n', &name)) {
        struct php_watched *w = NULL;
        char *path = name.n && name.p[0] == '/' ? mem_str_span(name)
                                                : mem_fmt("%s/%.*s", root, (int)name.n, name.p);

        for (unsigned i = 0; i < p->nwatched && !w; i++)
            w = strcmp(p->watched[i].path, path) == 0 ? &p->watched[i] : NULL;
        if (w) {
            free(path);
            continue;
        }
        p->watched = mem_grow(p->watched, (p->nwatched + 1) * sizeof(*p->watched));
        w = &p->watched[p->nwatched++];
        w->path = path;
        look(w, &w->seen);
    }
}

bool
php_watch_changed(struct php_pool *p)
{
    uint64_t now_ms = uv_now(p->loop);
    bool changed = false;

    if (p->nwatched == 0 || (p->looked_ms && now_ms - p->looked_ms < LOOK_MS))
        return false;
    p->looked_ms = now_ms;
    for (unsigned i = 0; i < p->nwatched; i++) {
        struct php_file f;

        look(&p->watched[i], &f);
        changed = changed || !same(&f, &p->watched[i].seen);
        p->watched[i].seen = f;
    }
    return changed;
}

void
php_watch_note(struct php_pool *p)
{
    for (unsigned i = 0; i < p->nwatched; i++)
        look(&p->watched[i], &p->watched[i].seen);
}

void
php_watch_done(struct php_pool *p)
{
    for (unsigned i = 0; i < p->nwatched; i++)
        free(p->watched[i].path);
    free(p->watched);
}
