/* In the place of hostel-metrics: what it says to the supervisor, whom it may ask for numbers.
 */
#include "peer.h"

static struct said in;

static void
hear_until(unsigned type)
{
    do {
        hear(CONTROL, &in, 5000);
        for (int i = 0; i < in.nfds; i++)
            close(in.fds[i]);
        if (in.type == CLOSED)
            _exit(0);
    } while (in.type != type);
}

static void
hello(void)
{
    utter_u32(CONTROL, MSG_HELLO_METRICS, (uint32_t[]){IPC_VERSION}, 1);
}

/* Each answer is memory: asked for on and on, and never taken. */
static void
hoard(void)
{
    const struct timespec pause = {0, 100000000};

    say("sent");
    for (int i = 0; i < 100; i++) {
        if (utter_u32(CONTROL, MSG_FIGURES_WANT, NULL, 0) == -EPIPE) {
            say("closed");
            _exit(0);
        }
        nanosleep(&pause, NULL);
    }
}

static void
attack(void)
{
    if (mode_is("hello-twice"))
        hello();
    else if (mode_is("hello-of-acceptor"))
        utter_u32(CONTROL, MSG_HELLO, (uint32_t[]){IPC_VERSION}, 1);
    else if (mode_is("with-more"))
        utter_u32(CONTROL, MSG_FIGURES_WANT, (uint32_t[]){0}, 1);
    else if (mode_is("with-descriptor"))
        utter_fds(CONTROL, MSG_FIGURES_WANT, 0, 0, 1);
    else if (mode_is("253-descriptors"))
        utter_fds(CONTROL, MSG_FIGURES_WANT, 0, 0, FDS_MAX);
    else if (mode_is("acceptors-word"))
        utter_u32(CONTROL, MSG_USER_WANT, (uint32_t[]){0, 0, 0}, 3);
    else if (mode_is("supervisors-word"))
        utter_u32(CONTROL, MSG_HEALTH, NULL, 0);
    else if (mode_is("unknown-type"))
        utter_u32(CONTROL, 0x7777, NULL, 0);
    else if (mode_is("oversized"))
        utter_big(CONTROL, MSG_FIGURES_WANT, 100000);
    else if (mode_is("empty"))
        utter(CONTROL, "", 0, NULL, 0);
    else if (mode_is("flood-want"))
        flood(CONTROL, MSG_FIGURES_WANT, NULL, 0);
    else if (mode_is("hoard"))
        hoard();
    else /* proper */
        utter_u32(CONTROL, MSG_FIGURES_WANT, NULL, 0);
}

int
main(void)
{
    if (mode_is("want-before-hello")) {
        utter_u32(CONTROL, MSG_FIGURES_WANT, NULL, 0);
    } else if (mode_is("other-version")) {
        utter_u32(CONTROL, MSG_HELLO_METRICS, (uint32_t[]){IPC_VERSION + 1}, 1);
    } else {
        hello();
        hear_until(MSG_METRICS_LISTEN);
        attack();
    }
    say("sent");
    wait_for_end();
    for (;;) {
        hear(CONTROL, &in, 1000);
        for (int i = 0; i < in.nfds; i++)
            close(in.fds[i]);
        if (in.type == CLOSED)
            _exit(0);
    }
}
