/*
 * The supervisor: root's part, with a handful of capabilities and no byte of the network. It
 * starts, watches and ends everybody else, and carries descriptors between them.
 * Runs as root (or as the invoking user, then without switching). Floor 6, hostel.
 *
 *   start.c      from a checked configuration to "ready"
 *   acceptors.c  the acceptors, and what they ask for
 *   rooms.c      one user: his channel, when his workers run, back-off
 *   workers.c    one worker: its start messages, what it asks for
 *   examine.c    what is wrong with certificates; cert.c makes some; both ask an examiner
 *   secrets.c    certificates and keys on their way to their user; session tickets
 *   pools.c      one php-cgi pool; pool_runs.c: its generations; pool_stuck.c: endless scripts
 *   children.c   any child: spawn, stderr, reaping; control.c: one that is talked to
 *   logs.c       log files; logpipe.c: what children say on stderr
 *   stop.c       the way down
 *   specs.c      each role's confinement, for children and for `hostel confine` alike
 */
#ifndef HOSTEL_SUPERVISOR_SUPERVISOR_H
#define HOSTEL_SUPERVISOR_SUPERVISOR_H

#include "hostel/conf/model.h"
#include "hostel/ipc/channel.h"
#include "hostel/ipc/message.h"
#include "hostel/sys/spawn.h"

#include <sys/queue.h>
#include <uv.h>

#define START_TIMEOUT_MS 10000 /* from fork to READY */
#define FILES_WANTED     1048576
#define SWEEP_MS         500 /* how late a deadline of the supervisor's may be noticed */

struct supervisor;
struct room;
struct pool;
struct pool_run;
struct logpipe;

#define SPAWN_FD_LOG (-2) /* in spawn_spec.fds: child_start() puts the log pipe there */

/* --- children.c -----------------------------------------------------------------------------
 */

/* One process of ours. Embedded in what it belongs to, which outlives it. */
struct child {
    LIST_ENTRY(child) link; /* in supervisor.children while pid is not 0 */
    struct supervisor *s;
    pid_t pid;         /* 0: not running */
    uint64_t since_ms; /* its start */
    bool own_group;    /* ended as a whole */
    /* It is dead, but not reaped: see to its group. NULL: the group is killed. */
    void (*on_dead)(struct child *c);
    char label[96];      /* "hostel-worker of alice", for log lines */
    struct logpipe *log; /* what it says on descriptor 2 */
    void *owner;
    /* It is reaped. clean: it exited 0. */
    void (*on_exit)(struct child *c, bool clean);
};

/*
 * in   spec    each SPAWN_FD_LOG in it becomes the log pipe
 * in   log_fd  where its stderr goes, lent
 * ret  0 or -errno (said in the log; on_exit is not called)
 */
int child_start(struct child *c, struct spawn_spec *spec, int log_fd);
void child_signal(struct child *c, int signal);
/* in  now_ms  of the turn's beginning: a child may have been started since */
uint64_t child_age_ms(const struct child *c, uint64_t now_ms);
void children_reap(struct supervisor *s);
bool children_any(const struct supervisor *s);
/* ret  true when there were orphans of a pool's processes, now killed: reap and ask again */
bool children_kill_orphans(struct supervisor *s);
void children_kill_all(struct supervisor *s);

/* --- control.c ------------------------------------------------------------------------------
 */

/* What a child is at the other end of its control channel. */
struct control_end {
    const char *program; /* its argv[0] */
    enum ipc_role role;
    size_t queued_max;
    const struct channel_ops *ops; /* called with the child's owner */
};

/*
 * Start a child with a control channel.
 *
 * in   spec     all but argv, envp and descriptors 2 and 3
 * out  control  owned by the caller, control_drop(); NULL when it could not be opened: the
 *               child is on its way to its end then
 * ret  0 or -errno (said in the log): there is no child
 */
int control_start(struct channel **control, struct child *c, struct spawn_spec *spec,
                  const struct control_end *end);

/* Accepts NULL inside; leaves NULL. */
void control_drop(struct channel **control);

/* The channel has ended (see channel_ops.on_end): say why, end a child that broke the rules. */
void control_ended(struct channel **control, struct child *c, int reason);

