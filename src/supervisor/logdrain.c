/*
 * A ring's turn at its log. Floor 6, hostel.
 *
 * A log consists of whole lines, whoever writes there and however little fits at a time: the
 * ring whose line is written in part has the log to itself until that line ends. If its rest is
 * lost, the line is torn, and ended before the next one begins.
 */
#include "logdrain.h"
#include "syslogs.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define TURNS_MAX  32    /* writes to one log before others have theirs */
#define LINE_BYTES 65536 /* bytes: no worker of ours makes a line as long as that */
#define BREATH_MS  2     /* a daemon that reads may take */

#define WRITE_COST    4096 /* bytes that could be copied in the time that a write takes */
#define DATAGRAM_COST 1024 /* likewise */

static atomic_bool news;

bool
logdrain_news(void)
{
    return atomic_exchange(&news, false);
}

static void
note_trouble(struct log_target *t, int trouble)
{
    if (atomic_exchange(&t->trouble, trouble) != trouble)
        atomic_store(&news, true);
}

/* --- one write ------------------------------------------------------------------------------
 */

/* As much as can be written while a reader is waited for no longer. ret  bytes; 0; -errno */
static ssize_t
write_some(const struct log_target *t, const struct iovec *v, int n, int wait_ms)
{
    struct pollfd room = {.fd = t->fd, .events = POLLOUT};
    ssize_t wrote;

    /*
     * A pipe shares its file description with other processes, so it cannot be made
     * non-blocking here. While it polls writable, PIPE_BUF bytes go in without waiting.
     */
    if (!t->plain && (poll(&room, 1, wait_ms) != 1 || !(room.revents & (POLLOUT | POLLERR))))
        return 0;
    do
        wrote = writev(t->fd, v, n);
    while (wrote < 0 && errno == EINTR);
    return wrote < 0 ? -errno : wrote;
}

static size_t
size_of(const struct iovec v[static 2], int n)
{
    return v[0].iov_len + (n > 1 ? v[1].iov_len : 0);
}

static bool
ends_line(const struct iovec v[static 2], size_t bytes)
{
    const struct iovec *piece = bytes > v[0].iov_len ? &v[1] : &v[0];
    size_t at = bytes > v[0].iov_len ? bytes - v[0].iov_len : bytes;

    return ((const char *)piece->iov_base)[at - 1] == '\n';
}

/*
 * How much of this is one write: to a pipe what goes in at once, and that is whole lines where
 * one fits.
 */
static size_t
piece_of(const struct log_target *t, const struct iovec v[static 2], int n)
{
    size_t all = size_of(v, n), bytes;

    if (t->plain || all <= PIPE_BUF)
        return all;
    for (bytes = PIPE_BUF; bytes > 0 && !ends_line(v, bytes);)
        bytes--;
    return bytes ? bytes : PIPE_BUF;
}

/* The first bytes of v, as whole lines if they are; then a line's last byte is our own: their
 * worker can change all others until they are written. */
static int
as_written(const struct iovec v[static 2], size_t bytes, bool whole, struct iovec out[static 3])
{
    size_t theirs = bytes - whole;
    int n = 0;

    if (theirs)
        out[n++] = (struct iovec){v[0].iov_base, theirs < v[0].iov_len ? theirs : v[0].iov_len};
    if (theirs > v[0].iov_len)
        out[n++] = (struct iovec){v[1].iov_base, theirs - v[0].iov_len};
    if (whole)
        out[n++] = (struct iovec){(void *)(uintptr_t) "\n", 1};
    return n;
}

/* --- whose line -----------------------------------------------------------------------------
 */

/* The rest of a line that a ring has open will not come. */
static void
tear(struct log_source *src)
{
    struct log_target *t = src->target;

    if (t->open != src)
        return;
    t->open = NULL;
    t->torn = true;
}

/* What was written of src's: bytes, or all of them, which were whole lines. */
static void
note_written(struct log_source *src, size_t bytes, bool whole)
{
    struct log_target *t = src->target;

    logring_take(src->ring, bytes);
    if (whole) {
        t->open = NULL;
        note_trouble(t, 0);
        return;
    }
    t->open_bytes = (t->open ? t->open_bytes : 0) + bytes;
    t->open = src;
    if (t->open_bytes > LINE_BYTES) /* others have waited long enough for this one's end */
        tear(src);
}

static void
count(struct log_source *src, uint64_t n)
{
    atomic_fetch_add(&src->target->lost, n);
    atomic_fetch_add(&src->account->lost, n);
}

static void
lose(struct log_source *src, size_t n, int error)
{
    logring_take(src->ring, n);
    tear(src);
    count(src, n);
    atomic_store(&src->target->lost_to, error);
    note_trouble(src->target, error);
}

static void
count_lost(struct log_source *src)
{
    uint64_t lost = logring_lost(src->ring), before = atomic_exchange(&src->lost, lost);

    if (lost == before)
        return;
    count(src, lost - before);
    if (atomic_load(&src->target->trouble) == 0)
        note_trouble(src->target, EAGAIN);
}

