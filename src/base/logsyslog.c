/* Targets and lines of syslog. Floor 0; hostel. */
#include "hostel/base/logsyslog.h"

#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define STAMP_BYTES 20 /* "2026-01-31T12:00:00Z" */

static const struct facility {
    const char *name;
    unsigned value;
} facilities[] = {
    {"daemon", LOG_DAEMON}, {"user", LOG_USER},     {"local0", LOG_LOCAL0},
    {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3},
    {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},
    {"local7", LOG_LOCAL7},
};

static bool
facility_of(struct span word, unsigned *value)
{
    for (size_t i = 0; i < sizeof(facilities) / sizeof(facilities[0]); i++)
        if (span_eq(word, span_str(facilities[i].name))) {
            *value = facilities[i].value;
            return true;
        }
    return false;
}

/* What could end it, or the line's head, is an underscore: users have all kinds of names. */
static const char *
take_tag(struct span tag, struct logsyslog *out)
{
    if (tag.n == 0 || tag.n > LOGSYSLOG_TAG_MAX)
        return "must have a tag of 1..48 bytes";
    for (size_t i = 0; i < tag.n; i++) {
        char c = tag.p[i];

        out->tag[i] = c > ' ' && c < 0x7f && !strchr("[]:/", c) ? c : '_';
    }
    out->tag[tag.n] = '\0';
    return NULL;
}

static const char *
take_socket(struct span path, struct logsyslog *out)
{
    if (path.n == 0 || path.p[0] != '/' || path.n >= sizeof(out->to.sun_path))
        return "must have an absolute path of at most 107 bytes as its socket";
    memcpy(out->to.sun_path, path.p, path.n);
    out->to.sun_path[path.n] = '\0';
    return NULL;
}

const char *
logsyslog_parse(struct span target, struct logsyslog *out)
{
    struct span rest = span_skip(target, 7), word;
    const char *wrong = NULL;

    *out = (struct logsyslog){.facility = LOG_DAEMON,
                              .tag = "hostel",
                              .to = {.sun_family = AF_UNIX, .sun_path = "/dev/log"}};
    while (!wrong && rest.n > 0 && span_cut(&rest, ',', &word)) {
        if (span_starts(word, SPAN("tag=")))
            wrong = take_tag(span_skip(word, 4), out);
        else if (span_starts(word, SPAN("socket=")))
            wrong = take_socket(span_skip(word, 7), out);
        else if (!facility_of(word, &out->facility))
            wrong = "must be syslog: with a facility (daemon, user, local0..local7), tag=TAG, "
                    "socket=PATH, parted by commas";
    }
    return wrong;
}

void
logsyslog_head(struct buf *b, const struct logsyslog *at, enum log_level level)
{
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static const unsigned severities[LOG_LEVELS] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    time_t now = time(NULL);
    struct tm tm;

    if (!localtime_r(&now, &tm))
        return;
    (void)buf_addf(b, "<%u>%s %2d %02d:%02d:%02d %s[%ld]: ", at->facility | severities[level],
                   months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, at->tag,
                   (long)getpid());
}

enum log_level
logsyslog_level(struct span *line)
{
    static const struct {
        struct span word;
        enum log_level level;
    } words[] = {
        {SPAN(": error: "), LOG_LEVEL_ERROR},
        {SPAN(": warning: "), LOG_LEVEL_WARN},
        {SPAN(": debug: "), LOG_LEVEL_DEBUG},
    };
    struct span said;

    if (line->n <= STAMP_BYTES + 1 || line->p[STAMP_BYTES - 1] != 'Z' || line->p[10] != 'T' ||
        line->p[STAMP_BYTES] != ' ')
        return LOG_LEVEL_INFO;
    *line = span_skip(*line, STAMP_BYTES + 1);
    said = *line;
    while (said.n > 0 && !span_starts(said, SPAN(": ")))
        said = span_skip(said, 1);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (span_starts(said, words[i].word))
            return words[i].level;
    return LOG_LEVEL_INFO;
}
