/* What a site says in its own error log. Floor 5; worker. */
#include "hostel/serve/site.h"
#include "hostel/base/buf.h"
#include "hostel/base/log.h"
#include "hostel/serve/logfile.h"

#include <time.h>

#define TEXT_MAX 2048 /* bytes of the text, escapes included */

void
site_error(const struct site *s, const char *client, struct span text)
{
    char room[TEXT_MAX + 256], stamp[32];
    struct buf line = {.data = room, .cap = sizeof(room), .max = sizeof(room)};
    time_t now = time(NULL);
    struct tm tm;

    if (!s->error_log || !gmtime_r(&now, &tm))
        return;
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
    (void)buf_add_str(&line, stamp);
    if (client) {
        (void)buf_add_str(&line, " [client ");
        (void)buf_add_str(&line, client);
        (void)buf_add_str(&line, "]");
    }
    (void)buf_add_str(&line, " ");
    line.max = line.len + TEXT_MAX;
    log_escape(&line, text);
    line.max = sizeof(room);
    (void)buf_add_str(&line, "\n");
    logfile_add(s->error_log, buf_span(&line));
}
