/* What is wrong with a certificate, its chain and its key. OpenSSL. Floor 6, hostel-examiner.
 */
#include "examiner.h"
#include "hostel/base/mem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define RSA_BITS_MIN 2048

static void
add(struct buf *found, char how, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* What does not fit any more is one line too many to be read. */
static void
add(struct buf *found, char how, const char *fmt, ...)
{
    size_t before = found->len;
    va_list ap;
    int rc = buf_addf(found, "%s%c", before ? "\n" : "", how);

    va_start(ap, fmt);
    if (rc == 0)
        rc = buf_vaddf(found, fmt, ap);
    va_end(ap);
    if (rc < 0)
        found->len = before;
}

static int
no_password(char *buf, int size, int writing, void *data)
{
    (void)buf, (void)size, (void)writing, (void)data;
    return -1;
}

/* --- reading ------------------------------------------------------------------------------ */

static STACK_OF(X509) * read_chain(struct span pem, struct buf *found)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *cert;

    while (chain && bio && (cert = PEM_read_bio_X509(bio, NULL, no_password, NULL)))
        sk_X509_push(chain, cert);
    if (sk_X509_num(chain) <= 0)
        add(found, FOUND_USELESS, "there is no certificate in PEM in it");
    else if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        add(found, FOUND_USELESS, "certificate %d cannot be read", sk_X509_num(chain) + 1);
    ERR_clear_error();
    BIO_free(bio);
    return chain;
}

static EVP_PKEY *
read_key(struct span pem, struct buf *found)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    bool locked = memmem(pem.p, pem.n, "ENCRYPTED", 9);

    if (!key && locked)
        add(found, FOUND_USELESS,
            "the key is locked with a password: nobody is there to type it");
    else if (!key)
        add(found, FOUND_USELESS, "there is no private key in PEM in it");
    ERR_clear_error();
    BIO_free(bio);
    return key;
}

/* --- one certificate ---------------------------------------------------------------------- */

static char *
subject(X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *p, *text;
    long n;

    X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253);
    n = BIO_get_mem_data(bio, &p);
    text = mem_str_span(span_of(p, n > 0 ? (size_t)n : 0));
    BIO_free(bio);
    return text;
}

static char *
date(const ASN1_TIME *t)
{
    char text[32] = "an unreadable date";
    struct tm tm;

    if (ASN1_TIME_to_tm(t, &tm))
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm);
    return mem_str(text);
}

static void
look_at_dates(X509 *cert, const char *what, time_t now, struct buf *found)
{
    time_t soon = now + NEARLY_OVER_S;
    char *from = date(X509_get0_notBefore(cert)), *to = date(X509_get0_notAfter(cert));
    int begun = X509_cmp_time(X509_get0_notBefore(cert), &now);
    int over = X509_cmp_time(X509_get0_notAfter(cert), &now);

    if (begun == 0 || over == 0)
        add(found, FOUND_USELESS, "%s has no readable dates", what);
    else if (over < 0)
        add(found, FOUND_WRONG, "%s expired on %s", what, to);
    else if (begun > 0)
        add(found, FOUND_WRONG, "%s is not valid before %s", what, from);
    else if (X509_cmp_time(X509_get0_notAfter(cert), &soon) < 0)
        add(found, FOUND_WARNING, "%s expires on %s", what, to);
    free(from);
    free(to);
}

/* ret  seconds of the epoch; 0: not to be known */
static uint64_t
end_of(X509 *cert)
{
    struct tm tm;
    time_t t = ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1 ? timegm(&tm) : 0;

    return t > 0 ? (uint64_t)t : 0;
}

static void
look_at_kind(X509 *cert, struct buf *found)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    uint32_t uses = X509_get_extended_key_usage(cert); /* all, where none are named */

    if (!key) {
        add(found, FOUND_USELESS, "the certificate has a key of an unknown kind");
        return;
    }
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
        add(found, FOUND_USELESS, "the RSA key has %d bits, %d are the least",
            EVP_PKEY_get_bits(key), RSA_BITS_MIN);
    if (!(uses & XKU_SSL_SERVER))
        add(found, FOUND_WRONG, "the certificate is not for servers (extendedKeyUsage)");
}

