/* The process's own error log. Floor 0, every process. */
#include "hostel/base/log.h"
#include "hostel/base/eight.h"
#include "hostel/base/mem.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
    int fd;
    const char *process;
    char *user;
    enum log_level level;
    bool torn;   /* the last line was cut by a full disk */
    bool losing; /* lines, and that was said */
    void (*put)(struct span line);
} self = {STDERR_FILENO, "hostel", NULL, LOG_LEVEL_INFO, false, false, NULL};

void
log_init(int fd, const char *process, const char *user)
{
    self.fd = fd;
    self.process = process;
    free(self.user);
    self.user = mem_str(user);
}

static bool
plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* How many bytes of s, from its start, are plain: eight at a time, then one by one. */
static size_t
plain_span(struct span s)
{
    size_t n = 0;

    for (; s.n - n >= 8; n += 8) {
        uint64_t eight = eight_at(s.p + n);

        if ((eight_below(eight, 0x20) | eight | eight_is(eight, 0x7f) | eight_is(eight, '"') |
             eight_is(eight, '\\')) &
            EIGHT_TOPS)
            break;
    }
    while (n < s.n && plain((unsigned char)s.p[n]))
        n++;
    return n;
}

void
log_escape(struct buf *b, struct span s)
{
    static const char hex[] = "0123456789abcdef";
    size_t i = 0;

    while (i < s.n) {
        size_t run = i + plain_span(span_skip(s, i));
        unsigned char c;
        char esc[4];

        if (run > i) {
            size_t room = b->max - b->len;

            if (buf_add(b, s.p + i, run - i < room ? run - i : room) < 0 || run - i > room)
                return;
            i = run;
            continue;
        }
        c = (unsigned char)s.p[i++];
        esc[0] = '\\';
        esc[1] = 'x';
        esc[2] = hex[c >> 4];
        esc[3] = hex[c & 15];
        if (buf_add(b, esc, 4) < 0)
            return;
    }
}

/* Like log_escape(), but a message of ours may hold quotes, backslashes and UTF-8 names. */
static void
add_message(struct buf *b, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c >= 0x20 && c != 0x7f) {
            if (buf_add(b, s.p + i, 1) < 0)
                return;
        } else {
            log_escape(b, (struct span){s.p + i, 1});
        }
    }
}

void
log_level_set(enum log_level level)
{
    self.level = level;
}

void
log_divert(void (*put)(struct span line))
{
    self.put = put;
}

bool
log_wants(enum log_level level)
{
    return level <= self.level;
}

void
log_prefix(struct buf *b, enum log_level level, const char *word)
{
    static const char *const words[LOG_LEVELS] = {"error", "warning", "", "debug"};
    time_t now = time(NULL);
    char stamp[32];
    struct tm tm;

    word = word ? word : words[level];
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
    (void)buf_addf(b, "%s %s[%ld]%s%s: %s%s", stamp, self.process, (long)getpid(),
                   self.user ? " " : "", self.user ? self.user : "", word, *word ? ": " : "");
}

/*
 * A pipe shares its description with whoever gave it to us, so it may block; while it polls
 * writable, PIPE_BUF bytes go in without waiting, and a line is no longer.
 */
static bool
takes(int fd)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return true;
    return poll(&room, 1, 0) == 1 && (room.revents & POLLOUT);
}

void
log_put(int fd, struct span line)
{
    if (takes(fd))
        (void)!write(fd, line.p, line.n);
}

/* Our own: one write a line, so that lines of several processes never mix. */
static void
put_own(struct span line)
{
    static const char lost[] = "hostel: the error log cannot be written: lines are lost\n";
    ssize_t n;

    if (self.put) {
        self.put(line);
        return;
    }
    if (self.fd == STDERR_FILENO) { /* a child's: a pipe that does not block */
        (void)!write(self.fd, line.p, line.n);
        return;
    }
    if (self.torn && takes(self.fd) && write(self.fd, "\n", 1) == 1)
        self.torn = false;
    n = takes(self.fd) ? write(self.fd, line.p, line.n) : -1;
    if (n > 0)
        self.torn = (size_t)n < line.n;
    if (n != (ssize_t)line.n && !self.losing)
        log_put(STDERR_FILENO, SPAN(lost)); /* once: until one is whole again */
    self.losing = n != (ssize_t)line.n;
}

static void
say(enum log_level level, const char *fmt, va_list ap)
{
    char text[LOG_LINE_MAX];
    struct buf line;
    int n;

    if (!log_wants(level))
        return;
    n = vsnprintf(text, sizeof(text), fmt, ap);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof(text))
        n = sizeof(text) - 1;
    buf_init(&line, LOG_LINE_MAX - 1);
    log_prefix(&line, level, NULL);
    add_message(&line, (struct span){text, (size_t)n});
    line.max++;
    (void)buf_add(&line, "\n", 1);
    put_own(buf_span(&line));
    buf_done(&line);
}

#define SAY(name, level)                                                                       \
    void name(const char *fmt, ...)                                                            \
    {                                                                                          \
        va_list ap;                                                                            \
                                                                                               \
        va_start(ap, fmt);                                                                     \
        say(level, fmt, ap);                                                                   \
        va_end(ap);                                                                            \
    }

SAY(log_error, LOG_LEVEL_ERROR)
SAY(log_warn, LOG_LEVEL_WARN)
SAY(log_notice, LOG_LEVEL_INFO)
SAY(log_debug, LOG_LEVEL_DEBUG)
