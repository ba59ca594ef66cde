/* Who takes connections where. Floor 2; supervisor. */
#include "listen.h"

#include "errors.h"
#include "rows.h"
#include "value.h"

#include "hostel/base/mem.h"
#include "hostel/sys/sockets.h"

#include <netinet/in.h>
#include <stdlib.h>

void
listen_append(struct conf *c, const struct conf_listen *l, const char *text)
{
    if ((c->nlisten & (c->nlisten + 1)) == 0) /* 0, 1, 3, 7, ...: double */
        c->listen = mem_grow(c->listen, (2 * c->nlisten + 1) * sizeof(*c->listen));
    c->listen[c->nlisten] = *l;
    c->listen[c->nlisten++].text = mem_str(text);
}

static void
add_own(struct conf *c, const struct conf_vhost *v, bool tls, const struct raw_list *raw)
{
    const struct row *row = &rows[tls ? ROW_VHOST_LISTEN_TLS : ROW_VHOST_LISTEN];
    char why[VALUE_WHY_MAX];

    for (uint32_t i = 0; i < raw->n; i++) {
        struct conf_listen l = {.user = v->user, .vhost = (size_t)(v - c->vhosts), .tls = tls};
        struct span text = span_str(raw->v[i]);

        if (value_check(row, text, why) == 0 && value_address(text, &l.addr, &l.addr_len) == 0)
            listen_append(c, &l, raw->v[i]);
    }
}

void
listen_own(struct conf *c, const struct conf_vhost *v, const struct raw_vhost *raw)
{
    add_own(c, v, false, &raw->listen);
    add_own(c, v, true, &raw->listen_tls);
}

/* --- which of them are in each other's way ------------------------------------------------ */

static uint16_t
port_of(const struct conf_listen *l)
{
    return l->addr.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&l->addr)->sin6_port
                                         : ((const struct sockaddr_in *)&l->addr)->sin_port;
}

/* How much of the machine it is: 0 all of it, 1 its IPv4, 2 one address. */
static int
narrow(const struct conf_listen *l)
{
    if (l->addr.ss_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&l->addr)->sin6_addr) ? 0
                                                                                            : 2;
    return ((const struct sockaddr_in *)&l->addr)->sin_addr.s_addr == INADDR_ANY ? 1 : 2;
}

static bool
is_same(const struct conf_listen *a, const struct conf_listen *b)
{
    return a->addr_len == b->addr_len && memcmp(&a->addr, &b->addr, a->addr_len) == 0;
}

/* By port, wide ones first, equal ones together, and the main ones before a user's own. */
static int
listen_order(const void *a, const void *b)
{
    const struct conf_listen *x = *(const struct conf_listen *const *)a;
    const struct conf_listen *y = *(const struct conf_listen *const *)b;
    int order = port_of(x) - port_of(y);

    if (order == 0)
        order = narrow(x) - narrow(y);
    if (order == 0)
        order = x->addr_len != y->addr_len ? (x->addr_len < y->addr_len ? -1 : 1)
                                           : memcmp(&x->addr, &y->addr, x->addr_len);
    return order ? order : x < y ? -1 : x > y;
}

struct checking {
    struct conf *c;
    check_blame_fn *blames_first;
    void *data;
    struct conf_errors *errors;
};

static const char *
key_of(const struct conf_listen *l)
{
    return row_key(&rows[l->tls ? ROW_VHOST_LISTEN_TLS : ROW_VHOST_LISTEN]);
}

static void
say_main(const struct checking *k, const struct conf_listen *l, const struct conf_listen *main)
{
    const struct conf_vhost *v = &k->c->vhosts[l->vhost];

    (void)k->blames_first(k->data, v, v); /* the main file is not to blame */
    errors_vhost(k->errors, v,
                 "%s: `%s` is taken by `%s` of the main file, where everybody is served",
                 key_of(l), l->text, main->text);
}

static void
say_other(const struct checking *k, const struct conf_listen *l,
          const struct conf_listen *other)
{
    const struct conf_vhost *first = &k->c->vhosts[other->vhost];
    const struct conf_vhost *v = &k->c->vhosts[l->vhost];

    if (k->blames_first(k->data, first, v)) {
        const struct conf_vhost *swap = first;

        first = v;
        v = swap;
    }
    errors_vhost(k->errors, v,
                 "%s: `%s` is taken by `%s` of vhost %s in %s: an address is one user's, with "
                 "TLS or without",
                 key_of(l), l->text, other->text, first->host, first->file);
}

