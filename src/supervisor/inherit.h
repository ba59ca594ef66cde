/*
 * What a server starts with that another had opened: the listening sockets of a service
 * manager, or all that the server before an upgrade hands on. Floor 6, hostel.
 *
 * The latter is described by a memfd, lines of text so that builds of different days understand
 * each other; a word that is not known is skipped:
 *
 *   fd NAME NUMBER                     listen (each), pid-file, php-dir, control, ready
 *   own UID GID NUMBER                 a listening socket of one user's own
 *   activated                          listen are, or may be, a service manager's as well
 *   seal HEX HEX                       the key of what acceptors vouch for
 *   room UID GID FRONT BACK            both ends of a user's channel, descriptor numbers
 *   site BYTES PATH                    and so many bytes: a site file as it was without error
 */
#ifndef SUPERVISOR_INHERIT_H
#define SUPERVISOR_INHERIT_H

#include "supervisor.h"
#include "hostel/sys/notify.h"

/* The environment says "PID FD": whose it is, and where the memfd is. */
#define INHERIT_STATE "HOSTEL_STATE"

struct inherited_room {
    uid_t uid;
    gid_t gid;
    int front, back;
    uint32_t nth; /* its record among the session tickets */
};

struct inherited_own {
    struct listen_owner owner;
    int fd;
};

struct inheritance {
    struct inherited listeners[INHERIT_MAX]; /* fd -1: taken */
    size_t nlisteners;
    struct inherited_own *own; /* fd -1: taken */
    size_t nown;
    bool activated; /* a service manager has opened some */
    bool upgrade;   /* there was a server before */
    int pid_fd, php_dir_fd, control_fd, ready_fd, tickets_fd; /* -1: none */
    uint64_t seal[2];                                         /* 0: none */
    struct inherited_room *rooms;
    size_t nrooms;
    struct {
        char *text; /* owned */
        int fd;
    } metrics[CONF_METRICS_MAX];
    size_t nmetrics;
    uint32_t nroom_lines; /* whatever has become of them */
    struct conf last;     /* its site files as they were; nothing else of it is there */
};

/* Take what there is from the environment. */
void inherit_start(struct inheritance *in);
/*
 * A listening socket of this address, set up.
 *
 * in/out  whose  it shall be; it was somebody else's: who that is
 * ret     the caller's; -1: there is none, and whose is as it was
 */
int inherit_listener(struct inheritance *in, const struct conf_listen *at,
                     struct listen_owner *whose);
/* ret  the socket of metrics_listen that was written so, the caller's; -1: there is none */
int inherit_metrics(struct inheritance *in, const char *text);
/* Give the rooms their channels. */
void inherit_rooms(struct supervisor *s, struct inheritance *in);
/* Tell the server before that this one serves; close what nobody wanted. */
void inherit_ready(struct inheritance *in);

/* --- the other side: upgrade.c --- */

/* Start the executable anew, with all of this. admin.upgrading hears what becomes of it. */
void upgrade_start(struct supervisor *s);
/* This server is to stop, and no other to go on. */
void upgrade_cancel(struct supervisor *s);
void upgrade_sweep(struct supervisor *s, uint64_t now_ms);

#endif
