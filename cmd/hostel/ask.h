/* Asking a running server over its control socket. Floor 7, hostel. */
#ifndef CMD_HOSTEL_ASK_H
#define CMD_HOSTEL_ASK_H

#include "hostel/base/span.h"

/*
 * Ask one question and hand every line of the answer on, but the last.
 *
 * in   run_dir   where the server has its socket
 * in   question  words parted by a space
 * in   on_line   called with each line, lent; NULL: there are none to be had
 * out  message   what the last line says, owned by the caller; NULL when < 0 is returned
 * ret  1 done; 0 refused or failed: message says why; -errno nobody answers
 */
int ask(const char *run_dir, const char *question,
        void (*on_line)(void *data, struct span line), void *data, char **message);

/* The commands of main.c that ask: their exit status. name is argv[0]. */
int cmd_ask(int argc, char **argv);
int cmd_status(int argc, char **argv);

/* main.c: where FILE (NULL: the default) says that the server runs; owned by the caller. */
char *run_dir_of(const char *config);

#endif
