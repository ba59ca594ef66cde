/* The door of the supervisor room. Floor 6; hostel. */
#ifndef HOSTEL_SUPERVISOR_RUN_H
#define HOSTEL_SUPERVISOR_RUN_H

#include "hostel/conf/model.h"

/*
 * Serve a checked configuration in the foreground until SIGTERM or SIGINT.
 *
 * in   conf  lent
 * ret  exit status: 0 after an orderly stop, 1 when it could not start (one line on stderr
 *      says why, and nothing is left running)
 */
int supervisor_serve(const struct conf *conf);

enum confine_role { CONFINE_WORKER, CONFINE_PHP, CONFINE_ACCEPTOR };

/*
 * Run a program in exactly the confinement of a role, through the code that starts the real
 * one, with this process's descriptors 0-2, and wait for it.
 *
 * in   user  name or number
 * in   argv  NULL-ended, argv[0] is looked up in PATH
 * ret  the program's exit status, 128 + signal, or 125 when it could not be started
 */
int supervisor_confine(enum confine_role role, const char *user, const struct conf *conf,
                       char *const *argv);

#endif
