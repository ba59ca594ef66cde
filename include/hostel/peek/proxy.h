/*
 * The header that a load balancer puts before a connection's own bytes: who the visitor is.
 * Pure: bytes in, addresses out. Floor 1; acceptor.
 */
#ifndef HOSTEL_PEEK_PROXY_H
#define HOSTEL_PEEK_PROXY_H

#include "hostel/base/span.h"

#include <stdint.h>

/*
 * A header of version 2 may say 64 KiB long things about its visitor (a certificate, even);
 * what balancers send has some hundred bytes.
 */
#define PROXY_BYTES_MAX 4096

struct proxy {
    bool known; /* it says who; else the connection's own ends count: a health check, or a
                   visitor who came another way than by TCP */
    bool tls;   /* the visitor speaks TLS with the balancer */
    uint8_t from[16], to[16]; /* known: IPv4 as ::ffff:a.b.c.d */
    uint16_t from_port, to_port;
    size_t bytes; /* of the header: what follows is the visitor's */
};

enum proxy_verdict {
    PROXY_OK,
    PROXY_MORE, /* not whole yet */
    PROXY_BAD,  /* no header, a malformed one, or one that is too long */
};

/*
 * Look at the first bytes of a connection.
 *
 * in   bytes  all that has arrived, lent
 * out  p      written on PROXY_OK only
 * src  HAProxy's proxy-protocol.txt: 2.1 (version 1), 2.2 (version 2)
 */
enum proxy_verdict proxy_find(struct span bytes, struct proxy *p);

#endif
