/* The door of the worker room. Floor 6; hostel-worker. */
#ifndef HOSTEL_WORKER_RUN_H
#define HOSTEL_WORKER_RUN_H

struct tls_ops; /* net/tls.h */
struct http2_ops;

/* HTTP/2, for a worker whose connections may agree on it (ALPN). */
extern const struct http2_ops worker_http2;

/*
 * Serve one user's sites until the supervisor says stop or is gone, or nothing was asked for
 * long enough.
 *
 * in   control_fd  the supervisor's channel, takes
 * in   user_fd     the workers' end of the user's channel, takes
 * in   tls         NULL: this worker has no TLS library
 * in   http2       &worker_http2; NULL: this worker has no HTTP/2 library
 * ret  exit status: 0 after an orderly end, 1 when it could not go on
 */
int worker_run(int control_fd, int user_fd, const struct tls_ops *tls,
               const struct http2_ops *http2);

#endif
