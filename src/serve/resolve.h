/*
 * From a decoded path to what lies there, opened beneath the site's root, or a link root of
 * its; nothing but a regular file is ever read. Floor 5; worker.
 *
 * Symbolic links are followed as the site allows (beneath.h): the worker has its user's rights
 * only, so a link opens nothing that the user could not read anyway. One that leaves the root,
 * an absolute one too, is refused with 403, unless it leads into a link root of the site
 * (roots.h).
 *
 * I10 holds for the file that was opened, not for the name that was asked for: where a link
 * stands at the end of the path, the last name of every hop is looked at, and one that is
 * PHP is refused (403), so "x.txt -> a.php" shows nobody the source. What cannot be told is a
 * hard link: there the other name is as good a name of the file as the first.
 */
#ifndef SERVE_RESOLVE_H
#define SERVE_RESOLVE_H

#include "hostel/serve/site.h"

#include <limits.h>
#include <sys/stat.h>

enum found_kind {
    FOUND_FILE,      /* fd, st */
    FOUND_SCRIPT,    /* a script that exists and can be read, or was and could a moment ago */
    FOUND_DIRECTORY, /* asked for without its "/": redirect; st */
    FOUND_LISTING,   /* a directory without index file that may be listed: fd */
    FOUND_NOTHING,   /* status */
};

struct found {
    enum found_kind kind;
    unsigned status; /* FOUND_NOTHING: 403, 404, 503 */
    int error;       /* FOUND_NOTHING: negative errno behind it, 0 = our rule */
    int root_fd;     /* beneath which it was looked for, lent; -1 = there is no root now */
    int fd;          /* FOUND_FILE, FOUND_LISTING: owned by the caller; else -1 */
    struct stat st;
    struct span path_info; /* FOUND_SCRIPT: what follows the script, from "/"; of path */
    char name[PATH_MAX];   /* below the root, without a leading "/"; index file included */
};

/*
 * What is at f->name, a path below the root, without index files and PATH_INFO: what a
 * directory's listing may say of it.
 */
void resolve_entry(const struct site *site, int root_fd, struct found *f);

/* in  path  as path_decode() gives it */
void resolve(const struct site *site, struct span path, uint64_t now_ms, struct found *f);

#endif
