/* Where scripts were found not long ago. Floor 5; worker. */
#include "scripts.h"
#include "hostel/base/mem.h"

#include <stdlib.h>

#define ENTRIES   16  /* a front controller's paths are many: the newest ones */
#define BYTES_MAX 512 /* of a path, or a file's name; longer ones are looked up */

struct entry {
    char *path; /* decoded; NULL: none */
    char *name;
    size_t path_bytes, info_bytes;
    uint64_t found_ms;
};

struct scripts {
    struct entry entries[ENTRIES];
    unsigned next; /* to be replaced */
};

struct scripts *
scripts_new(void)
{
    return mem_new(sizeof(struct scripts));
}

void
scripts_free(struct scripts **s)
{
    for (unsigned i = 0; *s && i < ENTRIES; i++) {
        free((*s)->entries[i].path);
        free((*s)->entries[i].name);
    }
    free(*s);
    *s = NULL;
}

bool
scripts_find(const struct scripts *s, struct span path, uint64_t now_ms, struct found *f)
{
    for (unsigned i = 0; s && i < ENTRIES; i++) {
        const struct entry *e = &s->entries[i];

        if (!e->path || now_ms - e->found_ms >= SCRIPTS_FRESH_MS ||
            !span_eq(path, span_of(e->path, e->path_bytes)))
            continue;
        memcpy(f->name, e->name, strlen(e->name) + 1);
        f->kind = FOUND_SCRIPT;
        f->fd = -1;
        f->error = 0;
        f->path_info =
            e->info_bytes ? span_skip(path, path.n - e->info_bytes) : (struct span){NULL, 0};
        return true;
    }
    return false;
}

void
scripts_note(struct scripts *s, struct span path, uint64_t now_ms, const struct found *f)
{
    struct entry *e;

    if (!s || f->kind != FOUND_SCRIPT || path.n > BYTES_MAX || strlen(f->name) > BYTES_MAX)
        return;
    e = &s->entries[s->next];
    for (unsigned i = 0; i < ENTRIES; i++) /* an old one of this path goes first */
        if (s->entries[i].path &&
            span_eq(path, span_of(s->entries[i].path, s->entries[i].path_bytes)))
            e = &s->entries[i];
    if (e == &s->entries[s->next])
        s->next = (s->next + 1) % ENTRIES;
    free(e->path);
    free(e->name);
    *e = (struct entry){mem_str_span(path), mem_str(f->name), path.n, f->path_info.n, now_ms};
}
