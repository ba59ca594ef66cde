/* TLS streams against OpenSSL's own client: handshakes, bytes, ends, sessions. */
#include "hostel/base/mem.h"
#include "hostel/net/tls.h"
#include "hostel/peek/hello.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define NAMES 2

static const char *const names[NAMES] = {"a.test", "b.test"};

/* A server with a certificate for each name, and one client of it. */
struct setup {
    uv_loop_t loop;
    struct tls_server *server, *other;
    struct tls_host *hosts[NAMES], *other_hosts[NAMES];
    struct span pem[NAMES][2];
    SSL_CTX *client_ctx;
    SSL_SESSION *session;
    struct stream s;
    SSL *client;
    bool open;
};

static struct setup now;
static bool kernel; /* asked to encrypt; where it cannot, nobody may notice */

static void
on_ready(struct stream *s)
{
    (void)s;
}

static void
on_closed(struct stream *s)
{
    (void)s;
    now.open = false;
}

static struct tls_host *
find_in(struct tls_host **hosts, struct span name)
{
    for (size_t i = 0; i < NAMES; i++)
        if (span_eq(name, span_str(names[i])))
            return hosts[i];
    return NULL;
}

static struct tls_host *
find(void *data, struct span name)
{
    return find_in(data, name);
}

static struct span
text_of(BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    struct span s = {mem_new((size_t)n + 1), (size_t)n};

    memcpy((void *)(uintptr_t)s.p, p, s.n);
    BIO_free(bio);
    return s;
}

static void
make_pair(const char *name, struct span pem[2])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);
    BIO *out[2] = {BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())};

    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(cert, subject);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    PEM_write_bio_X509(out[0], cert);
    PEM_write_bio_PrivateKey(out[1], key, NULL, NULL, 0, NULL, NULL);
    pem[0] = text_of(out[0]);
    pem[1] = text_of(out[1]);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static struct tls_server *
make_server(struct tls_host **hosts, bool http2, char fill)
{
    const struct tls_settings settings = {
        .find = find, .data = hosts, .http2 = http2, .kernel = kernel};
    char why[TLS_WHY_MAX] = "", keys[TLS_TICKET_KEY];
    struct tls_server *server = tls_openssl.server_new(&settings, why);

    assert_string_equal(why, "");
    memset(keys, fill, sizeof(keys));
    assert_int_equal(tls_openssl.set_tickets(server, span_of(keys, sizeof(keys))), 0);
    for (size_t i = 0; i < NAMES; i++) {
        hosts[i] = tls_openssl.host_new(server, now.pem[i][0], now.pem[i][1], i ? 13 : 12, why);
        assert_non_null(hosts[i]);
    }
    return server;
}

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(now.session);
    now.session = session;
    return 1;
}

static int
setup(void **state)
{
    memset(&now, 0, sizeof(now));
    uv_loop_init(&now.loop);
    for (size_t i = 0; i < NAMES; i++)
        make_pair(names[i], now.pem[i]);
    now.server = make_server(now.hosts, true, 'k');
    now.client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(now.client_ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(now.client_ctx, on_session);
    *state = &now;
    return 0;
}

static void
hang_up(bool abort)
{
    if (now.open)
        stream_close(&now.s, abort, on_closed);
    uv_run(&now.loop, UV_RUN_DEFAULT);
    assert_false(now.open);
    if (now.client) {
        close(SSL_get_fd(now.client));
        SSL_set_shutdown(now.client, SSL_SENT_SHUTDOWN); /* else its session is given up */
    }
    SSL_free(now.client);
    now.client = NULL;
}

static int
teardown(void **state)
{
    (void)state;
    hang_up(false);
    for (size_t i = 0; i < NAMES; i++) {
        tls_openssl.host_free(&now.hosts[i]);
        tls_openssl.host_free(&now.other_hosts[i]);
        free((void *)(uintptr_t)now.pem[i][0].p);
        free((void *)(uintptr_t)now.pem[i][1].p);
    }
    tls_openssl.server_free(&now.server);
    tls_openssl.server_free(&now.other);
    SSL_SESSION_free(now.session);
    SSL_CTX_free(now.client_ctx);
    return uv_loop_close(&now.loop);
}

/* A connection, its handshake not begun. */
static void
call(struct tls_server *server, const char *name)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    stream_init(&now.s, &now.loop, pair[0], on_ready);
    assert_int_equal(tls_openssl.start(server, &now.s), 0);
    now.open = true;
    now.client = SSL_new(now.client_ctx);
    SSL_set_fd(now.client, pair[1]);
    if (name)
        SSL_set_tlsext_host_name(now.client, name);
    if (now.session)
        SSL_set_session(now.client, now.session);
}

