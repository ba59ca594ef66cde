/*
 * What all TLS streams of a process share: certificates, session tickets, what is spoken.
 * OpenSSL. Floor 3; hostel-worker-tls.
 *
 * The profile is Mozilla's intermediate one, without its finite-field Diffie-Hellman: who has
 * no elliptic curves has no TLS 1.2 with AEAD either, and its exponentiations are work that a
 * stranger can ask for (CVE-2002-20001).
 */
#include "hostel/base/mem.h"
#include "hostel/peek/hello.h"
#include "tls_in.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#define CIPHERS                                                                                \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                               \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                               \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"
/* The same behind the hybrid share that browsers send first, where the library knows it. */
#define GROUPS_HYBRID "X25519MLKEM768:" GROUPS

#define OPTIONS   (SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF)
#define SESSION_S (8 * 3600) /* as long as a ticket's key is the newest or the next to it */

#define NAME_BYTES 16 /* of a ticket key */
#define MAC_BYTES  32

void
tls_error(char *text, size_t room)
{
    unsigned long error = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(error);

    snprintf(text, room, "%s", !error ? "unknown error" : reason ? reason : "error in TLS");
    ERR_clear_error();
}

/* --- what OpenSSL asks -------------------------------------------------------------------- */

/*
 * As acceptors say it (RFC 8446 9.2). Before there is a version OpenSSL makes handshake_failure
 * of this alert: ours is said in its place, and its own goes nowhere.
 */
static void
say_missing_name(SSL *ssl)
{
    static const unsigned char record[] = {21, 3, 3, 0, 2, 2, ALERT_MISSING_EXTENSION};
    BIO *nowhere = BIO_new(BIO_s_null());
    size_t put;

    if (!nowhere)
        return;
    (void)BIO_write_ex(SSL_get_wbio(ssl), record, sizeof(record), &put);
    SSL_set0_wbio(ssl, nowhere); /* takes it */
}

/* Before anything else is looked at: the certificate, and the versions that go with it. */
static int
on_hello(SSL *ssl, int *alert, void *arg)
{
    struct tls_server *server = arg;
    const unsigned char *ext;
    struct tls_host *host;
    char name[256] = "";
    bool named = false;
    unsigned verdict;
    size_t n;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &n)) {
        verdict = hello_server_name(span_of(ext, n), &named, name);
        *alert = verdict != HELLO_OK ? (int)verdict : ALERT_UNRECOGNIZED_NAME;
        if (verdict != HELLO_OK || (named && !name[0]))
            return SSL_CLIENT_HELLO_ERROR;
    }
    host = server->settings.find(server->settings.data, span_str(name));
    if (!host) {
        *alert = name[0] ? ALERT_UNRECOGNIZED_NAME : ALERT_MISSING_EXTENSION;
        if (!name[0])
            say_missing_name(ssl);
        return SSL_CLIENT_HELLO_ERROR;
    }
    *alert = ALERT_INTERNAL_ERROR;
    if (!SSL_set_SSL_CTX(ssl, host->ctx) || !SSL_set_min_proto_version(ssl, host->version_min))
        return SSL_CLIENT_HELLO_ERROR;
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* The server name is answered for by on_hello(). */
static int
on_name(SSL *ssl, int *alert, void *arg)
{
    (void)ssl, (void)alert, (void)arg;
    return SSL_TLSEXT_ERR_OK;
}

/* RFC 7301 3.2: ours is the order; who offers nothing of it is told so. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
        unsigned in_n, void *arg)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    const struct tls_server *server = arg;
    const unsigned char *ours = server->settings.http2 ? both : both + 3;
    unsigned n = (unsigned)sizeof(both) - 1 - (server->settings.http2 ? 0 : 3);
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_n, ours, n, in, in_n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int
use_key(const unsigned char *key, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
        bool seal)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                          (void *)(uintptr_t)(key + NAME_BYTES), MAC_BYTES),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    if (!EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key + NAME_BYTES + MAC_BYTES, iv,
                           seal) ||
        !EVP_MAC_CTX_set_params(mac, params))
        return -1;
    return 1;
}

/* A ticket is sealed with the newest key. RFC 5077 4 */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
          EVP_MAC_CTX *mac, int seal)
{
    struct tls_server *server = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (server->nkeys == 0)
        return 0;
    if (seal) {
        if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
            return -1;
        memcpy(name, server->keys[0], NAME_BYTES);
        return use_key(server->keys[0], iv, cipher, mac, true);
    }
    for (unsigned i = 0; i < server->nkeys; i++) {
        if (memcmp(name, server->keys[i], NAME_BYTES) != 0)
            continue;
        if (use_key(server->keys[i], iv, cipher, mac, false) < 0)
            return -1;
        /* with 1.3 a ticket is for one use: each resumption brings the next one */
        return i > 0 || SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
    }
    return 0; /* another user's, or too old: a full handshake */
}

/* --- contexts ----------------------------------------------------------------------------- */

