/*
 * hostel-examiner: started by hostel, never by hand. Descriptors: 0, 1 null; 2 log; 3 the
 * other end, which asks. Floor 7.
 */
#include "hostel/base/program.h"
#include "hostel/examiner/run.h"

int
main(void)
{
    int status = program_begin("hostel-examiner");

    return status ? status : examiner_run(PROGRAM_CONTROL_FD);
}
