/* What an examiner is asked and says. Floor 2. */
#include "message_in.h"
#include "hostel/ipc/table.h"

void
msg_examine_put(struct writer *w, const struct msg_examine *m)
{
    put_u32(w, m->version);
    put_u32(w, m->id);
    put_span(w, m->names);
}

int
msg_examine_get(struct reader *r, struct msg_examine *m)
{
    m->version = get_u32(r);
    m->id = get_u32(r);
    m->names = get_span(r, MSG_NAMES_MAX);
    return got(r, m->version == IPC_VERSION);
}

void
msg_examined_put(struct writer *w, const struct msg_examined *m)
{
    put_u32(w, m->id);
    put_span(w, m->found);
    put_span(w, m->covered);
    put_u64(w, m->until);
}

int
msg_examined_get(struct reader *r, struct msg_examined *m)
{
    m->id = get_u32(r);
    m->found = get_span(r, MSG_FOUND_MAX);
    m->covered = get_span(r, MSG_NAMES_MAX);
    m->until = get_u64(r);
    return got(r, true);
}

void
msg_make_put(struct writer *w, const struct msg_make *m)
{
    put_u32(w, m->version);
    put_u32(w, m->days);
    put_span(w, m->names);
}

int
msg_make_get(struct reader *r, struct msg_make *m)
{
    m->version = get_u32(r);
    m->days = get_u32(r);
    m->names = get_span(r, MSG_NAMES_MAX);
    return got(r, m->version == IPC_VERSION && m->days >= 1 && m->days <= 36500 && m->names.n);
}

void
msg_made_put(struct writer *w, const struct msg_made *m)
{
    put_span(w, m->certificate);
    put_span(w, m->key);
}

int
msg_made_get(struct reader *r, struct msg_made *m)
{
    m->certificate = get_span(r, MSG_PEM_MAX);
    m->key = get_span(r, MSG_PEM_MAX);
    return got(r, m->certificate.n && m->key.n);
}
