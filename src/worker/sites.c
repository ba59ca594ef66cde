/* Host names to sites: one hash table; wildcards stand in it as "*.suffix". Floor 6; worker. */
#include "sites.h"
#include "hostel/base/mem.h"

#include <stdlib.h>

struct slot {
    struct span name; /* lent from the site; p NULL = free */
    const struct site *site;
};

struct sites {
    struct site **all;
    size_t count;
    struct slot *slots;
    size_t nslots; /* a power of two, at least twice the names */
    size_t names;
    const struct site *by_default, *acme;
};

#define HASH_START 2166136261u

static uint32_t
hash_more(uint32_t h, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u; /* FNV-1a */
    return h;
}

struct sites *
sites_new(void)
{
    struct sites *s = mem_new(sizeof(*s));

    s->nslots = 16;
    s->slots = mem_new_array(s->nslots, sizeof(*s->slots));
    return s;
}

static void
strings_free(char **strings)
{
    for (char **p = strings; p && *p; p++)
        free(*p);
    free(strings);
}

void
sites_free(struct sites **s)
{
    if (!*s)
        return;
    for (size_t i = 0; i < (*s)->count; i++) {
        struct site *site = (*s)->all[i];

        strings_free(site->names);
        strings_free(site->index);
        site_dir_free(&site->dir);
        free(site->root);
        free(site->fallback);
        free(site->hsts);
        rules_done(&site->rules);
        free(site);
    }
    free((*s)->all);
    free((*s)->slots);
    free(*s);
    *s = NULL;
}

/* The slot of head and tail together, or the free one where it would stand. */
static struct slot *
slot_of(const struct sites *s, struct span head, struct span tail)
{
    size_t i = hash_more(hash_more(HASH_START, head), tail);

    for (;; i++) {
        struct slot *slot = &s->slots[i & (s->nslots - 1)];

        if (!slot->name.p)
            return slot;
        if (slot->name.n == head.n + tail.n && span_starts(slot->name, head) &&
            span_eq(span_skip(slot->name, head.n), tail))
            return slot;
    }
}

static void
grow(struct sites *s)
{
    struct slot *old = s->slots;
    size_t n = s->nslots;

    s->nslots *= 2;
    s->slots = mem_new_array(s->nslots, sizeof(*s->slots));
    for (size_t i = 0; i < n; i++)
        if (old[i].name.p)
            *slot_of(s, (struct span){NULL, 0}, old[i].name) = old[i];
    free(old);
}

void
sites_add(struct sites *s, struct site *site)
{
    s->all = mem_grow(s->all, (s->count + 1) * sizeof(*s->all));
    s->all[s->count++] = site;
    for (char **name = site->names; *name; name++) {
        struct slot *slot;

        if (2 * (s->names + 1) > s->nslots)
            grow(s);
        slot = slot_of(s, (struct span){NULL, 0}, span_str(*name));
        if (slot->name.p)
            continue;
        *slot = (struct slot){span_str(*name), site};
        s->names++;
    }
    if (site->acme && !s->acme)
        s->acme = site;
    if (site->by_default && !s->by_default)
        s->by_default = site;
}

struct site *
sites_last(const struct sites *s)
{
    return s->count ? s->all[s->count - 1] : NULL;
}

struct site *
sites_nth(const struct sites *s, size_t nth)
{
    return nth < s->count ? s->all[nth] : NULL;
}

void
sites_drop_tls(const struct sites *s, const struct tls_ops *ops)
{
    for (size_t i = 0; i < s->count; i++)
        ops->host_free(&s->all[i]->tls);
}

size_t
sites_count(const struct sites *s)
{
    return s->count;
}

const struct site *
sites_find(const struct sites *s, struct span host)
{
    const struct slot *slot;

    if (host.n == 0 || host.p[0] == '*')
        return NULL;
    slot = slot_of(s, (struct span){NULL, 0}, host);
    while (!slot->site && host.n > 0) {
        size_t dot = span_find(host, '.');

        if (dot == host.n)
            return NULL;
        host = span_skip(host, dot);
        slot = slot_of(s, SPAN("*"), host);
        host = span_skip(host, 1);
    }
    return slot->site;
}

const struct site *
sites_default(const struct sites *s)
{
    return s->by_default;
}

const struct site *
sites_acme(const struct sites *s)
{
    return s->acme;
}