/* --- logs.c, logpipe.c ----------------------------------------------------------------------
 */

/*
 * Say who may read a target, for every vhost before the first is opened: one that users of
 * different groups share is read by none of them.
 */
void logs_claim(struct supervisor *s, const char *path, gid_t group);

/*
 * The descriptor of a log target: opened once, checked (a regular file of ours with one link,
 * in a directory that no site's user can write or lead elsewhere), append-only.
 *
 * in   path   NULL = off (/dev/null), "-" = stderr, or a path
 * out  error  says what is wrong; owned by the caller
 * ret  descriptor, lent for the supervisor's life; -1
 */
int logs_open(struct supervisor *s, const char *path, char **error);
void logs_close(struct supervisor *s);

/*
 * Read a child's stderr and write it, escaped and bounded, line by line.
 *
 * in   fd      read end, takes
 * in   prefix  before each line, copied; NULL when the child writes whole log lines itself
 */
struct logpipe *logpipe_new(uv_loop_t *loop, int fd, int log_fd, const char *prefix);
/* Reads what is left, then goes. Leaves NULL. */
void logpipe_free(struct logpipe **p);

/* --- acceptors.c ----------------------------------------------------------------------------
 */

struct acceptor_child {
    struct child child;
    struct channel *control; /* NULL: not running */
    bool greeted, ready;     /* it said HELLO; READY */
    uint64_t retry_ms;       /* start again then; 0 = nothing to do */
    unsigned crashes;        /* in a row */
};

int acceptors_start(struct supervisor *s);
void acceptors_sweep(struct supervisor *s, uint64_t now_ms);
bool acceptors_ready(const struct supervisor *s);
bool acceptors_running(const struct supervisor *s);
void acceptors_stop(struct supervisor *s, uint32_t timeout_ms);
/* Give every serving acceptor this room's channel. */
void acceptors_tell_channel(struct supervisor *s, struct room *r);
/* The room is down: answer 503; one acceptor also gets the workers' end. */
void acceptors_tell_down(struct supervisor *s, struct room *r, uint32_t retry_ms);

/* --- rooms.c, workers.c ---------------------------------------------------------------------
 */

#define WORKER_SAID_MAX 256 /* messages between two sweeps; more are read after the next */

struct worker_child {
    struct child child;
    uint64_t again_ms; /* it crashed beside others that run: start it then; 0 = no */
    struct room *room;
    struct channel *control; /* NULL: not running */
    bool greeted, ready;     /* it said HELLO; READY */
    unsigned said;           /* messages since the last sweep */
    uint64_t mute_ms;        /* since when its channel is gone while it is not */
};

enum room_state {
    ROOM_EMPTY,  /* no worker; a readable channel starts them */
    ROOM_QUEUED, /* it should open, but enough others are starting just now */
    ROOM_OPEN,   /* workers run, or are on their way */
    ROOM_DOWN,   /* they crashed too often: nothing before retry_ms */
};

struct room {
    struct supervisor *s;
    uint32_t index;
    const struct conf_user *user;
    enum room_state state;
    bool starting;               /* counted in supervisor.starting: no worker is ready yet */
    STAILQ_ENTRY(room) in_queue; /* ROOM_QUEUED */
    uint32_t channel_no;         /* of this front and back */
    int front, back;  /* the user channel: acceptors' end, workers' end; -1: none yet */
    uv_poll_t *watch; /* on back, while ROOM_EMPTY; NULL: not watching */
    struct worker_child *workers; /* user->workers of them; NULL until first needed */
    unsigned running;
    unsigned crashes; /* in a row */
    uint64_t retry_ms;
    struct room_secrets *secrets; /* NULL until a worker needs them */
};

void rooms_new(struct supervisor *s);
/* An acceptor has a connection for it. */
void room_wanted(struct room *r);
/* An acceptor says that workers broke the protocol on this channel. */
void room_bad(struct room *r, uint32_t channel_no);
void room_worker_ready(struct room *r);
void room_worker_exited(struct room *r, struct worker_child *w, bool clean);
void rooms_sweep(struct supervisor *s, uint64_t now_ms);
bool rooms_any_worker(const struct supervisor *s);
void rooms_stop(struct supervisor *s, uint32_t timeout_ms);

