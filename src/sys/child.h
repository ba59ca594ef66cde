/* The child's side of a spawn, from fork to exec. Floor 1; supervisor's children. */
#ifndef HOSTEL_SYS_CHILD_H
#define HOSTEL_SYS_CHILD_H

#include "hostel/sys/spawn.h"

#include <stdint.h>
#include <sys/types.h>

/* The child's words to its parent: one datagram each on the status socket. */
enum child_word {
    CHILD_FAILED = 1,   /* step and error say why; it is about to end */
    CHILD_EXECS,        /* the next thing it does is exec, and nothing is in its way */
    CHILD_EXECS_ASKING, /* the same, and its filter asks the listener that came with this */
};

#define CHILD_STEP_MAX 56

/* Both ends are the same program: it is sent as it lies in memory. */
struct child_note {
    uint32_t word;
    int32_t error; /* negative errno */
    char step[CHILD_STEP_MAX];
};

/*
 * Become what spec says and exec; ends the process when anything fails (I8).
 *
 * in  status  the child's end of the status socket, SOCK_SEQPACKET, close-on-exec
 * in  parent  who forked: a child whose parent is gone ends
 */
_Noreturn void child_run(const struct spawn_spec *spec, int status, pid_t parent);

#endif
