/* The walk through listen and listen_tls. Floor 2; supervisor. */
#include "walk_listen.h"

#include "hostel/base/mem.h"

#include <stdlib.h>

void
walk_listen_note(struct walk *w, const struct row *r)
{
    struct note_listen *l = w->listen;

    if (r == &rows[ROW_LISTEN_PROXY_PROTOCOL]) {
        l->nets = mem_grow(l->nets, (l->nnets + 1) * sizeof(*l->nets));
        l->nets[l->nnets++] = mem_str_span(events_scalar(w));
    } else {
        l->address = mem_str_span(events_scalar(w));
    }
}

static void
walk_one(struct walk *w, const struct row *r)
{
    struct notes *n = w->notes;
    struct row address = {.name = r->name, .type = VALUE_ADDRESS};

    n->listens = mem_grow(n->listens, (n->nlistens + 1) * sizeof(*n->listens));
    w->listen = &n->listens[n->nlistens++];
    *w->listen =
        (struct note_listen){.at = events_here(w), .tls = r == &rows[ROW_LISTEN_TLS]};
    if (events_is(w, YAML_MAPPING_START_EVENT))
        walk_section(w, SECTION_LISTEN);
    else if (events_is(w, YAML_SCALAR_EVENT))
        walk_scalar(w, &address);
    else
        walk_refuse(w, r, "an address or a mapping");
    w->listen = NULL;
}

void
walk_listens(struct walk *w, const struct row *r)
{
    struct place at = events_here(w);
    size_t n = 0;

    if (events_is(w, YAML_SEQUENCE_START_EVENT))
        for (; events_next(w) && !events_is(w, YAML_SEQUENCE_END_EVENT); n++)
            walk_one(w, r);
    else if (!events_null(w)) {
        walk_refuse(w, r, "a list");
        return;
    }
    if (!w->broken)
        walk_count(w, r, at, n);
}

void
walk_listens_done(struct notes *notes)
{
    for (size_t i = 0; i < notes->nlistens; i++) {
        struct note_listen *l = &notes->listens[i];

        for (size_t j = 0; j < l->nnets; j++)
            free(l->nets[j]);
        free(l->nets);
        free(l->address);
    }
    free(notes->listens);
}
