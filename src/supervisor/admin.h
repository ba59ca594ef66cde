/*
 * The administrator's socket: RUN_DIR/control.sock, mode 0600, for root (or whoever runs the
 * server) alone. Floor 6, hostel.
 *
 *   administrator: one line, words parted by a space: "status", "php-restart alice"
 *   server:        JSON objects, one a line; the last one is {"ok":true|false,"message":"..."}
 *
 * A new command is a row in admin_commands.c and a function that says lines and ends. Nothing
 * here waits: what the other side does not read is kept up to a bound, then asked for no more.
 */
#ifndef SUPERVISOR_ADMIN_H
#define SUPERVISOR_ADMIN_H

#include "supervisor.h"
#include "hostel/base/json.h"

#define ADMIN_LINE_MAX  1024 /* bytes of a question */
#define ADMIN_WORDS_MAX 8
#define ADMIN_OUT_MAX   (256 * 1024) /* bytes of an answer that wait to be read */
#define ADMIN_OUT_LOW   (64 * 1024)  /* more is asked for below */

struct admin_client;

struct admin_command {
    const char *name;
    unsigned words; /* that follow the name */
    /* Begin: say something, end, or both later. words are lent until it returns. */
    void (*run)(struct admin_client *c, char *const *words);
    /* A long answer: say some more, until admin_end(). NULL: there is none. */
    void (*more)(struct admin_client *c);
};

extern const struct admin_command admin_commands[];
extern const size_t admin_ncommands;

struct admin_client {
    LIST_ENTRY(admin_client) link;
    LIST_ENTRY(admin_client) waiting; /* for a reload or an upgrade, while waits */
    struct supervisor *s;
    uv_poll_t poll;
    int fd;
    struct buf in, out;
    const struct admin_command *command; /* NULL: the question is not whole yet */
    uint64_t deadline_ms;                /* something must have moved by then; 0: none */
    uint64_t cursor;                     /* the command's: where it is */
    bool waits, ended;
};

/* Make the socket and answer on the loop. ret  0 or -errno */
int admin_open(struct supervisor *s);
/* No more questions; the next server has the socket. */
void admin_unlisten(struct supervisor *s);
/* The same, and its name goes. */
void admin_close(struct supervisor *s);
void admin_sweep(struct supervisor *s, uint64_t now_ms);

/*
 * Say one object; it is a line of its own.
 *
 *     struct json j = admin_begin(c);
 *     json_number(&j, "pid", pid);
 *     admin_done(c, &j);
 */
struct json admin_begin(struct admin_client *c);
void admin_done(struct admin_client *c, struct json *j);

/* The last line. The client is closed when it has read it; c is not to be used again. */
void admin_end(struct admin_client *c, bool ok, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Is there room for more just now? */
bool admin_room(const struct admin_client *c);

/* admin_status.c */
void admin_status(struct admin_client *c, char *const *words);
void admin_status_more(struct admin_client *c);

#endif
