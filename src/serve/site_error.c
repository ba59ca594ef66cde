/* What a site says in its own error log. Floor 5; worker. */
#include "hostel/serve/exchange.h"
#include "hostel/serve/logfile.h"

#define TEXT_MAX 2048 /* bytes of the text, escapes included */
#define HEAD_MAX 1024 /* and of what says who, when, and whom it is about */

static void
put(const struct site *s, enum log_level level, const char *word, const struct site_client *who,
    struct span text)
{
    char room[HEAD_MAX + TEXT_MAX], id[REQUEST_ID_TEXT];
    struct buf line = {.data = room, .cap = sizeof(room), .max = HEAD_MAX};

    if (!s->error_log)
        return;
    log_prefix(&line, level, word);
    if (s->names && s->names[0])
        (void)buf_addf(&line, "[vhost %s] ", s->names[0]);
    if (who && who->addr)
        (void)buf_addf(&line, "[client %s] ", who->addr);
    if (who && who->id) {
        request_id_text(who->id, id);
        (void)buf_addf(&line, "[request %s] ", id);
    }
    line.max = line.len + TEXT_MAX - 1;
    log_escape(&line, text);
    line.max++;
    (void)buf_add(&line, "\n", 1);
    logfile_add(s->error_log, buf_span(&line));
}

void
site_say(const struct site *s, enum log_level level, const struct site_client *who,
         struct span text)
{
    if (log_wants(level))
        put(s, level, NULL, who, text);
}

void
site_program(const struct site *s, const char *program, const struct site_client *who,
             struct span text)
{
    put(s, LOG_LEVEL_INFO, program, who, text);
}
