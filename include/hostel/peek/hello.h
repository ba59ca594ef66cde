/*
 * The server name in a TLS ClientHello, found without a TLS library and without taking a byte.
 * The acceptor routes by it; the worker reads the name with the same function from what its
 * library shows it. Pure. Floor 1; acceptor and worker.
 */
#ifndef HOSTEL_PEEK_HELLO_H
#define HOSTEL_PEEK_HELLO_H

#include "hostel/base/span.h"

#include <stdint.h>

/*
 * A ClientHello of browsers with a post-quantum share has 1.8 KiB, with tickets and padding
 * maybe 4. On the wire each of its records has 5 bytes more.
 */
#define HELLO_BYTES_MAX 16384
#define HELLO_WIRE_MAX  32768

/* Alert descriptions. RFC 8446 6.2, RFC 6066 3 */
enum hello_alert {
    ALERT_UNEXPECTED_MESSAGE = 10,
    ALERT_RECORD_OVERFLOW = 22,
    ALERT_ILLEGAL_PARAMETER = 47,
    ALERT_DECODE_ERROR = 50,
    ALERT_PROTOCOL_VERSION = 70,
    ALERT_INTERNAL_ERROR = 80,
    ALERT_MISSING_EXTENSION = 109,
    ALERT_UNRECOGNIZED_NAME = 112,
};

/* What it is; else the alert that says what is wrong with it. */
enum hello_verdict {
    HELLO_OK = 0,
    HELLO_MORE = 1,  /* not whole yet */
    HELLO_PLAIN = 2, /* no TLS at all: somebody speaks HTTP to the wrong port */
};

struct hello {
    bool named;     /* it says one */
    char name[256]; /* lower case, no trailing dot; "" = none that a site could have */
};

/*
 * Look at the first bytes of a connection. Records may cut the message anywhere.
 *
 * in   bytes    all that has arrived, lent
 * in   scratch  HELLO_BYTES_MAX bytes, for a message that came in several records
 * out  h        means something on HELLO_OK only. The name of an encrypted ClientHello is its
 *               outer one.
 * ret  enum hello_verdict, or > HELLO_PLAIN: enum hello_alert
 * src  RFC 8446 4.1.2, 5.1; RFC 6066 3; RFC 8701 (GREASE)
 */
unsigned hello_find(struct span bytes, char *scratch, struct hello *h);

/*
 * The name in the bytes of a server_name extension.
 *
 * out  named  false: none is said. An address is none either, which RFC 6066 forbids and some
 *             clients send all the same
 * out  name   "" when it can be no site's: a port, what is no host name
 * ret  HELLO_OK, or enum hello_alert
 */
unsigned hello_server_name(struct span extension, bool *named, char name[static 256]);

#endif
