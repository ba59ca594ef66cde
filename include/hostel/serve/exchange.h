/*
 * One request's life: route -> answerer -> log. An exchange does not know which HTTP version
 * or transport it is on. Floor 5; worker.
 */
#ifndef HOSTEL_SERVE_EXCHANGE_H
#define HOSTEL_SERVE_EXCHANGE_H

#include "hostel/http/request.h"
#include "hostel/http/sink.h"
#include "hostel/net/address.h"
#include "hostel/serve/site.h"

#include <uv.h>

/*
 * Who asks, and whom: a connection's two ends, as text; filled once a connection. Where a proxy
 * that is trusted passes requests on, each has one of its own.
 */
struct visitor {
    char addr[ADDRESS_TEXT];
    uint16_t port; /* 0: a proxy knows it, and does not say */
    char local_addr[ADDRESS_TEXT]; /* "": only PHP wants it, so fd is asked when it does */
    uint16_t local_port; /* 0: likewise */
    bool https;
    int fd; /* the connection's socket, lent, for address_local() */
    const char *tls; /* "TLSv1.3" and its like, static; NULL: none */
};

struct filecache; /* files that were just sent, ready to be sent again */
struct auth;      /* what is known of passwords */

struct exchange {
    struct request req;
    const struct site *site;       /* NULL until routed */
    const struct visitor *visitor; /* lent */
    struct sink *sink;             /* lent */
    /*
     * Set by whoever takes the exchange on. An answerer that has called sink->ops->end or
     * ->fail, or whose on_gone was called, is never called again: it frees itself then and
     * touches x no more.
     */
    const struct answerer_ops *answerer;
    void *answerer_data;
    void *owner;             /* the connection side's */
    struct filecache *files; /* lent; NULL until exchange_answer() was called */
    struct auth *auth;       /* lent; NULL: who has to prove who he is gets a 500 */
    char *remote_user;       /* who he has proved to be, or NULL; owned */
    struct span media_type;  /* static; of the file that the answer is about, else empty */
    /* A page of the site's own for an error: its status, and the fields that belong to it. */
    unsigned error_status; /* 0: it is no such page */
    unsigned nerror_fields;
    struct field *error_fields; /* owned, one allocation with their bytes */
    /* What a script said beside the file that it has the server send. */
    unsigned nkept_fields;
    struct field *kept_fields; /* owned likewise */
    /* What only its log line wants. */
    uint64_t id;          /* 0: nobody has asked for its name yet */
    bool upstream;        /* a script had to do with it, */
    uint64_t upstream_us; /* for so long */
    unsigned nlogged_fields;
    struct field *logged_fields; /* of its answer; owned likewise */
    struct {
        struct sink sink;
        struct sink *next; /* NULL: the filter is not in front of it */
    } headers;             /* the site's rules for its answers */
};

/* --- request_id.c: the name of a request, which no other one has, of any worker, ever */

#define REQUEST_ID_TEXT 33 /* 32 hex digits and a NUL */

void exchange_id(struct exchange *x, char text[static REQUEST_ID_TEXT]);

/* The same in two steps, for who outlives the exchange. ret  never 0 */
uint64_t exchange_name(struct exchange *x);
void request_id_text(uint64_t id, char text[static REQUEST_ID_TEXT]);

/* exchange_error.c: an error of this request, into its site's error log. */
void exchange_error(struct exchange *x, struct span text);

/* Frees what the exchange owns, its request too, and empties it. */
void exchange_done(struct exchange *x);

struct filecache *filecache_new(void);
void filecache_free(struct filecache **c);

/* Password files and the thread that checks passwords, started when the first one comes. */
struct auth *auth_new(uv_loop_t *loop);

/* Every exchange that waits for it is over; the loop turns once more. NULL is fine. */
void auth_free(struct auth **a);

/*
 * Answer a routed exchange: ask the site's rules, pick the answerer by what lies at the path
 * and start it. Small and static answers are whole when this returns; PHP, or a password that
 * is being looked at, has set x's answerer then and goes on.
 *
 * in  x  its site, visitor and sink are set; req may be lent for the call
 */
void exchange_answer(struct exchange *x, struct filecache *files);

/*
 * Answer with the site's own page for this status, once; else, or where that fails, with one
 * small clear HTML page and end: head, body, end, in one go.
 *
 * in  extra  further fields (Allow, Location, Retry-After), lent for the call
 */
void errorpage_answer(struct exchange *x, unsigned status, const struct field *extra,
                      unsigned nextra);

#endif
