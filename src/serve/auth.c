/*
 * Basic authentication. Floor 5; worker.
 *
 *   auth_passed -- no rule ------------------------------------------> go on
 *        |-- no or bad credentials --> 401
 *        |-- file unreadable --------> 500
 *        |-- proved a moment ago ------------------------------------> go on
 *        +-- hasher_check --> on_checked -- no ---> 401
 *                                 +-- yes: remembered, from the start --^
 *
 * What was proved is remembered as a keyed hash of file, version, user and password for
 * PROVED_MS, so that a page with fifty images costs one slow hash. A change of the file is a
 * new version: nothing that was proved before holds.
 */
#include "auth.h"
#include "hasher.h"
#include "hostel/base/buf.h"
#include "hostel/base/date.h"
#include "hostel/base/mem.h"
#include "htpasswd.h"

#include <errno.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdlib.h>
#include <sys/random.h>

#define PROVED_MS    60000
#define PROVED_SETS  256 /* of PROVED_WAYS entries: 1024 in all */
#define PROVED_WAYS  4
#define REALM_MAX    1024
#define ENCODED_MAX  ((AUTH_CREDENTIALS_MAX + 2) / 3 * 4)
#define DIGEST_BYTES SHA256_DIGEST_SIZE

struct proof {
    uint8_t digest[DIGEST_BYTES];
    uint64_t until_ms; /* 0 = free */
};

struct auth {
    struct hasher *hasher;
    struct htpasswd *files;
    uint8_t key[32];
    struct proof (*proofs)[PROVED_WAYS]; /* PROVED_SETS; NULL before the first one */
};

/* An exchange whose password is being looked at. */
struct check {
    struct exchange *x;
    const struct auth_rule *rule;
    struct hasher_job *job;
    bool known; /* the hash is the user's own */
    uint8_t digest[DIGEST_BYTES];
};

struct auth *
auth_new(uv_loop_t *loop)
{
    struct auth *a = mem_new(sizeof(*a));

    if (getrandom(a->key, sizeof(a->key), 0) != sizeof(a->key))
        abort(); /* a key that can be guessed is worse than no server */
    a->hasher = hasher_new(loop);
    a->files = htpasswd_new();
    return a;
}

void
auth_free(struct auth **a)
{
    if (!*a)
        return;
    hasher_free(&(*a)->hasher);
    htpasswd_free(&(*a)->files);
    if ((*a)->proofs)
        explicit_bzero((*a)->proofs, PROVED_SETS * sizeof(*(*a)->proofs));
    free((*a)->proofs);
    explicit_bzero(*a, sizeof(**a));
    free(*a);
    *a = NULL;
}

/* --- what is remembered ----------------------------------------------------------------- */

static void
digest_of(const struct auth *a, uint64_t version, const struct credentials *c,
          uint8_t digest[static DIGEST_BYTES])
{
    struct hmac_sha256_ctx hmac;

    hmac_sha256_set_key(&hmac, sizeof(a->key), a->key);
    hmac_sha256_update(&hmac, sizeof(version), (const uint8_t *)&version);
    /* the user, the colon, which is in no user, and the password */
    hmac_sha256_update(&hmac, c->user.n + 1 + c->password.n, (const uint8_t *)c->user.p);
    hmac_sha256_digest(&hmac, DIGEST_BYTES, digest);
    explicit_bzero(&hmac, sizeof(hmac));
}

static bool
is_proved(const struct auth *a, const uint8_t *digest, uint64_t now_ms)
{
    const struct proof *set = a->proofs ? a->proofs[digest[0]] : NULL;

    for (unsigned i = 0; set && i < PROVED_WAYS; i++)
        if (set[i].until_ms > now_ms && memeql_sec(set[i].digest, digest, DIGEST_BYTES))
            return true;
    return false;
}

static void
remember(struct auth *a, const uint8_t *digest, uint64_t now_ms)
{
    struct proof *set, *oldest;

    if (!a->proofs)
        a->proofs = mem_new_array(PROVED_SETS, sizeof(*a->proofs));
    set = oldest = a->proofs[digest[0]];

    for (unsigned i = 1; i < PROVED_WAYS; i++)
        if (set[i].until_ms < oldest->until_ms)
            oldest = &set[i];
    memcpy(oldest->digest, digest, DIGEST_BYTES);
    oldest->until_ms = now_ms + PROVED_MS;
}

/* --- what the visitor says -------------------------------------------------------------- */

static bool
is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* nettle skips white space, which the format does not have. */
static bool
decode(struct span encoded, struct credentials *c, size_t *n)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    uint8_t room[BASE64_DECODE_LENGTH(ENCODED_MAX)];
    struct base64_decode_ctx base64;
    bool fine;

    if (encoded.n == 0 || encoded.n > ENCODED_MAX || encoded.n % 4)
        return false;
    for (size_t i = 0; i < encoded.n; i++)
        if (!encoded.p[i] || !strchr(digits, encoded.p[i]))
            return false;
    base64_decode_init(&base64);
    fine = base64_decode_update(&base64, n, room, encoded.n, encoded.p) &&
           base64_decode_final(&base64) && *n <= AUTH_CREDENTIALS_MAX;
    if (fine) {
        memcpy(c->text, room, *n);
        c->text[*n] = '\0';
    }
    explicit_bzero(room, sizeof(room));
    explicit_bzero(&base64, sizeof(base64));
    return fine;
}

