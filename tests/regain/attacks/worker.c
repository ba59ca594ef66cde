/*
 * In the place of hostel-worker: a small worker, and for one user a hostile one. Words to the
 * supervisor go over its control channel, words to the acceptor over its user's channel.
 */
#include "peer.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define HOSTILE_UID 6001

static struct said in;
static volatile uint64_t *ring; /* the counts of the first log's (base/logring.c) */

/* --- a worker as it should be ---------------------------------------------------------------
 */

static void
hear_until_start(void)
{
    do {
        hear(CONTROL, &in, 5000);
        if (in.type == MSG_LOG && !ring)
            ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, in.fds[0], 0);
        for (int i = 0; i < in.nfds; i++)
            close(in.fds[i]);
        if (in.type == CLOSED)
            _exit(0);
    } while (in.type != MSG_START_WORKER);
}

static void
greet(void)
{
    utter_u32(CONTROL, MSG_HELLO_WORKER, (uint32_t[]){IPC_VERSION}, 1);
}

static void
get_ready(void)
{
    greet();
    hear_until_start();
    utter_u32(CONTROL, MSG_READY_WORKER, NULL, 0);
}

static _Noreturn void
serve(const char *who)
{
    for (;;) {
        hear(ROOM, &in, 100);
        for (int i = 0; i < in.nfds; i++)
            answer(in.fds[i], who);
        hear(CONTROL, &in, 0);
        for (int i = 0; i < in.nfds; i++)
            close(in.fds[i]);
        if (in.type == CLOSED || in.type == MSG_STOP_WORKER)
            _exit(0);
    }
}

/* The connection that woke us. */
static int
take_connection(void)
{
    do {
        hear(ROOM, &in, 5000);
        if (in.type == CLOSED)
            _exit(0);
    } while (in.nfds == 0);
    return in.fds[0];
}

/* CONN_BACK: maybe flags as if it were CONN_PREFIX, a count that may lie, bytes. */
static void
hand_back(int fd, unsigned char flags, uint32_t count, const char *bytes, size_t n, int nfds)
{
    static unsigned char m[2 + 5 + 4096];
    int fds[FDS_MAX];

    size_t at = 2;

    m[0] = MSG_CONN_BACK;
    m[1] = 0;
    if (flags)
        m[at++] = flags;
    for (unsigned b = 0; b < 4; b++)
        m[at++] = (unsigned char)(count >> (8 * b));
    memcpy(m + at, bytes, n);
    for (int i = 0; i < nfds; i++)
        fds[i] = fd;
    utter(ROOM, m, at + n, fds, nfds);
}

static const char head[] = "GET / HTTP/1.1\r\nHost: bob.test\r\n\r\n";
#define HEAD_BYTES (sizeof(head) - 1)

/* --- words to the supervisor ----------------------------------------------------------------
 */

static bool
starting_modes(void)
{
    if (mode_is("ready-before-hello")) {
        utter_u32(CONTROL, MSG_READY_WORKER, NULL, 0);
    } else if (mode_is("other-version")) {
        utter_u32(CONTROL, MSG_HELLO_WORKER, (uint32_t[]){IPC_VERSION + 1}, 1);
    } else if (mode_is("truncated-hello")) {
        utter(CONTROL, "\2\0\1", 3, NULL, 0);
    } else if (mode_is("hello-with-more")) {
        utter_u32(CONTROL, MSG_HELLO_WORKER, (uint32_t[]){IPC_VERSION, 0}, 2);
    } else if (mode_is("hello-twice")) {
        greet();
        greet();
    } else if (mode_is("hello-of-acceptor")) {
        utter_u32(CONTROL, MSG_HELLO, (uint32_t[]){IPC_VERSION}, 1);
    } else if (mode_is("hello-with-descriptor")) {
        utter_fds(CONTROL, MSG_HELLO_WORKER, 4, 0, 1);
    } else if (mode_is("pool-before-ready")) {
        greet();
        utter_u32(CONTROL, MSG_POOL_WANT, (uint32_t[]){0, 0, 0, 0}, 4);
    } else if (mode_is("lines-before-ready")) {
        greet();
        utter_u32(CONTROL, MSG_LOG_LINES, NULL, 0);
    } else {
        return false;
    }
    return true;
}

