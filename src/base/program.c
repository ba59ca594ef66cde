/* The first steps of a program that hostel starts. Floor 0. */
#include "hostel/base/program.h"
#include "hostel/base/log.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool
started_by_hostel(void)
{
    int type = 0;
    socklen_t len = sizeof(type);

    return getsockopt(PROGRAM_CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
           type == SOCK_SEQPACKET;
}

int
program_begin(const char *name)
{
    if (!started_by_hostel()) {
        fprintf(stderr, "%s is started by hostel; see hostel(8)\n", name);
        return 2;
    }
    if (geteuid() == 0) { /* I1: whatever started it so did not drop */
        fprintf(stderr, "%s: refuses to run as root\n", name);
        return 1;
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) { /* nobody of the same uid looks in */
        fprintf(stderr, "%s: cannot be made undumpable\n", name);
        return 1;
    }
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
    log_init(STDERR_FILENO, name, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C is the supervisor's to answer */
    return 0;
}
