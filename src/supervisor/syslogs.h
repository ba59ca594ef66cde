/*
 * The socket of a syslog daemon: nobody ever waits for it, and it may come and go.
 * Floor 6, hostel.
 */
#ifndef SUPERVISOR_SYSLOGS_H
#define SUPERVISOR_SYSLOGS_H

#include "hostel/base/logsyslog.h"

#include <stdbool.h>
#include <stdint.h>

/* ret  a socket, connected if somebody listens; -errno */
int syslogs_open(const struct logsyslog *at);

/*
 * Send a line; a daemon that has gone is looked for again, once a second.
 *
 * in   tried_ms  of this socket: when it was looked for last
 * ret  0; -EAGAIN: it takes no more just now; -errno: it is not there
 */
int syslogs_send(int fd, const struct logsyslog *at, uint64_t *tried_ms, struct span line);

/* Where the server's own lines go from now on; NULL: not to syslog. in  fd  lent, it stays */
void syslogs_take_own(int fd, const struct logsyslog *at);

/* One of them, as a child has written it. ret  false: they do not go to syslog */
bool syslogs_own(struct span line);

#endif
