/* What an examination knows of the configuration and of files. Floor 6, hostel. */
#ifndef SUPERVISOR_EXAMINE_H
#define SUPERVISOR_EXAMINE_H

#include "hostel/conf/model.h"

#include "hostel/base/span.h"

/* The first byte of what an examiner says: how bad it is. */
#define EXAMINE_WARNING 'W'
#define EXAMINE_USELESS 'R' /* it cannot be served */

struct examine_names;

/*
 * Who wants certificates looked at. The functions are called with data, on examine()'s thread.
 */
struct examine_ops {
    /* What is known of it already. ret  whether it need not be looked at; covered: lent */
    bool (*known)(void *data, size_t vhost, struct span *covered);
    /* in  how  as below; text  escaped, without an end */
    void (*say)(void *data, size_t vhost, char how, struct span text);
    /* After all that was said of it by the examiner. in  until  as in msg_examined */
    void (*examined)(void *data, size_t vhost, struct span covered, uint64_t until);
};

/*
 * Have the certificates of a configuration looked at, on a loop of its own.
 *
 * in   names   of conf
 * in   exe_fd  the examiner's program, lent; -1: it is looked for
 * in   ops     known and examined may be NULL
 * ret  0; -errno: it could not be done, and not all was said
 */
int examine(const struct conf *conf, const struct examine_names *names, int exe_fd,
            const struct examine_ops *ops, void *data);

/* Whether there is any. */
bool examine_any(const struct conf *conf);

/* in  conf  lent */
struct examine_names *examine_names_new(const struct conf *conf);
void examine_names_free(struct examine_names **n);

/*
 * Is a name of a certificate another user's?
 *
 * in   name  maybe with "*." in front, which stands for one label
 * ret  a vhost of another user that answers for it, or NULL
 */
const struct conf_vhost *
examine_names_other(const struct examine_names *n, struct span name, size_t user);

/* The vhost whose host this is, not by an alias; or NULL. */
const struct conf_vhost *examine_names_host(const struct examine_names *n, const char *host);

/* A vhost of another user that a certificate's names cover, and the name. ret  or NULL */
const struct conf_vhost *examine_names_span(const struct examine_names *n, struct span covered,
                                            size_t user, struct span *name);

/* Whether this account can open a file to read, by the modes of it and what leads to it. */
bool examine_readable(const char *path, const struct ids *ids);

#endif
