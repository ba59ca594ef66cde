/* The rules of one vhost, while they are gathered. Floor 2; supervisor. */
#include "rules.h"

#include "value_rules.h"

#include "hostel/base/mem.h"

#include <stdlib.h>

static void
rule_done(struct conf_rule *rule)
{
    free(rule->match);
    free(rule->name);
    free(rule->value);
}

void
rules_add(struct rules *r, struct conf_rule rule)
{
    if (r->n == RULES_ALL_MAX) {
        rule_done(&rule);
        return;
    }
    r->v = mem_grow(r->v, (r->n + 1) * sizeof(*r->v));
    r->v[r->n++] = rule;
}

static void
add_nets(struct rules *r, const struct raw_list *list, bool allow)
{
    for (uint32_t i = 0; i < list->n; i++) {
        struct conf_rule rule = {.kind = CONF_ACCESS, .allow = allow};

        if (value_net(span_str(list->v[i]), rule.net, &rule.bits) == 0)
            rules_add(r, rule);
    }
}

/* The smaller net first; of two of a size, denied before allowed. */
static int
access_order(const void *a, const void *b)
{
    const struct conf_rule *x = a, *y = b;

    if (x->bits != y->bits)
        return x->bits > y->bits ? -1 : 1;
    return (int)x->allow - (int)y->allow;
}

void
rules_add_access(struct rules *r, const struct raw_list *allow, const struct raw_list *deny)
{
    size_t first = r->n;

    if (allow->n == 0 && deny->n == 0)
        return;
    add_nets(r, allow, true);
    add_nets(r, deny, false);
    if (r->n > first)
        qsort(r->v + first, r->n - first, sizeof(*r->v), access_order);
    rules_add(r, (struct conf_rule){.kind = CONF_ACCESS, .allow = allow->n == 0});
}

static size_t
bytes(const char *text)
{
    return text ? strlen(text) : 0;
}

size_t
rules_bytes(const struct rules *r)
{
    size_t sum = 0;

    for (size_t i = 0; i < r->n; i++)
        sum += bytes(r->v[i].match) + bytes(r->v[i].name) + bytes(r->v[i].value);
    return sum;
}

size_t
rules_of_kind(const struct rules *r, enum conf_rule_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++)
        n += r->v[i].kind == kind;
    return n;
}

void
rules_done(struct rules *r)
{
    for (size_t i = 0; i < r->n; i++)
        rule_done(&r->v[i]);
    free(r->v);
    *r = (struct rules){0};
}
