/*
 * Password files: "user:hash" lines as htpasswd writes them, read with the worker's own rights
 * and kept in memory. Floor 5; worker.
 */
#ifndef SERVE_HTPASSWD_H
#define SERVE_HTPASSWD_H

#include "hostel/base/span.h"

#include <stdint.h>

#define HTPASSWD_BYTES_MAX (1024 * 1024)
#define HTPASSWD_LINES_MAX 10000
#define HTPASSWD_FILES_MAX                                                                     \
    64                        /* kept; over it the one that was asked for least recently goes  \
                               */
#define HTPASSWD_FRESH_MS 450 /* trusted for; then the file is looked at again */

struct htpasswd; /* all files of a worker */
struct htpasswd_file;

struct htpasswd *htpasswd_new(void);
void htpasswd_free(struct htpasswd **h);

/*
 * in   path  absolute
 * out  file  lent until the next call
 * ret  0; -errno: it cannot be read; -EFBIG: more than the bounds
 */
int htpasswd_open(struct htpasswd *h, const char *path, uint64_t now_ms,
                  const struct htpasswd_file **file);

/* Another content, another number; no two files ever had the same. */
uint64_t htpasswd_version(const struct htpasswd_file *file);

/*
 * The hash of a user's password, or, so that the work is the same, that of somebody else.
 *
 * out  hash  lent like file; empty: there is none of a kind that is taken
 * ret  is it the user's own?
 */
bool htpasswd_find(const struct htpasswd_file *file, struct span user, struct span *hash);

#endif