/* Counts that no ring ever had, one after another, and lines without end. */
static void
lie_about_lines(void)
{
    static const uint64_t lies[] = {UINT64_MAX, 1, 1ULL << 63, 65536, 7, UINT64_MAX / 3};
    time_t end = time(NULL) + 2;

    for (unsigned i = 0; ring && time(NULL) < end; i++) {
        ring[i % 5] = lies[i / 5 % 6] + i;
        if (i % 64 == 0)
            utter_u32(CONTROL, MSG_LOG_LINES, NULL, 0);
    }
}

static bool
log_modes(void)
{
    if (mode_is("lines-with-more"))
        utter_u32(CONTROL, MSG_LOG_LINES, (uint32_t[]){0}, 1);
    else if (mode_is("lines-with-descriptor"))
        utter_fds(CONTROL, MSG_LOG_LINES, 0, 0, 1);
    else if (mode_is("flood-lines"))
        flood(CONTROL, MSG_LOG_LINES, NULL, 0);
    else if (mode_is("lines-that-lie"))
        lie_about_lines();
    else
        return false;
    return true;
}

static bool
control_modes(void)
{
    if (mode_is("unknown-type")) {
        utter_u32(CONTROL, 0xffff, NULL, 0);
    } else if (mode_is("one-byte")) {
        utter(CONTROL, "\2", 1, NULL, 0);
    } else if (mode_is("empty")) {
        utter(CONTROL, "", 0, NULL, 0);
    } else if (mode_is("supervisors-word")) {
        utter_u32(CONTROL, MSG_START_WORKER, NULL, 0);
    } else if (mode_is("acceptors-word")) {
        utter_u32(CONTROL, MSG_USER_WANT, (uint32_t[]){1, 0, 0}, 3);
    } else if (mode_is("ready-twice")) {
        utter_u32(CONTROL, MSG_READY_WORKER, NULL, 0);
    } else if (mode_is("pool-of-nobody")) {
        utter_u32(CONTROL, MSG_POOL_WANT, (uint32_t[]){200, 0, 0, 0}, 4);
    } else if (mode_is("pool-truncated")) {
        utter_u32(CONTROL, MSG_POOL_WANT, (uint32_t[]){0}, 1);
    } else if (mode_is("pool-counts-4-gib")) {
        utter_u32(CONTROL, MSG_POOL_WANT, (uint32_t[]){0, 0, 0, 0xffffffff}, 4);
    } else if (mode_is("pool-with-socket-name")) {
        utter_u32(CONTROL, MSG_POOL_WANT, (uint32_t[]){0, 0, 0, 4, 0x2f2e2e2f}, 5);
    } else if (mode_is("oversized")) {
        utter_big(CONTROL, MSG_POOL_WANT, 100000);
    } else if (mode_is("one-over")) {
        utter_big(CONTROL, MSG_POOL_WANT, IPC_BYTES_MAX + 1);
    } else if (mode_is("253-descriptors")) {
        utter_fds(CONTROL, MSG_POOL_WANT, 16, 0, FDS_MAX);
    } else if (mode_is("own-channel-as-descriptor")) {
        utter_fds(CONTROL, MSG_POOL_WANT, 16, CONTROL, 1);
    } else if (mode_is("flood-want")) {
        flood(CONTROL, MSG_POOL_WANT, (uint32_t[]){0, 0, 0, 0}, 4);
    } else if (mode_is("flood-broken")) {
        flood(CONTROL, MSG_POOL_BROKEN, (uint32_t[]){0, 1, 0, 0}, 4);
    } else if (mode_is("flood-renew")) {
        utter_u32(CONTROL, MSG_POOL_WANT, (uint32_t[]){0, 0, 0, 0}, 4);
        flood(CONTROL, MSG_POOL_RENEW, (uint32_t[]){0, 1, 0, 0}, 4);
    } else if (mode_is("flood-stuck")) {
        struct stat st;

        /* the other end of its own channel is the supervisor's */
        utter_u32(CONTROL, MSG_POOL_WANT, (uint32_t[]){0, 0, 0, 0}, 4);
        if (fstat(CONTROL, &st) == 0)
            flood(CONTROL, MSG_POOL_STUCK, (uint32_t[]){0, 1, (uint32_t)st.st_ino, 0}, 4);
    } else if (mode_is("stuck-of-nobody")) {
        utter_u32(CONTROL, MSG_POOL_STUCK, (uint32_t[]){200, 1, 1, 0}, 4);
    } else if (mode_is("synced-unasked")) {
        utter_u32(CONTROL, MSG_SYNCED_WORKER, (uint32_t[]){1}, 1);
    } else if (mode_is("deaf")) {
        sleep(2); /* it reads nothing and answers nobody */
    } else {
        return false;
    }
    return true;
}