int worker_start(struct worker_child *w);
void worker_stop(struct worker_child *w, uint32_t timeout_ms);
/* Tell one worker (or all that hold the pool, w NULL) how a pool is. */
void
worker_tell_pool(struct worker_child *w, enum msg_type type, const struct msg_pool_state *m);

/* --- secrets.c ------------------------------------------------------------------------------
 */

#define TICKETS_LIFE_MS (8 * 3600 * 1000) /* as the newest; as long again as an older one */

struct room_secrets; /* of a room that is served with TLS */

/* Whether this room has a site with a certificate. */
bool secrets_wanted(const struct room *r);
/* ret  0 or -errno */
int secrets_send_tickets(struct worker_child *w);
/* After its VHOST. A certificate that cannot be read is said, and left out. */
int secrets_send_tls(struct worker_child *w, const struct conf_vhost *v);
void secrets_sweep(struct supervisor *s, uint64_t now_ms);

/* --- pools.c, pool_runs.c, pool_stuck.c -----------------------------------------------------
 */

enum pool_state { POOL_ENDED, POOL_RUNS, POOL_DOWN };

enum run_state {
    RUN_SERVES,  /* the pool's own: workers are told of it */
    RUN_RETIRES, /* another one serves; what runs here may finish */
    RUN_ENDS,    /* told to end */
};

/* A generation of a pool: one php-cgi parent, its children, the socket they listen at. */
struct pool_run {
    LIST_ENTRY(pool_run) link;    /* in pool.runs */
    LIST_ENTRY(pool_run) strayed; /* in supervisor.strayed while nstrays > 0 */
    struct child child;
    struct pool *pool;
    uint32_t generation;
    enum run_state state;
    int listen_fd;                 /* kept open: what waits in it survives a crash */
    char socket[MSG_SOCKET_MAX];   /* file name in the php directory */
    struct worker_child **holders; /* workers that may connect, or are connected */
    unsigned nholders;
    uint64_t end_ms; /* RETIRES: it ends then; ENDS: it is killed then */
    pid_t group;     /* of its processes */
    pid_t *strays;   /* children that have outlived their parent: ours now, and not reaped */
    unsigned nstrays;
};

#define POOL_STUCK_MAX 16 /* scripts of one pool that are ended in one sweep */

struct pool_stuck { /* as a worker says */
    uint32_t generation;
    uint64_t inode; /* of its socket */
};

struct pool {
    struct supervisor *s;
    struct room *room;
    const struct conf_php *php; /* of the first vhost that has these settings */
    const char *error_log;      /* likewise */
    uint32_t id;                /* within its room */
    enum pool_state state;
    uint32_t generation;  /* the newest */
    struct pool_run *now; /* POOL_RUNS: the one that serves; else NULL */
    LIST_HEAD(, pool_run) runs;
    bool renew; /* start another generation as soon as this one is old enough */
    unsigned crashes;
    uint64_t retry_ms;
    struct pool_stuck stuck[POOL_STUCK_MAX];
    unsigned nstuck;
};

/* One pool for each distinct php section of a user. */
void pools_new(struct supervisor *s);
/* ret  the pool of a vhost, or NULL */
struct pool *pool_of_vhost(struct supervisor *s, size_t vhost);
/* ret  the pool of a room by id, or NULL */
struct pool *pool_by_id(struct room *r, uint32_t id);
void pool_wanted(struct pool *p, struct worker_child *w);
void pool_released(struct pool *p, struct worker_child *w, uint32_t generation);
void pool_broken(struct pool *p, struct worker_child *w, uint32_t generation);
/* A worker saw a file of restart_on change, which this generation is too old for. */
void pool_renew(struct pool *p, struct worker_child *w, uint32_t generation);
/* A script of this generation has run for too long; inode: the worker's end of its connection.
 */
void pool_is_stuck(struct pool *p, uint32_t generation, uint64_t inode);
void pools_forget_worker(struct supervisor *s, struct worker_child *w);
/*
 * The next request of this user finds new processes in all of his pools; the old ones finish
 * what they run.
 *
 * ret  how many pools run
 */
