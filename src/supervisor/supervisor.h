/*
 * The supervisor: root's part, with a handful of capabilities and no byte of the network. It
 * starts, watches and ends everybody else, and carries descriptors between them.
 * Runs as root (or as the invoking user, then without switching). Floor 6, hostel.
 *
 *   start.c      from a checked configuration to "ready"
 *   generation.c a configuration and all that follows from it; reload.c: from one to the next;
 *                sync.c: it is in effect
 *   upgrade.c    the next executable; inherit.c: what a server begins with
 *   listeners.c  the listening sockets
 *   acceptors.c  the acceptors, and what they ask for; porter.c: the one of a user who is down
 *   room.c       one user: his channel, when his workers run, back-off; rooms.c: all of them
 *   workers.c    one worker: its start and end, what it asks for; telling.c: what it is told
 *   examine.c    what is wrong with certificates; cert.c makes some; both ask an examiner
 *   secrets.c    certificates and keys on their way to their user; tickets.c: his sessions'
 *                keys
 *   pools.c      one php-cgi pool; pool_runs.c: its generations; pool_stuck.c: endless scripts
 *   children.c   any child: spawn, stderr, reaping; control.c: one that is talked to
 *   logs.c       log files; logwriter.c: the thread that writes what workers log;
 *                logdrain.c: one ring's turn
 *   logpipe.c    what children say on stderr; syslogs.c: the socket of a syslog daemon
 *   stop.c       the way down
 *   admin.c      the administrator's socket; admin_commands.c, admin_status.c: its answers
 *   groups.c     users' control groups
 *   limits.c     what a user's processes may take
 *   metrics.h    numbers for metrics_listen, and the process that serves them
 *   specs.c      each role's confinement, for children and for `hostel confine` alike
 */
#ifndef HOSTEL_SUPERVISOR_SUPERVISOR_H
#define HOSTEL_SUPERVISOR_SUPERVISOR_H

#include "generation.h"
#include "hostel/base/commons.h"
#include "hostel/base/counters.h"
#include "hostel/conf/model.h"
#include "hostel/ipc/channel.h"
#include "hostel/ipc/message.h"
#include "hostel/sys/cgroup.h"
#include "hostel/sys/spawn.h"

#include <sys/queue.h>
#include <uv.h>

#define START_TIMEOUT_MS 10000 /* from fork to READY */
#define FILES_WANTED     1048576
#define SWEEP_MS         500 /* how late a deadline of the supervisor's may be noticed */

struct supervisor;
struct room;
struct listener;
struct pool;
struct pool_run;
struct logpipe;
struct log_source;
struct log_account;

#define SPAWN_FD_LOG (-2) /* in spawn_spec.fds: child_start() puts the log pipe there */

/* --- children.c -----------------------------------------------------------------------------
 */

