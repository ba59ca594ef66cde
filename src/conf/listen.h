/* Who takes connections where: the acceptors for everybody, or one user's workers. Floor 2;
 * supervisor. */
#ifndef HOSTEL_CONF_LISTEN_H
#define HOSTEL_CONF_LISTEN_H

#include "check.h"
#include "raw.h"

/* Addresses of one user, and of all users together: each is a descriptor of the supervisor's.
 */
#define LISTEN_USER_MAX 64
#define LISTEN_OWN_MAX  4096

/* Append one. in  text  as written, copied */
void listen_append(struct conf *c, const struct conf_listen *l, const char *text);

/* Those that a vhost names; its user is known. */
void listen_own(struct conf *c, const struct conf_vhost *v, const struct raw_vhost *raw);

/*
 * An address that two want, or more of them than there may be. What one user names twice is
 * taken out, and where all vhosts are one user's, so are all addresses that any process could
 * have: nobody has to look who is asked for.
 */
void listen_check(struct conf *c, check_blame_fn *blames_first, void *data,
                  struct conf_errors *errors);

#endif