/* Both sides in turns. ret  the stream's outcome */
static int
shake(void)
{
    int rc = -EAGAIN;

    for (int i = 0; i < 20 && rc == -EAGAIN; i++) {
        (void)SSL_connect(now.client);
        rc = stream_handshake(&now.s);
    }
    (void)SSL_connect(now.client);
    return rc;
}

static void
good_call(struct tls_server *server, const char *name)
{
    char none[1];

    call(server, name);
    assert_int_equal(shake(), 0);
    assert_true(SSL_is_init_finished(now.client));
    assert_int_equal(SSL_read(now.client, none, 1), -1); /* takes the ticket */
}

static void
the_name_decides(void **state)
{
    static const struct {
        const char *name;
        unsigned alert; /* 0: a good one */
    } rows[] = {
        {"a.test", 0},
        {"b.test", 0},
        {"A.Test", 0},
        {"c.test", ALERT_UNRECOGNIZED_NAME},
        {"a.test:443", ALERT_UNRECOGNIZED_NAME},
        {NULL, ALERT_MISSING_EXTENSION},
    };
    char subject[64];
    X509 *cert;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].name ? rows[i].name : "none");
        call(now.server, rows[i].name);
        ERR_clear_error();
        if (rows[i].alert) {
            assert_int_equal(shake(), -EPROTO);
            assert_string_not_equal(tls_openssl.why(&now.s), "");
            assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()),
                             SSL_AD_REASON_OFFSET + rows[i].alert);
        } else {
            assert_int_equal(shake(), 0);
            cert = SSL_get1_peer_certificate(now.client);
            X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, subject,
                                      sizeof(subject));
            assert_int_equal(strcasecmp(subject, rows[i].name), 0);
            X509_free(cert);
        }
        hang_up(false);
    }
}

static void
versions_and_protocols(void **state)
{
    static const struct {
        const char *why, *name, *alpn;
        int max;
        int outcome;
        enum stream_protocol spoken;
    } rows[] = {
        {"nothing offered", "a.test", "", TLS1_3_VERSION, 0, STREAM_HTTP1},
        {"both", "a.test", "\x08http/1.1\x02h2", TLS1_3_VERSION, 0, STREAM_HTTP2},
        {"HTTP/1.1", "a.test", "\x08http/1.1", TLS1_3_VERSION, 0, STREAM_HTTP1},
        {"neither", "a.test",
         "\x03"
         "foo",
         TLS1_3_VERSION, -EPROTO, STREAM_HTTP1},
        {"1.2", "a.test", "\x02h2", TLS1_2_VERSION, 0, STREAM_HTTP2},
        {"1.2 where 1.3 is the least", "b.test", "", TLS1_2_VERSION, -EPROTO, STREAM_HTTP1},
        {"1.1", "a.test", "", TLS1_1_VERSION, -EPROTO, STREAM_HTTP1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].why);
        call(now.server, rows[i].name);
        SSL_set_security_level(now.client, 0);
        SSL_set_min_proto_version(now.client, TLS1_VERSION);
        SSL_set_max_proto_version(now.client, rows[i].max);
        SSL_set_cipher_list(now.client, "ALL:@SECLEVEL=0");
        if (*rows[i].alpn)
            SSL_set_alpn_protos(now.client, (const unsigned char *)rows[i].alpn,
                                (unsigned)strlen(rows[i].alpn));
        assert_int_equal(shake(), rows[i].outcome);
        if (rows[i].outcome == 0)
            assert_int_equal(stream_alpn(&now.s), rows[i].spoken);
        hang_up(false);
    }
}

static const char *
pattern(size_t n)
{
    char *p = mem_new(n);

    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 7 + i / 251);
    return p;
}

/* Read by the client while the stream sends; ret  bytes, which it compares */
static size_t
drain(const char *wanted, size_t n)
{
    static char room[65536];
    size_t got = 0, m;
    int rc = 0;

    while (got < n) {
        rc = stream_flush(&now.s);
        assert_true(rc == 0 || rc == -EAGAIN);
        while (SSL_read_ex(now.client, room, sizeof(room), &m)) {
            assert_true(got + m <= n);
            assert_memory_equal(room, wanted + got, m);
            got += m;
        }
        if (rc == 0 && SSL_get_error(now.client, 0) != SSL_ERROR_WANT_READ)
            break;
    }
    return got;
}

