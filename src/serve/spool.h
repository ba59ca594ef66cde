/*
 * Bytes that wait: first in, first out; the newest in memory, what is older in an unlinked file
 * of the user's. Request bodies wait here for a PHP process, answers for a slow visitor.
 *
 *     spool_add ->  memory  -- when it is full --> file (O_TMPFILE)  -> spool_take
 *
 * Little or quick traffic never touches the file. Within the worker's system call filter: no
 * pwrite, no ftruncate. Floor 5; worker.
 */
#ifndef HOSTEL_SERVE_SPOOL_H
#define HOSTEL_SERVE_SPOOL_H

#include "hostel/base/buf.h"

#include <stdint.h>
#include <sys/types.h>

#define SPOOL_PIECE_MAX 65536 /* bytes of one spool_add() that a full spool still takes */

struct spool {
    struct buf memory;       /* capped at memory_max and one piece */
    size_t memory_max;       /* from here on memory is written to the file */
    uint64_t file_max;       /* the file never grows beyond */
    uint64_t put, got;       /* positions in the file: next to write, next to read */
    int fd;                  /* -1 until it is needed */
    int error;               /* why the file takes no more: 0 or -errno */
    const char *const *dirs; /* lent */
};

/*
 * in   memory_max  bytes
 * in   file_max    bytes; 0 = no file, memory only
 * in   dirs        NULL-ended, tried in order for a file, lent; nothing is opened yet
 */
void spool_init(struct spool *s, size_t memory_max, uint64_t file_max, const char *const *dirs);

/* Frees memory and file; the spool is empty and takes nothing but spool_init(). */
void spool_done(struct spool *s);

/*
 * Append.
 *
 * ret  0; -ENOBUFS when neither file nor memory take all of it: some may be in, give up. Never
 *      for a piece of at most SPOOL_PIECE_MAX given while spool_full() said false
 */
int spool_add(struct spool *s, struct span bytes);

/* Memory is full and the file takes no more (error says why, -EFBIG at file_max). */
bool spool_full(const struct spool *s);

/*
 * The oldest bytes, and forget them.
 *
 * ret  1..n, 0 when it is empty, or -errno when the file could not be read
 */
ssize_t spool_take(struct spool *s, void *p, size_t n);

/* How many wait. */
static inline uint64_t
spool_bytes(const struct spool *s)
{
    return s->put - s->got + s->memory.len;
}

#endif