/* One process of ours. Embedded in what it belongs to, which outlives it. */
struct child {
    LIST_ENTRY(child) link; /* in supervisor.children while pid is not 0 */
    struct supervisor *s;
    pid_t pid;         /* 0: not running */
    bool spawning;     /* spawn.c has a word to say about it yet: it must stay */
    bool clean;        /* how it ended, while spawning */
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

/* Nothing of it is on its way any more: only then it may be started again, or freed. */
static inline bool
child_is_gone(const struct child *c)
{
    return c->pid == 0 && !c->spawning;
}

/*
 * in   spec    each SPAWN_FD_LOG in it becomes the log pipe
 * in   log     where its stderr goes, held; NULL: the server's own log
 * ret  0 or -errno (said in the log; on_exit is not called)
 */
int child_start(struct child *c, struct spawn_spec *spec, struct log_target *log);
void child_signal(struct child *c, int signal);
/* in  now_ms  of the turn's beginning: a child may have been started since */
uint64_t child_age_ms(const struct child *c, uint64_t now_ms);
/* ret  resident memory; 0: not to be known */
uint64_t child_memory_kib(const struct child *c);
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

/*
 * Give a child a page to count in, as its first message; without one it goes on all the same.
 *
 * out  page  counters_unmap()
 */
void
control_give_page(struct channel *control, enum msg_type type, const struct counters **page);

/* Accepts NULL inside; leaves NULL. */
void control_drop(struct channel **control);

/* The channel has ended (see channel_ops.on_end): say why, end a child that broke the rules. */
void control_ended(struct channel **control, struct child *c, int reason);

/* --- logs.c, logpipe.c ----------------------------------------------------------------------
 */

/*
 * A log target of the generation in effect, open; one that it does not know (a
 * pool of an earlier one asks) is opened, with the same checks.
 *
 * in   path   NULL = off (/dev/null), "-" = stderr, syslog: or a path
 * out  error  says what is wrong; owned by the caller
 * ret  lent; NULL
 */
struct log_target *logs_target(struct supervisor *s, const char *path, char **error);

/*
 * Read a child's stderr and write it, escaped and bounded, line by line.
 *
 * in   fd      read end, takes
 * in   log_fd  the server's own log, lent
 * in   target  held; NULL: the server's own
 * in   prefix  before each line, copied; NULL when the child writes whole log lines itself
 */
struct logpipe *
logpipe_new(uv_loop_t *loop, int fd, int log_fd, struct log_target *target, const char *prefix);
/* Another target from here on. */
void logpipe_redirect(struct logpipe *p, struct log_target *target);
/* Reads what is left, then goes. Leaves NULL. */
void logpipe_free(struct logpipe **p);

/* --- acceptors.c ----------------------------------------------------------------------------
 */

struct acceptor_child {
    struct child child;
    struct room *room;           /* a porter's, see porter.c; NULL: it is everybody's */
    struct channel *control;     /* NULL: not running */
    bool greeted, ready;         /* it said HELLO; READY */
    const struct counters *page; /* what it counts; NULL: nothing to be seen */
    uint64_t listens;            /* listeners that it was given, a bit each */
    uint32_t sync;               /* it was asked, and has not answered yet; 0: nothing */
    uint64_t retry_ms;           /* start again then; 0 = nothing to do */
    unsigned crashes;            /* in a row */
};

/* One of them. ret 0; -errno: said in the log */
int acceptor_start(struct acceptor_child *a);
void acceptor_stop(struct acceptor_child *a, uint32_t timeout_ms, enum msg_stop_how how);
/* What it is told; ret 0 or -errno. Descriptors are lent. */
int acceptor_tell_listener(struct acceptor_child *a, uint32_t id, const struct listener *l);
int acceptor_tell_routes(struct acceptor_child *a, int routes_fd);
int acceptor_tell_user(struct acceptor_child *a, enum msg_type type, const struct msg_user *m,
                       int fd);
int acceptor_tell_start(struct acceptor_child *a);

int acceptors_start(struct supervisor *s);
void acceptors_sweep(struct supervisor *s, uint64_t now_ms);
bool acceptors_ready(const struct supervisor *s);
bool acceptors_running(const struct supervisor *s);
void acceptors_stop(struct supervisor *s, uint32_t timeout_ms, enum msg_stop_how how);
/* A new generation: listeners, routing table, limits. */
void acceptors_tell_generation(struct supervisor *s);
/* A user is gone: what waits for him is answered, and his number may be another's. */
void acceptors_tell_gone(struct supervisor *s, uint32_t index);
void acceptors_tell_unlisten(struct supervisor *s, uint32_t listener);
/* Others may connect there from now on. */
void acceptors_tell_proxies(struct supervisor *s, uint32_t listener);
/* Give every serving acceptor this room's channel. */
void acceptors_tell_channel(struct supervisor *s, struct room *r);
/* The room is down: answer 503; one acceptor also gets the workers' end. */
void acceptors_tell_down(struct supervisor *s, struct room *r, uint32_t retry_ms);

/* --- porter.c -------------------------------------------------------------------------------
 */

/*
 * The room is down: an acceptor of its own answers at its own listeners meanwhile, as the
 * others do on the shared ones. None of those takes a listener that a worker has held: whoever
 * keeps a copy can make accept4() wait, and then everybody's visitors would.
 */
void porter_start(struct room *r);
void porter_stop(struct room *r);
/* One that does not leave may be kept waiting by his user, and by nobody else. */
void porter_sweep(struct room *r, uint64_t now_ms);
/* The room is gone. ret  false: its process is not at its end yet */
bool porter_free(struct room *r);
/* acceptors.c: it has said HELLO. ret 0 or -errno */
int porter_tell(struct acceptor_child *a);

/* --- rooms.c, workers.c ---------------------------------------------------------------------
 */

#define WORKER_SAID_MAX 256 /* messages between two sweeps; more are read after the next */

/* One worker process; it goes with its end. */
struct worker_child {
    struct child child;
    LIST_ENTRY(worker_child) link; /* in room.workers */
    struct room *room;
    uint32_t seat;           /* which of the user's workers it is */
    struct channel *control; /* NULL: not running */
    bool greeted, ready;     /* it said HELLO; READY */
    bool leaving;            /* told to finish: of an earlier generation, or all stop */
    uint64_t takes_ms;       /* leaving: until then it may still take connections; 0: none */
    uint64_t end_ms;         /* leaving: it is ended then */
    const struct counters *page; /* what it counts; NULL: nothing to be seen */
    bool stops;                  /* once it is ready it is told to stop, */
    uint64_t stops_ms;           /* until then */
    uint32_t place;              /* in room.commons; COMMONS_PLACES: none */
    uint64_t begun;      /* the digest when it was started: its confinement is of that */
    uint64_t told;       /* of what it was told, and begun as; 0: nothing yet */
    unsigned said;       /* messages since the last sweep */
    bool renewed;        /* it was sent certificates, and not asked yet whether it has them */
    uint32_t sync;       /* it was asked, and has not answered yet; 0: nothing */
    uint64_t mute_ms;    /* since when its channel is gone while it is not */
    struct pool **pools; /* by the ids that it was told */
    uint32_t npools;
    struct log_source **logs; /* its rings */
    uint32_t nlogs;
};

enum room_state {
    ROOM_EMPTY,  /* no worker; a readable channel starts them */
    ROOM_QUEUED, /* it should open, but enough others are starting just now */
    ROOM_OPEN,   /* workers run, or are on their way */
    ROOM_DOWN,   /* they crashed too often: nothing before retry_ms */
};

/* Where the metrics show a user: see figures.c. */
enum room_figures { FIGURES_NONE, FIGURES_OWN, FIGURES_OTHERS };

struct room {
    struct supervisor *s;
    uint32_t index; /* in supervisor.rooms and in every routing table while he is there */
    struct generation *gen; /* of his part: what the next worker is told; held */
    size_t user_index;
    const struct conf_user *user; /* lent from gen */
    const struct part *part;      /* likewise */
    enum room_state state;
    bool gone;                   /* no user any more: freed with his last process */
    bool starting;               /* counted in supervisor.starting: no worker is ready yet */
    bool stale;                  /* a worker of his should be replaced */
    bool queued;                 /* in supervisor.queued */
    STAILQ_ENTRY(room) in_queue; /* ROOM_QUEUED, or stale */
    LIST_ENTRY(room) in_gone;
    uint32_t channel_no; /* of this front and back */
    int front, back;     /* the user channel: acceptors' end, workers' end; -1: none yet */
    uv_poll_t *watch;    /* on back, while ROOM_EMPTY; NULL: not watching */
    unsigned listens;    /* listeners that are his own; watched likewise */
    struct acceptor_child *porter; /* NULL until first needed */
    LIST_HEAD(, worker_child) workers;
    unsigned running;  /* of them, without those that leave */
    unsigned crashes;  /* in a row */
    uint64_t again_ms; /* one crashed beside others: start what is missing then; 0 = no */
    uint64_t retry_ms;
    struct room_secrets *secrets; /* NULL until a worker needs them */
    struct room_tickets *tickets; /* likewise */
    struct commons *commons;      /* what his workers count together; NULL: nothing yet */
    int commons_fd;               /* the same, for them; -1 */
    bool grouped;                 /* he has a control group */
    struct cgroup_events events;  /* in it, that were said */
    uint64_t events_said_ms;      /* the next time: not before */
    uint64_t oom_kills;           /* in all of them */
    uint64_t places[COMMONS_PLACES / 64]; /* that workers have in it, a bit each */
    struct counters *past;                /* of workers that have ended; NULL: none yet */
    struct log_account *log_account;      /* of his workers' rings; NULL: none yet */
    uint64_t starts, crashes_ever;        /* of workers */
    uint64_t php_starts, php_restarts;    /* of pools */
    enum room_figures figures;
    struct pool **pools; /* of part, by id */
    LIST_HEAD(, pool) all_pools;
};

void rooms_new(struct supervisor *s);
/*
 * s->gen is another one: each room takes its part of it, others go.
 *
 * in   before  the one until now, lent; NULL: it is the first
 */
void rooms_take_generation(struct supervisor *s, const struct generation *before);
/*
 * The room of this number, made where nobody has asked for its user before.
 *
 * ret  lent; NULL: it is nobody's
 */
struct room *room_at(struct supervisor *s, size_t index);
/* All that is its user's ends at once. Leaves s->rooms; r is gone with his last process. */
void room_close(struct room *r);
/* Every worker is of the generation in effect, or none will be. */
bool rooms_settled(const struct supervisor *s);
/* An acceptor has a connection for it. */
void room_wanted(struct room *r);
/* It is empty, and one waits at a listener of its own. */
void room_woken(struct room *r);
/* An acceptor says that workers broke the protocol on this channel. */
void room_bad(struct room *r, uint32_t channel_no);
void room_worker_ready(struct worker_child *w);
/* It takes no connection any more. */
void room_worker_leaves(struct worker_child *w);
/* Frees w. */
void room_worker_exited(struct worker_child *w, bool clean);
/* A room that is gone may be through. */
void room_try_free(struct room *r);
/* figures.c: it is about to be freed, and what it has counted is not to be lost */
void figures_room_gone(struct room *r);
void rooms_sweep(struct supervisor *s, uint64_t now_ms);
bool rooms_any_worker(const struct supervisor *s);
void rooms_stop(struct supervisor *s, uint32_t timeout_ms, enum msg_stop_how how);

/* ret  0; -errno: there is none */
int worker_start(struct room *r, uint32_t seat);
void worker_stop(struct worker_child *w, uint32_t timeout_ms, enum msg_stop_how how);
/* telling.c: it has greeted, and is told of all that is its user's. ret 0; -errno: was said */
int worker_tell_all(struct worker_child *w);
/* What error logs hold now. */
void worker_tell_log_level(struct worker_child *w);
/* Tell one worker how a pool is. */
void worker_tell_pool(struct worker_child *w, enum msg_type type, const struct pool *p,
                      uint32_t retry_ms);

/* --- secrets.c ------------------------------------------------------------------------------
 */

struct room_secrets; /* of a room that is served with TLS */

/* Whether this room has a site with a certificate. */
bool secrets_wanted(const struct room *r);
/* Before the first of its certificates. ret  0 or -errno */
int secrets_send_tickets(struct worker_child *w);
/*
 * After its VHOST, and once more when there is another. A certificate that cannot be read is
 * said, and left out.
 *
 * in  nth  of the user's vhosts
 */
int secrets_send_tls(struct worker_child *w, uint32_t nth);
/* The room has taken its part of another generation. in  user  his index in the one before */
void secrets_take_generation(struct room *r, const struct generation *before, size_t user);
void secrets_free(struct room_secrets **s);
/*
 * Send the running workers what has changed, some at a time; s->renewal.running until all have
 * been sent theirs, then reload_step() is called.
 */
int secrets_init(struct supervisor *s);
void secrets_renew(struct supervisor *s);

/* --- tickets.c ------------------------------------------------------------------------------
 */

struct room_tickets; /* the keys of a user's session tickets */

/* Made when there are none yet. ret  0 or -errno */
int tickets_send(struct worker_child *w);
void tickets_free(struct room_tickets **t);
/* New keys when it is time. */
void tickets_sweep(struct supervisor *s, uint64_t now_ms);
/*
 * Over an upgrade: from one server to the next.
 *
 * in   fd   a memfd, lent
 * in   nth  which of its records
 * ret  0 or -errno
 */
int tickets_hand_on(const struct room *r, int fd, uint32_t nth, uint64_t now_ms);
void tickets_take_over(struct room *r, int fd, uint32_t nth, uint64_t now_ms);

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
    unsigned nholders, holders_room;
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
    LIST_ENTRY(pool) link;    /* in supervisor.pools */
    LIST_ENTRY(pool) in_room; /* in room.all_pools */
    struct supervisor *s;
    struct room *room;
    struct generation *gen;     /* of php and error_log; held */
    const struct conf_php *php; /* of the first vhost that has these settings */
    const char *error_log;      /* likewise */
    uint32_t serial;            /* tells it from every other pool of this server */
    uint64_t jail, limits;      /* as in struct part */
    bool retired;               /* of no generation any more: ends when nobody holds it */
    enum pool_state state;
    uint32_t starts;      /* of processes so far */
    uint32_t restarts;    /* of them, while it was in use: crashes, php-restart, restart_on */
    uint32_t generation;  /* the newest */
    struct pool_run *now; /* POOL_RUNS: the one that serves; else NULL */
    LIST_HEAD(, pool_run) runs;
    bool renew;     /* start another generation as soon as this one is old enough */
    unsigned known; /* workers that were told of it, and may ask for it */
    unsigned crashes;
    uint64_t retry_ms;
    struct pool_stuck *stuck; /* POOL_STUCK_MAX; NULL until there was one */
    unsigned nstuck;
};

