/* Reads a configuration file whole. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_FILE_H
#define HOSTEL_CONF_FILE_H

#include "hostel/base/span.h"

#include <sys/stat.h>

#define FILE_BYTES_MAX (64UL << 20) /* 100,000 vhosts take about 20 MiB */

/* A file's bytes; free(bytes.p) through file_done(). */
struct file {
    char *bytes;
    size_t n;
    struct stat st;
};

/*
 * in   strict  refuse a file that everybody may write: whoever writes it names users
 * out  f       owned by the caller, file_done(); untouched on failure
 * ret  NULL, or what is wrong: static or strerror()'s, lent until the next call
 */
const char *file_read(const char *path, bool strict, struct file *f);

void file_done(struct file *f);

#endif
