/*
 * TLS on a stream. A worker without a certificate is a program without a TLS library: this door
 * is a table of calls, and only hostel-worker-tls links the one that fills it. Floor 3; worker.
 */
#ifndef HOSTEL_NET_TLS_H
#define HOSTEL_NET_TLS_H

#include "hostel/net/stream.h"

#define TLS_FILE_MAX    65536 /* bytes of a certificate chain, or of a key, in PEM */
#define TLS_WHY_MAX     256
#define TLS_TICKET_KEYS 3  /* of one user: the one in use, and older ones */
#define TLS_TICKET_KEY  80 /* bytes: 16 name, 32 for the MAC, 32 for the cipher */

struct tls_server; /* what all TLS streams of a process share */
struct tls_host;   /* a certificate, its chain and its key */

/*
 * Whose certificate is it?
 *
 * in   name  of the ClientHello, lower case; empty = it has none
 * ret  lent; NULL = nobody's here: the unrecognized_name alert
 */
typedef struct tls_host *tls_find_fn(void *data, struct span name);

struct tls_settings {
    bool kernel; /* let the kernel encrypt, where it can */
    bool http2;  /* offer h2 before http/1.1 */
    tls_find_fn *find;
    void *data;
};

struct tls_ops {
    /* ret  NULL and why: the library cannot be started */
    struct tls_server *(*server_new)(const struct tls_settings *settings,
                                     char why[static TLS_WHY_MAX]);
    /* After the last stream. Accepts NULL inside; leaves NULL. */
    void (*server_free)(struct tls_server **server);

    /*
     * Session tickets are sealed with the first key and opened with all of them.
     *
     * in   keys  1..TLS_TICKET_KEYS of TLS_TICKET_KEY bytes, copied
     */
    int (*set_tickets)(struct tls_server *server, struct span keys);

    /*
     * in   chain, key     PEM; the server's certificate first. The caller wipes the key
     * in   version_min    12 or 13
     * out  why            on failure, for the log
     * ret  owned by the caller; NULL: not a pair, or not to be read
     */
    struct tls_host *(*host_new)(struct tls_server *server, struct span chain, struct span key,
                                 unsigned version_min, char why[static TLS_WHY_MAX]);
    /* Streams that use it keep what they need. Leaves NULL. */
    void (*host_free)(struct tls_host **host);

    /* Make s a TLS stream; before anything was read of it or queued. ret  0 or -ENOMEM */
    int (*start)(struct tls_server *server, struct stream *s);

    /*
     * Why the handshake of a broken stream failed, for the log.
     *
     * ret  lent until the next call; "" when it was nothing that TLS knows of
     */
    const char *(*why)(const struct stream *s);
};

/* OpenSSL 3. */
extern const struct tls_ops tls_openssl;

#endif
