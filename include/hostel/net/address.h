/* Socket addresses as text. Floor 3; worker. */
#ifndef HOSTEL_NET_ADDRESS_H
#define HOSTEL_NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT 46 /* INET6_ADDRSTRLEN */

/*
 * An IPv4 address that a listener of both families shows as ::ffff:a.b.c.d is said as a.b.c.d.
 *
 * ret  0; -EAFNOSUPPORT: not an internet address
 */
int
address_text(const struct sockaddr_storage *a, char text[static ADDRESS_TEXT], uint16_t *port);

/*
 * Our own end of a connection.
 *
 * ret  0; -EAFNOSUPPORT; or -errno
 */
int address_local(int fd, char text[static ADDRESS_TEXT], uint16_t *port);

/*
 * Has the other end reset the connection? What it sent before can still be read, and is worth
 * no work that lasts.
 */
bool address_gone(int fd);

#endif