unsigned pools_restart(struct room *r);
void pools_sweep(struct supervisor *s, uint64_t now_ms);
void pools_stop(struct supervisor *s);
void pools_remove_sockets(struct supervisor *s);

/* A generation's process was started, on its own socket: 0; or -errno, and said in the log. */
int run_start(struct pool *p, struct pool_run **out);
/* The same generation again, on the same socket. */
int run_again(struct pool_run *run);
/* Give up its socket and end all of its processes. It is freed when they are gone. */
void run_end(struct pool_run *run);
void run_hold(struct pool_run *run, struct worker_child *w);
/* ret  true when nobody holds it any more */
bool run_let_go(struct pool_run *run, const struct worker_child *w);
void run_sweep(struct pool_run *run, uint64_t now_ms);
void run_close_socket(struct pool_run *run);
/* pools.c: the parent of this generation has ended; its children may go on as strays. */
void pool_run_exited(struct pool_run *run);
/* Somebody that we reap is nobody's child: maybe a stray. */
void runs_reaped(struct supervisor *s, pid_t pid);

/* End the scripts that workers have called stuck; only children of this pool's are. */
void pool_end_stuck(struct pool *p);

/* --- specs.c --------------------------------------------------------------------------------
 */

/* The confinement of each role; descriptors and program are the caller's to fill in. */
void spec_acceptor(struct spawn_spec *spec, const struct conf *conf, const struct ids *ids,
                   const char *empty_dir);
void spec_worker(struct spawn_spec *spec, const struct conf *conf, const struct ids *ids,
                 const char *php_dir);
void spec_php(struct spawn_spec *spec, const struct conf *conf, const struct ids *ids);

/*
 * jails.c: the jail of a user's process.
 *
 * in   exe  O_PATH of a program outside of the system's directories that is to run, or -1
 * in   php  what it runs when it is PHP; else NULL
 * out  fd   owned by the caller; -1: his vhosts ask for none
 * ret  0; -errno: said in the log, and nothing may be started
 */
int jails_open(const struct conf *conf, const struct conf_user *user, int exe,
               const struct conf_php *php, int *fd);

/* --- the whole ------------------------------------------------------------------------------
 */

enum stop_step { STOP_NOT, STOP_ACCEPTORS, STOP_WORKERS, STOP_POOLS };

struct log_target {
    char *path;
    int fd;      /* -1: not open yet */
    gid_t group; /* may read it; 0 = several would */
};

struct supervisor {
    uv_loop_t loop;
    const struct conf *conf;
    int acceptor_exe, worker_exe, worker_tls_exe; /* O_PATH */
    bool tls_kernel;                              /* it can encrypt what is sent */
    char *empty_dir, *php_dir;                    /* below run_dir */
    int php_dir_fd;
    int pid_fd;
    int *listeners;
    int routes_fd;
    int error_fd; /* the server's own error log */
    struct acceptor_child *acceptors;
    struct room *rooms; /* conf->nusers */
    unsigned starting;  /* rooms without a ready worker yet */
    STAILQ_HEAD(, room) queued;
    struct pool *pools;
    size_t npools;
    size_t *vhost_pool; /* conf->nvhosts: index into pools, or SIZE_MAX */
    void *logs;         /* a tsearch(3) tree of struct log_target */
    LIST_HEAD(, child) children;
    LIST_HEAD(, pool_run) strayed;
    uv_signal_t signals[5];
    uv_timer_t sweep;
    bool announced; /* "ready" was said */
    enum stop_step stop;
    uint64_t stop_ms; /* everybody is killed then */
    int exit_code;
};

/* start.c: ret  a helper executable, O_PATH, owned by the caller; -ENOENT */
int helper_open(const char *name);
/* start.c: says "ready" once every acceptor is */
void supervisor_acceptor_ready(struct supervisor *s);
/* Nobody can connect any more, once the acceptors have closed theirs as well. */
void supervisor_close_listeners(struct supervisor *s);

/* stop.c */
void supervisor_stop(struct supervisor *s, int exit_code);
void supervisor_stop_step(struct supervisor *s, uint64_t now_ms);

#endif
