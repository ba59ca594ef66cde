/*
 * What an access line is made of: a name ("combined", "common", "json") or text with the
 * directives of Apache's mod_log_config, taken apart once. Checking a configuration and writing
 * a line read the same table. Floor 0; hostel, hostel-worker.
 */
#ifndef HOSTEL_BASE_LOGFORMAT_H
#define HOSTEL_BASE_LOGFORMAT_H

#include "hostel/base/span.h"

#include <stdbool.h>

#define LOGFORMAT_TEXT_MAX  1024 /* bytes of a format */
#define LOGFORMAT_ITEMS_MAX 64   /* directives, and the texts between them */
#define LOGFORMAT_WHY_MAX   96
#define LOGFORMAT_ITEM_MIN  64 /* bytes of a line that every directive may count on */

enum logformat_kind {
    LOGFORMAT_COMBINED, /* the usual one, which is written without looking at items */
    LOGFORMAT_JSON,     /* one object a line, keys fixed */
    LOGFORMAT_ITEMS,    /* text: its items, one after another */
};

enum logformat_what {
    LOG_TEXT,          /* arg, as it is */
    LOG_ADDRESS,       /* %h %a */
    LOG_REMOTE_USER,   /* %u */
    LOG_TIME,          /* %t */
    LOG_TIME_S,        /* %{sec}t */
    LOG_TIME_MS,       /* %{msec}t */
    LOG_TIME_US,       /* %{usec}t */
    LOG_TIME_ISO,      /* %{iso}t */
    LOG_TIME_FORMAT,   /* %{%H:%M}t; arg ends with a NUL: strftime(3) */
    LOG_REQUEST,       /* %r */
    LOG_METHOD,        /* %m */
    LOG_PATH,          /* %U */
    LOG_QUERY,         /* %q */
    LOG_PROTOCOL,      /* %H */
    LOG_STATUS,        /* %s %>s */
    LOG_BYTES,         /* %B */
    LOG_BYTES_OR_DASH, /* %b */
    LOG_TOOK_US,       /* %D %{us}T */
    LOG_TOOK_MS,       /* %{ms}T */
    LOG_TOOK_S,        /* %T %{s}T */
    LOG_VHOST,         /* %v */
    LOG_HOST,          /* %V */
    LOG_PORT,          /* %p */
    LOG_PROCESS,       /* %P */
    LOG_FIELD,         /* %{NAME}i */
    LOG_ANSWER_FIELD,  /* %{NAME}o */
    LOG_TLS,           /* %{tls}x */
    LOG_USER,          /* %{user}x */
    LOG_REQUEST_ID,    /* %{request_id}x, %L */
    LOG_UPSTREAM_US,   /* %{upstream_us}x */
};

struct logformat_item {
    enum logformat_what what;
    struct span arg;  /* of LOG_TEXT, LOG_TIME_FORMAT, LOG_FIELD, LOG_ANSWER_FIELD */
    unsigned reserve; /* bytes that what follows may count on */
    bool more;        /* a directive follows that a visitor can make long */
};

struct logformat {
    enum logformat_kind kind;
    bool answer_fields; /* there is a LOG_ANSWER_FIELD */
    unsigned nitems;
    struct logformat_item *items; /* owned, like the bytes that they lend */
    char *text;                   /* as it was written; owned */
    char *bytes;
};

/*
 * Take a format apart.
 *
 * in   text  a name, or text; \" \\ and \t in it stand for a quote, a backslash and a tab
 * out  f     owned by the caller, logformat_free(); untouched on failure
 * out  why   on failure: what is wrong and at which byte, counted from 1
 * ret  0 or -EINVAL
 * src  https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats
 */
int logformat_new(struct logformat **f, struct span text, char why[static LOGFORMAT_WHY_MAX]);

/* Accepts NULL inside; leaves NULL. */
void logformat_free(struct logformat **f);

#endif