/* The pools of a room's part: those that stay, new ones; others are retired. */
void pools_take_generation(struct room *r);
/* ret  the pool that a worker calls by this id, or NULL */
struct pool *pool_of_worker(struct worker_child *w, uint32_t id);
void pool_wanted(struct pool *p, struct worker_child *w);
void pool_released(struct pool *p, struct worker_child *w, uint32_t generation);
void pool_broken(struct pool *p, struct worker_child *w, uint32_t generation);
/* A worker saw a file of restart_on change, which this generation is too old for. */
void pool_renew(struct pool *p, struct worker_child *w, uint32_t generation);
/* A script of this generation has run for too long; inode: the worker's end of its connection.
 */
void pool_is_stuck(struct pool *p, uint32_t generation, uint64_t inode);
/*
 * The next request of this user finds new processes in all of his pools; the old ones finish
 * what they run.
 *
 * ret  how many pools run
 */
unsigned pools_restart(struct room *r);
/* w was told of its room's pools; it has ended. */
void pools_tell_worker(struct worker_child *w);
void pools_pass_on(const struct worker_child *from, struct worker_child *to);
void pools_forget_worker(struct worker_child *w);
/* The room is gone: they end at once. */
void pools_kill(struct room *r);
/* The files have been opened anew. */
void pools_reopen_logs(struct supervisor *s);
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
bool run_holds(const struct pool_run *run, const struct worker_child *w);
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
void spec_metrics(struct spawn_spec *spec, const struct conf *conf, const struct ids *ids,
                  const char *empty_dir);
