/* Password hashes. Floor 5; worker. */
#include "pwhash.h"

#include <nettle/md5.h>
#include <nettle/memops.h>

#define APR1        "$apr1$"
#define APR1_SALT   8    /* bytes of salt that count */
#define APR1_ROUNDS 1000 /* part of the format */

bool
pwhash_is_taken(struct span hash)
{
    static const struct span prefixes[] = {
        SPAN("$2a$"), SPAN("$2b$"), SPAN("$2y$"), SPAN("$y$"), SPAN("$gy$"),
        SPAN("$7$"),  SPAN("$5$"),  SPAN("$6$"),  SPAN("$1$"), SPAN(APR1),
    };

    if (hash.n >= PWHASH_MAX || memchr(hash.p, '\0', hash.n))
        return false;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (span_starts(hash, prefixes[i]))
            return true;
    return false;
}

static void
add(struct md5_ctx *md5, const void *p, size_t n)
{
    md5_update(md5, n, p);
}

/* The digest of password, salt, password, as often as the password is long. */
static void
add_mixed(struct md5_ctx *md5, struct span password, struct span salt)
{
    uint8_t digest[MD5_DIGEST_SIZE];
    struct md5_ctx inner;

    md5_init(&inner);
    add(&inner, password.p, password.n);
    add(&inner, salt.p, salt.n);
    add(&inner, password.p, password.n);
    md5_digest(&inner, sizeof(digest), digest);
    for (size_t left = password.n; left > 0;) {
        size_t n = left < sizeof(digest) ? left : sizeof(digest);

        add(md5, digest, n);
        left -= n;
    }
    for (size_t n = password.n; n > 0; n >>= 1)
        add(md5, n & 1 ? "" : password.p, 1); /* the one byte of "" is NUL */
    explicit_bzero(digest, sizeof(digest));
}

static void
stretch(uint8_t digest[static MD5_DIGEST_SIZE], struct span password, struct span salt)
{
    for (unsigned i = 0; i < APR1_ROUNDS; i++) {
        struct md5_ctx md5;

        md5_init(&md5);
        if (i & 1)
            add(&md5, password.p, password.n);
        else
            add(&md5, digest, MD5_DIGEST_SIZE);
        if (i % 3)
            add(&md5, salt.p, salt.n);
        if (i % 7)
            add(&md5, password.p, password.n);
        if (i & 1)
            add(&md5, digest, MD5_DIGEST_SIZE);
        else
            add(&md5, password.p, password.n);
        md5_digest(&md5, MD5_DIGEST_SIZE, digest);
    }
}

/* Six bits a character, the lowest first, of the digest's bytes in the format's own order. */
static char *
put_digest(char *at, const uint8_t *digest)
{
    static const char digits[] =
        "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (unsigned i = 0; i < 6; i++) {
        uint32_t bits = digest[11];
        unsigned n = 2;

        if (i < 5) {
            bits = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 6] << 8 |
                   digest[i == 4 ? 5 : i + 12];
            n = 4;
        }
        for (; n > 0; n--, bits >>= 6)
            *at++ = digits[bits & 63];
    }
    return at;
}

void
pwhash_apr1(const char *password, const char *setting, char text[static PWHASH_APR1_ROOM])
{
    struct span pw = span_str(password), salt = span_str(setting + sizeof(APR1) - 1);
    uint8_t digest[MD5_DIGEST_SIZE];
    struct md5_ctx md5;
    char *at = text;

    salt.n = span_find(salt, '$');
    if (salt.n > APR1_SALT)
        salt.n = APR1_SALT;
    md5_init(&md5);
    add(&md5, pw.p, pw.n);
    add(&md5, APR1, sizeof(APR1) - 1);
    add(&md5, salt.p, salt.n);
    add_mixed(&md5, pw, salt);
    md5_digest(&md5, sizeof(digest), digest);
    stretch(digest, pw, salt);
    memcpy(at, APR1, sizeof(APR1) - 1);
    at += sizeof(APR1) - 1;
    memcpy(at, salt.p, salt.n);
    at += salt.n;
    *at++ = '$';
    at = put_digest(at, digest);
    *at = '\0';
    explicit_bzero(&md5, sizeof(md5));
    explicit_bzero(digest, sizeof(digest));
}

static bool
is_equal(const char *a, const char *b)
{
    size_t n = strlen(a);

    return strlen(b) == n && memeql_sec(a, b, n);
}

bool
pwhash_fits(const char *password, const char *hash, struct crypt_data *room)
{
    char text[PWHASH_APR1_ROOM];
    const char *made;
    bool fits;

    if (strncmp(hash, APR1, sizeof(APR1) - 1) == 0) {
        pwhash_apr1(password, hash, text);
        fits = is_equal(text, hash);
    } else {
        made = crypt_r(password, hash, room);
        fits = made && made[0] == '$' && is_equal(made, hash); /* "*0": it failed */
    }
    explicit_bzero(text, sizeof(text));
    explicit_bzero(room, sizeof(*room));
    return fits;
}
