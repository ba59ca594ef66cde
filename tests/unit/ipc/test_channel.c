/* A channel's end against a peer that behaves, and against peers that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hostel/base/fd.h"
#include "hostel/ipc/channel.h"
#include "hostel/ipc/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct end {
    uv_loop_t loop;
    struct channel channel;
    int raw;           /* the peer's end, spoken to directly */
    unsigned messages; /* that came through */
    unsigned drains;
    int reason;  /* of on_end; 1 = not ended */
    int kept;    /* a descriptor taken from a message, or -1 */
    int verdict; /* what on_message answers */
};

static int
on_message(void *data, struct message *m)
{
    struct end *e = data;

    e->messages++;
    if (m->nfds) {
        fd_close(&e->kept);
        e->kept = fd_take(&m->fds[0]);
    }
    return e->verdict;
}

static void
on_end(void *data, int reason)
{
    ((struct end *)data)->reason = reason;
}

static void
on_drain(void *data)
{
    ((struct end *)data)->drains++;
}

static const struct channel_ops ops = {on_message, on_end, on_drain};

static int
open_fds(void)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* The worker's end of a user channel; the test is the acceptor. */
static struct end *
begin(void)
{
    struct end *e = calloc(1, sizeof(*e));
    int pair[2];

    e->reason = 1;
    e->kept = -1;
    assert_int_equal(uv_loop_init(&e->loop), 0);
    assert_int_equal(channel_pair(pair), 0);
    e->raw = pair[1];
    assert_int_equal(
        channel_open(&e->channel, &e->loop, pair[0], IPC_WORKER, IPC_ACCEPTOR, 4096, &ops, e),
        0);
    return e;
}

static void
turn(struct end *e)
{
    for (int i = 0; i < 4; i++)
        uv_run(&e->loop, UV_RUN_NOWAIT);
}

static void
finish(struct end *e)
{
    channel_close(&e->channel, NULL);
    uv_run(&e->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&e->loop), 0);
    fd_close(&e->kept);
    fd_close(&e->raw);
    free(e);
}

static ssize_t
say(int fd, const void *bytes, size_t n, const int *fds, unsigned nfds)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(253 * sizeof(int))];
    struct iovec iov = {(void *)(uintptr_t)bytes, n};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};

    if (nfds) {
        struct cmsghdr *c;

        memset(control, 0, sizeof(control));
        h.msg_control = control;
        h.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
    }
    return sendmsg(fd, &h, MSG_NOSIGNAL);
}

#define CONN_ONE "\x32\x00\x01\x00\x00\x00\x00" /* type 50, one flag byte */

static void
a_permitted_message_comes_through(void **state)
{
    struct end *e = begin();
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    say(e->raw, CONN_ONE, 7, &null, 1);
    turn(e);
    assert_int_equal(e->messages, 1);
    assert_true(e->kept >= 0);
    assert_true(fcntl(e->kept, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(e->reason, 1);
    close(null);
    finish(e);
}

/* Everything a peer may not say: the channel ends, and not one descriptor stays open. */
static void
forbidden_messages_end_it(void **state)
{
    static char big[70000];
    static const struct {
        const char *why;
        const char *bytes;
        size_t n;
        unsigned nfds;
        int verdict, reason;
    } rows[] = {
        {"unknown type", "\xff\x7f", 2, 0, 0, -EPROTO},
        {"type cut in half", "\x32", 1, 0, 0, -EPROTO},
        {"a message of another pair", "\x28\x00", 2, 0, 0, -EPROTO},
        {"without its descriptor", CONN_ONE, 7, 0, 0, -EPROTO},
        {"65 descriptors", CONN_ONE, 7, 65, 0, -EPROTO},
        {"253 descriptors", CONN_ONE, 7, 253, 0, -EPROTO},
        {"longer than any message", NULL, 70000, 1, 0, -EPROTO},
        {"the owner refuses the payload", CONN_ONE, 7, 1, -EBADMSG, -EPROTO},
    };
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC), fds[253];

    (void)state;
    for (size_t i = 0; i < 253; i++)
        fds[i] = null;
    big[0] = 0x32;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct end *e = begin();
        int before = open_fds();

        e->verdict = rows[i].verdict;
        assert_true(
            say(e->raw, rows[i].bytes ? rows[i].bytes : big, rows[i].n, fds, rows[i].nfds) > 0);
        turn(e);
        fd_close(&e->kept);
        if (e->reason != rows[i].reason || open_fds() != before)
            fail_msg("%s: reason %d, %d descriptors left", rows[i].why, e->reason,
                     open_fds() - before);
        assert_int_equal(e->messages, rows[i].verdict ? 1 : 0);
        finish(e);
    }
    close(null);
}

static void
end_of_file_is_told_once(void **state)
{
    struct end *e = begin();

    (void)state;
    fd_close(&e->raw);
    turn(e);
    assert_int_equal(e->reason, 0);
    e->reason = 1;
    turn(e);
    assert_int_equal(e->reason, 1);
    finish(e);
}