/* in  listens  it is given listeners of its user's own */
void spec_worker(struct spawn_spec *spec, const struct conf *conf, const struct ids *ids,
                 const char *php_dir, bool listens);
void spec_php(struct spawn_spec *spec, const struct conf *conf, const struct ids *ids);

/* --- limits.c -------------------------------------------------------------------------------
 */

/* What a user's processes may take, of what is set for each of them. */
void limits_of_worker(struct spawn_spec *spec, const struct conf_limits *limits);
/*
 * Share what the user's workers count together with one of them, if anything is.
 *
 * ret  0 or -errno
 */
int limits_share(struct worker_child *w);
void limits_leave(struct worker_child *w); /* it has ended */
void limits_forget(struct room *r);
void limits_of_php(struct spawn_spec *spec, const struct conf *conf,
                   const struct conf_limits *limits);

/* --- groups.c -------------------------------------------------------------------------------
 */

void groups_start(struct supervisor *s);
/*
 * out  fd  for spawn_spec.group_fd, owned by the caller; -1: there are no groups
 * ret  0; -errno: said in the log, and nothing may be started
 */
int groups_enter(struct room *r, int *fd);
/* The limits of another generation. */
void groups_take_generation(struct room *r);
/* His last process may be gone. */
void groups_leave(struct room *r);
void groups_sweep(struct supervisor *s, uint64_t now_ms);
void groups_stop(struct supervisor *s);

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

