/* The door of the metrics room. Floor 6; hostel-metrics. */
#ifndef HOSTEL_METRICS_RUN_H
#define HOSTEL_METRICS_RUN_H

/*
 * Answer /metrics and /health until the supervisor's end is closed.
 *
 * in   control_fd  the channel, takes
 * ret  exit status
 */
int metrics_run(int control_fd);

#endif
