/*
 * A file that is compressed because a visitor takes it so. What is small is compressed at one
 * go and kept in the cache; what is bigger streams, a slice a turn of the loop, and is kept
 * when it is not too big for that. Floor 5; worker.
 */
#ifndef SERVE_COMPRESS_FILE_H
#define SERVE_COMPRESS_FILE_H

#include "filecache.h"

#define COMPRESS_SLICE    (256 * 1024)  /* bytes of the file in one turn: some milliseconds */
#define COMPRESS_KEEP_MAX (1024 * 1024) /* bytes of a file whose result is kept */

enum compress_verdict {
    COMPRESS_NOT,   /* too many are at it, or the file cannot be read: send it as it is */
    COMPRESS_READY, /* v has its bytes now: send it */
    COMPRESS_TAKEN, /* the answer is on its way, or over: x is not to be touched */
};

/*
 * in   f  from the cache; held by the caller, as v is
 * in   v  of filecache_made(), without bytes; its head is what the answer says
 */
enum compress_verdict
compress_file(struct exchange *x, struct cached_file *f, struct cached_file *v);

#endif
