/*
 * A channel whose peer says anything: the first bytes of an input are both ends' roles and how
 * many descriptors come along, the rest is one datagram. No descriptor may stay open.
 */
#include "fuzz.h"
#include "hostel/base/fd.h"
#include "hostel/ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool ended;

static int
on_message(void *data, struct message *m)
{
    const struct ipc_row *row = ipc_row((uint16_t)m->type);

    (void)data;
    must(row && m->nfds >= row->fds_min && m->nfds <= row->fds_max);
    return m->payload.rest.n % 2 ? -EBADMSG : 0;
}

static void
on_end(void *data, int reason)
{
    (void)data;
    (void)reason;
    ended = true;
}

static void
say(int fd, struct span bytes, unsigned nfds)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {0};
    struct iovec iov = {(void *)(uintptr_t)bytes.p, bytes.n};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
    int fds[4] = {0, 0, 0, 0};

    if (nfds) {
        h.msg_control = control;
        h.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        CMSG_FIRSTHDR(&h)->cmsg_level = SOL_SOCKET;
        CMSG_FIRSTHDR(&h)->cmsg_type = SCM_RIGHTS;
        CMSG_FIRSTHDR(&h)->cmsg_len = CMSG_LEN(nfds * sizeof(int));
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&h)), fds, nfds * sizeof(int));
    }
    (void)!sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The number that the next descriptor would get. */
static int
lowest_free(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), n = fd;

    fd_close(&fd);
    return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct channel_ops ops = {.on_message = on_message, .on_end = on_end};
    static uv_loop_t loop;
    static bool ready;
    struct channel c;
    int pair[2], free_before;

    if (size < 4)
        return 0;
    if (!ready)
        must(uv_loop_init(&loop) == 0);
    ready = true;
    free_before = lowest_free();
    ended = false;
    must(channel_pair(pair) == 0);
    must(channel_open(&c, &loop, fd_take(&pair[0]), (enum ipc_role)(data[0] % 3),
                      (enum ipc_role)(data[1] % 3), 65536, &ops, NULL) == 0);
    channel_phase(&c, (enum ipc_phase)(1 << data[2] % 3));
    say(pair[1], span_of(data + 4, size - 4), data[3] % 5);
    fd_close(&pair[1]);
    for (int turn = 0; turn < 4 && !ended; turn++)
        uv_run(&loop, UV_RUN_NOWAIT);
    must(ended); /* at the latest by the end of file */
    channel_close(&c, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    must(lowest_free() == free_before);
    return 0;
}
