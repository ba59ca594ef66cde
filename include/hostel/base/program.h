/*
 * The first steps of a program that hostel starts with its channel as descriptor 3: acceptor,
 * examiner, metrics. Floor 0.
 */
#ifndef HOSTEL_BASE_PROGRAM_H
#define HOSTEL_BASE_PROGRAM_H

#define PROGRAM_CONTROL_FD 3

/*
 * Refuse to run by hand or as root, close the curtain (nobody of the same uid looks in), open
 * the log.
 *
 * in   name  "hostel-acceptor"; static
 * ret  0; else an exit status, and said on stderr why
 */
int program_begin(const char *name);

#endif
