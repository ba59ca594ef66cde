/* The process's own error log. Floor 0, every process. */
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct {
    int fd;
    const char *process;
    char *user;
} self = {STDERR_FILENO, "hostel", NULL};

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

void
log_escape(struct buf *b, struct span s)
{
    static const char hex[] = "0123456789abcdef";
    size_t i = 0;

    while (i < s.n) {
        size_t run = i;
        unsigned char c;
        char esc[4];

        while (run < s.n && plain((unsigned char)s.p[run]))
            run++;
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

static void
say(const char *word, const char *fmt, va_list ap)
{
    char text[LOG_LINE_MAX], stamp[32];
    struct buf line;
    struct tm tm;
    time_t now;
    int n;

    n = vsnprintf(text, sizeof(text), fmt, ap);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof(text))
        n = sizeof(text) - 1;
    now = time(NULL);
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_init(&line, LOG_LINE_MAX - 1);
    (void)buf_addf(&line, "%s %s[%ld]%s%s: %s%s", stamp, self.process, (long)getpid(),
                   self.user ? " " : "", self.user ? self.user : "", word, *word ? ": " : "");
    add_message(&line, (struct span){text, (size_t)n});
    line.max++;
    (void)buf_add(&line, "\n", 1);
    /* one write a line: lines of several processes never mix; a full disk loses the line */
    (void)!write(self.fd, line.data + line.start, line.len);
    buf_done(&line);
}

#define SAY(name, word)                                                                        \
    void name(const char *fmt, ...)                                                            \
    {                                                                                          \
        va_list ap;                                                                            \
                                                                                               \
        va_start(ap, fmt);                                                                     \
        say(word, fmt, ap);                                                                    \
        va_end(ap);                                                                            \
    }

SAY(log_error, "error")
SAY(log_warn, "warning")
SAY(log_notice, "")
