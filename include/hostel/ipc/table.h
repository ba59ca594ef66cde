/*
 * Everything the processes may say to each other. One row is the whole right to speak:
 * a message that is not in the table for this sender, receiver and phase, that carries other
 * descriptors than its row says, or whose payload does not parse to its last byte, closes
 * that peer. Floor 2, every process.
 */
#ifndef HOSTEL_IPC_TABLE_H
#define HOSTEL_IPC_TABLE_H

#include <stdint.h>

/* Changes with every change of a row or payload; HELLO compares it. */
#define IPC_VERSION 23

#define IPC_FDS_MAX   64    /* descriptors in one message: half of what makes a batch pay twice */
#define IPC_BYTES_MAX 65536 /* bytes of one message */

enum ipc_role { IPC_SUPERVISOR, IPC_ACCEPTOR, IPC_WORKER, IPC_EXAMINER, IPC_METRICS };

/*
 * STARTING until the child said READY; SERVING after; LEAVING once STOP was sent to it. What a
 * child may say while SERVING it may say in LEAVING too: STOP may cross it on the way.
 * User channels are SERVING always.
 */
enum ipc_phase { IPC_STARTING = 1, IPC_SERVING = 2, IPC_LEAVING = 4 };
#define IPC_ANY (IPC_STARTING | IPC_SERVING | IPC_LEAVING)

/* clang-format off
 *  name           id  from            to              phase                     fds: min max      */
