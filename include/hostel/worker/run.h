/* The door of the worker room. Floor 6; hostel-worker. */
#ifndef HOSTEL_WORKER_RUN_H
#define HOSTEL_WORKER_RUN_H

struct tls_ops; /* net/tls.h */

/*
 * Serve one user's sites until the supervisor says stop or is gone, or nothing was asked for
 * long enough.
 *
 * in   control_fd  the supervisor's channel, takes
 * in   user_fd     the workers' end of the user's channel, takes
 * in   tls         NULL: this worker has no TLS library
 * ret  exit status: 0 after an orderly end, 1 when it could not go on
 */
int worker_run(int control_fd, int user_fd, const struct tls_ops *tls);

#endif
