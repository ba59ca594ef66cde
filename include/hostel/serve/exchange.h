/*
 * One request's life: route -> answerer -> log. An exchange does not know which HTTP version
 * or transport it is on. Floor 5; worker.
 */
#ifndef HOSTEL_SERVE_EXCHANGE_H
#define HOSTEL_SERVE_EXCHANGE_H

#include "hostel/http/request.h"
#include "hostel/http/sink.h"
#include "hostel/serve/site.h"

struct visitor {   /* one connection's two ends, as text; filled once a connection */
    char addr[46]; /* INET6_ADDRSTRLEN */
    uint16_t port;
    char local_addr[46];
    uint16_t local_port;
    bool https;
};

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
    void *owner; /* the connection side's */
};

struct filecache; /* files that were just sent, ready to be sent again */

struct filecache *filecache_new(void);
void filecache_free(struct filecache **c);

/*
 * Answer a routed exchange: pick the answerer by what lies at the path and start it. Small and
 * static answers are whole when this returns; PHP has set x's answerer then and goes on.
 *
 * in  x  its site, visitor and sink are set; req may be lent for the call
 */
void exchange_answer(struct exchange *x, struct filecache *files);

/*
 * Answer with one small clear HTML page and end: head, body, end, in one go.
 *
 * in  extra  further fields (Allow, Location, Retry-After), lent for the call
 */
void errorpage_answer(struct exchange *x, unsigned status, const struct field *extra,
                      unsigned nextra);

#endif
