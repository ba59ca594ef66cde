/* The door of the examiner room. Floor 6; hostel-examiner. */
#ifndef HOSTEL_EXAMINER_RUN_H
#define HOSTEL_EXAMINER_RUN_H

/*
 * Answer questions about certificates until the other end is closed.
 *
 * in   control_fd  the channel, takes
 * ret  exit status
 */
int examiner_run(int control_fd);

#endif
