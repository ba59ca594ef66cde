/*
 * hostel-examiner: started by hostel, never by hand. Descriptors: 0, 1 null; 2 log; 3 the
 * other end, which asks. Floor 7.
 */
#include "hostel/examiner/run.h"
#include "hostel/base/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTROL_FD 3

static bool
started_by_hostel(void)
{
    int type = 0;
    socklen_t len = sizeof(type);

    return getsockopt(CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
           type == SOCK_SEQPACKET;
}

int
main(void)
{
    if (!started_by_hostel()) {
        fputs("hostel-examiner is started by hostel; see hostel(8)\n", stderr);
        return 2;
    }
    if (geteuid() == 0) { /* I1: whatever started it so did not drop */
        fputs("hostel-examiner: refuses to run as root\n", stderr);
        return 1;
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) { /* nobody of the same uid looks in */
        fputs("hostel-examiner: cannot be made undumpable\n", stderr);
        return 1;
    }
    (void)prctl(PR_SET_NAME, "hostel-examiner", 0, 0, 0);
    log_init(STDERR_FILENO, "hostel-examiner", NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C is the supervisor's to answer */
    return examiner_run(CONTROL_FD);
}