/* --- names -------------------------------------------------------------------------------- */

static void
list_names(X509 *cert, struct buf *covered, struct buf *found)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        struct span name;

        if (g->type != GEN_DNS)
            continue;
        name = span_of(ASN1_STRING_get0_data(g->d.dNSName),
                       (size_t)ASN1_STRING_length(g->d.dNSName));
        if (name.n == 0 || span_find(name, '\n') < name.n || span_find(name, '\0') < name.n)
            continue;
        if ((covered->len && buf_add_str(covered, "\n") < 0) ||
            buf_add_span(covered, name) < 0) {
            add(found, FOUND_USELESS, "the certificate has more names than can be looked at");
            break;
        }
    }
    GENERAL_NAMES_free(names);
}

/* A site's wildcard must stand in the certificate as it is. */
static bool
covers(X509 *cert, struct span name, struct span covered)
{
    struct span one;
    char *text;
    int rc;

    while (span_cut(&covered, '\n', &one))
        if (span_ieq(one, name))
            return true;
    if (name.n > 1 && name.p[0] == '*')
        return false;
    text = mem_str_span(name);
    rc = X509_check_host(cert, text, name.n, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL);
    free(text);
    return rc == 1;
}

static void
look_at_names(X509 *cert, struct span names, struct buf *covered, struct buf *found)
{
    struct span name;

    list_names(cert, covered, found);
    while (span_cut(&names, '\n', &name))
        if (!covers(cert, name, buf_span(covered)))
            add(found, FOUND_WRONG, "the certificate does not cover `%.*s`", (int)name.n,
                name.p);
}

/* --- the chain ---------------------------------------------------------------------------- */

/* Each is followed by the one that signed it. RFC 8446 4.4.2, RFC 5246 7.4.2 */
static void
look_at_order(STACK_OF(X509) * chain, struct buf *found)
{
    for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
        X509 *cert = sk_X509_value(chain, i), *next = sk_X509_value(chain, i + 1);
        EVP_PKEY *key = X509_get0_pubkey(next);
        char *name, *by;

        if (key && X509_check_issued(next, cert) == X509_V_OK && X509_verify(cert, key) == 1)
            continue;
        name = subject(cert);
        by = subject(next);
        add(found, FOUND_WRONG,
            "the chain is out of order: certificate %d (%s) was not signed by the next one "
            "(%s)",
            i + 1, name, by);
        free(name);
        free(by);
        ERR_clear_error();
        return;
    }
}

uint64_t
look_at_pair(struct span chain_pem, struct span key_pem, struct span names, time_t now,
             struct buf *found, struct buf *covered)
{
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
    X509 *cert;
    uint64_t until = 0;

    ERR_clear_error();
    chain = read_chain(chain_pem, found);
    key = read_key(key_pem, found);
    cert = sk_X509_num(chain) > 0 ? sk_X509_value(chain, 0) : NULL;
    if (cert && key && X509_check_private_key(cert, key) != 1)
        add(found, FOUND_USELESS, "the key is not the certificate's");
    if (cert) {
        look_at_kind(cert, found);
        look_at_names(cert, names, covered, found);
        look_at_dates(cert, "the certificate", now, found);
        look_at_order(chain, found);
        until = end_of(cert);
    }
    for (int i = 1; i < sk_X509_num(chain); i++) {
        char *name = subject(sk_X509_value(chain, i));
        char *what = mem_fmt("certificate %d of the chain (%s)", i + 1, name);

        look_at_dates(sk_X509_value(chain, i), what, now, found);
        free(what);
        free(name);
    }
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    ERR_clear_error();
    return until;
}
