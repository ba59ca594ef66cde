/* Gathers what is wrong, one escaped line each. Floor 2; supervisor. */
#include "errors.h"

#include "hostel/base/buf.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <stdlib.h>

#define LINE_MAX_BYTES 16384 /* two paths and a sentence, escaped */

/* A file's text ends up on a terminal: whatever could move it is escaped. */
static void
add(struct conf_errors *e, struct buf *prefix, const char *fmt, va_list ap)
{
    struct buf escaped;

    e->said++;
    if (e->n < ERRORS_MAX) {
        buf_init(&escaped, LINE_MAX_BYTES);
        buf_vaddf(prefix, fmt, ap);
        if (e->n == ERRORS_MAX - 1)
            buf_add_str(&escaped, "more errors than these: the rest is not shown");
        else
            log_escape(&escaped, buf_span(prefix));
        e->lines = mem_grow(e->lines, (e->n + 1) * sizeof(*e->lines));
        e->lines[e->n++] = mem_str_span(buf_span(&escaped));
        buf_done(&escaped);
    }
    buf_done(prefix);
}

void
errors_at(struct conf_errors *e, struct place at, const char *fmt, ...)
{
    struct buf line;
    va_list ap;

    buf_init(&line, LINE_MAX_BYTES);
    buf_addf(&line, "%s:%zu:%zu: ", at.file, at.line, at.column);
    va_start(ap, fmt);
    add(e, &line, fmt, ap);
    va_end(ap);
}

void
errors_file(struct conf_errors *e, const char *file, const char *fmt, ...)
{
    struct buf line;
    va_list ap;

    buf_init(&line, LINE_MAX_BYTES);
    buf_addf(&line, "%s: ", file);
    va_start(ap, fmt);
    add(e, &line, fmt, ap);
    va_end(ap);
}

void
errors_vhost(struct conf_errors *e, const struct conf_vhost *v, const char *fmt, ...)
{
    struct buf line;
    va_list ap;

    buf_init(&line, LINE_MAX_BYTES);
    if (v->line)
        buf_addf(&line, "%s:%zu: vhost %s: ", v->file, v->line, v->host);
    else
        buf_addf(&line, "%s: vhost %s: ", v->file, v->host);
    va_start(ap, fmt);
    add(e, &line, fmt, ap);
    va_end(ap);
}

void
conf_errors_done(struct conf_errors *e)
{
    for (size_t i = 0; i < e->n; i++)
        free(e->lines[i]);
    free(e->lines);
    *e = (struct conf_errors){0};
}
