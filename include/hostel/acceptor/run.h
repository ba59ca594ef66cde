/* The door of the acceptor room. Floor 6; hostel-acceptor. */
#ifndef HOSTEL_ACCEPTOR_RUN_H
#define HOSTEL_ACCEPTOR_RUN_H

/*
 * Serve until the supervisor says stop or is gone.
 *
 * in   control_fd  the supervisor's channel, takes
 * ret  0 or -errno: it could not start
 */
int acceptor_run(int control_fd);

#endif