static void
memory_and_files_come_whole(void **state)
{
    static const size_t sizes[] = {1, 100, 16384, 16385, 65536, 65537, 3000000};

    (void)state;
    good_call(now.server, "a.test");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t n = sizes[i];
        const char *bytes = pattern(3 * n);
        FILE *f = tmpfile();
        struct segment memory = {.bytes = {bytes + n, n}, .fd = -1};
        struct segment file = {.fd = fileno(f), .offset = 2 * n, .length = n};

        fwrite(bytes, 1, 3 * n, f);
        fflush(f);
        stream_copy(&now.s, span_of(bytes, n));
        stream_lend(&now.s, &memory);
        stream_lend(&now.s, &file);
        assert_int_equal(drain(bytes, 3 * n), 3 * n);
        assert_false(stream_pending(&now.s));
        assert_int_equal(now.s.memory_bytes, 0);
        assert_int_equal(now.s.put_bytes, now.s.sent_bytes);
        fclose(f);
        free((void *)(uintptr_t)bytes);
    }
}

static void
a_file_that_shrinks_ends_it(void **state)
{
    FILE *f = tmpfile();
    struct segment file = {.fd = fileno(f), .length = 1000};

    (void)state;
    fwrite("short", 1, 5, f);
    fflush(f);
    good_call(now.server, "a.test");
    stream_lend(&now.s, &file);
    assert_int_equal(stream_flush(&now.s), -EIO);
    fclose(f);
}

/* In small rooms, with what OpenSSL and we hold in between never forgotten. */
static void
input_comes_whole(void **state)
{
    static const size_t rooms[] = {1, 1000, 20000, 100000};
    const char *bytes = pattern(150000);
    size_t put = 0, got, m;
    ssize_t n;

    (void)state;
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        char *room = mem_new(rooms[i]);
        size_t all = rooms[i] == 1 ? 40000 : 150000;

        good_call(now.server, "a.test");
        assert_int_equal(stream_read(&now.s, room, rooms[i]), -EAGAIN);
        for (put = got = 0; got < all;) {
            if (put < all &&
                SSL_write_ex(now.client, bytes + put, all - put < 5000 ? all - put : 5000, &m))
                put += m;
            n = stream_read(&now.s, room, rooms[i]);
            if (n == -EAGAIN) {
                assert_false(now.s.buffered);
                continue;
            }
            assert_true(n > 0);
            assert_memory_equal(room, bytes + got, (size_t)n);
            got += (size_t)n;
        }
        assert_int_equal(stream_read(&now.s, room, rooms[i]), -EAGAIN);
        assert_false(now.s.buffered);
        free(room);
        hang_up(false);
    }
    free((void *)(uintptr_t)bytes);
}

static int readies;

static void
count_ready(struct stream *s)
{
    (void)s;
    readies++;
}

/* What lies in memory wakes its reader as what lies in the socket does. */
static void
buffered_input_is_an_event(void **state)
{
    char room[10], many[3000] = "";

    (void)state;
    good_call(now.server, "a.test");
    now.s.on_ready = count_ready;
    readies = 0;
    assert_int_equal(SSL_write(now.client, many, sizeof(many)), sizeof(many));
    assert_int_equal(stream_read(&now.s, room, sizeof(room)), sizeof(room));
    assert_true(now.s.buffered);
    stream_watch(&now.s, true);
    uv_run(&now.loop, UV_RUN_NOWAIT);
    assert_int_equal(readies, 1);
    stream_rest(&now.s);
}

/* A record that is not whole is nothing to wake up for, however much of it is there. */
static void
half_a_record_is_no_event(void **state)
{
    static const size_t parts[] = {1, 5, 1000};
    BIO *out = BIO_new(BIO_s_mem());
    char room[4096], page[3000] = "", *record;
    size_t sent = 0, n;
    int fd;

    (void)state;
    good_call(now.server, "a.test");
    now.s.on_ready = count_ready;
    readies = 0;
    fd = SSL_get_fd(now.client);
    SSL_set0_wbio(now.client, out);
    assert_int_equal(SSL_write(now.client, page, sizeof(page)), sizeof(page));
    n = (size_t)BIO_get_mem_data(out, &record);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        assert_int_equal(write(fd, record + sent, parts[i]), parts[i]);
        sent += parts[i];
        assert_int_equal(stream_read(&now.s, room, sizeof(room)), -EAGAIN);
        assert_false(now.s.buffered);
        stream_watch(&now.s, true);
        uv_run(&now.loop, UV_RUN_NOWAIT);
        assert_int_equal(readies, 0);
    }
    assert_int_equal(write(fd, record + sent, n - sent), n - sent);
    uv_run(&now.loop, UV_RUN_NOWAIT);
    assert_int_equal(readies, 1);
    assert_int_equal(stream_read(&now.s, room, sizeof(room)), sizeof(page));
    stream_rest(&now.s);
    close(fd);
}

