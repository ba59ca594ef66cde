/* The door of the supervisor room. Floor 6; hostel. */
#ifndef HOSTEL_SUPERVISOR_RUN_H
#define HOSTEL_SUPERVISOR_RUN_H

#include "hostel/base/span.h"
#include "hostel/conf/model.h"

/*
 * Serve in the foreground until SIGTERM or SIGINT.
 *
 * in   config  main file, lent for the process's life; site files with errors are left out
 * ret  exit status: 0 after an orderly stop, 1 when it could not start (lines on stderr say
 *      why, and nothing is left running)
 */
int supervisor_serve(const char *config);

/* The same for a configuration that has no file. in  conf  takes */
int supervisor_serve_conf(struct conf *conf);

/*
 * Look at every certificate and key of a configuration, by a process without any privilege, and
 * print what is wrong to stderr, a line each.
 *
 * out  wrong  how many of the lines are errors, not warnings
 * ret  0; -errno: it could not be done (a line says so)
 */
int supervisor_examine(const struct conf *conf, unsigned *wrong);

/*
 * Make a self-signed certificate: DIR/NAME.crt, and DIR/NAME.key of mode 0600, named after the
 * first name ("*" is "_"). Neither may be there already.
 *
 * in   names  '\n'-separated host names, checked
 * ret  0 (both paths are printed) or -errno (a line on stderr says why)
 */
int supervisor_cert(const struct conf *conf, struct span names, unsigned days, const char *dir);

/*
 * Print a line that says what users' limits rest on here: control groups, or rlimits alone.
 *
 * ret  false: the configuration has no limits, and nothing was said
 */
bool supervisor_say_limits(const struct conf *conf);

/* Whether the kernel can encrypt what is sent with TLS (kTLS). */
bool supervisor_ktls(void);

enum confine_role { CONFINE_WORKER, CONFINE_PHP, CONFINE_ACCEPTOR, CONFINE_LISTENING_WORKER };

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
