/*
 * The one way to open what lies below a site's root. Whatever the site says about symbolic
 * links, none ever leads out of the root, and nothing that is opened makes the caller wait.
 * Floor 5; worker.
 *
 *   SYMLINKS_FOLLOW  links are followed
 *   SYMLINKS_OWNER   a link is followed when what it points to belongs to the same user as the
 *                    link does; each link on the way, also one of a directory, is looked at
 *   SYMLINKS_OFF     a path with a link in it is not opened
 */
#ifndef SERVE_BENEATH_H
#define SERVE_BENEATH_H

#include "hostel/serve/site.h"

/*
 * in   root_fd  the site's root; O_PATH will do
 * in   name     below it, "" or "." = the root itself; no leading "/"
 * out  linked   a link stands in the path; maybe NULL; set on success
 * ret  a descriptor to read from, owned by the caller; or
 *      -ELOOP   a link that the site does not allow, or links in a circle
 *      -EACCES  SYMLINKS_OWNER: a link and what it points to are not the same user's
 *      -EXDEV   it leaves the root
 *      -EAGAIN  the tree changed under our hands, several times
 *      -ENXIO   a socket
 *      -errno
 */
int beneath_open(int root_fd, const char *name, enum site_symlinks links, bool *linked);

/*
 * The same with SYMLINKS_FOLLOW for a path with a link in it that is absolute: where its target
 * is written as a path below one of the tops, it is followed as one below the root. No step
 * of the way is outside of the root.
 *
 * in   tops  paths of the root, absolute; NULL ends them
 * ret  as beneath_open()
 */
int beneath_open_back(int root_fd, const char *const tops[], const char *name);

/* ret  what of path is below dir, as text; lent; or NULL: it is not below it */
const char *beneath_rest(const char *dir, const char *path);

#endif
