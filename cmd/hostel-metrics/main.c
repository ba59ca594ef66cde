/*
 * hostel-metrics: started by hostel, never by hand. Descriptors: 0, 1 null; 2 log; 3 the
 * supervisor. Floor 7.
 */
#include "hostel/base/program.h"
#include "hostel/metrics/run.h"

int
main(void)
{
    int status = program_begin("hostel-metrics");

    return status ? status : metrics_run(PROGRAM_CONTROL_FD);
}
