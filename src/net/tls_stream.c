/*
 * TLS between a stream's queue and its socket. OpenSSL. Floor 3; hostel-worker-tls.
 *
 *   socket --recv--> wire_in --SSL_read--> the caller's room
 *   queue --stream_take--> plain --SSL_write--> wire_out --send--> socket
 *
 * OpenSSL never sees the socket: it reads and writes memory of the process, which one recv()
 * fills and one send() empties, however many records that are. What the socket does not take
 * stays with the connection (out), what OpenSSL did not want yet too (in); mostly there is
 * neither, and an idle connection holds no buffer. So SSL_write() never has to wait, and has
 * taken all it was given.
 *
 * Where the kernel encrypts (kTLS), OpenSSL has the socket for the handshake and to read, and
 * output takes the plain way: send() and sendfile().
 */
#include "hostel/base/mem.h"
#include "throttle.h"
#include "tls_in.h"
#include "transport.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>

#define PLAIN_BYTES (64 * 1024)             /* encrypted at one go: four records */
#define WIRE_BYTES  (PLAIN_BYTES + 4 * 256) /* a record adds 22 bytes, at most 256 */
#define IN_BYTES    (32 * 1024)
#define OUT_MAX     (512 * 1024) /* more than a handshake with the longest chain, and one go */
#define TURN_BYTES  (8u << 20)   /* one stream's turn; then the others' */

/* Of the stream that is being worked on; empty in between. */
static struct {
    char bytes[IN_BYTES];
    size_t at, end;
} wire_in;

static struct {
    char bytes[WIRE_BYTES];
    size_t n;
} wire_out;

/* --- the memory that OpenSSL reads and writes ------------------------------------------------
 */

static size_t
give(char *p, size_t n, const char *from, size_t have)
{
    n = n < have ? n : have;
    memcpy(p, from, n);
    return n;
}

