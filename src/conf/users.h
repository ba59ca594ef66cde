/*
 * The users of the vhosts: every account is looked up once, every (uid, gid) has one row of
 * conf.users. Floor 2; supervisor.
 */
#ifndef HOSTEL_CONF_USERS_H
#define HOSTEL_CONF_USERS_H

#include "hostel/conf/model.h"

#define USERS_WHY_MAX 256

struct users {
    struct conf *conf; /* rows are added to it; its min_uid and switching count */
    size_t room;       /* rows allocated */
    void *accounts;    /* tsearch(3) trees */
    void *owners;
};

void users_init(struct users *u, struct conf *conf);
void users_done(struct users *u);

/*
 * The row of an account, checked (I5); a new row has workers 0.
 *
 * in   user, group  as written; group NULL = the user's own
 * out  row          index into conf.users
 * out  why          on failure what is wrong: "user `bob` does not exist"
 * ret  0 or -EINVAL
 */
int users_find(struct users *u, const char *user, const char *group, size_t *row,
               char why[static USERS_WHY_MAX]);

/*
 * A system account, whatever min_uid is: who the acceptors run as, who answers ACME.
 *
 * in   user    as written, or NULL: preset if there is one, else nobody
 * out  out     owned by the caller, ids_done()
 * ret  0; -EINVAL and why is filled
 */
int users_system(const struct conf *conf, const char *user, const char *preset, struct ids *out,
                 char why[static USERS_WHY_MAX]);

/*
 * in   ids  takes
 * ret  the row of such an account, new or not: index into conf.users
 */
size_t users_add_system(struct users *u, struct ids *ids);

#endif