static void
an_end_behind_bytes_is_an_event(void **state)
{
    char room[64];

    (void)state;
    good_call(now.server, "a.test");
    now.s.on_ready = count_ready;
    readies = 0;
    assert_int_equal(SSL_write(now.client, "bye", 3), 3);
    SSL_shutdown(now.client);
    assert_int_equal(stream_read(&now.s, room, sizeof(room)), 3);
    stream_watch(&now.s, true);
    uv_run(&now.loop, UV_RUN_NOWAIT);
    assert_int_equal(readies, 1);
    assert_int_equal(stream_read(&now.s, room, sizeof(room)), 0);
    stream_rest(&now.s);
}

static void
a_byte_at_a_time(void **state)
{
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    int fd, rc = -EAGAIN;
    char room[4096];
    ssize_t n;

    (void)state;
    call(now.server, "a.test");
    fd = SSL_get_fd(now.client);
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(now.client, in, out);
    for (int i = 0; i < 5 && rc == -EAGAIN; i++) {
        (void)SSL_connect(now.client);
        while (BIO_read(out, room, 1) == 1) {
            assert_int_equal(write(fd, room, 1), 1);
            rc = stream_handshake(&now.s);
            assert_true(rc == 0 || rc == -EAGAIN);
        }
        while ((n = read(fd, room, sizeof(room))) > 0)
            BIO_write(in, room, (int)n);
    }
    assert_int_equal(rc, 0);
    close(fd);
}

static void
ends_are_told(void **state)
{
    char room[64];

    (void)state;
    /* ours, orderly */
    good_call(now.server, "a.test");
    stream_shutdown(&now.s);
    assert_int_equal(SSL_read(now.client, room, 1), 0);
    assert_int_equal(SSL_get_error(now.client, 0), SSL_ERROR_ZERO_RETURN);
    /* and he may still talk */
    assert_int_equal(SSL_write(now.client, "late", 4), 4);
    assert_int_equal(stream_read(&now.s, room, sizeof(room)), 4);
    hang_up(false);
    /* ours, with the connection */
    good_call(now.server, "a.test");
    stream_close(&now.s, false, on_closed);
    assert_int_equal(SSL_read(now.client, room, 1), 0);
    assert_int_equal(SSL_get_error(now.client, 0), SSL_ERROR_ZERO_RETURN);
    hang_up(false);
    /* a cut answer must not look like a whole one */
    good_call(now.server, "a.test");
    stream_close(&now.s, true, on_closed);
    assert_true(SSL_read(now.client, room, 1) <= 0);
    assert_int_not_equal(SSL_get_error(now.client, 0), SSL_ERROR_ZERO_RETURN);
    hang_up(false);
    /* his: he reads on */
    good_call(now.server, "a.test");
    assert_int_equal(SSL_write(now.client, "bye", 3), 3);
    SSL_shutdown(now.client);
    assert_int_equal(stream_read(&now.s, room, sizeof(room)), 3);
    assert_int_equal(stream_read(&now.s, room, sizeof(room)), 0);
    stream_copy(&now.s, SPAN("answer"));
    assert_int_equal(stream_flush(&now.s), 0);
    assert_int_equal(SSL_read(now.client, room, sizeof(room)), 6);
    hang_up(false);
    /* his, without a word, as many do */
    good_call(now.server, "a.test");
    shutdown(SSL_get_fd(now.client), SHUT_WR);
    assert_int_equal(stream_read(&now.s, room, sizeof(room)), 0);
}

static void
rubbish_ends_it(void **state)
{
    char room[64];
    int fd;

    (void)state;
    call(now.server, "a.test");
    fd = SSL_get_fd(now.client);
    assert_int_equal(write(fd, "GET / HTTP/1.0\r\n\r\n", 18), 18);
    assert_int_equal(stream_handshake(&now.s), -EPROTO);
    hang_up(false);
    good_call(now.server, "a.test");
    fd = SSL_get_fd(now.client);
    assert_int_equal(write(fd,
                           "\x17\x03\x03\x00\x14"
                           "01234567890123456789",
                           25),
                     25);
    assert_int_equal(stream_read(&now.s, room, sizeof(room)), -EPROTO);
    assert_int_equal(read(fd, room, sizeof(room)) > 0, 1); /* an alert */
}

