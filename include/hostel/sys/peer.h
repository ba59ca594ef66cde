/*
 * Which process is at the other end of a unix socket? The kernel names only who made the
 * listening one; so its socket diagnostics are asked for the other socket, and the processes in
 * question for their descriptors. Floor 1; supervisor.
 */
#ifndef HOSTEL_SYS_PEER_H
#define HOSTEL_SYS_PEER_H

#include "hostel/sys/ids.h"

#include <stdbool.h>

/*
 * The socket that another one, a connected unix stream socket, is connected to.
 *
 * in   inode  of that other one
 * out  peer   inode; 0: nobody has accepted the connection yet
 * ret  0; -ENOENT no such socket, or the kernel has no diagnostics; or another -errno
 * src  sock_diag(7)
 */
int peer_inode(uint64_t inode, uint64_t *peer);

/*
 * Kill a process if it is in a group and has one of these sockets among its first descriptors.
 * What is looked at is looked at with its user's rights, and it is that very process which is
 * killed, whoever has its number then.
 *
 * in   ids    whose process it is; NULL: ours, nobody is switched to
 * ret  0 killed; -ESRCH it is not one of the group, or has none of them, or is gone
 */
int
peer_kill(pid_t pid, pid_t group, const struct ids *ids, const uint64_t *inodes, unsigned n);

#endif
