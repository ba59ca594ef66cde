/* From a file's raw values to the model: defaults, and what only the machine can say about a
 * vhost (its user, its directory, its php-cgi). Floor 2; supervisor. */
#ifndef HOSTEL_CONF_FILL_H
#define HOSTEL_CONF_FILL_H

#include "raw.h"
#include "users.h"
#include "walk.h"

/* The bounds of the messages that carry a vhost to its worker, in bytes. */
#define FILL_NAMES_MAX 32768
#define FILL_INDEX_MAX 1024

/* As many as an acceptor takes. */
#define FILL_LISTEN_MAX 64

/* Of all rules of one vhost: a user's vhosts together are sent in one go. */
#define FILL_RULES_MAX (256 * 1024)

/* Append a network that value_check() accepted. */
void fill_net(struct nets *nets, const char *text);

/* The listeners that a main file names, or the one that is the default; switching is set. */
void fill_listens(struct conf *c, const char *file, const struct notes *notes,
                  struct conf_errors *errors);

/*
 * Values that the walk has complained about count as not written.
 *
 * in  raw  of the main file
 */
void fill_main(struct conf *c, const char *file, const struct raw_main *raw,
               struct conf_errors *errors);

/* Where the server's numbers are shown; after fill_main(). */
void fill_metrics(struct conf *c, const char *file, const struct raw_main *raw,
                  const struct notes *notes, struct conf_errors *errors);

/*
 * The vhost that answers ACME's challenges, when the main file wants one; the last of all.
 */
void fill_acme(struct users *users, const char *file, const struct raw_main *raw,
               struct conf_errors *errors);

/*
 * in   base  what counts where raw says nothing; NULL: the rows' defaults
 * in   raw   NULL: nothing is written
 */
struct conf_limits fill_limits(const struct conf_limits *base, const struct raw_limits *raw);

/*
 * Append one vhost; conf.min_uid, switching, acceptor_ids and the logs are filled already.
 *
 * in      file  lent for the conf's life
 * in/out  note  of the same vhost; its env and rules are taken
 */
void fill_vhost(struct users *users, const char *file, const struct raw_vhost *raw,
                struct note_vhost *note, struct conf_errors *errors);

#endif
