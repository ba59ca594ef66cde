/*
 * Logs that go to the machine's syslog daemon or the journal: how their target is written in a
 * configuration, and what a line has before it on /dev/log. Floor 0; hostel.
 */
#ifndef HOSTEL_BASE_LOGSYSLOG_H
#define HOSTEL_BASE_LOGSYSLOG_H

#include "hostel/base/buf.h"
#include "hostel/base/log.h"

#include <sys/un.h>

#define LOGSYSLOG_TAG_MAX  48
#define LOGSYSLOG_HEAD_MAX 128 /* bytes of what a line has before it */

struct logsyslog {
    unsigned facility;
    char tag[LOGSYSLOG_TAG_MAX + 1];
    struct sockaddr_un to;
};

/* Is this target one of syslog's? */
static inline bool
logsyslog_is(const char *target)
{
    return target && strncmp(target, "syslog:", 7) == 0;
}

/*
 * "syslog:", then FACILITY, tag=TAG and socket=PATH, parted by commas; each may be left out.
 *
 * ret  NULL; or what is wrong, static
 */
const char *logsyslog_parse(struct span target, struct logsyslog *out);

/*
 * Append "<PRI>Mmm dd hh:mm:ss tag[pid]: ", as daemons expect on their local socket.
 *
 * src  RFC 3164 4.1, without the host name, as syslog(3) does
 */
void logsyslog_head(struct buf *b, const struct logsyslog *at, enum log_level level);

/*
 * What a line of ours is: the level that an error log's line says, and the line behind the time
 * that syslog says itself; LOG_LEVEL_INFO and the line for any other.
 */
enum log_level logsyslog_level(struct span *line);

#endif