#define LISTENERS_MAX 64

struct listen_owner {
    bool own; /* one user's: his workers accept; else everybody's */
    uid_t uid;
    gid_t gid;
};

/* ret  true: both are everybody's, or one user's */
bool listen_owner_is(const struct listen_owner *a, const struct listen_owner *b);

struct listener {
    int fd;                    /* -1: none by this number */
    LIST_ENTRY(listener) link; /* in supervisor.own_listeners */
    struct listen_owner owner;
    struct conf_listen at; /* text owned; its user and vhost are of a generation that was */
    bool fresh;            /* this take has made it */
    bool beside;           /* it shares its address with one that leaves, or did */
    uint64_t leave_ms;     /* nobody wants it any more: it ends then; 0: in use */
    uv_poll_t *watch;      /* one's own, while its room is empty; NULL: not watching */
};

/* The administrator's socket (admin.c). */
struct admin {
    int fd; /* -1: none */
    uv_poll_t poll;
    LIST_HEAD(, admin_client) clients, waiting, upgrading, reopening;
    unsigned nclients;
};

/* A reload on its way (reload.c). */
struct reload {
    uv_thread_t thread;
    uv_async_t loaded;
    bool running;  /* the thread is */
    bool asked;    /* and not told yet that it is over */
    bool again;    /* it was asked for once more meanwhile */
    bool settling; /* loaded, and workers are being replaced */
    bool syncing;  /* they are; who else was told something is asked whether he has it */
    bool reopens;  /* the thread opens the logs anew, and nothing else */
    bool reopen_again;
    struct log_fresh *fresh; /* what it opened */
    size_t nfresh;
    int rc;
    struct generation *gen;    /* what it made */
    struct conf_errors errors; /* likewise */
};