static void
a_peer_that_does_not_read_is_bounded(void **state)
{
    struct end *e = begin();
    char prefix[1024] = {'G'};
    struct buf b;
    struct writer w = {&b, 0};
    int rc = 0, before, null;
    unsigned sent = 0;

    (void)state;
    buf_init(&b, IPC_BYTES_MAX);
    msg_conn_back_put(&w, &(struct msg_conn_back){.prefix = span_of(prefix, sizeof(prefix))});
    while (sent < 10000) {
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        rc = channel_send(&e->channel, MSG_CONN_BACK, &b, &null, 1);
        if (rc < 0)
            break;
        assert_int_equal(null, -1); /* taken */
        sent++;
    }
    assert_int_equal(rc, -ENOBUFS);
    assert_true(null >= 0); /* not taken when it does not fit */
    fd_close(&null);
    before = open_fds();
    /* the peer reads after all: what was queued follows, in order and whole */
    for (unsigned got = 0; got < sent;) {
        char in[2048];
        ssize_t n = recv(e->raw, in, sizeof(in), MSG_DONTWAIT);

        if (n > 0) {
            assert_int_equal(n, 2 + b.len);
            got++;
        }
        turn(e);
    }
    assert_int_equal(e->drains, 1);
    assert_true(open_fds() < before); /* the queue's descriptors are gone */
    buf_done(&b);
    finish(e);
}

static void
try_send_never_queues(void **state)
{
    struct end *e = begin();
    char prefix[1024] = {'G'};
    struct buf b;
    struct writer w = {&b, 0};
    int rc, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    unsigned sent = 0;

    (void)state;
    buf_init(&b, IPC_BYTES_MAX);
    msg_conn_back_put(&w, &(struct msg_conn_back){.prefix = span_of(prefix, sizeof(prefix))});
    for (;;) {
        int copy = dup(null);

        rc = channel_try_send(&e->channel, MSG_CONN_BACK, &b, &copy, 1);
        if (rc < 0) {
            close(copy);
            break;
        }
        sent++;
    }
    assert_int_equal(rc, -EAGAIN);
    turn(e);
    assert_int_equal(e->drains, 0);
    for (unsigned i = 0; i < sent; i++) {
        char in[2048];

        assert_true(recv(e->raw, in, sizeof(in), MSG_DONTWAIT) > 0);
    }
    turn(e);
    assert_int_equal(e->drains, 1);
    close(null);
    buf_done(&b);
    finish(e);
}

static void
a_paused_channel_leaves_messages_in_it(void **state)
{
    struct end *e = begin();
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    channel_pause(&e->channel);
    say(e->raw, CONN_ONE, 7, &null, 1);
    turn(e);
    assert_int_equal(e->messages, 0);
    channel_resume(&e->channel);
    turn(e);
    assert_int_equal(e->messages, 1);
    close(null);
    finish(e);
}

/* A child's words to the supervisor carry no descriptors: those that do are never installed. */
static void
descriptors_where_none_belong_stay_away(void **state)
{
    struct end *e = begin();
    struct channel control;
    int pair[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC), before;

    (void)state;
    assert_int_equal(channel_pair(pair), 0);
    assert_int_equal(
        channel_open(&control, &e->loop, pair[0], IPC_SUPERVISOR, IPC_WORKER, 4096, &ops, e),
        0);
    assert_false(control.takes_fds);
    assert_true(e->channel.takes_fds);
    before = open_fds();
    say(pair[1], "\x02\x00\x01\x00\x00\x00", 6, &null, 1); /* HELLO_WORKER and more */
    turn(e);
    assert_int_equal(e->messages, 0);
    assert_int_equal(e->reason, -EPROTO);
    assert_int_equal(open_fds(), before);
    channel_close(&control, NULL);
    close(pair[1]);
    close(null);
    finish(e);
}

/* Short messages cost what keeps them, not the few bytes that they are. */
static void
the_bound_counts_what_is_kept(void **state)
{
    struct end *e = begin();
    unsigned queued = 0;
    int rc;

    (void)state;
    while ((rc = channel_send(&e->channel, MSG_CONN_BACK, NULL, NULL, 0)) >= 0)
        queued += rc == CHANNEL_QUEUED;
    assert_int_equal(rc, -ENOBUFS);
    assert_in_range(queued, 1, 4096 / (IPC_FDS_MAX * sizeof(int)));
    finish(e);
}

/* Descriptors in messages that nobody reads are open all the same: who sends them can look. */
static void
what_is_not_read_is_known(void **state)
{
    struct end *e = begin();
    struct buf b;
    struct writer w = {&b, 0};
    char in[64];
    size_t one, rounds = 0;

    (void)state;
    buf_init(&b, IPC_BYTES_MAX);
    msg_conn_back_put(&w, &(struct msg_conn_back){.prefix = SPAN("G")});
    assert_int_equal(channel_unread(&e->channel), 0);
    for (int rc = 0; rc != CHANNEL_QUEUED; rounds++) { /* in the kernel, then in the queue */
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        size_t before = channel_unread(&e->channel);

        rc = channel_send(&e->channel, MSG_CONN_BACK, &b, &null, 1);
        assert_true(rc >= 0);
        one = channel_unread(&e->channel) - before;
        assert_in_range(one, buf_span(&b).n, 4096);
    }
    assert_true(rounds > 2);
    while (recv(e->raw, in, sizeof(in), MSG_DONTWAIT) > 0)
        turn(e);
    assert_int_equal(channel_unread(&e->channel), 0);
    buf_done(&b);
    finish(e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_permitted_message_comes_through),
        cmocka_unit_test(forbidden_messages_end_it),
        cmocka_unit_test(end_of_file_is_told_once),
        cmocka_unit_test(a_peer_that_does_not_read_is_bounded),
        cmocka_unit_test(try_send_never_queues),
        cmocka_unit_test(a_paused_channel_leaves_messages_in_it),
        cmocka_unit_test(descriptors_where_none_belong_stay_away),
        cmocka_unit_test(the_bound_counts_what_is_kept),
        cmocka_unit_test(what_is_not_read_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
