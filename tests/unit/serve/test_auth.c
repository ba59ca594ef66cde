/* Credentials as they come, password files as they are written, hashes as others made them. */
#include "auth.h"
#include "htpasswd.h"
#include "pwhash.h"
#include "tree.h"

#include <errno.h>
#include <string.h>

/* clang-format off */
static const struct {
    const char *why, *value;
    int rc;
    const char *user, *password;
} values[] = {
    {"the RFC's own", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", 0, "Aladdin", "open sesame"},
    {"any case of the scheme", "bAsIc QTpi", 0, "A", "b"},
    {"more spaces", "Basic   QTpi", 0, "A", "b"},
    {"a colon in the password", "Basic YTpiOmM=", 0, "a", "b:c"},
    {"no user", "Basic OmI=", 0, "", "b"},
    {"no password", "Basic YTo=", 0, "a", ""},
    {"UTF-8", "Basic dGVzdDoxMjPCow==", 0, "test", "123\xc2\xa3"},
    {"another scheme", "Bearer QTpi", -EINVAL, NULL, NULL},
    {"a longer one", "Basics QTpi", -EINVAL, NULL, NULL},
    {"nothing", "", -EINVAL, NULL, NULL},
    {"the scheme alone", "Basic ", -EINVAL, NULL, NULL},
    {"no colon", "Basic YWI=", -EINVAL, NULL, NULL},
    {"no padding", "Basic YTpiOmM", -EINVAL, NULL, NULL},
    {"too much padding", "Basic QTpi====", -EINVAL, NULL, NULL},
    {"padding first", "Basic ====", -EINVAL, NULL, NULL},
    {"bits behind the end", "Basic YTpiOmN=", -EINVAL, NULL, NULL},
    {"white space inside", "Basic QT pi", -EINVAL, NULL, NULL},
    {"another alphabet", "Basic YTpi-_-_", -EINVAL, NULL, NULL},
    {"a NUL", "Basic YTpiAGM=", -EINVAL, NULL, NULL},
    {"a line end in the user", "Basic YQo6Yg==", -EINVAL, NULL, NULL},
};

static const struct {
    const char *why, *password, *hash;
    bool fits;
} hashes[] = {
    {"bcrypt", "wonder:land", "$2b$05$abcdefghijklmnopqrstuu12xgx35XzVimpLAARVsY.qvjwFuB00y", true},
    {"sha256", "wonder:land", "$5$rounds=1000$saltsalt$H58euBA0V5ZRlZwkRcEAoTi6qVaC/ROxybged.hyijB", true},
    {"md5", "wonder:land", "$1$saltsalt$3aa4Bz38vof4WjWqZcqLe/", true},
    {"yescrypt", "wonder:land", "$y$j75$saltsaltsalt$TFwCbDbmXNvqa.1b5jnrFPghKBZJTo8zDc0BbW81dz.", true},
    {"apr1", "wonder:land", "$apr1$saltsalt$tW2cLbpZjLUbkhfqibvhb.", true},
    {"apr1, no password", "", "$apr1$ab$S8K6Sgp3W8c9Jb6LxgywZ.", true},
    {"apr1, a long one", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "$apr1$12345678$XUgawe9rI.Q.pC4iat45x/", true},
    {"apr1, UTF-8", "p\xc3\xa4ss", "$apr1$x$cfANosaqgO2PdyR5LvuNa.", true},
    {"apr1, another", "wonder:lane", "$apr1$saltsalt$tW2cLbpZjLUbkhfqibvhb.", false},
    {"apr1, cut", "wonder:land", "$apr1$saltsalt$tW2cLbpZjLUbkhfqibvhb", false},
    {"apr1, no hash", "wonder:land", "$apr1$saltsalt$", false},
    {"bcrypt, another", "wonder:lane", "$2b$05$abcdefghijklmnopqrstuu12xgx35XzVimpLAARVsY.qvjwFuB00y", false},
    {"a setting that is none", "x", "$2b$99$!", false},
};
/* clang-format on */

static void
test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct credentials c;

        if (auth_parse(span_str(values[i].value), &c) != values[i].rc)
            fail_msg("%s", values[i].why);
        if (values[i].rc == 0 && (!span_eq(c.user, span_str(values[i].user)) ||
                                  !span_eq(c.password, span_str(values[i].password))))
            fail_msg("%s: %s", values[i].why, c.text);
    }
}

static void
test_hashes(void **state)
{
    static struct crypt_data room;

    (void)state;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        assert_true(pwhash_is_taken(span_str(hashes[i].hash)));
        if (pwhash_fits(hashes[i].password, hashes[i].hash, &room) != hashes[i].fits)
            fail_msg("%s", hashes[i].why);
    }
    assert_false(pwhash_is_taken(SPAN("plain")));
    assert_false(pwhash_is_taken(SPAN("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=")));
    assert_false(pwhash_is_taken(SPAN("rqXexS6ZhobKA")));
    assert_false(pwhash_is_taken(SPAN("*0")));
}

static bool
find(struct htpasswd *h, uint64_t now_ms, const char *user, const char *want)
{
    const struct htpasswd_file *file;
    struct span hash;
    bool known;

    assert_int_equal(htpasswd_open(h, tree_path("pw"), now_ms, &file), 0);
    known = htpasswd_find(file, span_str(user), &hash);
    assert_true(span_eq(hash, span_str(want)));
    return known;
}

static void
test_files(void **state)
{
    struct htpasswd *h = htpasswd_new();
    const struct htpasswd_file *file;
    struct site site;

    (void)state;
    tree_site(&site);
    assert_int_equal(htpasswd_open(h, tree_path("pw"), 0, &file), -ENOENT);
    tree_file("pw",
              "#x:$5$no\n\nplain:text\n:$5$nobody\na:$5$a\r\nb:$6$b:more\na:$5$later\nc:$1$c");
    assert_true(find(h, 1000, "a", "$5$a"));
    assert_true(find(h, 1000, "b", "$6$b"));
    assert_true(find(h, 1000, "c", "$1$c"));
    assert_false(find(h, 1000, "plain", "$5$a")); /* somebody's, for the same work */
    assert_false(find(h, 1000, "#x", "$5$a"));
    assert_false(find(h, 1000, "", "$5$a"));
    tree_file("pw", "d:$5$d\n");
    assert_true(find(h, 1449, "a", "$5$a"));
    assert_true(find(h, 1450, "d", "$5$d"));
    tree_file("pw", "");
    assert_false(find(h, 2000, "d", ""));
    assert_int_equal(htpasswd_open(h, tree_root, 3000, &file), -EACCES);
    tree_file("big", "a:$5$a\n");
    assert_int_equal(truncate(tree_path("big"), HTPASSWD_BYTES_MAX + 1), 0);
    assert_int_equal(htpasswd_open(h, tree_path("big"), 3000, &file), -EFBIG);
    htpasswd_free(&h);
    assert_null(h);
    tree_done(&site);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
