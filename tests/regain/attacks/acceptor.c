/*
 * In the place of hostel-acceptor: one is hostile, all others answer every visitor themselves.
 * Hostile is the first, or the second where the attack comes before it is ready. Which one it
 * is, is kept on the listening socket that all share: an acceptor has no other place.
 */
#include "peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

static struct said in;

/* Take what comes until the type asked for; the listener is kept. */
static int
hear_until(unsigned type, int listener)
{
    do {
        hear(CONTROL, &in, 5000);
        for (int i = 0; i < in.nfds; i++) {
            if (in.type == MSG_LISTENER && listener < 0)
                listener = in.fds[i];
            else
                close(in.fds[i]);
        }
        if (in.type == CLOSED)
            _exit(0);
    } while (in.type != type);
    return listener;
}

#define COUNT_FROM 100 /* far above what the option is by itself; it is never used */

/* How many acceptors were there before us? */
static int
turn(int listener)
{
    int count = 0, next;
    socklen_t len = sizeof(count);

    getsockopt(listener, IPPROTO_TCP, TCP_KEEPCNT, &count, &len);
    next = count < COUNT_FROM ? COUNT_FROM : count < 127 ? count + 1 : count;
    setsockopt(listener, IPPROTO_TCP, TCP_KEEPCNT, &next, sizeof(next));
    return next - COUNT_FROM;
}

static bool
is_starting_mode(void)
{
    return mode_is("want-before-ready") || mode_is("hello-twice") || mode_is("hello-of-worker");
}

static void
starting_modes(void)
{
    if (mode_is("want-before-ready"))
        utter_u32(CONTROL, MSG_USER_WANT, (uint32_t[]){0, 0, 0}, 3);
    else if (mode_is("hello-twice"))
        utter_u32(CONTROL, MSG_HELLO, (uint32_t[]){IPC_VERSION}, 1);
    else
        utter_u32(CONTROL, MSG_HELLO_WORKER, (uint32_t[]){IPC_VERSION}, 1);
}

static bool
serving_modes(void)
{
    if (mode_is("unknown-type")) {
        utter_u32(CONTROL, 0x7777, NULL, 0);
    } else if (mode_is("workers-word")) {
        utter_u32(CONTROL, MSG_POOL_WANT, (uint32_t[]){0, 0, 0, 0}, 4);
    } else if (mode_is("supervisors-word")) {
        utter_u32(CONTROL, MSG_STOP_ACCEPTOR, (uint32_t[]){0}, 1);
    } else if (mode_is("user-out-of-range")) {
        utter_u32(CONTROL, MSG_USER_WANT, (uint32_t[]){1000000, 0, 0}, 3);
    } else if (mode_is("bad-user-out-of-range")) {
        utter_u32(CONTROL, MSG_USER_BAD, (uint32_t[]){0xfffffffe, 0, 0}, 3);
    } else if (mode_is("truncated")) {
        utter_u32(CONTROL, MSG_USER_WANT, (uint32_t[]){0}, 1);
    } else if (mode_is("with-more")) {
        utter_u32(CONTROL, MSG_USER_WANT, (uint32_t[]){0, 0, 0, 0}, 4);
    } else if (mode_is("ready-twice")) {
        utter_u32(CONTROL, MSG_READY, NULL, 0);
    } else if (mode_is("with-descriptor")) {
        utter_fds(CONTROL, MSG_USER_WANT, 12, 0, 1);
    } else if (mode_is("253-descriptors")) {
        utter_fds(CONTROL, MSG_USER_WANT, 12, 0, FDS_MAX);
    } else if (mode_is("oversized")) {
        utter_big(CONTROL, MSG_USER_WANT, 100000);
    } else if (mode_is("empty")) {
        utter(CONTROL, "", 0, NULL, 0);
    } else if (mode_is("synced-unasked")) {
        utter_u32(CONTROL, MSG_SYNCED, (uint32_t[]){1}, 1);
    } else if (mode_is("flood-want")) {
        flood(CONTROL, MSG_USER_WANT, (uint32_t[]){0, 0, 0}, 3);
    } else if (mode_is("flood-bad")) {
        flood(CONTROL, MSG_USER_BAD, (uint32_t[]){0, 0}, 2);
    } else {
        return false;
    }
    return true;
}

static _Noreturn void
serve(int listener)
{
    for (;;) {
        struct pollfd p[2] = {{.fd = listener, .events = POLLIN},
                              {.fd = CONTROL, .events = POLLIN}};

        poll(p, 2, 1000);
        if (p[0].revents) {
            int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

            if (fd >= 0)
                answer(fd, "small acceptor");
        }
        hear(CONTROL, &in, 0);
        for (int i = 0; i < in.nfds; i++)
            close(in.fds[i]);
        if (in.type == CLOSED || in.type == MSG_STOP_ACCEPTOR)
            _exit(0);
    }
}

int
main(void)
{
    int listener, before;

    utter_u32(CONTROL, MSG_HELLO, (uint32_t[]){IPC_VERSION}, 1);
    listener = hear_until(MSG_LISTENER, -1);
    before = turn(listener);
    if (before == 1 && is_starting_mode()) {
        starting_modes();
        say("sent");
        wait_for_end();
    }
    hear_until(MSG_START, listener);
    utter_u32(CONTROL, MSG_READY, NULL, 0);
    if (before == 0 && is_starting_mode()) {
        usleep(200000); /* a server that never was ready would only say that it cannot start */
        _exit(1);
    }
    if (mode_is("proper")) {
        say("sent");
    } else if (before == 0 && serving_modes()) {
        say("sent");
        wait_for_end();
    }
    serve(listener);
}