/* Certificates on their way to workers that run (secrets.c). */
struct renewal {
    uv_timer_t timer;
    bool running;
    size_t room, nth; /* where it is */
    uint64_t late_ms; /* a worker that has no room for it by then goes without */
};

/* Who was told something was asked whether it is in effect (sync.c). */
struct sync {
    uint32_t no;      /* of the last question; 0: none yet */
    uint64_t late_ms; /* nobody is waited for longer */
};

/* The next executable on its way (upgrade.c). */
struct upgrade {
    pid_t pid;       /* 0: none */
    bool done;       /* it has taken over */
    uv_poll_t *poll; /* on ready_fd; NULL: not waiting */
    int ready_fd, pid_fd;
    uint64_t late_ms;
};

struct inheritance;

struct supervisor {
    uv_loop_t loop;
    uint64_t start_ms;
    struct admin admin;
    const char *config;        /* the main file; NULL: there is none, and no reload */
    struct generation *gen;    /* in effect; held */
    const struct conf *conf;   /* gen's */
    struct conf_errors broken; /* what of the files is not in effect */
    struct reload reload;
    struct renewal renewal;
    struct sync sync;
    struct upgrade upgrade;
    struct inheritance *inherited; /* until ready; NULL: this one began by itself */
    char *self_path;               /* of this executable, and of the next one */
    int acceptor_exe, worker_exe, worker_tls_exe, examiner_exe; /* O_PATH */
    bool tls_kernel; /* it can encrypt what is sent */
    char *run_dir;
    char *empty_dir, *php_dir; /* below it */
    int run_dir_fd, php_dir_fd;
    char *pid_file; /* or NULL */
    int pid_fd;
    struct ids acceptor_ids;
    struct listener listeners[LISTENERS_MAX]; /* everybody's */
    LIST_HEAD(, listener) own_listeners;
    bool activated; /* a service manager has opened sockets: none of the main ones is one user's
                     */
    int error_fd;   /* the server's own error log; the number stays */
    uint64_t seal[2]; /* the key of what acceptors vouch for, also after an upgrade */
    struct acceptor_child *acceptors;
    uint32_t nacceptors;
    struct counters acceptors_past; /* of those that have ended */
    uint64_t acceptor_restarts;
    struct metrics *metrics;
    struct room **rooms; /* by the index that routing tables have; NULL: nobody, or nobody has
                            asked for him yet: room_at() */
    size_t nrooms;
    LIST_HEAD(, room) gone_rooms;
    uint32_t channels; /* made so far */
    unsigned starting; /* rooms without a ready worker yet */
    unsigned nqueued;
    STAILQ_HEAD(, room) queued;
    LIST_HEAD(, pool) pools;
    uint32_t pool_serials;
    LIST_HEAD(, child) children;
    LIST_HEAD(, pool_run) strayed;
    uv_signal_t signals[7];
    uv_timer_t sweep;
    struct cgroup_tree groups; /* of users */
    uint64_t groups_look_ms;
    bool announced; /* "ready" was said */
    enum stop_step stop;
    uint64_t stop_ms; /* everybody is killed then */
    int exit_code;
};

