/*
 * Directories beside a site's root: those that links may lead into, and those that a script may
 * have files sent from. All are the user's word against his own rights: what is opened is
 * opened as the user, below one of them, and through no link that leaves it. Floor 5; worker.
 */
#ifndef SERVE_ROOTS_H
#define SERVE_ROOTS_H

#include "hostel/serve/site.h"

/*
 * beneath_open() for a site: where a link leaves the root, and the site follows links, it may
 * lead into one of the site's link roots, or by an absolute path back into the root.
 *
 * in   root_fd  the site's root, or another directory of its
 * out  linked   as by beneath_open()
 * ret  as by beneath_open()
 */
int roots_open(const struct site *site, int root_fd, const char *name, bool *linked);

/*
 * Which of the directories that a script may send from is a file below? The site's root is one;
 * a directory's own path fits, and the one that it really has behind links.
 *
 * in   path  absolute, without "." and "..", NUL-ended
 * out  name  below the directory, lent from path
 * ret  the directory, lent; or -1: none
 */
int roots_below(const struct site *site, const char *path, const char **name);

#endif
