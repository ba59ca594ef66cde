/* An examiner, as who asks it has it. Floor 6, hostel. */
#ifndef SUPERVISOR_EXAMINER_H
#define SUPERVISOR_EXAMINER_H

#include "hostel/conf/model.h"
#include "hostel/ipc/channel.h"
#include "hostel/ipc/message.h"

#include <uv.h>

#define EXAMINER_ROOT "/tmp/hostel-empty.XXXXXX"

struct examiner {
    uv_loop_t loop;
    uv_timer_t late;
    struct channel channel;
    bool open;
    int pid_fd; /* -1: not started */
    int error;
    char root[sizeof(EXAMINER_ROOT)];
    void *data; /* of who asks */
};

/*
 * in   exe_fd  its program, lent; -1: it is looked for
 * in   ops  called with t; on_end is examiner_on_end()
 * ret  0 or -errno; examiner_finish() in both cases
 */
int examiner_start(struct examiner *t, const struct conf *conf, int exe_fd,
                   const struct channel_ops *ops);

/* Until examiner_leave() is called, it ends, or says nothing for too long. ret  0 or -errno */
int examiner_wait(struct examiner *t);

/* An answer has come: the next one has its own time. */
void examiner_heard(struct examiner *t);

void examiner_leave(struct examiner *t, int error);
void examiner_on_end(void *data, int reason);
void examiner_finish(struct examiner *t);

#endif
