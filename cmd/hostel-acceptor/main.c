/*
 * hostel-acceptor: started by hostel, never by hand. Descriptors: 0, 1 null; 2 log; 3 the
 * supervisor. Floor 7.
 */
#include "hostel/acceptor/run.h"
#include "hostel/base/log.h"
#include "hostel/base/program.h"

#include <uv.h>

int
main(void)
{
    int status = program_begin("hostel-acceptor"), rc;

    if (status)
        return status;
    rc = acceptor_run(PROGRAM_CONTROL_FD);
    if (rc < 0) {
        log_error("cannot start: %s", uv_strerror(rc));
        return 1;
    }
    return 0;
}
