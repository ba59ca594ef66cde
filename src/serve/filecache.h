/*
 * Files that were just sent, kept ready to be sent again: what the head says of them, small
 * bodies in memory, bigger ones open. An entry answers for what its path leads to, index file
 * and links included, and is trusted for less than a second; after that the path is resolved
 * anew, and the entry stays only when it leads to the same, unchanged file. That nothing is
 * there is never remembered.
 *
 * With a file go its variants: what stands beside it compressed, looked for as often as the
 * file itself, and what was compressed here, which is of this version of the file and goes with
 * it. Floor 5; worker.
 */
#ifndef SERVE_FILECACHE_H
#define SERVE_FILECACHE_H

#include "hostel/base/date.h"
#include "hostel/http/encoding.h"
#include "hostel/serve/exchange.h"

#include <sys/queue.h>
#include <sys/stat.h>

#define FILECACHE_FRESH_MS    450         /* trusted for; with its root's below a second */
#define FILECACHE_BODY_MAX    (16 * 1024) /* larger files stay in the kernel's cache */
#define FILECACHE_ENTRIES_MAX 1024
#define FILECACHE_BYTES_MAX   (16 * 1024 * 1024) /* bodies and what was made of them */
#define FILECACHE_FDS_MAX     256

struct cached_file {
    TAILQ_ENTRY(cached_file) lru;
    LIST_ENTRY(cached_file) same; /* of one hash bucket */
    const struct site *site;
    char *path; /* key, as path_decode() gave it */
    size_t path_n;
    uint32_t hash;
    uint64_t checked_ms; /* when the path was last resolved */
    bool racy; /* it was changing when it was read: another change may look the same */
    bool listed;
    unsigned holders; /* the cache while listed, its file, and everyone who lends it out */
    struct stat st;
    int fd;     /* -1 when the body is here */
    char *body; /* NULL when it is in fd; one allocation of size bytes */
    uint64_t size;
    struct span type;            /* static, or in own_type */
    char *own_type;              /* NULL = none */
    bool pays;                   /* to compress: encoding_pays() of the type */
    char etag[64];               /* with its quotes */
    char modified[DATE_LEN + 1]; /* "" when dated in the future, or before 1970 */
    enum coding coding;          /* of its bytes */
    bool made; /* compressed here: a weak ETag, no ranges; body may come later */
    bool vary; /* there are other codings of it, or could be */
    bool lines_vary;
    char *lines; /* what a head says of all of it, ready to be sent; NULL: not yet */
    size_t lines_n;
    struct cached_file *variants[CODINGS]; /* of a file in the cache; NULL = none */
};

/* ret  lent until the next call on c (hold it for longer); NULL: resolve the path */
struct cached_file *
filecache_find(struct filecache *c, const struct site *site, struct span path, uint64_t now_ms);

/*
 * What the path leads to now; an entry for it that is the same, unchanged file is kept.
 *
 * in   fd    takes; a regular file
 * in   st    of fd
 * in   name  whose extension says the media type
 * ret  0 and the entry, lent as by filecache_find(); or -errno: it could not be read
 */
int filecache_put(struct filecache *c, const struct site *site, struct span path, int fd,
                  const struct stat *st, struct span name, uint64_t now_ms,
                  struct cached_file **out);

/*
 * A file that no path of a visitor leads to: no path will find it, it goes with its last
 * holder.
 *
 * in   fd    takes; a regular file
 * in   name  whose extension says the media type
 * in   type  instead of that, copied; "" = none
 * ret  0 and the file, held once for the caller; or -errno: it could not be read
 */
int filecache_lone(const struct site *site, int fd, const struct stat *st, struct span name,
                   struct span type, struct cached_file **out);

/* Is it still what was opened? One system call for a body that is not in memory. */
bool cached_file_current(const struct cached_file *f);

/*
 * The variant of f that is compressed here: what it is called, and the bytes once it has them.
 *
 * in   f  from the cache; c != CODING_IDENTITY, and not the coding of a neighbour
 * ret  lent as f is
 */
struct cached_file *
filecache_made(struct filecache *c, struct cached_file *f, enum coding coding);

/*
 * Keep the bytes of a variant that filecache_made() gave.
 *
 * in   f      held by the caller
 * in   v      held by the caller; maybe f's no more: then nothing is kept
 * in   bytes  copied
 */
void filecache_keep(struct filecache *c, struct cached_file *f, struct cached_file *v,
                    struct span bytes);

/* Keep r's fields, all of them, with f: as f->lines of f->vary. */
void filecache_lines(struct cached_file *f, const struct response *r);

void cached_file_hold(struct cached_file *f);
void cached_file_release(void *f); /* fits struct piece */

#endif