/* --- to a syslog daemon ---------------------------------------------------------------------
 */

/* Whole lines of these bytes, one a datagram. out  done  bytes that are dealt with */
static int
send_lines(struct log_target *t, struct span bytes, size_t *done, size_t *spent)
{
    int rc = 0;

    for (*done = 0; rc == 0 && *done < bytes.n;) {
        struct span rest = span_skip(bytes, *done);
        size_t end = span_find(rest, '\n');

        rc = syslogs_send(t->fd, t->syslog, &t->tried_ms, span_of(rest.p, end));
        *spent += DATAGRAM_COST > end ? DATAGRAM_COST : end;
        if (rc == 0)
            *done += end < rest.n ? end + 1 : end;
    }
    return rc;
}

/* Where there is more than fits, the last line may go on behind it. No line is that long. */
static struct span
whole_lines(struct span s, size_t room)
{
    size_t n = s.n;

    while (s.n == room && n > 0 && s.p[n - 1] != '\n')
        n--;
    return n > 0 ? span_of(s.p, n) : s;
}

/*
 * These lines are looked at, for where they end, in a copy that their worker cannot change.
 * What the daemon does not take stays in the ring.
 */
static enum drained
turn_to_syslog(struct log_source *src, size_t budget, size_t *spent)
{
    struct pollfd room = {.fd = src->target->fd, .events = POLLOUT};
    char copy[32768];
    struct iovec v[2];
    int rc = 0;

    for (unsigned turn = 0; turn < TURNS_MAX && rc == 0 && *spent < budget; turn++) {
        int n = logring_look(src->ring, v);
        size_t have = 0, done;

        count_lost(src);
        if (n == 0)
            return DRAINED;
        for (int i = 0; i < n; i++) {
            size_t some =
                v[i].iov_len < sizeof(copy) - have ? v[i].iov_len : sizeof(copy) - have;

            memcpy(copy + have, v[i].iov_base, some);
            have += some;
        }
        rc = send_lines(src->target, whole_lines(span_of(copy, have), sizeof(copy)), &done,
                        spent);
        logring_take(src->ring, done);
        if (rc == -EAGAIN && done > 0 && poll(&room, 1, BREATH_MS) == 1)
            rc = 0; /* its queue is short, and it reads: ten lines a time */
    }
    note_trouble(src->target, rc == -EAGAIN ? 0 : -rc);
    return rc == 0 ? MORE : WAITS;
}

/* --- to a file or a pipe --------------------------------------------------------------------
 */

/* ret  as write_some() */
static ssize_t
write_lines(struct log_source *src, const struct iovec v[static 2], int n, int wait_ms)
{
    static const struct iovec end = {(void *)(uintptr_t) "\n", 1};
    struct log_target *t = src->target;
    size_t bytes = piece_of(t, v, n);
    bool whole = ends_line(v, bytes);
    struct iovec out[3];
    ssize_t wrote;

    if (t->torn) {
        wrote = write_some(t, &end, 1, wait_ms);
        if (wrote <= 0)
            return wrote;
        t->torn = false;
    }
    wrote = write_some(t, out, as_written(v, bytes, whole, out), wait_ms);
    if (wrote > 0)
        note_written(src, (size_t)wrote, whole && (size_t)wrote == bytes);
    return wrote;
}

enum drained
logdrain_turn(struct log_source *src, size_t budget, size_t *spent)
{
    struct log_target *t = src->target;
    int wait_ms = 0;

    *spent = 0;
    if (t->syslog)
        return turn_to_syslog(src, budget, spent);
    for (unsigned turn = 0; (turn < TURNS_MAX && *spent < budget) || t->open == src; turn++) {
        struct iovec v[2];
        int n = logring_look(src->ring, v);
        ssize_t wrote;

        count_lost(src);
        if (n == 0) {
            tear(src); /* workers put whole lines: it waits for none of its end */
            return DRAINED;
        }
        if (t->open && t->open != src)
            return WAITS;
        wrote = write_lines(src, v, n, wait_ms);
        if (wrote == 0)
            return WAITS;
        if (wrote < 0) {
            size_t all = size_of(v, n);

            lose(src, all, (int)-wrote);
            wrote = (ssize_t)all;
        }
        *spent += wrote > WRITE_COST ? (size_t)wrote : WRITE_COST;
        wait_ms = BREATH_MS;
    }
    return MORE;
}

void
logdrain_hangs(struct log_target *t)
{
    note_trouble(t, ETIME);
}

void
logdrain_give_up(struct log_source *src)
{
    size_t rest = logring_waiting(src->ring);

    if (!src->target->hangs) /* else another one's line is open there */
        tear(src);
    if (rest == 0)
        return;
    count(src, rest);
    if (atomic_load(&src->target->trouble) == 0)
        note_trouble(src->target, EAGAIN);
}
