/* The examiner's life: one answer a question, until nobody asks. Floor 6, hostel-examiner. */
#include "examiner.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/examiner/run.h"
#include "hostel/ipc/channel.h"
#include "hostel/ipc/message.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define QUEUE_MAX (4 * 1024 * 1024)
#define FILE_MAX  65536 /* as sys/secret.h copies */

struct examiner {
    uv_loop_t loop;
    struct channel channel;
    int status;
};

/* ret  0 or -errno; bytes are the caller's, forget() */
static int
read_all(int fd, struct span *bytes)
{
    char *p = mem_new(FILE_MAX + 1);
    size_t n = 0;
    ssize_t got;

    *bytes = span_of(p, 0);
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    while (n <= FILE_MAX && (got = read(fd, p + n, FILE_MAX + 1 - n)) > 0)
        n += (size_t)got;
    bytes->n = n;
    return n > FILE_MAX ? -EFBIG : 0;
}

static void
forget(struct span *bytes)
{
    char *p = (char *)(uintptr_t)bytes->p;

    if (p)
        explicit_bzero(p, bytes->n);
    free(p);
    *bytes = span_of(NULL, 0);
}

static int
send_payload(struct examiner *e, enum msg_type type, struct buf *b, int error)
{
    int rc = error ? error : channel_send(&e->channel, type, b, NULL, 0);

    if (b->data)
        explicit_bzero(b->data, b->cap);
    buf_done(b);
    return rc < 0 ? rc : 0;
}

static int
on_examine(struct examiner *e, struct message *m)
{
    struct span chain = {NULL, 0}, key = {NULL, 0};
    struct msg_examined answer = {0};
    struct msg_examine ask;
    struct buf found, covered, b;
    struct writer out = {&b, 0};
    int rc;

    if (msg_examine_get(&m->payload, &ask) < 0)
        return -EBADMSG;
    buf_init(&found, MSG_FOUND_MAX);
    buf_init(&covered, MSG_NAMES_MAX / 2);
    rc = read_all(m->fds[0], &chain);
    if (rc == 0)
        rc = read_all(m->fds[1], &key);
    if (rc == 0) {
        answer.until = look_at_pair(chain, key, ask.names, time(NULL), &found, &covered);
        answer.id = ask.id;
        answer.found = buf_span(&found);
        answer.covered = buf_span(&covered);
        buf_init(&b, IPC_BYTES_MAX);
        msg_examined_put(&out, &answer);
        rc = send_payload(e, MSG_EXAMINED, &b, out.error);
    }
    forget(&chain);
    forget(&key);
    buf_done(&found);
    buf_done(&covered);
    return rc;
}

static int
on_make(struct examiner *e, struct message *m)
{
    struct msg_make ask;
    struct msg_made made;
    struct buf chain, key, b;
    struct writer out = {&b, 0};
    int rc;

    if (msg_make_get(&m->payload, &ask) < 0)
        return -EBADMSG;
    buf_init(&chain, MSG_PEM_MAX);
    buf_init(&key, MSG_PEM_MAX);
    rc = make_pair(ask.names, ask.days, &chain, &key);
    if (rc == 0) {
        made = (struct msg_made){buf_span(&chain), buf_span(&key)};
        buf_init(&b, IPC_BYTES_MAX);
        msg_made_put(&out, &made);
        rc = send_payload(e, MSG_MADE, &b, out.error);
    }
    if (key.data)
        explicit_bzero(key.data, key.cap);
    buf_done(&key);
    buf_done(&chain);
    return rc;
}

static int
on_message(void *data, struct message *m)
{
    switch (m->type) {
    case MSG_EXAMINE:
        return on_examine(data, m);
    case MSG_MAKE:
        return on_make(data, m);
    default:
        return -EPROTO;
    }
}

static void
on_end(void *data, int reason)
{
    struct examiner *e = data;

    if (reason < 0)
        log_error("the channel failed: %s", uv_strerror(reason));
    e->status = reason < 0;
    uv_stop(&e->loop);
}

static const struct channel_ops ops = {on_message, on_end, NULL};

int
examiner_run(int control_fd)
{
    struct examiner *e = mem_new(sizeof(*e));
    int rc = uv_loop_init(&e->loop);

    if (rc == 0)
        rc = channel_open(&e->channel, &e->loop, control_fd, IPC_EXAMINER, IPC_SUPERVISOR,
                          QUEUE_MAX, &ops, e);
    if (rc < 0)
        return 1;
    channel_phase(&e->channel, IPC_SERVING);
    uv_run(&e->loop, UV_RUN_DEFAULT);
    /* the process ends here: the kernel takes back what the loop still holds */
    return e->status;
}
