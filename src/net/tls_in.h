/* What tls.c and tls_stream.c know of each other. OpenSSL. Floor 3; hostel-worker-tls. */
#ifndef NET_TLS_IN_H
#define NET_TLS_IN_H

#include "hostel/base/buf.h"
#include "hostel/net/tls.h"

#include <openssl/ssl.h>

struct tls_server {
    struct tls_settings settings;
    SSL_CTX *ctx; /* new connections; without a certificate: on_hello() finds one */
    BIO_METHOD *bio;
    unsigned nkeys;
    unsigned char keys[TLS_TICKET_KEYS][TLS_TICKET_KEY];
};

struct tls_host {
    SSL_CTX *ctx;
    int version_min;
};

struct stream_tls {
    SSL *ssl;
    struct tls_server *server;
    struct buf in;  /* read off the socket and not decrypted yet */
    struct buf out; /* encrypted, and not taken by the socket yet */
    bool done;      /* the handshake is over */
    bool kernel;    /* encrypts what is sent */
    bool eof;       /* the peer has sent its last byte */
    bool said_end;  /* close_notify is out, or on its way */
    char *why;      /* owned; or NULL */
};

/* ret  NULL: no memory */
BIO_METHOD *tls_bio_new(void);

/* tls_ops.start, tls_ops.why */
int tls_start(struct tls_server *server, struct stream *s);
const char *tls_why(const struct stream *s);

/* The newest of OpenSSL's errors as text; the others are forgotten. */
void tls_error(char *text, size_t room);

#endif
