/* What is said of pairs: made by the maker, looked at by the looker, spoilt in between. */
#include "examiner.h"

#include "hostel/base/mem.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define DAY (24 * 3600)

static struct buf chain[2], key[2];

static int
setup(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        buf_init(&chain[i], 16384);
        buf_init(&key[i], 16384);
        assert_int_equal(make_pair(i ? SPAN("b.test") : SPAN("a.test\nwww.a.test\n*.wild.test"),
                                   90, &chain[i], &key[i]),
                         0);
    }
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        buf_done(&chain[i]);
        buf_done(&key[i]);
    }
    return 0;
}

static void
check(const char *why, struct span certs, struct span secret, const char *names, int days,
      const char *says)
{
    struct buf found, covered;

    print_message("%s\n", why);
    buf_init(&found, 16384);
    buf_init(&covered, 16384);
    look_at_pair(certs, secret, span_str(names), time(NULL) + days * DAY, &found, &covered);
    (void)buf_add(&found, "", 1);
    if (!*says)
        assert_string_equal(found.data + found.start, "");
    else
        assert_non_null(strstr(found.data + found.start, says));
    buf_done(&found);
    buf_done(&covered);
}

static void
pairs_are_judged(void **state)
{
    static const struct {
        const char *why, *names;
        int days; /* from now */
        const char *says;
    } rows[] = {
        {"all of it is good", "a.test\nwww.a.test", 0, ""},
        {"a name below its wildcard", "x.wild.test", 0, ""},
        {"the wildcard itself", "*.wild.test", 0, ""},
        {"any case", "A.Test", 0, ""},
        {"a wildcard stands for one label", "x.y.wild.test", 0,
         "E"
         "the certificate does not cover `x.y.wild.test`"},
        {"another wildcard", "*.a.test", 0,
         "E"
         "the certificate does not cover `*.a.test`"},
        {"another name", "a.test\nc.test", 0,
         "E"
         "the certificate does not cover `c.test`"},
        {"15 days before its end", "a.test", 75, ""},
        {"13 days before its end", "a.test", 77,
         "W"
         "the certificate expires on "},
        {"after it", "a.test", 91,
         "E"
         "the certificate expired on "},
        {"before its beginning", "a.test", -1,
         "E"
         "the certificate is not valid before "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(rows[i].why, buf_span(&chain[0]), buf_span(&key[0]), rows[i].names, rows[i].days,
              rows[i].says);
}

static void
what_does_not_belong_together(void **state)
{
    struct buf both;
    char cut[200];

    (void)state;
    check("another's key", buf_span(&chain[0]), buf_span(&key[1]), "a.test", 0,
          "R"
          "the key is not the certificate's");
    check("no certificate", buf_span(&key[0]), buf_span(&key[0]), "a.test", 0,
          "R"
          "there is no certificate");
    check("nothing", SPAN(""), buf_span(&key[0]), "a.test", 0,
          "R"
          "there is no certificate");
    check("no key", buf_span(&chain[0]), buf_span(&chain[0]), "a.test", 0,
          "R"
          "there is no private key");
    check("an empty key", buf_span(&chain[0]), SPAN(""), "a.test", 0,
          "R"
          "there is no private key");
    buf_init(&both, 65536);
    (void)buf_add_span(&both, buf_span(&chain[0]));
    (void)buf_add_span(&both, buf_span(&chain[1]));
    check("a chain that is none", buf_span(&both), buf_span(&key[0]), "a.test", 0,
          "E"
          "the chain is out of order: certificate 1 (CN=a.test)");
    buf_done(&both);
    buf_init(&both, 65536);
    memcpy(cut, chain[1].data + chain[1].start, sizeof(cut));
    (void)buf_add_span(&both, buf_span(&chain[0]));
    (void)buf_add(&both, cut, sizeof(cut));
    check("half a certificate behind it", buf_span(&both), buf_span(&key[0]), "a.test", 0,
          "R"
          "certificate 2 cannot be read");
    buf_done(&both);
}

static void
a_locked_key_is_said_to_be(void **state)
{
    EVP_PKEY *k = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    char *p;
    long n;

    (void)state;
    PEM_write_bio_PrivateKey(bio, k, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6,
                             NULL, NULL);
    n = BIO_get_mem_data(bio, &p);
    check("a password", buf_span(&chain[0]), span_of(p, (size_t)n), "a.test", 0,
          "R"
          "the key is locked with a password");
    BIO_free(bio);
    EVP_PKEY_free(k);
}

static void
names_are_listed(void **state)
{
    struct buf found, covered;

    (void)state;
    buf_init(&found, 100);
    buf_init(&covered, 16384);
    look_at_pair(buf_span(&chain[0]), buf_span(&key[0]), SPAN("a.test"), time(NULL), &found,
                 &covered);
    assert_true(span_eq(buf_span(&covered), SPAN("a.test\nwww.a.test\n*.wild.test")));
    buf_done(&covered);
    buf_init(&covered, 10); /* more than there is room for */
    look_at_pair(buf_span(&chain[0]), buf_span(&key[0]), SPAN("a.test"), time(NULL), &found,
                 &covered);
    assert_true(found.len > 0 && found.data[found.start] == FOUND_USELESS);
    buf_done(&covered);
    buf_done(&found);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_judged),
        cmocka_unit_test(what_does_not_belong_together),
        cmocka_unit_test(a_locked_key_is_said_to_be),
        cmocka_unit_test(names_are_listed),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