/* Both are of one port, and in each other's way. */
static void
clash(const struct checking *k, const struct conf_listen *first, struct conf_listen *again)
{
    if (first->vhost == CONF_SHARED && again->vhost == CONF_SHARED)
        return; /* said already, or by the kernel */
    if (first->vhost == CONF_SHARED)
        say_main(k, again, first);
    else if (again->vhost == CONF_SHARED)
        say_main(k, first, again);
    else if (first->user != again->user || first->tls != again->tls || !is_same(first, again))
        say_other(k, again, first);
    if (again->vhost != CONF_SHARED) { /* taken out below */
        free(again->text);
        again->text = NULL;
    }
}

/* Each looks at the equal one before it, and at the wide ones of its port. */
static void
look_at(const struct checking *k, struct conf_listen *const *sorted, size_t n)
{
    const struct conf_listen *all = NULL, *v4 = NULL, *last = NULL;

    for (size_t i = 0; i < n; i++) {
        struct conf_listen *l = sorted[i];
        const struct conf_listen *before = last;

        if (before && port_of(before) != port_of(l))
            all = v4 = last = before = NULL;
        if (!before || !is_same(before, l))
            before = all ? all : v4 && l->addr.ss_family == AF_INET ? v4 : NULL;
        if (before)
            clash(k, before, l);
        if (!l->text)
            continue;
        last = l;
        if (narrow(l) == 0 && !all)
            all = l;
        if (narrow(l) == 1 && !v4)
            v4 = l;
    }
}

/* --- how many ------------------------------------------------------------------------------
 */

static void
count(const struct checking *k)
{
    struct conf *c = k->c;
    size_t own = 0, *of = mem_new_array(c->nusers + 1, sizeof(*of));

    for (size_t i = 0; i < c->nlisten; i++) {
        const struct conf_listen *l = &c->listen[i];
        const struct conf_vhost *v = l->vhost == CONF_SHARED ? NULL : &c->vhosts[l->vhost];

        if (l->user == CONF_SHARED)
            continue;
        of[l->user]++;
        if (!v || (of[l->user] <= LISTEN_USER_MAX && ++own <= LISTEN_OWN_MAX))
            continue;
        (void)k->blames_first(k->data, v, v);
        errors_vhost(k->errors, v,
                     "%s: `%s` is one too many: %d of a user, %d of all are the most",
                     key_of(l), l->text, LISTEN_USER_MAX, LISTEN_OWN_MAX);
        break;
    }
    free(of);
}

/*
 * May a main listener go to the only user there is? Not where acceptors take what proxies say
 * of visitors. And not, unless it is said (vhost.listen), where a privilege is needed to
 * listen: the kernel takes no address from a socket, so whoever keeps a copy has that port
 * until he ends, also when there are other users by then, or another server.
 */
static bool
goes_to_one(const struct conf *c, const struct conf_listen *l)
{
    return l->proxies.n == 0 && (!c->switching || tcp_port_is_anybodys(ntohs(port_of(l))));
}

void
listen_check(struct conf *c, check_blame_fn *blames_first, void *data,
             struct conf_errors *errors)
{
    const struct checking k = {c, blames_first, data, errors};
    struct conf_listen **sorted = mem_new_array(c->nlisten + 1, sizeof(struct conf_listen *));
    size_t kept = 0;

    for (size_t i = 0; i < c->nlisten; i++)
        sorted[i] = &c->listen[i];
    qsort(sorted, c->nlisten, sizeof(struct conf_listen *), listen_order);
    look_at(&k, sorted, c->nlisten);
    free(sorted);
    for (size_t i = 0; i < c->nlisten; i++)
        if (c->listen[i].text)
            c->listen[kept++] = c->listen[i];
    c->nlisten = kept;
    for (size_t i = 0; c->nusers == 1 && i < c->nlisten; i++)
        if (goes_to_one(c, &c->listen[i]))
            c->listen[i].user = 0;
    count(&k);
}
