/* The walk through listen and listen_tls. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_WALK_LISTEN_H
#define HOSTEL_CONF_WALK_LISTEN_H

#include "walk_in.h"

/* A row of VALUE_LISTEN: an address or a mapping each. */
void walk_listens(struct walk *w, const struct row *r);

/* A value that was found good, inside of an entry: the current event's. */
void walk_listen_note(struct walk *w, const struct row *r);

void walk_listens_done(struct notes *notes);

#endif