int
auth_parse(struct span value, struct credentials *c)
{
    const struct span scheme = SPAN("Basic ");
    size_t n, colon;

    if (value.n < scheme.n || !span_ieq(span_of(value.p, scheme.n), scheme) ||
        !decode(span_trim(span_skip(value, scheme.n)), c, &n))
        return -EINVAL;
    colon = span_find(span_of(c->text, n), ':');
    if (colon == n || memchr(c->text, '\0', n))
        return -EINVAL;
    for (size_t i = 0; i < colon; i++)
        if (is_control(c->text[i]))
            return -EINVAL;
    c->user = span_of(c->text, colon);
    c->password = span_of(c->text + colon + 1, n - colon - 1);
    return 0;
}

/* Two fields could be read as one visitor here and as another behind us. */
static int
credentials_of(const struct request *req, struct credentials *c)
{
    const struct field *found = NULL;

    for (unsigned i = 0; i < req->nfields; i++) {
        if (!span_ieq(req->fields[i].name, SPAN("authorization")))
            continue;
        if (found)
            return -EINVAL;
        found = &req->fields[i];
    }
    return found ? auth_parse(found->value, c) : -EINVAL;
}

/* --- what is answered ------------------------------------------------------------------- */

static void
challenge(struct exchange *x, const struct auth_rule *rule)
{
    struct field extra = {SPAN("WWW-Authenticate"), {NULL, 0}};
    struct buf value;
    int rc;

    buf_init(&value, REALM_MAX);
    rc = buf_add_str(&value, "Basic realm=\"");
    for (const char *p = rule->realm; *p && rc == 0; p++) {
        if (*p == '"' || *p == '\\')
            rc = buf_add_str(&value, "\\");
        if (rc == 0 && !is_control(*p))
            rc = buf_add(&value, p, 1);
    }
    if (rc == 0)
        rc = buf_add_str(&value, "\", charset=\"UTF-8\"");
    extra.value =
        rc == 0 ? buf_span(&value) : SPAN("Basic realm=\"closed\", charset=\"UTF-8\"");
    errorpage_answer(x, 401, &extra, 1);
    buf_done(&value);
}

/* Whatever cannot be checked is closed; the administrator reads why. */
static void
refuse(struct exchange *x, const struct auth_rule *rule, unsigned status, const char *why)
{
    static const struct field retry = {{"Retry-After", 11}, {"5", 1}};
    char *text = mem_fmt("auth_basic: %s: %s", rule->file, why);

    exchange_error(x, span_str(text));
    free(text);
    errorpage_answer(x, status, &retry, status == 503);
}

static void
on_checked(void *data, bool fits)
{
    struct check *check = data;
    struct exchange *x = check->x;
    const struct auth_rule *rule = check->rule;
    bool passed = fits && check->known;

    x->answerer = NULL;
    x->answerer_data = NULL;
    if (passed)
        remember(x->auth, check->digest, date_mono_ms());
    explicit_bzero(check, sizeof(*check));
    free(check);
    if (!passed) {
        challenge(x, rule);
        return;
    }
    x->sink->ops->flush(x->sink); /* nothing yet: but the connection shall look at x again */
    exchange_answer(x, x->files);
}

static void
on_gone(void *answerer)
{
    struct check *check = answerer;

    hasher_forget(&check->job);
    explicit_bzero(check, sizeof(*check));
    free(check);
}

/* It takes no body: that is for whoever answers in the end. */
static const struct answerer_ops check_ops = {.name = "auth", .on_gone = on_gone};

static void
start_check(struct exchange *x, const struct auth_rule *rule, const struct htpasswd_file *file,
            const struct credentials *c, const uint8_t *digest)
{
    struct check *check;
    struct span hash;
    bool known = htpasswd_find(file, c->user, &hash);
    int rc;

    if (!hash.n) {
        refuse(x, rule, 500, "no user with a hash of a kind that is taken");
        return;
    }
    check = mem_new(sizeof(*check));
    check->x = x;
    check->rule = rule;
    check->known = known;
    memcpy(check->digest, digest, DIGEST_BYTES);
    rc = hasher_check(x->auth->hasher, c->password, hash, on_checked, check, &check->job);
    if (rc < 0) {
        free(check);
        refuse(x, rule, 503, strerror(-rc));
        return;
    }
    x->answerer = &check_ops;
    x->answerer_data = check;
}

/* The credentials are well formed: are they right? */
static bool
look_up(struct exchange *x, const struct auth_rule *rule, const struct credentials *c)
{
    const struct htpasswd_file *file;
    uint8_t digest[DIGEST_BYTES];
    uint64_t now_ms = date_mono_ms();
    int rc = htpasswd_open(x->auth->files, rule->file, now_ms, &file);

    if (rc < 0) {
        refuse(x, rule, 500, strerror(-rc));
        return false;
    }
    digest_of(x->auth, htpasswd_version(file), c, digest);
    if (!is_proved(x->auth, digest, now_ms)) {
        start_check(x, rule, file, c, digest);
        return false;
    }
    free(x->remote_user);
    x->remote_user = mem_str_span(c->user);
    return true;
}

static const struct auth_rule *
rule_of(const struct site_rules *rules, struct span path)
{
    for (const struct auth_rule *r = rules->auths; r < rules->auths + rules->nauths; r++)
        if (rules_path_matches(r->path, path))
            return r;
    return NULL;
}

bool
auth_passed(struct exchange *x, struct span path)
{
    const struct auth_rule *rule = rule_of(&x->site->rules, path);
    struct credentials c;
    bool passed = false;

    if (!rule)
        return true;
    if (!x->auth)
        refuse(x, rule, 500, "passwords cannot be checked here");
    else if (credentials_of(&x->req, &c) < 0)
        challenge(x, rule);
    else
        passed = look_up(x, rule, &c);
    explicit_bzero(&c, sizeof(c));
    return passed;
}
