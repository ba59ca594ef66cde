/* Choosing among a file and its variants. Floor 5; worker. */
#include "variant.h"

#define ANY_CODING (CODING_BIT(CODINGS) - 1)
#define PLAIN      CODING_BIT(CODING_IDENTITY)

static unsigned
beside(const struct cached_file *f)
{
    unsigned set = 0;

    for (int c = CODING_IDENTITY + 1; c < CODINGS; c++)
        if (f->variants[c] && !f->variants[c]->made)
            set |= CODING_BIT(c);
    return set;
}

static bool
compressible(const struct site *site, const struct cached_file *f)
{
    return site->compress && f->size > 0 && f->pays;
}

static bool
about_range(const struct request *r)
{
    return r->method == METHOD_GET && request_field(r, SPAN("range")).p;
}

/* Compressed here: only what pays, unless it is the one thing that the visitor takes. */
static enum coding
choose_made(const struct exchange *x, const struct cached_file *f,
            const struct encoding_wish *wish)
{
    bool forced = wish->weight[CODING_IDENTITY] == 0;

    if (!compressible(x->site, f))
        return CODINGS;
    if (!forced && (f->size < x->site->compress_min || about_range(&x->req)))
        return CODING_IDENTITY;
    return encoding_choose(wish, ANY_CODING);
}

struct cached_file *
variant_pick(struct exchange *x, struct cached_file *f)
{
    unsigned there = PLAIN | beside(f);
    struct encoding_wish wish;
    enum coding c;

    f->vary = there != PLAIN || (compressible(x->site, f) && f->size >= x->site->compress_min);
    if (request_lacks(&x->req, SPAN("accept-encoding")))
        return f; /* he would take anything, and to compress would be a guess. 12.5.3 */
    encoding_wish(&x->req, &wish);
    for (;; there &= ~CODING_BIT(c)) {
        c = encoding_choose(&wish, there);
        if (c == CODING_IDENTITY || c == CODINGS)
            break;
        if (cached_file_current(f->variants[c])) { /* its length in the head must be of now */
            f->variants[c]->vary = true;
            return f->variants[c];
        }
    }
    if (c == CODINGS || compressible(x->site, f))
        c = choose_made(x, f, &wish);
    if (c == CODINGS)
        return NULL;
    if (c == CODING_IDENTITY)
        return f;
    f = filecache_made(x->files, f, c);
    f->vary = true;
    return f;
}