#define IPC_TABLE(X)                                                                               \
  /* a child's first words, and that it can take connections now */                                \
  X(HELLO,         1,  IPC_ACCEPTOR,   IPC_SUPERVISOR, IPC_STARTING | IPC_LEAVING,    0, 0)        \
  X(HELLO_WORKER,  2,  IPC_WORKER,     IPC_SUPERVISOR, IPC_STARTING | IPC_LEAVING,    0, 0)        \
  X(READY,         3,  IPC_ACCEPTOR,   IPC_SUPERVISOR, IPC_STARTING | IPC_LEAVING,    0, 0)        \
  X(READY_WORKER,  4,  IPC_WORKER,     IPC_SUPERVISOR, IPC_STARTING | IPC_LEAVING,    0, 0)        \
  /* supervisor -> acceptor */                                                                     \
  X(LISTENER,      10, IPC_SUPERVISOR, IPC_ACCEPTOR,   IPC_ANY,                       1, 1)        \
  X(ROUTES,        11, IPC_SUPERVISOR, IPC_ACCEPTOR,   IPC_ANY,                       1, 1)        \
  X(START,         12, IPC_SUPERVISOR, IPC_ACCEPTOR,   IPC_ANY,                       0, 0)        \
  X(USER_CHANNEL,  13, IPC_SUPERVISOR, IPC_ACCEPTOR,   IPC_ANY,                       1, 1)        \
  X(USER_DOWN,     14, IPC_SUPERVISOR, IPC_ACCEPTOR,   IPC_ANY,                       0, 1)        \
  X(STOP_ACCEPTOR, 15, IPC_SUPERVISOR, IPC_ACCEPTOR,   IPC_ANY,                       0, 0)        \
  X(UNLISTEN,      16, IPC_SUPERVISOR, IPC_ACCEPTOR,   IPC_ANY,                       0, 0)        \
  X(COUNTERS,      18, IPC_SUPERVISOR, IPC_ACCEPTOR,   IPC_STARTING,                  1, 1)        \
  X(USER_GONE,     17, IPC_SUPERVISOR, IPC_ACCEPTOR,   IPC_ANY,                       0, 0)        \
  X(SYNC,          19, IPC_SUPERVISOR, IPC_ACCEPTOR,   IPC_ANY,                       0, 0)        \
  /* acceptor -> supervisor */                                                                     \
  X(USER_WANT,     20, IPC_ACCEPTOR,   IPC_SUPERVISOR, IPC_SERVING | IPC_LEAVING,     0, 0)        \
  X(USER_BAD,      21, IPC_ACCEPTOR,   IPC_SUPERVISOR, IPC_SERVING | IPC_LEAVING,     0, 0)        \
  X(SYNCED,        22, IPC_ACCEPTOR,   IPC_SUPERVISOR, IPC_ANY,                       0, 0)        \
  /* supervisor -> worker */                                                                       \
  X(WORKER_INIT,   30, IPC_SUPERVISOR, IPC_WORKER,     IPC_STARTING,                  0, 0)        \
  X(COUNTERS_WORKER, 49, IPC_SUPERVISOR, IPC_WORKER,   IPC_STARTING,                  1, 1)        \
  X(COMMONS,       46, IPC_SUPERVISOR, IPC_WORKER,     IPC_STARTING,                  1, 1)        \
  X(LOG_LEVEL,     47, IPC_SUPERVISOR, IPC_WORKER,     IPC_ANY,                       0, 0)        \
  X(LOG,           31, IPC_SUPERVISOR, IPC_WORKER,     IPC_STARTING,                  1, 1)        \
  X(POOL,          32, IPC_SUPERVISOR, IPC_WORKER,     IPC_STARTING,                  0, 0)        \
  X(VHOST,         33, IPC_SUPERVISOR, IPC_WORKER,     IPC_STARTING,                  0, 0)        \
  X(START_WORKER,  34, IPC_SUPERVISOR, IPC_WORKER,     IPC_STARTING,                  0, 0)        \
  X(RULE,          38, IPC_SUPERVISOR, IPC_WORKER,     IPC_STARTING,                  0, 0)        \
  X(TLS,           39, IPC_SUPERVISOR, IPC_WORKER,     IPC_ANY,                       2, 2)        \
  X(TICKETS,       45, IPC_SUPERVISOR, IPC_WORKER,     IPC_ANY,                       0, 0)        \
  X(OWN_LISTENER,  56, IPC_SUPERVISOR, IPC_WORKER,     IPC_STARTING,                  1, 1)        \
  X(POOL_READY,    35, IPC_SUPERVISOR, IPC_WORKER,     IPC_SERVING | IPC_LEAVING,     0, 0)        \
  X(POOL_FAILED,   36, IPC_SUPERVISOR, IPC_WORKER,     IPC_SERVING | IPC_LEAVING,     0, 0)        \
  X(STOP_WORKER,   37, IPC_SUPERVISOR, IPC_WORKER,     IPC_ANY,                       0, 0)        \
  X(SYNC_WORKER,   58, IPC_SUPERVISOR, IPC_WORKER,     IPC_ANY,                       0, 0)        \
  /* worker -> supervisor */                                                                       \
  X(POOL_WANT,     40, IPC_WORKER,     IPC_SUPERVISOR, IPC_SERVING | IPC_LEAVING,     0, 0)        \
  X(POOL_RELEASE,  41, IPC_WORKER,     IPC_SUPERVISOR, IPC_SERVING | IPC_LEAVING,     0, 0)        \
  X(POOL_BROKEN,   42, IPC_WORKER,     IPC_SUPERVISOR, IPC_SERVING | IPC_LEAVING,     0, 0)        \
  X(POOL_RENEW,    43, IPC_WORKER,     IPC_SUPERVISOR, IPC_SERVING | IPC_LEAVING,     0, 0)        \
  X(POOL_STUCK,    44, IPC_WORKER,     IPC_SUPERVISOR, IPC_SERVING | IPC_LEAVING,     0, 0)        \
  X(LEAVES,        57, IPC_WORKER,     IPC_SUPERVISOR, IPC_LEAVING,                   0, 0)        \
  X(SYNCED_WORKER, 59, IPC_WORKER,     IPC_SUPERVISOR, IPC_ANY,                       0, 0)        \
  X(LOG_LINES,     48, IPC_WORKER,     IPC_SUPERVISOR, IPC_SERVING | IPC_LEAVING,     0, 0)        \
  /* whoever runs hostel <-> an examiner */                                                         \
  X(EXAMINE,       60, IPC_SUPERVISOR, IPC_EXAMINER,   IPC_SERVING,                   2, 2)        \
  X(MAKE,          61, IPC_SUPERVISOR, IPC_EXAMINER,   IPC_SERVING,                   0, 0)        \
  X(EXAMINED,      62, IPC_EXAMINER,   IPC_SUPERVISOR, IPC_SERVING,                   0, 0)        \
  X(MADE,          63, IPC_EXAMINER,   IPC_SUPERVISOR, IPC_SERVING,                   0, 0)        \
  /* supervisor <-> hostel-metrics: what it listens on, how we are, numbers when it asks */         \
  X(HELLO_METRICS, 5,  IPC_METRICS,    IPC_SUPERVISOR, IPC_STARTING,                  0, 0)        \
  X(METRICS_LISTEN, 70, IPC_SUPERVISOR, IPC_METRICS,   IPC_SERVING,                   1, 1)        \
  X(HEALTH,        71, IPC_SUPERVISOR, IPC_METRICS,    IPC_SERVING,                   0, 0)        \
  X(FIGURES_WANT,  72, IPC_METRICS,    IPC_SUPERVISOR, IPC_SERVING,                   0, 0)        \
  X(FIGURES,       73, IPC_SUPERVISOR, IPC_METRICS,    IPC_SERVING,                   1, 1)        \
  /* acceptor <-> worker, over the user's channel */                                               \
  X(CONN,          50, IPC_ACCEPTOR,   IPC_WORKER,     IPC_SERVING,         1, IPC_FDS_MAX)        \
  X(CONN_PREFIX,   51, IPC_ACCEPTOR,   IPC_WORKER,     IPC_SERVING,                   1, 1)        \
  X(CONN_BACK,     52, IPC_WORKER,     IPC_ACCEPTOR,   IPC_SERVING,                   1, 1)
/* clang-format on */

#define IPC_ID(name, id, from, to, phase, fds_min, fds_max) MSG_##name = (id),
enum msg_type { IPC_TABLE(IPC_ID) };
#undef IPC_ID

struct ipc_row {
    enum msg_type type;
    const char *name;
    enum ipc_role from, to;
    unsigned phases;           /* of the child that this channel leads to or from */
    unsigned fds_min, fds_max; /* descriptors it carries */
};

/* ret  the row of a type, or NULL: not a message */
const struct ipc_row *ipc_row(uint16_t type);

/*
 * May this be said here and now?
 *
 * ret  the row; NULL = close the peer
 */
const struct ipc_row *ipc_permit(uint16_t type, enum ipc_role from, enum ipc_role to,
                                 enum ipc_phase phase, unsigned nfds);

/* ret  descriptors that the longest of its messages carries */
unsigned ipc_fds_max(enum ipc_role from, enum ipc_role to);

#endif
