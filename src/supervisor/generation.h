/*
 * A generation: one checked configuration and all that follows from it. It never changes; a
 * reload makes the next one, beside the server's work, and whoever still needs the last one
 * holds it. Floor 6, hostel.
 */
#ifndef SUPERVISOR_GENERATION_H
#define SUPERVISOR_GENERATION_H

#include "hostel/conf/model.h"

#include <stdatomic.h>

#define NO_ROOM   UINT32_MAX
#define NO_POOL   UINT32_MAX
#define NO_TENANT UINT32_MAX
#define NO_VHOST  SIZE_MAX

struct supervisor;
struct log_source;
struct logsyslog;

/* One user's part of it. */
struct part {
    uint32_t first, count; /* his vhosts: order[first], ... */
    uint32_t first_pool;   /* his pools: pool_vhosts[first_pool], ... */
    uint32_t npools;
    uint64_t jail;   /* a digest of what his jail holds; 0: none */
    uint64_t limits; /* a digest of what each of his processes may take */
    uint64_t digest; /* of all that his workers are told; never 0 */
    uint32_t room;   /* who has one keeps it; NO_ROOM: he has no vhost */
};

/*
 * A file that is logged to. Generations that both have it share it, and so do the rings of
 * workers (logwriter.h), whose thread writes to it.
 */
struct log_target {
    atomic_uint refs;
    char *path;
    int fd;                     /* -1: not open yet; then the number stays until the end */
    gid_t group;                /* may read it; 0 = several would */
    bool plain;                 /* a regular file: write() waits for no reader */
    struct logsyslog *syslog;   /* no file, but the daemon that listens there; owned */
    uint64_t tried_ms;          /* the thread's: when that was looked for */
    struct log_source *open;    /* the thread's: whose line is written in part; lent */
    size_t open_bytes;          /* of that */
    bool torn;                  /* the thread's: the rest of such a line is lost */
    bool hangs;                 /* a thread's write does not come back (logwriter.c's lock) */
    atomic_int trouble;         /* it cannot be written: errno; or 0 */
    atomic_uint_least64_t lost; /* bytes of lines, so far */
    atomic_int lost_to;         /* the last errno that some were lost to; 0: said, or none */
    int said;                   /* of trouble, in the error log */
    uint64_t lost_said, said_ms;
};

/* What is known of a vhost's certificate and key. */
struct certificate {
    size_t before;     /* the same site in the generation before, which had one; or NO_VHOST */
    uint64_t identity; /* of these two files for these names: others have another */
    uint64_t until;    /* its end, seconds of the epoch; 0: not to be known */
    char *covered;     /* its names, '\n'-separated; owned; NULL: not looked at */
    bool good;         /* nothing was said of it */
    bool kept;         /* the files are no good: it is the one of the generation before */
    atomic_bool held;  /* the user's room has it; set on the loop, the reload's thread looks */
};

struct generation {
    unsigned refs;
    uint64_t number;    /* 1 is the one of the start */
    struct conf *conf;  /* owned */
    struct part *parts; /* conf->nusers; count 0: a user without a vhost */
    uint32_t *tenants;  /* of each number of a room: his index in conf.users, or NO_TENANT */
    uint32_t nrooms;
    uint32_t *order;       /* vhosts, those of one user together, in the order of the files */
    uint32_t *pool_of;     /* conf->nvhosts: id among his user's pools, or NO_POOL */
    uint32_t *pool_vhosts; /* the first vhost that has these php settings */
    uint32_t npool_vhosts;
    struct certificate *certificates; /* conf->nvhosts, of those with tls; NULL: none has */
    void *logs;                       /* a tsearch(3) tree of struct log_target */
    int routes_fd;                    /* the routing table; -1 */
};

/*
 * Load a main file tolerantly, open its logs, work the rest out. Reads the supervisor's
 * generation and changes nothing of it: it may run in a thread beside the loop, which does not
 * change it while a reload is on its way.
 *
 * in   path    main file
 * out  errors  what is not in effect, or why nothing is
 * ret  0; -EINVAL
 */
int generation_load(const struct supervisor *s, const char *path, struct generation **out,
                    struct conf_errors *errors);

/* The same for a configuration that is there already. in  conf  takes */
int generation_of(const struct supervisor *s, struct conf *conf, struct generation **out,
                  struct conf_errors *errors);

/*
 * The routing table of one user alone, as user 0.
 *
 * out  memfd  owned by the caller
 * ret  0 or -errno
 */
int generation_routes_of(const struct generation *g, size_t user, int *memfd);

/* ret  who has the room of this number, lent; NULL: nobody, or g is */
const struct conf_user *generation_tenant(const struct generation *g, size_t room);

struct generation *generation_hold(struct generation *g);
/* Leaves NULL. */
void generation_drop(struct generation **g);

/* --- certificates.c --- */

/*
 * Look at the certificates of a configuration; what was looked at before and is the same is not
 * looked at again. A site whose new one cannot be served keeps the one before, where the room
 * has it, else it loses its tls; neither costs another site anything.
 *
 * out  certificates  of each vhost; owned by the caller; NULL: none has tls
 * out  errors        a line more for each that is no good
 * ret  0; -errno: they could not be looked at, and there is a generation that can stay
 */
int certificates_load(const struct supervisor *s, struct conf *conf,
                      struct certificate **certificates, struct conf_errors *errors);
void certificates_free(struct certificate **certificates, size_t n);
/* What tells a vhost's certificate from others, by its files as they are now. */
uint64_t certificate_identity(const struct conf *conf, const struct conf_vhost *v);

/* Add a line. in  line  takes */
void generation_error(struct conf_errors *errors, char *line);

/* --- logs.c --- */

/*
 * Say who may read the targets of all vhosts; before the first is opened. One that users of
 * different groups share is read by none of them.
 */
void logs_claim(void **logs, const struct conf *conf);

/*
 * The descriptor of a target: opened once, checked (a regular file of ours with one link, in a
 * directory that no site's user can write or lead elsewhere), append-only.
 *
 * in   before  tree of the generation before: what is open there is taken by logs_inherit()
 * ret  0; -1 and error says what is wrong, owned by the caller
 */
int logs_prepare(void **logs, void *const *before, const struct conf *conf, const char *path,
                 char **error);

/*
 * Open every file of a tree once more, beside the loop; then, on it, put the new ones in the
 * place of the old.
 */
struct log_fresh {
    struct log_target *target;
    int fd;      /* -1: it could not be opened */
    char *error; /* and why; owned */
};
size_t logs_open_fresh(void *const *logs, const struct conf *conf, struct log_fresh **fresh);
/* in  fresh  takes. ret  how many stay as they are, said in the log */
size_t logs_use_fresh(struct log_fresh *fresh, size_t n);

struct log_target *log_target_hold(struct log_target *t);
/* Leaves NULL. */
void log_target_drop(struct log_target **t);

/* Have one target, the same, of what both generations have. */
void logs_inherit(void **logs, void **before);
/* Say what has befallen logs since this was asked last: once, and once that it is over. */
void logs_say_trouble(void *const *logs, uint64_t now_ms);
void logs_close(void **logs);

/* --- workers.c --- */

/* The digest of all that this user's workers are told. */
uint64_t worker_digest(const struct generation *g, size_t user);

/* --- limits.c --- */

/* ret  whether workers of this user have to count together */
bool limits_counted(const struct generation *g, size_t user);
uint64_t limits_digest(const struct conf_limits *limits);

/* No more PHP processes than the user may have: each of his pools gets its share. */
void limits_share_php(struct generation *g, size_t user);

#endif