static bool
set_up(SSL_CTX *ctx, struct tls_server *server)
{
    bool groups = SSL_CTX_set1_groups_list(ctx, GROUPS_HYBRID) == 1 ||
                  SSL_CTX_set1_groups_list(ctx, GROUPS) == 1;

    ERR_clear_error();
    SSL_CTX_set_app_data(ctx, server);
    SSL_CTX_set_options(ctx, OPTIONS | (server->settings.kernel ? SSL_OP_ENABLE_KTLS : 0));
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* sessions live in tickets, which all workers of the user can open */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ctx, SESSION_S);
    SSL_CTX_set_max_early_data(ctx, 0);
    SSL_CTX_set_client_hello_cb(ctx, on_hello, server);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, server);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
    return groups && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
           SSL_CTX_set_cipher_list(ctx, CIPHERS) && SSL_CTX_set_ciphersuites(ctx, SUITES) &&
           SSL_CTX_set_num_tickets(ctx, 1);
}

static SSL_CTX *
context(struct tls_server *server)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx && !set_up(ctx, server)) {
        SSL_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

static void
server_free(struct tls_server **server)
{
    if (!*server)
        return;
    SSL_CTX_free((*server)->ctx);
    BIO_meth_free((*server)->bio);
    explicit_bzero((*server)->keys, sizeof((*server)->keys));
    free(*server);
    *server = NULL;
}

static struct tls_server *
server_new(const struct tls_settings *settings, char why[static TLS_WHY_MAX])
{
    struct tls_server *server = mem_new(sizeof(*server));

    server->settings = *settings;
    /* no file of the machine's decides about it */
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL)) {
        server->bio = tls_bio_new();
        server->ctx = context(server);
    }
    if (!server->bio || !server->ctx) {
        tls_error(why, TLS_WHY_MAX);
        server_free(&server);
    }
    return server;
}

static int
set_tickets(struct tls_server *server, struct span keys)
{
    if (keys.n == 0 || keys.n % TLS_TICKET_KEY || keys.n > sizeof(server->keys))
        return -EINVAL;
    explicit_bzero(server->keys, sizeof(server->keys));
    memcpy(server->keys, keys.p, keys.n);
    server->nkeys = (unsigned)(keys.n / TLS_TICKET_KEY);
    return 0;
}

/* --- certificates ------------------------------------------------------------------------- */

/* A key that asks for a password gets none: nobody is there to be asked. */
static int
no_password(char *buf, int size, int writing, void *data)
{
    (void)buf, (void)size, (void)writing, (void)data;
    return -1;
}

static bool
read_chain(SSL_CTX *ctx, struct span pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *cert = bio ? PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL) : NULL;
    bool good = cert && SSL_CTX_use_certificate(ctx, cert) == 1;

    X509_free(cert);
    while (good && (cert = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
        good = SSL_CTX_add0_chain_cert(ctx, cert) == 1; /* takes it */
        if (!good)
            X509_free(cert);
    }
    if (good) /* the end of the file was the last error */
        ERR_clear_error();
    BIO_free(bio);
    return good;
}

static bool
read_key(SSL_CTX *ctx, struct span pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    bool good = key && SSL_CTX_use_PrivateKey(ctx, key) == 1;

    EVP_PKEY_free(key);
    BIO_free(bio);
    return good;
}

/* A session is for the certificate it began with, not for another site of the same user. */
static bool
bind_sessions(SSL_CTX *ctx)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    return X509_digest(SSL_CTX_get0_certificate(ctx), EVP_sha256(), digest, &n) &&
           SSL_CTX_set_session_id_context(ctx, digest, n);
}

static void
host_free(struct tls_host **host)
{
    if (!*host)
        return;
    SSL_CTX_free((*host)->ctx);
    free(*host);
    *host = NULL;
}

static struct tls_host *
host_new(struct tls_server *server, struct span chain, struct span key, unsigned version_min,
         char why[static TLS_WHY_MAX])
{
    struct tls_host *host = mem_new(sizeof(*host));
    const char *what = "the certificate";
    char error[TLS_WHY_MAX / 2];
    bool good;

    ERR_clear_error();
    host->version_min = version_min == 13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    host->ctx = context(server);
    good = host->ctx && chain.n <= TLS_FILE_MAX && read_chain(host->ctx, chain);
    if (good) {
        what = "the key";
        good = key.n <= TLS_FILE_MAX && read_key(host->ctx, key);
    }
    if (good) {
        what = "certificate and key together";
        good = SSL_CTX_check_private_key(host->ctx) == 1 && bind_sessions(host->ctx);
    }
    if (good)
        return host;
    tls_error(error, sizeof(error));
    snprintf(why, TLS_WHY_MAX, "%s cannot be used: %s", what, error);
    host_free(&host);
    return NULL;
}

const struct tls_ops tls_openssl = {
    .server_new = server_new,
    .server_free = server_free,
    .set_tickets = set_tickets,
    .host_new = host_new,
    .host_free = host_free,
    .start = tls_start,
    .why = tls_why,
};