/* --- words to the acceptor -------------------------------------------------------------------
 */

static int
open_null(void)
{
    return open("/dev/null", O_RDONLY);
}

static bool
room_modes(int connection)
{
    if (mode_is("room-unknown-type")) {
        utter_u32(ROOM, 0xffff, NULL, 0);
    } else if (mode_is("room-acceptors-word")) {
        utter_fds(ROOM, MSG_CONN, 5, connection, 1);
    } else if (mode_is("back-no-descriptor")) {
        hand_back(connection, 0, HEAD_BYTES, head, HEAD_BYTES, 0);
    } else if (mode_is("back-file")) {
        hand_back(open_null(), 0, HEAD_BYTES, head, HEAD_BYTES, 1);
    } else if (mode_is("back-unix-socket")) {
        hand_back(socket(AF_UNIX, SOCK_STREAM, 0), 0, HEAD_BYTES, head, HEAD_BYTES, 1);
    } else if (mode_is("back-own-channel")) {
        hand_back(CONTROL, 0, HEAD_BYTES, head, HEAD_BYTES, 1);
    } else if (mode_is("back-two-descriptors")) {
        hand_back(connection, 0, HEAD_BYTES, head, HEAD_BYTES, 2);
    } else if (mode_is("back-253-descriptors")) {
        hand_back(connection, 0, HEAD_BYTES, head, HEAD_BYTES, FDS_MAX);
    } else if (mode_is("back-flags")) {
        hand_back(connection, 2, HEAD_BYTES, head, HEAD_BYTES, 1);
    } else if (mode_is("back-count-4-gib")) {
        hand_back(connection, 0, 0xffffffff, head, HEAD_BYTES, 1);
    } else if (mode_is("back-count-short")) {
        hand_back(connection, 0, HEAD_BYTES - 4, head, HEAD_BYTES, 1);
    } else if (mode_is("back-nothing-read")) {
        hand_back(connection, 0, 0, "", 0, 1);
    } else if (mode_is("back-oversized")) {
        utter_big(ROOM, MSG_CONN_BACK, 100000);
    } else {
        return false;
    }
    return true;
}

/* Allowed one by one, so nobody is closed for it: only others must not feel it. */
static bool
allowed_modes(int connection)
{
    if (mode_is("back-garbage")) {
        hand_back(connection, 0, 8, "\0\1\2\3GET ", 8, 1);
    } else if (mode_is("back-half-a-head")) {
        hand_back(connection, 0, 20, head, 20, 1);
    } else if (mode_is("flood-back")) {
        for (int i = 0; i < 20000; i++)
            hand_back(connection, 0, HEAD_BYTES, head, HEAD_BYTES, 1);
    } else if (mode_is("proper-back")) {
        hand_back(connection, 0, HEAD_BYTES, head, HEAD_BYTES, 1);
    } else {
        return false;
    }
    close(connection);
    return true;
}

int
main(void)
{
    if (getuid() != HOSTILE_UID) {
        get_ready();
        serve("small worker");
    }
    if (mode_is("proper")) {
        get_ready();
        say("sent");
        serve("small worker");
    }
    if (!starting_modes()) {
        get_ready();
        if (!control_modes() && !log_modes()) {
            int connection = take_connection();

            if (!room_modes(connection) && !allowed_modes(connection)) {
                say("unknown mode");
                return 1;
            }
        }
    }
    say("sent");
    wait_for_end();
    serve("small worker");
}
