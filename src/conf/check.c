/* What can only be said of all vhosts together. Floor 2; supervisor. */
#include "check.h"

#include "errors.h"

#include "hostel/base/mem.h"

#include <stdlib.h>

struct named {
    const char *name;
    size_t vhost;
};

static int
named_order(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    if (order)
        return order;
    return x->vhost < y->vhost ? -1 : x->vhost > y->vhost;
}

static struct named *
all_names(const struct conf *c, size_t *count)
{
    struct named *names;
    size_t n = c->nvhosts;

    for (size_t i = 0; i < c->nvhosts; i++)
        for (char **a = c->vhosts[i].aliases; *a; a++)
            n++;
    names = mem_new_array(n, sizeof(*names));
    n = 0;
    for (size_t i = 0; i < c->nvhosts; i++) {
        names[n++] = (struct named){c->vhosts[i].host, i};
        for (char **a = c->vhosts[i].aliases; *a; a++)
            names[n++] = (struct named){*a, i};
    }
    *count = n;
    return names;
}

/* in  name  that both have; NULL: both are the default */
static void
say_clash(const struct conf_vhost *v, const struct conf_vhost *other, const char *name,
          struct conf_errors *errors)
{
    if (name)
        errors_vhost(errors, v, "`%s` is named already by vhost %s in %s", name, other->host,
                     other->file);
    else
        errors_vhost(errors, v, "vhost %s in %s is the default already", other->host,
                     other->file);
}

static void
check_twice(const struct conf *c, check_blame_fn *blames_first, void *data,
            struct conf_errors *errors)
{
    size_t n;
    struct named *names = all_names(c, &n);

    qsort(names, n, sizeof(*names), named_order); /* 200,000 names: sorting stays cheap */
    for (size_t i = 1; i < n; i++) {
        const struct conf_vhost *first = &c->vhosts[names[i - 1].vhost];
        const struct conf_vhost *v = &c->vhosts[names[i].vhost];

        if (strcmp(names[i - 1].name, names[i].name) != 0)
            continue;
        if (blames_first(data, first, v))
            say_clash(first, v, names[i].name, errors);
        else if (first == v)
            errors_vhost(errors, v, "`%s` is named twice", names[i].name);
        else
            say_clash(v, first, names[i].name, errors);
    }
    free(names);
}

static void
check_default(const struct conf *c, check_blame_fn *blames_first, void *data,
              struct conf_errors *errors)
{
    const struct conf_vhost *first = NULL;

    for (const struct conf_vhost *v = c->vhosts; v < c->vhosts + c->nvhosts; v++) {
        if (v->by_default && first) {
            if (blames_first(data, first, v))
                say_clash(first, v, NULL, errors);
            else
                say_clash(v, first, NULL, errors);
        }
        if (v->by_default && !first)
            first = v;
    }
}

void
check_names(const struct conf *c, check_blame_fn *blames_first, void *data,
            struct conf_errors *errors)
{
    if (c->nvhosts == 0)
        return;
    check_twice(c, blames_first, data, errors);
    check_default(c, blames_first, data, errors);
}
