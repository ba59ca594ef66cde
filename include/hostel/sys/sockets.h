/* Listening sockets, made by the supervisor and passed to others. Floor 1; supervisor. */
#ifndef HOSTEL_SYS_SOCKETS_H
#define HOSTEL_SYS_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * A TCP listener: non-blocking, close-on-exec, accepting both families at the IPv6 "any"
 * address, woken only when a client has sent something.
 *
 * ret  0; -EADDRINUSE, -EACCES or another -errno
 */
int tcp_listen(const struct sockaddr *addr, socklen_t addr_len, int *fd);

/*
 * The same of a listening socket that somebody else has opened, and bound to this address.
 *
 * in   fd    lent; untouched unless 0 is returned
 * ret  0; -EADDRNOTAVAIL it is another address's; -EPROTOTYPE no listening TCP socket; -errno
 */
int tcp_listen_adopt(const struct sockaddr *addr, int fd);

/*
 * A listener at the address of another one, which gets no new connection from here on; what
 * waits there can still be accepted. Whoever holds a copy of the other one cannot have it
 * listen again, once it was shut down and tcp_listen_alone() was called for this one.
 *
 * in   old  its descriptor, lent
 * ret  0 or -errno: the old one is as it was
 */
int tcp_listen_beside(const struct sockaddr *addr, socklen_t addr_len, int old, int *fd);
/* There is nobody beside it any more, and nobody may come. */
int tcp_listen_alone(int fd);

/*
 * Whoever holds a listener can shut it down for all. Let it listen again, if that was done; its
 * address is still its own.
 *
 * ret  0 or -errno
 */
int tcp_listen_again(int fd);
/*
 * Nobody can accept from it any more; what waits there is reset. Whoever keeps a copy could
 * have it listen again, as long as no other one is at its address: the kernel knows no way to
 * take an address from a socket.
 */
void tcp_listen_end(int fd);

/* Whether any process of the machine may listen at this port: none needs a privilege for it. */
bool tcp_port_is_anybodys(uint16_t port);

/*
 * A PHP pool's socket: a listening unix socket that only its user can connect to (mode 0600).
 * A name that is there already is replaced. Blocking, as php-cgi wants it; close-on-exec.
 *
 * in   dir   directory where only we may make names
 * in   name  file name without a slash
 * in   give  make it the user's; false without switching, when it is ours and stays so
 * out  fd    owned by the caller
 * ret  0; -EINVAL name; or -errno (nothing is left behind)
 */
int php_socket_create(int dir, const char *name, uid_t uid, gid_t gid, bool give, int *fd);

/*
 * The administrator's socket: a listening unix socket, non-blocking, mode 0600 and our own.
 *
 * in   dir, name  as above
 * out  fd         owned by the caller
 * ret  0; -EINVAL name; or -errno (nothing is left behind)
 */
int control_socket_create(int dir, const char *name, int backlog, int *fd);

/*
 * The like for a group: mode 0660, ours and that group's; gid 0: mode 0600. Only a socket that
 * is there already is replaced, never another file.
 *
 * ret  0; -EEXIST another file has the name; or as above
 */
int group_socket_create(int dir, const char *name, gid_t gid, int backlog, int *fd);

#endif
