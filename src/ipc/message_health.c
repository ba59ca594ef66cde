/* The payload of HEALTH. Floor 2. */
#include "hostel/ipc/message.h"

#include <errno.h>

void
msg_health_put(struct writer *w, const struct msg_health *m)
{
    put_u8(w, m->serving);
}

int
msg_health_get(struct reader *r, struct msg_health *m)
{
    m->serving = get_u8(r);
    return reader_end(r) < 0 || m->serving > 1 ? -EBADMSG : 0;
}
