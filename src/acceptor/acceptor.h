/*
 * The acceptor: an unprivileged process in an empty root directory that accepts connections,
 * looks at the name they ask for without taking a byte, and passes the socket to the workers
 * of that site's user. Runs as the acceptor_user. Floor 6.
 *
 *   accept.c ──> look.c ──> handover.c ──> a worker
 *                  │             ↑ CONN_BACK
 *                  └─> refuse.c (a constant answer, then a short linger)
 *
 * On a listener of proxies proxied.c takes their header first: the one thing that is ever
 * taken.
 *
 * Whoever has to wait in look.c or refuse.c for more of a client waits by wait.c.
 */
#ifndef HOSTEL_ACCEPTOR_ACCEPTOR_H
#define HOSTEL_ACCEPTOR_ACCEPTOR_H

#include "hostel/acceptor/run.h"
#include "hostel/base/tally.h"
#include "hostel/ipc/channel.h"
#include "hostel/ipc/message.h"
#include "hostel/ipc/routes.h"
#include "hostel/peek/head.h"
#include "hostel/peek/hello.h"
#include "hostel/peek/proxy.h"

#include <sys/queue.h>
#include <sys/socket.h>
#include <uv.h>

struct acceptor;

struct listener {
    uv_poll_t poll;
    struct acceptor *acceptor;
    int fd;
    uint64_t last_ns; /* when the last one came */
    bool tls;
    struct nets proxies; /* none: whoever likes may connect */
    bool resting;        /* out of descriptors: accepts again at the next tick */
};

/*
 * A connection that is not routed yet, or that lingers after a refusal: all that it costs us,
 * besides one row for each client address.
 */
struct waiting {
    TAILQ_ENTRY(waiting) link; /* in waiting or lingering, oldest first */
    uint64_t deadline_ms;
    struct tally_row *addr; /* its client address's; NULL: it lingers, or is not counted */
    size_t seen;            /* bytes already looked through */
    uint32_t have;          /* bytes that were there at the last look */
    int fd;
    struct msg_visitor visitor;
    bool lingers;
    bool header; /* a proxy's is still to come, before anything else */
};
TAILQ_HEAD(waiting_list, waiting);

/* A connection whose user is known and that is not sent yet. */
struct pending {
    STAILQ_ENTRY(pending) link;
    uint64_t deadline_ms;
    struct buf prefix; /* of a handed-back one, else empty */
    int fd;
    struct msg_visitor visitor;
};

enum user_state {
    USER_ASLEEP, /* never asked for, or its back-off is over: ask the supervisor */
    USER_WANTED, /* asked; its channel will come */
    USER_UP,     /* channel open */
    USER_AWAY,   /* down until retry_ms: 503 */
};

struct user {
    struct acceptor *acceptor;
    uint32_t index;
    enum user_state state;
    struct channel *channel; /* the acceptors' end; NULL: none yet */
    uint32_t channel_no;     /* what the supervisor calls it */
    uint32_t workers;        /* that share it */
    struct channel *drain;   /* USER_AWAY: the workers' end, to answer what waits in it */
    uint64_t retry_ms;
    STAILQ_HEAD(, pending) queue;
    unsigned queued;
    bool blocked; /* the channel is full: on_drain goes on */
    bool dirty;   /* in acceptor.dirty */
    STAILQ_ENTRY(user) dirty_link;
    bool busy; /* in acceptor.busy: something of his waits */
    LIST_ENTRY(user) busy_link;
};

struct acceptor {
    uv_loop_t loop;
    struct channel control;
    uv_check_t flush; /* end of a loop turn: hand over what it gathered */
    uv_timer_t tick;  /* runs only while something waits */
    bool ticking;
    struct listener *listeners[MSG_LISTENERS_MAX]; /* NULL: none by this number */
    uint64_t
        ports[UINT16_MAX / 64 + 1]; /* a bit each: ever listened on; a handed-back socket's */
    struct routes *routes;
    struct user **users; /* nusers of them; NULL until first asked for */
    uint32_t nusers;     /* as many as any table so far has had */
    LIST_HEAD(, user) busy;
    STAILQ_HEAD(, user) dirty;
    STAILQ_HEAD(, pending) spare; /* the last ones used: no allocation a connection */
    unsigned nspare;
    struct msg_start limits;
    struct waiting_list waiting, lingering;
    unsigned nwaiting, nlingering;
    uv_poll_t waits; /* of waits_fd: the epoll of waiting and lingering ones */
    int waits_fd;
    struct tally addrs; /* of waiting ones */
    uint64_t stop_ms;   /* leave by then; 0 = serving */
    bool patient;       /* then: who was accepted is still routed */
    bool started;
};