/* ret  false: nothing is there */
static bool
receive(struct stream *s)
{
    struct stream_tls *t = s->tls;
    ssize_t n;

    if (s->dry || t->eof)
        return false;
    do
        n = recv(s->fd, wire_in.bytes, sizeof(wire_in.bytes), MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    s->dry = n < (ssize_t)sizeof(wire_in.bytes);
    t->eof = n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
    wire_in.at = 0;
    wire_in.end = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static int
bio_read(BIO *bio, char *p, size_t n, size_t *got)
{
    struct stream *s = BIO_get_data(bio);
    struct stream_tls *t = s->tls;

    BIO_clear_retry_flags(bio);
    *got = 0;
    if (t->in.len > 0) {
        *got = give(p, n, t->in.data + t->in.start, t->in.len);
        buf_consume(&t->in, *got);
    } else if (wire_in.at < wire_in.end || receive(s)) {
        *got = give(p, n, wire_in.bytes + wire_in.at, wire_in.end - wire_in.at);
        wire_in.at += *got;
    } else if (!t->eof) {
        BIO_set_retry_read(bio);
    }
    return *got > 0;
}

/* Send what there is, oldest first; the rest stays with the connection. ret  0 or -errno */
static int
push_out(struct stream *s, bool more)
{
    struct stream_tls *t = s->tls;
    struct span bytes = t->out.len ? buf_span(&t->out) : span_of(wire_out.bytes, wire_out.n);
    ssize_t n;
    int rc = 0;

    if (bytes.n == 0)
        return 0;
    do
        n = send(s->fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        rc = -errno;
    n = n < 0 ? 0 : n;
    if (t->out.len) {
        buf_consume(&t->out, (size_t)n);
        bytes = span_of(wire_out.bytes, wire_out.n);
    } else {
        bytes = span_skip(bytes, (size_t)n);
    }
    wire_out.n = 0;
    if (rc == 0)
        rc = buf_add_span(&t->out, bytes);
    s->wire_bytes = t->out.len;
    return rc;
}

static int
bio_write(BIO *bio, const char *p, size_t n, size_t *put)
{
    struct stream *s = BIO_get_data(bio);
    struct stream_tls *t = s->tls;

    BIO_clear_retry_flags(bio);
    *put = n;
    if (t->out.len == 0 && n > sizeof(wire_out.bytes) - wire_out.n && push_out(s, true) < 0)
        return 0;
    if (t->out.len == 0 && n <= sizeof(wire_out.bytes) - wire_out.n) {
        memcpy(wire_out.bytes + wire_out.n, p, n);
        wire_out.n += n;
        return 1;
    }
    if (wire_out.n > 0 && push_out(s, true) < 0)
        return 0;
    if (buf_add(&t->out, p, n) < 0)
        return 0;
    s->wire_bytes = t->out.len;
    return 1;
}

static long
bio_ctrl(BIO *bio, int cmd, long larg, void *parg)
{
    const struct stream *s = BIO_get_data(bio);

    (void)larg, (void)parg;
    if (cmd == BIO_CTRL_FLUSH)
        return 1;
    return cmd == BIO_CTRL_EOF && s ? s->tls->eof : 0;
}

BIO_METHOD *
tls_bio_new(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "stream");

    if (!m || !BIO_meth_set_read_ex(m, bio_read) || !BIO_meth_set_write_ex(m, bio_write) ||
        !BIO_meth_set_ctrl(m, bio_ctrl)) {
        BIO_meth_free(m);
        return NULL;
    }
    return m;
}

/* --- one piece of work: enter, calls of OpenSSL, leave
 * -----------------------------------------
 */

static void
enter(struct stream *s)
{
    s->dry = false;
    ERR_clear_error();
}

/* What was read too much stays with the connection; what was written goes out. */
static int
leave(struct stream *s, bool more)
{
    struct stream_tls *t = s->tls;
    int rc = 0;

    if (wire_in.at < wire_in.end) {
        rc = buf_add(&t->in, wire_in.bytes + wire_in.at, wire_in.end - wire_in.at);
        wire_in.at = wire_in.end = 0;
    }
    if (rc == 0 && wire_out.n > 0)
        rc = push_out(s, more);
    /* part of a record is nothing to be read: what is missing comes by the socket */
    s->buffered = t->in.len > 0 || SSL_pending(t->ssl) > 0;
    return rc;
}

/*
 * A call of OpenSSL's has not done it: why?
 *
 * ret  -EAGAIN; 0 the peer has said that it is the end; or what ends the stream
 */
static int
outcome(struct stream *s, int ret)
{
    struct stream_tls *t = s->tls;
    char why[TLS_WHY_MAX];

    switch (SSL_get_error(t->ssl, ret)) {
    case SSL_ERROR_WANT_READ:
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE: /* kernel: OpenSSL writes the socket itself */
        s->wire_bytes = 1;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SSL:
        tls_error(why, sizeof(why));
        free(t->why);
        t->why = mem_str(why);
        return -EPROTO;
    default:
        return -ECONNRESET;
    }
}

static BIO *
memory_bio(struct tls_server *server, struct stream *s)
{
    BIO *bio = BIO_new(server->bio);

    if (bio) {
        BIO_set_data(bio, s);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/*
 * Who encrypts from now on? Where it is not the kernel, which has not every cipher, OpenSSL
 * gives the socket up.
 *
 * ret  0; -ENOMEM; -EOPNOTSUPP: the kernel only decrypts
 */
static int
settle_kernel(struct stream *s)
{
    struct stream_tls *t = s->tls;
    BIO *bio;

    s->wire_bytes = 0;
    t->kernel = BIO_get_ktls_send(SSL_get_wbio(t->ssl));
    if (t->kernel)
        return 0;
    if (BIO_get_ktls_recv(SSL_get_rbio(t->ssl)))
        return -EOPNOTSUPP;
    bio = memory_bio(t->server, s);
    if (!bio)
        return -ENOMEM;
    SSL_set_bio(t->ssl, bio, bio);
    return 0;
}

static int
shake(struct stream *s)
{
    struct stream_tls *t = s->tls;
    int ret, rc, left;

    if (t->done)
        return 0;
    enter(s);
    if (t->server->settings.kernel)
        s->wire_bytes = 0; /* it was a mark: OpenSSL wants to write */
    ret = SSL_do_handshake(t->ssl);
    rc = ret == 1 ? 0 : outcome(s, ret);
    if (ret != 1 && rc == 0)
        rc = -ECONNRESET;   /* the end, in the middle of it */
    left = leave(s, false); /* an alert, too, goes out */
    if (rc == 0 && left < 0)
        rc = left;
    if (rc == 0 && t->server->settings.kernel)
        rc = settle_kernel(s);
    t->done = rc == 0;
    return rc == 0 || rc == -EAGAIN ? rc : stream_broken(s, rc);
}

static ssize_t
read_some(struct stream *s, void *p, size_t n)
{
    struct stream_tls *t = s->tls;
    size_t got = 0, m;
    int rc = shake(s), left, ret;

    if (rc < 0)
        return rc;
    enter(s);
    while (got < n) {
        ret = SSL_read_ex(t->ssl, (char *)p + got, n - got, &m);
        if (ret != 1) {
            rc = outcome(s, ret);
            break;
        }
        got += m;
    }
    left = leave(s, false);
    if (left < 0)
        return stream_broken(s, left);
    if (got > 0) { /* an end or what went wrong after it is said again by the next call */
        s->buffered = s->buffered || (got < n && rc != -EAGAIN);
        return (ssize_t)got;
    }
    return rc == 0 || rc == -EAGAIN ? rc : stream_broken(s, rc);
}

static int
flush(struct stream *s)
{
    static char plain[PLAIN_BYTES];
    struct stream_tls *t = s->tls;
    size_t turn = 0, put;

    for (;;) {
        int rc = t->out.len > 0 ? push_out(s, stream_queued(s)) : 0;
        size_t most;
        ssize_t n;

        if (rc < 0)
            return stream_broken(s, rc);
        if (s->wire_bytes > 0)
            return -EAGAIN;
        if (!stream_queued(s))
            return 0;
        if (!t->done || turn >= TURN_BYTES)
            return -EAGAIN;
        most = throttle(s, sizeof(plain));
        if (most == 0)
            return -EAGAIN;
        n = stream_take(s, plain, most);
        if (n < 0)
            return stream_broken(s, (int)n);
        enter(s);
        if (SSL_write_ex(t->ssl, plain, (size_t)n, &put) != 1)
            rc = outcome(s, 0) == -EAGAIN ? -EPROTO : -ECONNRESET;
        if (rc == 0)
            rc = leave(s, stream_queued(s) && !s->throttle);
        else
            (void)leave(s, false);
        if (rc < 0)
            return stream_broken(s, rc);
        turn += (size_t)n;
    }
}

static int
flush_or_kernel(struct stream *s)
{
    if (!s->tls->kernel)
        return flush(s);
    s->wire_bytes = 0;
    return stream_flush_plain(s);
}

static enum stream_protocol
alpn(const struct stream *s)
{
    const unsigned char *name;
    unsigned n;

    SSL_get0_alpn_selected(s->tls->ssl, &name, &n);
    return n == 2 && memcmp(name, "h2", 2) == 0 ? STREAM_HTTP2 : STREAM_HTTP1;
}

static const char *
version(const struct stream *s)
{
    return SSL_get_version(s->tls->ssl);
}

/* RFC 8446 6.1: without it nobody could tell an end from a cut. */
static bool
farewell(struct stream *s)
{
    struct stream_tls *t = s->tls;

    if (t->done && !t->said_end && !stream_queued(s)) {
        t->said_end = true;
        enter(s);
        (void)SSL_shutdown(t->ssl);
        ERR_clear_error();
        if (leave(s, false) < 0)
            return true; /* the socket is beyond it */
    } else if (t->out.len > 0) {
        (void)push_out(s, false);
    }
    return t->out.len == 0;
}

static void
end(struct stream *s)
{
    struct stream_tls *t = s->tls;

    s->tls = NULL;
    s->wire_bytes = 0;
    s->buffered = false;
    SSL_free(t->ssl);
    ERR_clear_error();
    buf_done(&t->in);
    buf_done(&t->out);
    free(t->why);
    free(t);
}

static const struct transport_ops transport = {
    .handshake = shake,
    .read = read_some,
    .flush = flush_or_kernel,
    .alpn = alpn,
    .version = version,
    .farewell = farewell,
    .free = end,
};

/* --- its beginning --------------------------------------------------------------------------
 */

int
tls_start(struct tls_server *server, struct stream *s)
{
    struct stream_tls *t;
    SSL *ssl = SSL_new(server->ctx);
    BIO *bio = !ssl                      ? NULL
               : server->settings.kernel ? BIO_new_socket(s->fd, BIO_NOCLOSE)
                                         : memory_bio(server, s);

    if (!bio) {
        SSL_free(ssl);
        return -ENOMEM;
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    t = mem_new(sizeof(*t));
    t->ssl = ssl;
    t->server = server;
    buf_init(&t->in, IN_BYTES);
    buf_init(&t->out, OUT_MAX);
    s->tls = t;
    s->transport = &transport;
    return 0;
}

const char *
tls_why(const struct stream *s)
{
    return s->tls && s->tls->why ? s->tls->why : "";
}
