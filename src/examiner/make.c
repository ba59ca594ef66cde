/* A certificate to try things out with. OpenSSL. Floor 6, hostel-examiner. */
#include "examiner.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define COMMON_NAME_MAX 64 /* RFC 5280 A.1 */

/* in  value  of openssl's configuration syntax: nothing in it is a visitor's */
static bool
extend(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;
    bool good;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    good = ext && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return good;
}

static bool
add_names(X509 *cert, struct span names)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    struct span name;
    bool good = all;

    while (good && span_cut(&names, '\n', &name)) {
        GENERAL_NAME *g = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();

        good = g && text && ASN1_STRING_set(text, name.p, (int)name.n) == 1;
        if (good)
            GENERAL_NAME_set0_value(g, GEN_DNS, text);
        else
            ASN1_IA5STRING_free(text);
        good = good && sk_GENERAL_NAME_push(all, g) > 0;
    }
    good =
        good && X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(all);
    return good;
}

static bool
set_subject(X509 *cert, struct span names)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    struct span first = {NULL, 0};

    (void)span_cut(&names, '\n', &first);
    if (first.n > COMMON_NAME_MAX)
        first.n = COMMON_NAME_MAX;
    return first.n > 0 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                      (const unsigned char *)first.p, (int)first.n, -1,
                                      0) == 1 &&
           X509_set_issuer_name(cert, subject) == 1;
}

static bool
set_serial(X509 *cert)
{
    unsigned char bytes[16];
    BIGNUM *n;
    bool good = RAND_bytes(bytes, sizeof(bytes)) == 1;

    bytes[0] &= 0x7f; /* positive. RFC 5280 4.1.2.2 */
    n = good ? BN_bin2bn(bytes, sizeof(bytes), NULL) : NULL;
    good = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
    BN_free(n);
    return good;
}

static bool
take_text(BIO *bio, struct buf *out)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);

    return n > 0 && buf_add(out, p, (size_t)n) == 0;
}

int
make_pair(struct span names, unsigned days, struct buf *chain, struct buf *key_out)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_secmem());
    bool good = key && cert && cert_bio && key_bio && X509_set_version(cert, 2) == 1 &&
                set_serial(cert) && set_subject(cert, names) &&
                X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
                X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, NULL) &&
                X509_set_pubkey(cert, key) == 1 && add_names(cert, names) &&
                extend(cert, NID_basic_constraints, "critical,CA:FALSE") &&
                extend(cert, NID_key_usage, "critical,digitalSignature") &&
                extend(cert, NID_ext_key_usage, "serverAuth") &&
                X509_sign(cert, key, EVP_sha256()) > 0 &&
                PEM_write_bio_X509(cert_bio, cert) == 1 &&
                PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                take_text(cert_bio, chain) && take_text(key_bio, key_out);

    BIO_free(cert_bio);
    BIO_free(key_bio);
    X509_free(cert);
    EVP_PKEY_free(key);
    return good ? 0 : -EINVAL;
}