/* control.c: what the supervisor says */
int control_open(struct acceptor *a, int fd);
/* in  channel  the one that is bad, with USER_BAD; else 0 */
int control_send_user(struct acceptor *a, enum msg_type type, uint32_t user, uint32_t channel);

/* accept.c */
/* takes fd; it is accepted from once the acceptor is started. ret  0; -EPROTO; or -errno */
int accept_add(struct acceptor *a, const struct msg_listener *m, int fd);
/* Take what waits there, then close it. ret  0; -EPROTO */
int accept_remove(struct acceptor *a, uint32_t id);
int accept_start(struct acceptor *a);
bool accept_is_our_port(const struct acceptor *a, uint16_t port);
void accept_stop(struct acceptor *a);
void accept_rest(struct listener *l); /* out of descriptors: pause until the next tick */
void accept_wake(struct acceptor *a);

/* wait.c: call look_more() or refuse_more() when w can be read; ret 0 or -errno */
int wait_open(struct acceptor *a);
int wait_start(struct acceptor *a, struct waiting *w);
/* Before w's descriptor goes anywhere: an epoll forgets only what all have closed. */
void wait_stop(struct acceptor *a, struct waiting *w);

/* look.c: takes fd in every case */
void look_at(struct listener *l, int fd, const struct sockaddr_storage *addr);
/* The same, of one that came back with nothing read of it. in  visitor  with CONN_RETURNED */
void look_again(struct acceptor *a, int fd, const struct msg_visitor *visitor);
/* in  ended  the client sends no more */
void look_more(struct acceptor *a, struct waiting *w, bool ended);
/* look.c: ret  whose workers answer this head, or ROUTES_NO_USER */
uint32_t look_user(const struct acceptor *a, const struct head *h, bool *by_default);
/* Waiting connections past their deadline, or all of them. */
void look_expire(struct acceptor *a, uint64_t now_ms);
void look_drop_all(struct acceptor *a);

/* handover.c */
struct user *handover_user(struct acceptor *a, uint32_t index);
/* takes fd; visitor and prefix (may be NULL) are copied */
void handover_add(struct acceptor *a, uint32_t user, int fd, const struct msg_visitor *visitor,
                  const struct span *prefix);
void handover_flush(struct acceptor *a);
void handover_expire(struct acceptor *a, uint64_t now_ms);
/* takes fd */
int handover_channel(struct acceptor *a, const struct msg_channel *m, int fd);
int handover_down(struct acceptor *a, uint32_t user, uint32_t retry_ms, int drain_fd);
/* He is in no table any more: what waits for him gets 404. */
void handover_gone(struct acceptor *a, uint32_t user);
bool handover_idle(const struct acceptor *a);

/* proxied.c: may it connect here? ret  false: no proxy, and that was noted */
bool proxied_allows(const struct listener *l, const struct sockaddr_storage *addr);
/*
 * Take the header off a connection.
 *
 * in   seen  what can be peeked at, lent: begins with it
 * out  w     visitor: as the header says, sealed; header: it is taken. On PROXY_OK only
 * out  n     bytes of it, likewise
 */
enum proxy_verdict
proxied_take(struct acceptor *a, struct waiting *w, struct span seen, size_t *n);
/*
 * Is this the word of an acceptor on the visitor of this connection?
 *
 * in   claim    what a worker says it is
 * out  visitor  who the visitor is, if the socket itself does not know; else it stays
 * ret  0; -EPROTO: it does not, and the claim is none of an acceptor's
 */
int proxied_unseal(const struct acceptor *a, int fd, const struct msg_visitor *claim,
                   struct msg_visitor *visitor);

/* handback.c: one CONN_BACK from a worker of this user; < 0: its channel is closed */
int handback(struct user *u, struct message *m);

/* refuse.c: a constant answer, then a short linger; takes fd */
void refuse(struct acceptor *a, int fd, unsigned status);
/* The same in TLS: in  alert  its description. RFC 8446 6 */
void refuse_tls(struct acceptor *a, int fd, unsigned alert);
void refuse_more(struct acceptor *a, struct waiting *w);
void refuse_expire(struct acceptor *a, uint64_t now_ms);
void refuse_drop_all(struct acceptor *a);

/* acceptor.c */
void acceptor_tick_start(struct acceptor *a);

#endif