static bool
resumed(struct tls_server *server, const char *name)
{
    bool was;

    good_call(server, name);
    was = SSL_session_reused(now.client);
    hang_up(false);
    return was;
}

static void
sessions_stay_with_their_user(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION_free(now.session);
        now.session = NULL;
        SSL_CTX_set_max_proto_version(now.client_ctx, version);
        assert_false(resumed(now.server, "a.test"));
        assert_non_null(now.session);
        assert_true(resumed(now.server, "a.test"));
        /* another worker of the same user */
        now.other = make_server(now.other_hosts, true, 'k');
        assert_true(resumed(now.other, "a.test"));
        for (size_t i = 0; i < NAMES; i++)
            tls_openssl.host_free(&now.other_hosts[i]);
        tls_openssl.server_free(&now.other);
        /* another user's: other keys */
        now.other = make_server(now.other_hosts, true, 'x');
        assert_false(resumed(now.other, "a.test"));
        for (size_t i = 0; i < NAMES; i++)
            tls_openssl.host_free(&now.other_hosts[i]);
        tls_openssl.server_free(&now.other);
    }
    /* another site of the same user */
    SSL_SESSION_free(now.session);
    now.session = NULL;
    assert_false(resumed(now.server, "a.test"));
    assert_false(resumed(now.server, "b.test"));
}

static void
old_keys_open_tickets(void **state)
{
    char keys[2 * TLS_TICKET_KEY];

    (void)state;
    assert_false(resumed(now.server, "a.test"));
    memset(keys, 'n', TLS_TICKET_KEY);
    memset(keys + TLS_TICKET_KEY, 'k', TLS_TICKET_KEY);
    assert_int_equal(tls_openssl.set_tickets(now.server, span_of(keys, sizeof(keys))), 0);
    assert_true(resumed(now.server, "a.test"));
    memset(keys, 'm', TLS_TICKET_KEY); /* the newest ticket is of 'n' already */
    memset(keys + TLS_TICKET_KEY, 'n', TLS_TICKET_KEY);
    assert_int_equal(tls_openssl.set_tickets(now.server, span_of(keys, sizeof(keys))), 0);
    assert_true(resumed(now.server, "a.test"));
    memset(keys, 'o', TLS_TICKET_KEY);
    assert_int_equal(tls_openssl.set_tickets(now.server, span_of(keys, TLS_TICKET_KEY)), 0);
    assert_false(resumed(now.server, "a.test"));
    assert_true(tls_openssl.set_tickets(now.server, span_of(keys, 79)) < 0);
    assert_true(tls_openssl.set_tickets(now.server, span_of(keys, 0)) < 0);
}

static void
bad_pairs_are_refused(void **state)
{
    static const struct {
        const char *why;
        int chain, key; /* whose; -1: rubbish, -2: nothing */
        const char *says;
    } rows[] = {
        {"another's key", 0, 1, "key"},
        {"no certificate", -1, 0, "the certificate"},
        {"an empty one", -2, 0, "the certificate"},
        {"no key", 0, -1, "the key"},
        {"an empty key", 0, -2, "the key"},
    };
    struct span odd[] = {SPAN("-----BEGIN"), SPAN("")};
    char why[TLS_WHY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span chain =
            rows[i].chain < 0 ? odd[-1 - rows[i].chain] : now.pem[rows[i].chain][0];
        struct span key = rows[i].key < 0 ? odd[-1 - rows[i].key] : now.pem[rows[i].key][1];

        print_message("%s\n", rows[i].why);
        assert_null(tls_openssl.host_new(now.server, chain, key, 12, why));
        assert_non_null(strstr(why, rows[i].says));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_name_decides, setup, teardown),
        cmocka_unit_test_setup_teardown(versions_and_protocols, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_and_files_come_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_shrinks_ends_it, setup, teardown),
        cmocka_unit_test_setup_teardown(input_comes_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(buffered_input_is_an_event, setup, teardown),
        cmocka_unit_test_setup_teardown(half_a_record_is_no_event, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_behind_bytes_is_an_event, setup, teardown),
        cmocka_unit_test_setup_teardown(a_byte_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(rubbish_ends_it, setup, teardown),
        cmocka_unit_test_setup_teardown(sessions_stay_with_their_user, setup, teardown),
        cmocka_unit_test_setup_teardown(old_keys_open_tickets, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_pairs_are_refused, setup, teardown),
    };

    int failed;

    signal(SIGPIPE, SIG_IGN);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    kernel = true;
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
