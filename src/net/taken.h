/* What the kernel knows of a TCP connection's other end. Floor 3; worker. */
#ifndef NET_TAKEN_H
#define NET_TAKEN_H

#include <stdint.h>

/*
 * out  bytes  that the peer has acknowledged since the connection began
 * ret  0; -errno: not TCP, or a kernel that does not count them
 */
int taken_bytes(int fd, uint64_t *bytes);

#endif
