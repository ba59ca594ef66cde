/*
 * Limits: of a site what its vhost says, of a user what one of his vhosts does. Floor 2;
 * supervisor.
 */
#include "check.h"
#include "errors.h"
#include "fill.h"
#include "rows.h"
#include "value.h"

#include "hostel/base/mem.h"

#include <stdlib.h>

static const struct row *
row_of(enum conf_limit which)
{
    return &rows[ROW_LIMITS_FIRST + (int)which];
}

struct conf_limits
fill_limits(const struct conf_limits *base, const struct raw_limits *raw)
{
    struct conf_limits l = {.set = 0};
    char why[VALUE_WHY_MAX];

    for (enum conf_limit i = 0; i < CONF_LIMITS; i++) {
        const struct row *r = row_of(i);
        const char *text = raw ? raw->v[i] : NULL;

        if (text && value_check(r, span_str(text), why) == 0) {
            l.value[i] = value_number(r, span_str(text));
            l.set |= UINT32_C(1) << i;
        } else if (base) {
            l.value[i] = base->value[i];
        } else if (r->preset) {
            l.value[i] = value_number(r, span_str(r->preset));
        }
    }
    /* a burst that is said for all is no vhost's own that says another rate */
    if (!conf_limit_set(&l, LIMIT_REQUESTS_BURST) &&
        (!base || !l.value[LIMIT_REQUESTS_BURST] || conf_limit_set(&l, LIMIT_REQUESTS)))
        l.value[LIMIT_REQUESTS_BURST] = l.value[LIMIT_REQUESTS];
    return l;
}

/* --- of a user ------------------------------------------------------------------------------
 */

struct numbered {
    uid_t uid;
    size_t user;
};

static int
by_uid(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;

    if (x->uid != y->uid)
        return x->uid < y->uid ? -1 : 1;
    return x->user < y->user ? -1 : x->user > y->user;
}

/* ret  of each user the first with his uid, which may be himself; owned */
static size_t *
first_of_uid(const struct conf *c)
{
    struct numbered *all = mem_new_array(c->nusers + 1, sizeof(*all));
    size_t *first = mem_new_array(c->nusers + 1, sizeof(*first));

    for (size_t i = 0; i < c->nusers; i++)
        all[i] = (struct numbered){c->users[i].ids.uid, i};
    qsort(all, c->nusers, sizeof(*all), by_uid);
    for (size_t i = 0; i < c->nusers; i++)
        first[all[i].user] =
            i && all[i - 1].uid == all[i].uid ? first[all[i - 1].user] : all[i].user;
    free(all);
    return first;
}

/* in  v  says another value of the user's limit than the other vhost, which stands before */
static void
say_clash(const struct conf_vhost *v, const struct conf_vhost *other, enum conf_limit which,
          struct conf_errors *errors)
{
    errors_vhost(errors, v,
                 "limits: `%s` is the user's as a whole, and vhost %s (%s:%zu) says another "
                 "value",
                 row_key(row_of(which)), other->host, other->file, other->line);
}

/* Who of a user's vhosts says a limit first. */
struct sayer {
    const struct conf_vhost *of[CONF_LIMITS];
};

static void
take(struct conf_limits *all, struct sayer *said, const struct conf_vhost *v,
     check_blame_fn *blames_first, void *data, struct conf_errors *errors)
{
    for (enum conf_limit i = LIMITS_OF_SITE; i < CONF_LIMITS; i++) {
        const struct conf_vhost *first = said->of[i];

        if (!conf_limit_set(v->limits, i))
            continue;
        if (!first) {
            said->of[i] = v;
            all->value[i] = v->limits->value[i];
            all->set |= UINT32_C(1) << i;
        } else if (all->value[i] != v->limits->value[i]) {
            bool to_first = blames_first && blames_first(data, first, v);

            say_clash(to_first ? first : v, to_first ? v : first, i, errors);
        }
    }
}

static struct conf_limits *
limits_copy(const struct conf_limits *l)
{
    struct conf_limits *copy = mem_new(sizeof(*copy));

    *copy = *l;
    return copy;
}

void
check_limits(struct conf *c, check_blame_fn *blames_first, void *data,
             struct conf_errors *errors)
{
    size_t *first = first_of_uid(c);
    struct sayer *said = mem_new_array(c->nusers + 1, sizeof(*said));

    for (size_t i = 0; i < c->nvhosts; i++) {
        const struct conf_vhost *v = &c->vhosts[i];
        struct conf_user *u;

        if (v->user >= c->nusers || !v->limits)
            continue;
        u = &c->users[first[v->user]];
        if (!u->limits)
            u->limits = limits_copy(&c->limits);
        take(u->limits, &said[first[v->user]], v, blames_first, data, errors);
    }
    for (size_t i = 0; i < c->nusers; i++)
        if (first[i] != i && c->users[first[i]].limits)
            c->users[i].limits = limits_copy(c->users[first[i]].limits);
    free(said);
    free(first);
}
