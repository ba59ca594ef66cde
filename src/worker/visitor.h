/* Who the visitor is: of a connection, and of a request that a proxy passes on. Floor 6;
 * worker. */
#ifndef WORKER_VISITOR_H
#define WORKER_VISITOR_H

#include "hostel/ipc/message.h"
#include "hostel/serve/exchange.h"

struct conns;
struct round;

/* The two ends of a connection, as its acceptor says them. in  fd  lent for the visitor's life
 */
void visitor_from(struct visitor *v, const struct msg_visitor *m, int fd);

/*
 * Programs are told with each request where it came to. On a connection that is kept the kernel
 * is asked once; on others it is, if at all, by who wants to know.
 */
void visitor_know_end(struct visitor *v);

/*
 * Who this request of a trusted proxy is from: its visitor, if it says so. How many he may have
 * at once is counted here: his connections are the proxy's.
 *
 * ret  0; 400 nobody can tell; 429 he has too many
 */
unsigned visitor_told(struct round *r, struct conns *all);

#endif
