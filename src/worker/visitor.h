/* Who the visitor is: of a connection, and of a request that a proxy passes on. Floor 6;
 * worker. */
#ifndef WORKER_VISITOR_H
#define WORKER_VISITOR_H

#include "hostel/ipc/message.h"
#include "hostel/serve/exchange.h"

/* The two ends of a connection, as its acceptor says them. in  fd  lent for the visitor's life
 */
void visitor_from(struct visitor *v, const struct msg_visitor *m, int fd);

#endif
