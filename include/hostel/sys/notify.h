/*
 * Telling a service manager how the server is, by the datagram protocol of sd_notify(3), and
 * taking the sockets that it opened, as of sd_listen_fds(3). Both are a dozen lines of plain
 * sockets and environment: libsystemd would bring more code into root's process than it saves.
 * Floor 1; supervisor.
 */
#ifndef HOSTEL_SYS_NOTIFY_H
#define HOSTEL_SYS_NOTIFY_H

#include <stddef.h>

/*
 * Say "READY=1", "STOPPING=1", "MAINPID=17\nREADY=1" ... if somebody wants to hear it: without
 * NOTIFY_SOCKET nothing happens. Never blocks.
 */
void notify_manager(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define INHERIT_MAX 256 /* sockets that are given by name */

struct inherited {
    int fd;
    char name[32];
};

/*
 * The descriptors that this process was started with by LISTEN_FDS, if LISTEN_PID says that
 * they are its: now close-on-exec. The variables go from the environment.
 *
 * out  list  their owner is the caller
 * ret  how many
 */
size_t inherit_take(struct inherited list[static INHERIT_MAX]);

#endif
