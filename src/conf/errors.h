/* Gathers what is wrong, one escaped line each. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_ERRORS_H
#define HOSTEL_CONF_ERRORS_H

#include "hostel/conf/model.h"

/* More lines than this help nobody: the last one says that there are more. */
#define ERRORS_MAX 1000

/* A place in a file; line and column count from 1. */
struct place {
    const char *file;
    size_t line, column;
};

/* "file:line:column: what" */
void errors_at(struct conf_errors *e, struct place at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "file: what" */
void errors_file(struct conf_errors *e, const char *file, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "file:line: vhost NAME: what", the line it begins at */
void errors_vhost(struct conf_errors *e, const struct conf_vhost *v, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