/* start.c: ret  a helper executable, O_PATH, owned by the caller; -ENOENT */
int helper_open(const char *name);
/* --- listeners.c ----------------------------------------------------------------------------
 */

/*
 * Have the sockets of a generation, and keep those that are there already.
 *
 * out  what    on failure which address; lent from g
 * out  errors  a line more for each vhost that goes without one of its own
 * ret  0; -errno: nothing has changed
 */
int listeners_take(struct supervisor *s, struct generation *g, const char **what,
                   struct conf_errors *errors);
void listeners_sweep(struct supervisor *s, uint64_t now_ms);
/*
 * A reload is over: where nobody shall listen any more, nobody does.
 *
 * in  all  end also those that have been replaced, for another one may come beside that
 */
void listeners_settle(struct supervisor *s, bool all);
/* in  goes_on  another server has them as well; else nobody can accept there any more */
void listeners_close(struct supervisor *s, bool goes_on);
/* ret  the room's own one at this address of its generation, lent; -1: it is missing */
int listeners_of(struct room *r, const struct conf_listen *at);
/*
 * How many are, or were a moment ago, the room's own.
 *
 * out  last  one of the latter, lent; NULL: there is none
 */
unsigned listeners_all_of(struct room *r, struct listener **last);
/* ret  whether any is, or was a moment ago, this user's own */
bool listeners_any_of(const struct supervisor *s, const struct ids *ids);
/* Wake the room when somebody comes. Nothing is accepted: who waits is the next worker's. */
void listeners_watch(struct room *r);
void listeners_unwatch(struct room *r);

/* --- reload.c -------------------------------------------------------------------------------
 */

int reload_init(struct supervisor *s);
/* Read the files anew; whoever waits in admin.waiting is told what became of it. */
void reload_start(struct supervisor *s);
/* Log files were moved away: open them anew. */
void reopen_start(struct supervisor *s);
/* Something that was waited for has happened. */
void reload_step(struct supervisor *s);

/* --- sync.c ---------------------------------------------------------------------------------
 */

/* Ask acceptors, and workers that were sent certificates, whether they have what they were
 * told.
 */
void sync_start(struct supervisor *s);
/* All have answered, or will not. */
bool sync_done(struct supervisor *s);
/* SYNCED. in/out  asked  of this child's. ret  0; -errno: it was not asked so */
int sync_answered(struct supervisor *s, uint32_t *asked, struct message *m);

/* start.c: says "ready" once every acceptor is */
void supervisor_acceptor_ready(struct supervisor *s);
/* stop.c */
void supervisor_stop(struct supervisor *s, int exit_code);
/* Another one serves now: drain, and end. */
void supervisor_hand_over(struct supervisor *s);
void supervisor_stop_step(struct supervisor *s, uint64_t now_ms);

#endif
