/* Who may say what, when. Floor 2, every process. */
#include "hostel/ipc/table.h"

#include <stddef.h>

#define IPC_ROW(name, id, from, to, phases, fds_min, fds_max)                                  \
    {MSG_##name, #name, (from), (to), (phases), (fds_min), (fds_max)},
static const struct ipc_row rows[] = {IPC_TABLE(IPC_ROW)};
#undef IPC_ROW

const struct ipc_row *
ipc_row(uint16_t type)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].type == type)
            return &rows[i];
    return NULL;
}

unsigned
ipc_fds_max(enum ipc_role from, enum ipc_role to)
{
    unsigned max = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].from == from && rows[i].to == to && rows[i].fds_max > max)
            max = rows[i].fds_max;
    return max;
}

const struct ipc_row *
ipc_permit(uint16_t type, enum ipc_role from, enum ipc_role to, enum ipc_phase phase,
           unsigned nfds)
{
    const struct ipc_row *row = ipc_row(type);

    if (!row || row->from != from || row->to != to || !(row->phases & (unsigned)phase) ||
        nfds < row->fds_min || nfds > row->fds_max)
        return NULL;
    return row;
}
