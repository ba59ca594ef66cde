/*
 * hostel-worker, and hostel-worker-tls for users with a certificate, which is the same with a
 * TLS library: started by hostel, never by hand. Descriptors: 0, 1 null; 2 log; 3 the
 * supervisor; 4 the user's channel. Floor 7.
 */
#include "hostel/base/log.h"
#include "hostel/http/media.h"
#include "hostel/net/tls.h"
#include "hostel/worker/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTROL_FD 3
#define USER_FD    4

#ifndef HOSTEL_TLS
#define HOSTEL_TLS   NULL
#define HOSTEL_HTTP2 NULL
#endif

#if defined(__SANITIZE_ADDRESS__)
/* Leaks cannot be looked for inside the cage; the attempt would make every exit a failure. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

static bool
is_channel(int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

/*
 * I1: the same user's PHP shall not trace this process or read its memory. The executable's
 * mode says so from the first instruction on; this holds where it was installed otherwise.
 */
static void
close_the_curtain(void)
{
    if (getuid() == 0 || geteuid() == 0 || getgid() == 0 || getegid() == 0) {
        fputs("hostel-worker: refuses to run as root\n", stderr);
        abort();
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) {
        fputs("hostel-worker: cannot be made undumpable\n", stderr);
        abort();
    }
    (void)prctl(PR_SET_NAME, "hostel-worker", 0, 0, 0);
}

int
main(void)
{
    int rc, status;

    if (!is_channel(CONTROL_FD) || !is_channel(USER_FD)) {
        fputs("hostel-worker is started by hostel; see hostel(8)\n", stderr);
        return 2;
    }
    close_the_curtain();
    log_init(STDERR_FILENO, "hostel-worker", NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C is the supervisor's to answer */
    rc = media_init(MEDIA_TABLE);
    if (rc < 0)
        log_warn("%s: %s; only the common media types are known", MEDIA_TABLE, strerror(-rc));
    status = worker_run(CONTROL_FD, USER_FD, HOSTEL_TLS, HOSTEL_HTTP2);
    media_done();
    return status;
}
