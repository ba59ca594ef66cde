/*
 * A FastCGI responder that the user runs himself, at a socket of his own: a pool like that of
 * php-cgi, with the same queue, buffering and limits, that nobody starts and nobody ends.
 *
 * Only the user's own socket is spoken to: the name has to be his, and so has the process that
 * listens (SO_PEERCRED), each time. Whoever else can put a socket in its place learns nothing.
 * Floor 5; worker. unix(7)
 */
#ifndef SERVE_UPSTREAM_H
#define SERVE_UPSTREAM_H

#include "hostel/serve/php.h"

struct upstream;

/*
 * in   path    of the socket, absolute; shorter than sun_path; copied
 * in   slots   requests at once (>= 1)
 * in   limits  as by php_pool_new()
 * ret  owned by the caller, upstream_free()
 */
struct upstream *upstream_new(uv_loop_t *loop, struct span path, uint32_t slots,
                              const struct php_limits *limits);

/* As php_pool_free(), which it does; before turns_stop(). NULL is fine, leaves NULL. */
void upstream_free(struct upstream **u);

/* Where its requests go, lent. */
struct php_pool *upstream_pool(const struct upstream *u);

/*
 * What is connected to: is it this process's own user who listens there?
 *
 * ret  0; -EPERM another user does; -errno
 */
int upstream_peer(int fd);

/*
 * Every request for a path goes to a responder: SCRIPT_NAME is the path up to the star of the
 * rule, PATH_INFO the rest.
 *
 * in   path  decoded
 * ret  true: x is answered, or will be; false: no rule fits
 */
bool upstream_answer(struct exchange *x, struct span path);

#endif
