/* What the payloads have in common. Private to ipc. */
#ifndef IPC_MESSAGE_IN_H
#define IPC_MESSAGE_IN_H

#include "hostel/ipc/message.h"

#include <errno.h>

/* A get that has read everything: were the bounds kept? */
static inline int
got(const struct reader *r, bool bounds)
{
    int rc = reader_end(r);

    return rc < 0 ? rc : bounds ? 0 : -EBADMSG;
}

#endif
